r"""Estimate the intrinsic dimension: how many numbers locate a representation near a given point.

Both estimators use the distances :math:`r_k` from a point to its k-th nearest neighbour. Where
points of a d-dimensional manifold are spread evenly, the ratio :math:`\mu = r_{2k} / r_k` has the
density :math:`d (\mu^d - 1)^{k-1} / (B(k, k) \mu^{(2k-1) d + 1})` with the beta function B; TwoNN
is the case k = 1, :math:`d \mu^{-d-1}`, and Gride any k. Both maximise the likelihood over d.
Estimates are made at several scales, since a dimension that depends on the scale is that of noise,
of curvature or of the edge of the data.
"""

import math
import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from fflib.measures.arrays import as_array

__all__ = ["FEWEST", "Estimate", "Method", "Points", "by_scale", "distinct", "gride", "twonn"]

Method = Literal["twonn", "gride"]

FEWEST = 20
"""Fewest points for an estimate: even with 20, TwoNN errs by a quarter of the dimension."""

TAIL = 0.1  # the largest ratios, which Facco et al. leave out: they come from edges and outliers
PARTS = (1, 2, 4, 8)
ORDERS = (1, 2, 4, 8, 16, 32)


@dataclass(frozen=True)
class Points:
    """Samples from which a dimension can be estimated.

    Parameters
    ----------
    values : ndarray of float64, shape (distinct, units)
        Without silent samples and copies, in the order of the samples.
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
    """An intrinsic dimension at one scale.

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
    """Leave out silent samples and copies, whose nearest neighbours have distance zero.

    Samples of another shape than (n, units) raise a ValueError.

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
    active = samples[samples.any(axis=1)] + 0.0  # −0 becomes 0, whose bytes differ
    first: dict[bytes, int] = {}
    new = [first.setdefault(row.tobytes(), at) == at for at, row in enumerate(active)]
    return Points(
        values=active[new].astype(np.float64), n=len(samples), silent=len(samples) - len(active)
    )


def twonn(points: NDArray[np.floating], parts: int = 1, seed: int = 0) -> float:
    """Estimate the dimension by the ratio of the distances to the two nearest neighbours (TwoNN).

    Parameters
    ----------
    points : ndarray, shape (n, units)
        All different, see :func:`distinct`.
    parts : int
        The points are divided at random into so many parts of equal size, and the estimates are
        averaged over them. With fewer points neighbours lie farther: a larger scale.
    seed : int
        Decides the division.

    Returns
    -------
    float
        nan where a part has fewer than 20 points, or all its neighbours are equally far.

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
    from skdim.id import TwoNN  # it compiles code at import, which takes seconds
    from sklearn.neighbors import NearestNeighbors

    distances, _ = NearestNeighbors(n_neighbors=2, algorithm="brute").fit(points).kneighbors()
    estimator = TwoNN(discard_fraction=TAIL, dist=True, method="mle")
    with warnings.catch_warnings():  # points at distance zero after rounding are left out
        warnings.simplefilter("ignore")
        return float(estimator.fit(distances).dimension_)


def gride(points: NDArray[np.floating]) -> dict[int, float]:
    """Estimate the dimension by the ratio of the distances to more distant neighbours (Gride).

    The points, shape (n, units), must all be different, see :func:`distinct`. There is an estimate
    for each order k = 1, 2, 4, … 32 of the nearer neighbour, the farther being the 2k-th. It is nan
    where there are fewer than 20 points, or than four times the farther order; nan throughout where
    at some order all neighbours are equally far.

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
    """Estimate the dimension by both methods, at every scale.

    Parameters
    ----------
    points : ndarray, shape (n, units)
        All different, see :func:`distinct`.
    seed : int
        Decides how TwoNN divides the points.

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
