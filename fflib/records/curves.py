"""The learning curve on record: its rows as columns, and fewer of them where a training is long."""

from collections.abc import Mapping, Sequence

import numpy as np

__all__ = ["EVERY", "Cell", "columns", "rows", "thinned"]

Cell = int | float | None

EVERY = 64
"""Epochs of a layer from which on not every one is kept."""


def thinned(curve: Sequence[dict[str, Cell]]) -> list[dict[str, Cell]]:
    """Leave out rows of a long learning curve.

    Below :data:`EVERY` epochs of a layer all rows stay; from there on those of every second epoch,
    from twice as many on of every fourth, and so on, so that each doubling of the epochs adds half
    of :data:`EVERY` rows. The last row of each layer stays, and so does every row with an accuracy.

    Examples
    --------
    >>> curve = [{"layer": 0, "epoch": e, "accuracy": None} for e in range(1, 151)]
    >>> [row["epoch"] for row in thinned(curve)][60:68], [row["epoch"] for row in thinned(curve)][-7:]
    ([61, 62, 63, 64, 66, 68, 70, 72], [128, 132, 136, 140, 144, 148, 150])
    """

    def stays(row: dict[str, Cell], following: dict[str, Cell] | None) -> bool:
        ends = following is None or following["layer"] != row["layer"]
        epoch = int(row["epoch"] or 0)
        step = 2 ** max(0, (epoch // (EVERY // 2)).bit_length() - 1)
        return ends or row["accuracy"] is not None or epoch % step == 0

    return [
        row
        for row, following in zip(curve, [*curve, None][1:], strict=True)
        if stays(row, following)
    ]


def columns(curve: Sequence[Mapping[str, Cell]]) -> dict[str, np.ndarray]:
    """Turn rows into arrays, one for each column, from which :func:`rows` makes the same rows.

    Whole numbers take one or two bytes where they can. Others stay float64, as they were measured;
    None is nan among them. The result is empty where that would alter a row, since rows differ in
    their columns, a column mixes whole and other numbers, or a number is nan: no training leaves
    such a curve.

    Examples
    --------
    >>> columns([{"epoch": 1, "accuracy": None}, {"epoch": 2, "accuracy": 0.5}])
    {'epoch': array([1, 2], dtype=uint8), 'accuracy': array([nan, 0.5])}
    """
    if len({tuple(row) for row in curve}) != 1:
        return {}
    table = {name: _column([row[name] for row in curve]) for name in curve[0]}
    known = {name: column for name, column in table.items() if column is not None}
    return known if len(known) == len(table) else {}


def _column(values: Sequence[Cell]) -> np.ndarray | None:
    whole = [value for value in values if type(value) is int]
    if len(whole) == len(values):
        for kind in (np.uint8, np.uint16, np.int64):
            if np.iinfo(kind).min <= min(whole) and max(whole) <= np.iinfo(kind).max:
                return np.array(whole, kind)
    elif all(value is None or (type(value) is float and value == value) for value in values):
        return np.array(values, np.float64)
    return None


def rows(table: Mapping[str, np.ndarray]) -> list[dict[str, Cell]]:
    """Turn columns back into rows.

    Examples
    --------
    >>> rows(columns([{"epoch": 1, "accuracy": None}]))
    [{'epoch': 1, 'accuracy': None}]
    """
    values = [[None if x != x else x for x in column.tolist()] for column in table.values()]
    return [dict(zip(table, row, strict=True)) for row in zip(*values, strict=True)]
