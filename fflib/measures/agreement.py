"""Correlate two numbers over the classes, with the effect of depth left out."""

import numpy as np
from numpy.typing import NDArray
from scipy import stats

__all__ = ["agreement"]

Array = NDArray[np.float64]


def agreement(dimension: Array, other: Array, given: Array | None = None) -> float:
    """Return the rank correlation of two numbers over the classes, averaged over layers.

    Both have shape (layers, class). Depth changes both in all classes at once, and would look like
    a relation between them if layers were pooled. The effect of `given`, shape (class,), a number
    that both may follow, is taken out: the result is then a partial correlation.

    The correlation is Spearman's, within a layer. A layer has none where all classes are alike, or
    fewer than three are known (four, if a number is given); nan where no layer has one.

    Examples
    --------
    >>> agreement(np.array([[1.0, 2.0, 3.0], [5.0, 6.0, 7.0]]), np.array([[9.0, 7.0, 1.0], [4, 4, 4]]))
    -1.0
    """
    found = [_rank_correlation(*pair, given) for pair in zip(dimension, other, strict=True)]
    known = [value for value in found if np.isfinite(value)]
    return float(np.mean(known)) if known else np.nan


def _rank_correlation(x: Array, y: Array, given: Array | None) -> float:
    columns = np.stack([x, y] if given is None else [x, y, given])
    columns = columns[:, np.isfinite(columns).all(axis=0)]
    if columns.shape[1] < len(columns) + 1 or (np.ptp(columns, axis=1) == 0).any():
        return np.nan
    ranks = stats.rankdata(columns, axis=1)
    own = ranks[:2] - ranks[:2].mean(axis=1, keepdims=True)
    if given is not None:
        of = ranks[2] - ranks[2].mean()
        own -= np.outer(own @ of / (of @ of), of)
    size = np.sqrt((own**2).sum(axis=1).prod())
    return float(own[0] @ own[1] / size) if size > 1e-9 else np.nan
