"""Intrinsic dimension: how many numbers it takes to say where a representation is, near a point.

Both estimators rest on the distances from a point to its nearest neighbours. Each is given by scale,
since a dimension that depends on it is that of noise, of curvature or of the edge of the data.
"""

import math
import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.neighbors import NearestNeighbors
from torch import Tensor

from fflib.measures.arrays import as_array

__all__ = ["FEWEST", "Estimate", "Method", "Points", "by_scale", "distinct", "gride", "twonn"]

Method = Literal["twonn", "gride"]

FEWEST = 20
"""With fewer points there is no estimate: that of TwoNN errs by a quarter of itself even with 20."""

TAIL = 0.1  # the largest ratios, which Facco et al. leave out: they come from edges and outliers
PARTS = (1, 2, 4, 8)
ORDERS = (1, 2, 4, 8, 16, 32)


@dataclass(frozen=True)
class Points:
    """The samples that a dimension can be estimated from.

    Parameters
    ----------
    values : ndarray of float64, shape (distinct, units)
        No silent sample among them and none twice, in the order of the samples.
    n : int
        Samples given.
    silent : int
        Samples on which every unit is at zero, left out.
    """

    values: NDArray[np.float64]
    n: int
    silent: int


@dataclass(frozen=True)
class Estimate:
    """An intrinsic dimension as seen at one scale.

    Parameters
    ----------
    method : {"twonn", "gride"}
    scale : int
        For TwoNN, into how many parts the sample was divided, 1 being all of it; for Gride, the
        order of the nearer neighbour. The larger, the farther the neighbours.
    dimension : float
        nan where the points are too few.
    """

    method: Method
    scale: int
    dimension: float


def distinct(values: Tensor | ArrayLike) -> Points:
    """Leave out silent samples and copies, whose neighbours are at no distance.

    Parameters
    ----------
    values : Tensor or array-like, shape (n, units)

    Returns
    -------
    Points

    Raises
    ------
    ValueError
        There is not one row per sample.

    Examples
    --------
    >>> points = distinct([[0.0, 0.0], [1.0, 0.0], [1.0, 0.0], [0.0, 2.0]])
    >>> points.values.tolist(), points.n, points.silent
    ([[1.0, 0.0], [0.0, 2.0]], 4, 1)
    """
    samples = as_array(values)
    if samples.ndim != 2:
        raise ValueError(
            f"a dimension needs samples of shape (n, units), got shape {samples.shape}: "
            "pass one row per sample"
        )
    active = samples[samples.any(axis=1)] + 0.0  # there are two zeros, which are equal
    first: dict[bytes, int] = {}
    new = [first.setdefault(row.tobytes(), at) == at for at, row in enumerate(active)]
    return Points(
        values=active[new].astype(np.float64),
        n=len(samples),
        silent=len(samples) - len(active),
    )


def twonn(points: NDArray[np.floating], parts: int = 1, seed: int = 0) -> float:
    """Intrinsic dimension by the ratio of the distances to the two nearest neighbours (TwoNN).

    Parameters
    ----------
    points : ndarray, shape (n, units)
        All different, see :func:`distinct`.
    parts : int
        The points are divided at random into so many parts of equal size, and what is returned is
        the mean over them. With fewer points neighbours lie farther: a larger scale.
    seed : int
        Decides the division.

    Returns
    -------
    float
        nan where a part has fewer than 20 points, or all neighbours in it are equally far.

    Notes
    -----
    Where the points are spread evenly as far as the second neighbour, the ratio has a Pareto
    distribution with the dimension as its exponent. It is estimated by maximum likelihood, with the
    largest tenth of the ratios censored. A sample of n points of dimension d errs by about d / √n.

    References
    ----------
    E. Facco et al., "Estimating the intrinsic dimension of datasets by a minimal neighborhood
    information", Scientific Reports 7 (2017); J. Bac et al., "Scikit-dimension: a Python package for
    intrinsic dimension estimation", Entropy 23 (2021).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> plane = rng.standard_normal((2000, 2)) @ rng.standard_normal((2, 9))
    >>> round(twonn(plane), 1)
    2.0
    """
    size = len(points) // parts
    if size < FEWEST:
        return math.nan
    order = np.random.default_rng(seed).permutation(len(points)) if parts > 1 else np.arange(size)
    found = np.mean([_twonn(points[part]) for part in order[: parts * size].reshape(parts, -1)])
    return float(found) if np.isfinite(found) else math.nan


def _twonn(points: NDArray[np.floating]) -> float:
    from skdim.id import TwoNN  # it compiles code at import, which would delay all of fflib

    distances, _ = NearestNeighbors(n_neighbors=2, algorithm="brute").fit(points).kneighbors()
    estimator = TwoNN(discard_fraction=TAIL, dist=True, method="mle")
    with warnings.catch_warnings():  # points that rounding puts at no distance; they are left out
        warnings.simplefilter("ignore")
        return float(estimator.fit(distances).dimension_)


def gride(points: NDArray[np.floating]) -> dict[int, float]:
    """Intrinsic dimension by the ratio of the distances to more distant neighbours (Gride).

    Parameters
    ----------
    points : ndarray, shape (n, units)
        All different, see :func:`distinct`.

    Returns
    -------
    dict of int to float
        By the order k = 1, 2, 4, … 32 of the nearer neighbour, the farther being the 2k-th; nan
        where fewer than 20 points, or than four times the farther order, are there; nan throughout
        where at some order all neighbours are equally far.

    References
    ----------
    F. Denti et al., "The generalized ratios intrinsic dimension estimator", Scientific Reports 12
    (2022), as in scikit-dimension.

    Examples
    --------
    >>> turns = np.random.default_rng(0).uniform(0, 2 * np.pi, 1000)
    >>> circle = np.stack([np.cos(turns), np.sin(turns)], axis=1)
    >>> {k: round(d, 1) for k, d in gride(circle).items()}
    {1: 1.0, 2: 1.0, 4: 1.0, 8: 1.0, 16: 1.0, 32: 1.0}
    """
    from skdim.id import GRIDE

    found = dict.fromkeys(ORDERS, math.nan)
    within = [k for k in ORDERS if len(points) >= max(FEWEST, 8 * k)]
    if not within:
        return found
    estimator = GRIDE(multiscale=True, range_max=2 * within[-1])
    with warnings.catch_warnings():  # neighbours at equal distances; such points are left out
        warnings.simplefilter("ignore")
        try:
            estimator.fit(points)
        except (IndexError, ValueError):  # no ratio above 1 is left
            return found
    return found | dict(zip(within, estimator.dimension_scales_.tolist(), strict=True))


def by_scale(points: NDArray[np.floating], seed: int = 0) -> list[Estimate]:
    """Intrinsic dimension by both methods, at every scale.

    Parameters
    ----------
    points : ndarray, shape (n, units)
        All different, see :func:`distinct`.
    seed : int
        Decides which points come together where TwoNN is given parts of them.

    Returns
    -------
    list of Estimate
        TwoNN on all points, halves, quarters and eighths; Gride for orders 1 to 32.

    Examples
    --------
    >>> line = np.random.default_rng(0).random((200, 1)) * np.ones((1, 5))
    >>> round(by_scale(line)[0].dimension)
    1
    """
    return [
        *(Estimate("twonn", parts, twonn(points, parts, seed)) for parts in PARTS),
        *(Estimate("gride", order, found) for order, found in gride(points).items()),
    ]
