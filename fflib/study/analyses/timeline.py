"""How ensembles come into being: tables of the time of training (the first open question)."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from fflib.measures.timeline import SILENT, by_chance, kept
from fflib.records.stores import Record
from fflib.statistics import mean_interval
from fflib.study.claims.timeline import LayerTimeline, delay, timelines
from fflib.study.tables import intervals, named, rows_of

__all__ = ["SHARES", "classes_kept", "delays", "moments", "settling"]

SHARES = (0.5, 0.7, 0.8, 0.9)
"""Parts of the way to the last value at which membership and accuracy are compared."""


def moments(records: Iterable[Record]) -> pd.DataFrame:
    """Return one row per run, snapshot and hidden layer.

    Columns: ``dataset``, ``model``, ``seed``, then the columns of
    :func:`fflib.records.timeline.timeline`; where all layers learn together, ``learns`` is 0. Runs
    without snapshots have no rows.
    """
    fields = ["dataset", "model", "seed"]
    table = rows_of(records, lambda record: record.metrics.timeline or (), fields)
    return table.assign(learns=table["learns"].fillna(0).astype(int)) if len(table) else table


def settling(records: Iterable[Record]) -> pd.DataFrame:
    """Show when accuracy and membership are settled.

    The table has a row per data set, model and layer, of :class:`fflib.statistics.Interval`. The
    part of the layer's training steps (of all, where the layers learn together) after which
    ``accuracy``, ``agreement`` with the last answers and ``membership`` stay beyond
    :data:`fflib.study.claims.timeline.SHARE` of the way to their last values; and the ``doublings``
    of the steps from the first of these to the last.
    """

    def numbers(h: LayerTimeline) -> dict[str, float]:
        step = {name: h.settled(name) for name in ("accuracy", "agreement", "identity")}
        return {
            "accuracy": step["accuracy"] / h.step[-1],
            "agreement": step["agreement"] / h.step[-1],
            "membership": step["identity"] / h.step[-1],
            "doublings": np.log2(max(step["identity"], 1) / max(step["accuracy"], 1)),
        }

    return _by_layer(records, numbers)


def delays(
    records: Iterable[Record], shares: Sequence[float] = SHARES, against: str = "accuracy"
) -> pd.DataFrame:
    """Show how much later membership is settled, for other definitions of settled.

    `shares` are parts of the way, for membership and for accuracy; `against` is "accuracy" or
    "agreement". The table has a row per share asked of membership, a column per share asked of
    accuracy: doublings of the training steps, averaged over layers, as means over runs with their
    :class:`fflib.statistics.Interval`.
    """
    records = list(records)
    table = {
        f"{against} {second:.0%}": {
            f"membership {first:.0%}": mean_interval(
                [delay(record, first, second, against=against) for record in records]
            )
            for first in shares
        }
        for second in shares
    }
    return pd.DataFrame(table)


def classes_kept(records: Iterable[Record]) -> pd.DataFrame:
    """Show whether units change the class that they prefer.

    The table has a row per data set, model and layer, of :class:`fflib.statistics.Interval`. Among
    units that prefer a class both times, the share that prefers its last class already ``before``
    training, with what is due to ``chance``, and at a ``tenth`` of it; among those that prefer one
    at the end, the share that keeps the same in ``every`` snapshot after that; and the share of all
    units that prefer ``none`` at the end.
    """

    def numbers(h: LayerTimeline) -> dict[str, float]:
        first, last = h.preferred[0], h.preferred[-1]
        after = h.preferred[h.early_moment :]
        awake = last != SILENT
        return {
            "before": kept(first, last),
            "chance": by_chance(first, last),
            "a tenth": kept(h.early, last),
            "every later one": float((after[:, awake] == last[awake]).all(axis=0).mean()),
            "none at the end": float((~awake).mean()),
        }

    return _by_layer(records, numbers)


def _by_layer(
    records: Iterable[Record], numbers: Callable[[LayerTimeline], dict[str, float]]
) -> pd.DataFrame:
    def rows(record: Record) -> Iterable[dict[str, Any]]:
        for depth, layer in enumerate(timelines(record), start=1):
            yield {"layer": f"layer {depth}", **numbers(layer)}

    table = named(rows_of(records, rows, ["dataset", "model"]))
    return intervals(table, ["data set", "model", "layer"])
