"""Intrinsic dimension beside the size of ensembles and sparseness: numbers that claims need."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fflib.records.stores import Record
from fflib.study.claims.quantities import members

__all__ = ["ensemble_sizes", "lower", "of_all", "of_classes", "sparseness"]

Array = NDArray[np.float64]


def of_classes(
    record: Record, view: str = "activations", method: str = "twonn", scale: int = 1
) -> Array:
    """Return the intrinsic dimension of each class in the input and in every hidden layer.

    `record` is of a run with the probe "intrinsic-dimension"; `view`, `method` and `scale` are as
    in :func:`fflib.records.probes.intrinsic_dimension`. The result has the shape (1 + layers,
    class), the input first; nan where a class has too few images.
    """
    classes = len(record.metrics.layers[0].hoyer_by_class)
    return _measured(record, range(classes), view, method, scale)


def of_all(
    record: Record, view: str = "activations", method: str = "twonn", scale: int = 1
) -> Array:
    """Return the dimension of all classes together, shape (1 + layers,); see :func:`of_classes`."""
    return _measured(record, [None], view, method, scale)[:, 0]


def _measured(
    record: Record, labels: Sequence[int | None], view: str, method: str, scale: int
) -> Array:
    asked = {"view": view, "method": method, "scale": scale}
    found = {
        (row["layer"], row["label"]): row["dimension"]
        for row in record.metrics.probe or ()
        if all(row.get(name) == value for name, value in asked.items())
    }
    layers = range(record.experiment.layers + 1)
    return np.array([[found.get((d, label)) for label in labels] for d in layers], np.float64)


def ensemble_sizes(record: Record, rule: str = "median-quantile") -> Array:
    """Return the number of units in the ensemble of each class, shape (layers, class)."""
    return members(record, rule).sum(axis=-1).astype(np.float64)


def sparseness(record: Record) -> Array:
    """Return the Hoyer sparseness of each class, shape (layers, class)."""
    return np.array([layer.hoyer_by_class for layer in record.metrics.layers], dtype=np.float64)


def lower(one: Record, other: Record) -> float:
    """Return the dimension in one run over that in another, geometric mean of layers and classes."""
    ratio = np.log(of_classes(one)[1:] / of_classes(other)[1:])
    known = np.isfinite(ratio)
    return float(np.exp(ratio[known].mean())) if known.any() else np.nan
