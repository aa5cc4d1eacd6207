"""Intrinsic dimension of representations against the size of ensembles (the third open question)."""

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from fflib.records import Record
from fflib.summary import unpack

__all__ = ["agreement", "ensemble_sizes", "lower", "of_classes", "sparseness"]

Array = NDArray[np.float64]


def of_classes(
    record: Record, view: str = "activations", method: str = "twonn", scale: int = 1
) -> Array:
    """Intrinsic dimension of each class in the input and in every hidden layer.

    Parameters
    ----------
    record : Record
        Of a run with the probe "intrinsic-dimension".
    view, method, scale
        As in :func:`fflib.probes.intrinsic_dimension`.

    Returns
    -------
    ndarray, shape (1 + layers, class)
        The input first. nan where a class has too few images.
    """
    e = record.experiment
    asked = {"view": view, "method": method, "scale": scale}
    found = {
        (row["layer"], row["label"]): row["dimension"]
        for row in record.metrics.probe or ()
        if all(row[name] == value for name, value in asked.items())
    }
    classes = len(record.metrics.layers[0].hoyer_by_class)
    return np.array(
        [[found.get((layer, c)) for c in range(classes)] for layer in range(e.layers + 1)],
        dtype=np.float64,
    )


def ensemble_sizes(record: Record, rule: str = "median-quantile") -> Array:
    """Units in the ensemble of each class, shape (layers, class)."""
    packed = record.arrays[f"ensembles/{rule}"]
    return unpack(packed, record.experiment.hidden).sum(axis=-1).astype(np.float64)


def sparseness(record: Record) -> Array:
    """Hoyer sparseness of each class, shape (layers, class)."""
    return np.array([layer.hoyer_by_class for layer in record.metrics.layers], dtype=np.float64)


def agreement(dimension: Array, other: Array) -> float:
    """Rank correlation of two numbers over the classes, layer by layer.

    Depth changes both numbers in all classes at once, and would pass for a relation between them if
    layers were thrown together.

    Parameters
    ----------
    dimension, other : ndarray, shape (layers, class)

    Returns
    -------
    float
        Spearman's, within a layer, averaged over the layers that have one: in the others all
        classes are alike, or fewer than three are known. nan where no layer has one.

    Examples
    --------
    >>> agreement(np.array([[1.0, 2.0, 3.0], [5.0, 6.0, 7.0]]), np.array([[9.0, 7.0, 1.0], [4, 4, 4]]))
    -1.0
    """
    found = []
    for own, others in zip(dimension, other, strict=True):
        known = np.isfinite(own) & np.isfinite(others)
        if known.sum() >= 3 and np.ptp(own[known]) > 0 and np.ptp(others[known]) > 0:
            found.append(float(stats.spearmanr(own[known], others[known]).statistic))
    return float(np.mean(found)) if found else np.nan


def lower(one: Record, other: Record) -> float:
    """Dimension in one run over that in another, geometric mean over layers and classes."""
    ratio = np.log(of_classes(one)[1:] / of_classes(other)[1:])
    known = np.isfinite(ratio)
    return float(np.exp(ratio[known].mean())) if known.any() else np.nan
