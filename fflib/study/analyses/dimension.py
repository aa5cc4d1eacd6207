"""Intrinsic dimension of representations against the size of ensembles (the third open question)."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fflib import wording
from fflib.measures.agreement import agreement
from fflib.measures.manifolds import Recovery
from fflib.records.stores import Record
from fflib.statistics import Interval, mean_interval, orderings
from fflib.study.claims.dimension import (
    ensemble_sizes,
    lower,
    of_all,
    of_classes,
    sparseness,
)

__all__ = [
    "READINGS",
    "by_depth",
    "chance",
    "ensemble_sizes",
    "interval",
    "lower",
    "of_all",
    "of_classes",
    "readings",
    "recovered",
    "sparseness",
]

Array = NDArray[np.float64]


def interval(values: Iterable[float]) -> Interval:
    """Mean and 95 % interval over the runs that have a value; nan where none has."""
    known = [value for value in values if np.isfinite(value)]
    return mean_interval(known) if known else Interval(np.nan, np.nan, np.nan, 0)


def _within(measure: Callable[[Record], Array], **reading: Any) -> Callable[[Record], float]:
    return lambda record: agreement(of_classes(record, **reading)[1:], measure(record))


def _given_image(measure: Callable[[Record], Array]) -> Callable[[Record], float]:
    def partial(record: Record) -> float:
        image, *hidden = of_classes(record)
        return agreement(np.array(hidden), measure(record), image)

    return partial


def _image_alone(measure: Callable[[Record], Array]) -> Callable[[Record], float]:
    def of_image(record: Record) -> float:
        other = measure(record)
        return agreement(np.broadcast_to(of_classes(record)[0], other.shape), other)

    return of_image


def _thrown_together(measure: Callable[[Record], Array]) -> Callable[[Record], float]:
    return lambda record: agreement(
        of_classes(record)[1:].reshape(1, -1), measure(record).reshape(1, -1)
    )


def _by_rule(rule: str) -> Callable[[Record], Array]:
    return lambda record: ensemble_sizes(record, rule)


READINGS: dict[str, tuple[Callable[[Record], float], Callable[[Record], float] | None]] = {
    "as in the claims": (_within(ensemble_sizes), _within(sparseness)),
    "Gride, 2nd and 4th neighbour": (
        _within(ensemble_sizes, method="gride", scale=2),
        _within(sparseness, method="gride", scale=2),
    ),
    "TwoNN on halves of the images": (
        _within(ensemble_sizes, scale=2),
        _within(sparseness, scale=2),
    ),
    "activations at unit length": (
        _within(ensemble_sizes, view="directions"),
        _within(sparseness, view="directions"),
    ),
    "images without a label": (
        _within(ensemble_sizes, view="unlabelled"),
        _within(sparseness, view="unlabelled"),
    ),
    "ensembles by leave-one-out": (_within(_by_rule("leave-one-out")), None),
    "ensembles by Kolmogorov–Smirnov": (_within(_by_rule("kolmogorov-smirnov")), None),
    "given the images' dimension": (_given_image(ensemble_sizes), _given_image(sparseness)),
    "the images' dimension instead": (_image_alone(ensemble_sizes), _image_alone(sparseness)),
    "all layers thrown together": (_thrown_together(ensemble_sizes), _thrown_together(sparseness)),
}
"""Ways to correlate dimension with ensemble size and with sparseness: from a record to a number."""


def _by_dataset(records: Iterable[Record]) -> dict[str, list[Record]]:
    found: dict[str, list[Record]] = {}
    for record in records:
        found.setdefault(record.experiment.dataset, []).append(record)
    return found


def readings(records: Iterable[Record]) -> pd.DataFrame:
    """The correlation of dimension with ensemble size and sparseness, computed in other ways.

    Parameters
    ----------
    records : iterable of Record
        Runs of one model.

    Returns
    -------
    DataFrame
        A row per reading in :data:`READINGS`, a column per data set and quantity: the mean over
        runs with its 95 % interval; blank where there is none.
    """
    table = {}
    for dataset, here in _by_dataset(records).items():
        for column, name in enumerate(("ensemble size", "Hoyer")):
            table[wording.dataset_name(dataset), name] = {
                reading: f"{found:.2f}"
                for reading, both in READINGS.items()
                if (measure := both[column]) and (found := interval(map(measure, here))).n
            }
    return pd.DataFrame(table).reindex(READINGS).fillna("").rename_axis("reading")


def chance(records: Iterable[Record], orders: int = 999) -> pd.DataFrame:
    """Whether the classes, in any order, would be as strongly correlated.

    Intervals over runs say what another training would give on the same classes. This asks about the
    classes: those of the ensembles are put in a random order, the same in all layers.

    Parameters
    ----------
    records : iterable of Record
        Runs of one model.
    orders : int
        How many orders to try.

    Returns
    -------
    DataFrame
        A row per data set and quantity: the correlation of means over runs, within layers, and
        ``p``, the share of orders that give as large a one, of either sign.
    """
    rows = {}
    for dataset, here in _by_dataset(records).items():
        dimension = np.mean([of_classes(r)[1:] for r in here], axis=0)
        for name, measure in (("ensemble size", ensemble_sizes), ("Hoyer", sparseness)):
            other = np.mean([measure(r) for r in here], axis=0)
            found = [
                agreement(dimension, other[:, order]) for order in orderings(other.shape[1], orders)
            ]
            p = float((np.abs(found) >= abs(found[0]) - 1e-9).mean())
            rows[wording.dataset_name(dataset), name] = {"correlation": found[0], "p": p}
    table = pd.DataFrame.from_dict(rows, orient="index")
    return table.rename_axis(["data set", "quantity"])


def by_depth(records: Iterable[Record]) -> pd.DataFrame:
    """Dimension beside ensemble size and sparseness, layer by layer.

    Parameters
    ----------
    records : iterable of Record

    Returns
    -------
    DataFrame
        A row per data set, model and layer, the input being layer 0: dimension of all images and
        of a class, units in an ensemble, Hoyer sparseness (means over classes), and the rank
        correlations of the dimension of a class with the last two, each with its 95 % interval over
        runs.
    """
    runs: dict[tuple[str, str], list[Record]] = {}
    for r in records:
        e = r.experiment
        runs.setdefault((wording.dataset_name(e.dataset), wording.model_name(e.model)), []).append(
            r
        )
    rows = {}
    for where, group in runs.items():
        for depth in range(group[0].experiment.layers + 1):
            row = {
                "all images": [of_all(r)[depth] for r in group],
                "a class": [_mean(of_classes(r)[depth]) for r in group],
            }
            cells = {name: f"{interval(values):.1f}" for name, values in row.items()}
            if depth:
                own = [of_classes(r)[[depth]] for r in group]
                sizes = [ensemble_sizes(r)[[depth - 1]] for r in group]
                sparse = [sparseness(r)[[depth - 1]] for r in group]
                cells |= {
                    "ensemble size": f"{interval(map(_mean, sizes)):.1f}",
                    "Hoyer": f"{interval(map(_mean, sparse)):.2f}",
                    "correlation with size": f"{interval(map(agreement, own, sizes)):.2f}",
                    "correlation with Hoyer": f"{interval(map(agreement, own, sparse)):.2f}",
                }
            rows[(*where, depth)] = cells
    table = pd.DataFrame.from_dict(rows, orient="index").fillna("")
    return table.rename_axis(["data set", "model", "layer"])


def _mean(values: Array) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else np.nan


def recovered(found: Iterable[Recovery]) -> pd.DataFrame:
    """What estimators make of manifolds of known dimension.

    Parameters
    ----------
    found : iterable of Recovery

    Returns
    -------
    DataFrame
        A row per shape, a column per dimension and estimator: the mean estimate and, in brackets,
        the largest relative error of a single one.
    """
    rows = pd.DataFrame([vars(one) for one in found])
    table = {
        (dimension, name): {
            shape: f"{own[column].mean():.1f} ({(own[column] / dimension - 1).abs().max():.0%})"
            for shape, own in here.groupby("shape", sort=False)
        }
        for dimension, here in rows.groupby("dimension")
        for column, name in (("twonn", "TwoNN"), ("gride", "Gride"))
    }
    return pd.DataFrame(table).rename_axis("manifold")
