r"""Length of training: when each layer of a network is at its best, and what becomes of it from then on.

A network is checked on validation images along training. Where layers are trained one after the other,
each has a *stage* of its own, and the accuracy is that of the layers up to the one that learns.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from fflib.experiment import Experiment
from fflib.records.curves import Cell
from fflib.records.stores import Record
from fflib.statistics import mean_interval
from fflib.study.tables import by_run, intervals, named, rows_of
from fflib.wording import minus

__all__ = [
    "CLOSE",
    "EARLY",
    "LAYER",
    "along",
    "at_the_end",
    "extremes",
    "floor",
    "in_epochs",
    "stages",
    "turns",
    "turns_table",
]

EARLY = 2
"""Epochs of a stage after which its accuracy is compared with that at the end."""

CLOSE = 1.1
"""A loss below so many times its floor counts as being there."""

LAYER = {
    "alone": "accuracy by itself",
    "hoyer": "Hoyer sparseness",
    "size": "units in an ensemble",
    "negative": "share of negative weights",
}
"""What :func:`along` follows, and what figures call it."""

STAGE = ("dataset", "model", "seed", "layer")


def floor(experiment: Experiment) -> float | None:
    r"""Return the loss of a layer that tells all pairs apart, and is silent on negative examples.

    It is :math:`\frac{1}{2} \log(1 + e^{-\theta})`: no goodness is below zero, so that negative
    examples keep this loss however long a layer learns. None for a network without goodness.

    Examples
    --------
    >>> round(floor(Experiment(theta=3.0)), 4)
    0.0243
    """
    theta = experiment.theta
    return None if theta is None else float(np.logaddexp(0, -theta) / 2)


def stages(records: Iterable[Record]) -> pd.DataFrame:
    """Return the learning curve of every run: a row per stage and epoch on record.

    Columns: ``dataset``, ``model`` and ``seed``; ``layer``, the one that learns, counted from 1, or 0
    where all learn together; ``epoch`` of the stage; validation ``accuracy``, nan where it was not
    checked; the mean ``loss`` on training images, as a multiple of its :func:`floor` where it has
    one; and ``floor``, nan where it has none.
    """

    def of_run(record: Record) -> Iterator[dict[str, Any]]:
        least = floor(record.experiment)
        for row in record.curve:
            yield {
                "layer": 0 if row["layer"] is None else row["layer"] + 1,
                "epoch": row["epoch"],
                "accuracy": _known(row["accuracy"]),
                "loss": _known(row["loss"]) / (least or 1.0),
                "floor": _known(least),
            }

    return rows_of(records, of_run, STAGE[:3])


def _known(value: Cell) -> float:
    return np.nan if value is None else value


def turns(records: Iterable[Record]) -> pd.DataFrame:
    """Say of every stage of every run when accuracy was at its highest, and what happened after.

    The table has a row per run and stage: ``dataset``, ``model``, ``seed`` and ``layer`` as in
    :func:`stages`; ``epochs`` of the stage; ``highest``, the highest accuracy, and ``best``, the first epoch
    that has it; ``early`` and ``last``, the accuracy at the first check that is not before epoch :data:`EARLY`,
    and at the last; ``settled``, the first epoch with a loss at most :data:`CLOSE` times its floor, nan where
    that is never or where the loss has none.
    """
    table, found = stages(records), []
    if table.empty:
        return table
    for name, stage in table.groupby(list(STAGE), sort=False):
        checked = stage.dropna(subset=["accuracy"]).set_index("epoch")["accuracy"]
        settled = stage.loc[(stage["loss"] <= CLOSE) & stage["floor"].notna(), "epoch"]
        found.append(
            {
                **dict(zip(STAGE, name, strict=True)),
                "epochs": stage["epoch"].max(),
                "best": checked.idxmax(),
                "highest": checked.max(),
                "early": checked[checked.index >= min(EARLY, stage["epoch"].max())].iloc[0],
                "last": checked.iloc[-1],
                "settled": settled.min(),
            }
        )
    return pd.DataFrame(found)


def turns_table(records: Iterable[Record]) -> pd.DataFrame:
    """Show when each layer is at its best, and what accuracy changes by from its first epochs to the end.

    The table has a row per data set, model and ``layer``, 0 where all learn together: its ``epochs``;
    the ``best`` epoch, median and range over runs; the epoch from which the ``loss`` is ``at its floor``, likewise, with the number of
    runs where that is not all; mean accuracy ``early`` (:data:`EARLY`) and at the ``end``; and their
    ``difference`` with its interval over runs.
    """
    found = turns(records)
    if found.empty:
        return found
    rows = [
        {
            **dict(zip(("dataset", "model", "layer"), cell, strict=True)),
            "epochs": runs["epochs"].max(),
            "best": in_epochs(runs["best"]),
            "loss at its floor": in_epochs(runs["settled"]),
            "early": runs["early"].mean(),
            "end": runs["last"].mean(),
            "difference": minus(f"{mean_interval(runs['last'] - runs['early']):.3f}"),
        }
        for cell, runs in found.groupby(["dataset", "model", "layer"], sort=False)
    ]
    return named(pd.DataFrame(rows)).set_index(["data set", "model", "layer"])


def in_epochs(epochs: pd.Series) -> str:
    """Write epochs, one per run and nan where something never came, as their median and range.

    Examples
    --------
    >>> in_epochs(pd.Series([3, 4, float("nan")]))
    '3.5 (3 to 4, 2 of 3 runs)'
    """
    known = epochs.dropna()
    if known.empty:
        return "never"
    of_runs = "" if len(known) == len(epochs) else f", {len(known)} of {len(epochs)} runs"
    return f"{known.median():g} ({known.min():g} to {known.max():g}{of_runs})"


def along(records: Iterable[Record]) -> pd.DataFrame:
    """Return what each layer is like while it learns, a row per run, layer and snapshot after the first step.

    Columns: ``dataset``, ``model``, ``seed``, ``layer``, the ``epoch`` of its stage, and the :data:`LAYER`, see
    :func:`fflib.records.timeline.timeline`. Runs without snapshots have no rows.
    """

    def of_run(record: Record) -> Iterator[dict[str, Any]]:
        timeline: Iterable[dict[str, Any]] = record.metrics.timeline or ()
        rows = [row for row in timeline if row["learns"] == row["layer"] and row["step"]]
        last = {row["layer"]: row["step"] for row in rows}
        for row in rows:
            epoch = record.experiment.epochs * row["step"] / last[row["layer"]]
            yield {"layer": row["layer"], "epoch": epoch} | {name: row[name] for name in LAYER}

    return rows_of(records, of_run, STAGE[:3])


def extremes(records: Iterable[Record]) -> pd.DataFrame:
    """Show when each layer is at its lowest and at its highest in what :func:`along` follows.

    `records` are runs of one model on one data set, with equal snapshots. The table has a row per layer and
    quantity of :data:`LAYER`: the ``lowest`` and the ``highest`` mean over runs, each with its epoch, and
    that ``at the end``.
    """
    means = along(records).groupby(["layer", "epoch"])[[*LAYER]].mean().rename(columns=LAYER)
    rows: dict[tuple[int, str], dict[str, str]] = {}
    for layer, courses in means.groupby("layer"):
        for measure, course in courses.droplevel("layer").items():
            ends = {"lowest": course.idxmin(), "highest": course.idxmax()}
            rows[layer, measure] = {
                name: f"{course[epoch]:.3g} (epoch {float(f'{epoch:.2g}'):g})"
                for name, epoch in ends.items()
            } | {"at the end": f"{course.iloc[-1]:.3g}"}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(["layer", "measure"])


def at_the_end(records: Iterable[Record]) -> pd.DataFrame:
    """Show what networks are at the end of training, as intervals over runs.

    The table has a row per data set, model and number of epochs (of each layer where layers are trained one
    after the other): test accuracy; and by layer Hoyer sparseness and the share of negative weights.
    """
    runs = list(records)
    depth = max((r.experiment.layers for r in runs), default=0)

    def of_layer(field: str, layer: int) -> Callable[[Record], float]:
        return lambda record: float(getattr(record.metrics.layers[layer], field))

    measures = {"accuracy": lambda record: record.metrics.accuracy}
    for what, field in (("sparseness", "hoyer"), ("negative", "negative_weights")):
        measures |= {f"{what} {n + 1}": of_layer(field, n) for n in range(depth)}
    table = named(by_run(runs, ["dataset", "model", "epochs"], measures))
    return intervals(table, ["data set", "model", "epochs"]).sort_index()
