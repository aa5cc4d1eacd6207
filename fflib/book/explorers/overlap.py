"""The overlap explorer: a matrix of classes, and for each cell the units that two ensembles share."""

from collections.abc import Iterable, Sequence
from itertools import combinations

import matplotlib as mpl
import numpy as np
import pandas as pd
from IPython.display import HTML

from fflib import wording
from fflib.book.explorers.page import bits, panel
from fflib.book.explorers.runs import about, one_each
from fflib.book.figures import style
from fflib.measures.ensembles import RULES
from fflib.measures.sharing import jaccard, shared_units
from fflib.records.stores import Record
from fflib.study.claims import members

__all__ = ["explore_overlap", "overlap_table"]

STOPS = 9  # of the colour scale


def explore_overlap(records: Iterable[Record], start: tuple[int, int] | None = None) -> HTML:
    """Build a panel in which a reader points at two classes and sees the units that they share.

    The first record of each data set and model is shown, under each rule on record, its last layer
    first, where most is shared. `start` is the cell pointed at to begin with: by default, the pair that
    overlaps most there in the first run. A table holds all pairs of classes of the first run. Six runs
    of three layers of 784 units under three rules come to about 100 kB.
    """
    runs = one_each(records)
    rules = [rule for rule in RULES if all(f"ensembles/{rule}" in r.arrays for r in runs)]
    if start is None:
        first = np.tril(np.nan_to_num(jaccard(members(runs[0], rules[0])[-1])), -1)
        row, column = np.unravel_index(first.argmax(), first.shape)
        start = int(row), int(column)
    said = about(runs[0])
    data = {
        "runs": [
            about(record) | {"members": [bits(members(record, rule)) for rule in rules]}
            for record in runs
        ],
        "rules": [wording.rule_name(rule) for rule in rules],
        "start": list(start),
        "layer": runs[0].experiment.layers - 1,
        "scale": colours(STOPS),
    }
    return panel(
        "overlap",
        "all",
        data,
        label="Overlap explorer",
        table=overlap_table(members(runs[0], rules[0]), said["classes"]),
        caption=(
            f"As a table: units that two ensembles share and their Jaccard index, {said['model']} "
            f"on {said['dataset']}, {wording.rule_name(rules[0])} rule"
        ),
    )


def colours(stops: int) -> list[list[int]]:
    """Return the book's scale of shares, as red, green and blue from 0 to 255."""
    scale = mpl.colormaps[style.OVERLAP_MAP](np.linspace(0, 1, stops))
    return [[round(255 * part) for part in colour[:3]] for colour in scale]


def overlap_table(ensembles: np.ndarray, classes: Sequence[str]) -> pd.DataFrame:
    """Tabulate what every pair of classes shares, layer by layer.

    The ensembles have shape (layer, class, unit). The table has a row per pair that shares a unit
    in any layer and a column per layer, with entries such as "5 (0.06)".

    Examples
    --------
    >>> ensembles = np.array([[[1, 1, 0], [0, 1, 0], [0, 0, 1]]], dtype=bool)
    >>> overlap_table(ensembles, ["a", "b", "c"])
             layer 1
    classes
    a and b  1 (0.50)
    """
    shared, index = shared_units(ensembles), np.nan_to_num(jaccard(ensembles))
    rows = {
        f"{classes[a]} and {classes[b]}": [
            f"{n} ({j:.2f})" for n, j in zip(shared[:, a, b], index[:, a, b], strict=True)
        ]
        for a, b in combinations(range(len(classes)), 2)
        if shared[:, a, b].any()
    }
    columns = [f"layer {depth}" for depth in range(1, len(ensembles) + 1)]
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    return frame.rename_axis("classes")
