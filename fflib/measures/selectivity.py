r"""Measure how much a unit prefers one class to the others.

The class selectivity index of a unit with largest class mean m, and mean r of its other class
means, is :math:`(m - r) / (|m| + |r|)`.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from fflib.measures.arrays import as_array, mean_of_known

__all__ = ["mean_selectivity", "selectivity"]


def selectivity(class_means: Tensor | ArrayLike) -> NDArray[np.float64]:
    """Return the class selectivity index of every unit.

    It is 1 for a unit that responds to a single class, 0 for one that responds to all alike; in
    [0, 1] where activations are not negative; nan for a unit that is silent for all. Class means
    have shape (..., class, unit), and classes that are nan are left out.

    References
    ----------
    A. S. Morcos et al., "On the importance of single directions for generalization", ICLR (2018).

    Examples
    --------
    >>> selectivity([[3.0, 1.0, 0.0], [0.0, 1.0, 0.0], [0.0, 1.0, 0.0]])
    array([ 1.,  0., nan])
    """
    means = as_array(class_means).astype(np.float64)
    known = ~np.isnan(means)
    best = np.where(known, means, -np.inf).max(axis=-2)
    others = np.maximum(known.sum(axis=-2) - 1, 1)
    # Without the minimum, rounding would now and then find the rest above the best.
    rest = np.minimum((np.where(known, means, 0).sum(axis=-2) - best) / others, best)
    scale = np.abs(best) + np.abs(rest)
    index = np.full(best.shape, np.nan)
    return np.divide(best - rest, scale, out=index, where=np.isfinite(scale) & (scale > 0))


def mean_selectivity(class_means: Tensor | ArrayLike) -> NDArray[np.float64]:
    """Average :func:`selectivity` over units that are not silent, shape (...).

    Examples
    --------
    >>> float(mean_selectivity([[3.0, 1.0, 0.0], [0.0, 1.0, 0.0]]))
    0.5
    """
    return mean_of_known(selectivity(class_means))
