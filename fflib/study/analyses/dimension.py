"""Intrinsic dimension of representations against the size of ensembles (the third open question)."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fflib import wording
from fflib.measures.agreement import agreement
from fflib.measures.manifolds import Recovery
from fflib.records.stores import Record
from fflib.statistics import known_interval, orderings
from fflib.study.claims.dimension import ensemble_sizes, of_all, of_classes, sparseness
from fflib.study.evidence import by_dataset
from fflib.study.tables import intervals, named, rows_of

__all__ = [
    "MEASURES",
    "READINGS",
    "by_depth",
    "chance",
    "ensemble_sizes",
    "of_all",
    "of_classes",
    "readings",
    "recovered",
    "sparseness",
]

Array = NDArray[np.float64]
Measure = Callable[[Record], Array]


def _within(**reading: Any) -> Callable[[Record, Measure], float]:
    return lambda record, measure: agreement(of_classes(record, **reading)[1:], measure(record))


def _by_rule(rule: str) -> Callable[[Record, Measure], float]:
    def sizes_alone(record: Record, measure: Measure) -> float:
        if measure is not ensemble_sizes:
            return np.nan
        return agreement(of_classes(record)[1:], ensemble_sizes(record, rule))

    return sizes_alone


def _given_image(record: Record, measure: Measure) -> float:
    image, *hidden = of_classes(record)
    return agreement(np.array(hidden), measure(record), image)


def _image_alone(record: Record, measure: Measure) -> float:
    other = measure(record)
    return agreement(np.broadcast_to(of_classes(record)[0], other.shape), other)


def _thrown_together(record: Record, measure: Measure) -> float:
    return agreement(of_classes(record)[1:].reshape(1, -1), measure(record).reshape(1, -1))


READINGS: dict[str, Callable[[Record, Measure], float]] = {
    "as in the claims": _within(),
    "Gride, 2nd and 4th neighbour": _within(method="gride", scale=2),
    "TwoNN on halves of the images": _within(scale=2),
    "activations at unit length": _within(view="directions"),
    "images without a label": _within(view="unlabelled"),
    "ensembles by leave-one-out": _by_rule("leave-one-out"),
    "ensembles by Kolmogorov–Smirnov": _by_rule("kolmogorov-smirnov"),
    "given the images' dimension": _given_image,
    "the images' dimension instead": _image_alone,
    "all layers thrown together": _thrown_together,
}
"""Ways to correlate dimension with a measure, :func:`fflib.study.claims.dimension.ensemble_sizes` or
:func:`fflib.study.claims.dimension.sparseness`: from a record to a number, nan where a way does not
apply."""

MEASURES: dict[str, Measure] = {"ensemble size": ensemble_sizes, "Hoyer": sparseness}
"""What dimension is correlated with, as tables call it."""


def readings(records: Iterable[Record]) -> pd.DataFrame:
    """Correlate dimension with ensemble size and sparseness in other ways.

    The table has a row per reading in :data:`READINGS`, a column per data set and quantity: the
    mean over runs with its 95 % interval; blank where there is none. `records` are runs of one
    model.
    """
    table = {}
    for dataset, here in by_dataset(records).items():
        for name, measure in MEASURES.items():
            found = {
                reading: known_interval([read(record, measure) for record in here])
                for reading, read in READINGS.items()
            }
            table[wording.dataset_name(dataset), name] = {
                reading: f"{one:.2f}" if one.n else "" for reading, one in found.items()
            }
    return pd.DataFrame(table).rename_axis("reading")


def chance(records: Iterable[Record], orders: int = 999) -> pd.DataFrame:
    """Test whether the classes, in any order, would be as strongly correlated.

    Intervals over runs say what another training would give on the same classes. This asks about the
    classes: those of the ensembles are put in a random order, the same in all layers.

    The table has a row per data set and quantity: the correlation of means over runs, within
    layers, and ``p``, the share of orders that give as large a one, of either sign. `records` are
    runs of one model; `orders` is how many orders to try.
    """
    rows = {}
    for dataset, here in by_dataset(records).items():
        dimension = np.mean([of_classes(r)[1:] for r in here], axis=0)
        for name, measure in MEASURES.items():
            other = np.mean([measure(r) for r in here], axis=0)
            found = [
                agreement(dimension, other[:, order]) for order in orderings(other.shape[1], orders)
            ]
            p = float((np.abs(found) >= abs(found[0]) - 1e-9).mean())
            rows[wording.dataset_name(dataset), name] = {"correlation": found[0], "p": p}
    table = pd.DataFrame.from_dict(rows, orient="index")
    return table.rename_axis(["data set", "quantity"])


def by_depth(records: Iterable[Record]) -> pd.DataFrame:
    """Show dimension beside ensemble size and sparseness, layer by layer.

    The table has a row per data set, model and layer, the input being layer 0: dimension of all
    images and of a class, units in an ensemble, Hoyer sparseness (means over classes), and the rank
    correlations of the dimension of a class with the last two, each with its 95 % interval over
    runs; blank where there is none.
    """

    def rows(record: Record) -> Iterator[dict[str, float]]:
        everything, classes = of_all(record), of_classes(record)
        sizes, sparse = ensemble_sizes(record), sparseness(record)
        for depth in range(record.experiment.layers + 1):
            row = {
                "layer": depth,
                "all images": everything[depth],
                "a class": known_interval(classes[depth]).mean,
            }
            if depth:
                own, in_layer = classes[[depth]], [depth - 1]
                row |= {
                    "ensemble size": known_interval(sizes[depth - 1]).mean,
                    "Hoyer": known_interval(sparse[depth - 1]).mean,
                    "correlation with size": agreement(own, sizes[in_layer]),
                    "correlation with Hoyer": agreement(own, sparse[in_layer]),
                }
            yield row

    names = ["data set", "model", "layer"]
    table = intervals(named(rows_of(records, rows, ["dataset", "model"])), names, known_interval)
    return table.apply(_shown)


def _shown(column: pd.Series) -> pd.Series:
    digits = 1 if column.name in ("all images", "a class", "ensemble size") else 2
    return column.map(lambda one: f"{one:.{digits}f}" if one.n else "")


def recovered(found: Iterable[Recovery]) -> pd.DataFrame:
    """Show what estimators make of manifolds of known dimension.

    The table has a row per shape, a column per dimension and estimator: the mean estimate and, in
    brackets, the largest relative error of a single one.
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
