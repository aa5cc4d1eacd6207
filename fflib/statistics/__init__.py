"""Uncertainty over training runs: the unit of statistics is the run, never the test image."""

import math
from dataclasses import dataclass
from itertools import permutations as all_permutations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

__all__ = [
    "Interval",
    "Mantel",
    "bootstrap_interval",
    "holm",
    "mantel",
    "mean_interval",
    "orderings",
    "paired_interval",
]


@dataclass(frozen=True)
class Interval:
    """A mean over runs with its confidence interval.

    Parameters
    ----------
    mean : float
    low, high : float
        Bounds of the interval; nan where the runs are too few to have one.
    n : int
        Number of runs.
    confidence : float
        Such as 0.95.

    Examples
    --------
    >>> interval = Interval(mean=0.9531, low=0.951, high=0.9552, n=10, confidence=0.95)
    >>> f"{interval:.2f}"
    '0.95 [0.95, 0.96]'
    >>> str(interval)
    '0.953 [0.951, 0.955] (n = 10)'
    >>> interval.give_or_take(".4f")
    '0.9531 ± 0.0021'
    """

    mean: float
    low: float
    high: float
    n: int
    confidence: float = 0.95

    def __format__(self, spec: str) -> str:
        spec = spec or ".3f"
        mean = format(self.mean, spec)
        if math.isnan(self.low) or math.isnan(self.high):
            return mean
        return f"{mean} [{format(self.low, spec)}, {format(self.high, spec)}]"

    def give_or_take(self, spec: str = ".3f", sign: str = " ± ") -> str:
        """The mean and half the width of the interval; the mean alone where there is none."""
        half = (self.high - self.low) / 2
        mean = format(self.mean, spec)
        return mean if math.isnan(half) else f"{mean}{sign}{format(half, spec)}"

    def __str__(self) -> str:
        return f"{self:.3f} (n = {self.n})"


def _runs(values: ArrayLike) -> NDArray[np.float64]:
    runs = np.asarray(values, dtype=np.float64)
    if runs.ndim != 1 or not runs.size:
        raise ValueError(
            f"an interval needs one number per run, got shape {runs.shape}: pass a list of numbers"
        )
    return runs


def mean_interval(values: ArrayLike, confidence: float = 0.95) -> Interval:
    """Mean of runs and its interval by Student's t.

    Exact for normally distributed runs; the interval covers the expected value of a run with the
    given confidence.

    Parameters
    ----------
    values : array-like, shape (n,)
        One number per run.
    confidence : float, default 0.95
        In (0, 1).

    Returns
    -------
    Interval
        With nan bounds for a single run; nan throughout if a run is nan.

    Raises
    ------
    ValueError
        There is no run, or more than one number per run.

    Examples
    --------
    >>> str(mean_interval([0.95, 0.96, 0.97]))
    '0.960 [0.935, 0.985] (n = 3)'
    """
    runs = _runs(values)
    mean, n = float(runs.mean()), len(runs)
    if n == 1:
        return Interval(mean, math.nan, math.nan, n, confidence)
    error = float(runs.std(ddof=1)) / math.sqrt(n)
    half = float(stats.t.ppf((1 + confidence) / 2, n - 1)) * error
    return Interval(mean, mean - half, mean + half, n, confidence)


def bootstrap_interval(
    values: ArrayLike, confidence: float = 0.95, *, resamples: int = 9999, seed: int = 0
) -> Interval:
    """Mean of runs and its interval by the bias-corrected accelerated (BCa) bootstrap.

    It supposes no normal distribution, but with few runs it is too narrow: below about ten of them
    prefer :func:`mean_interval`.

    Parameters
    ----------
    values : array-like, shape (n,)
        One number per run.
    confidence : float, default 0.95
        In (0, 1).
    resamples : int, default 9999
    seed : int, default 0
        Seed of the resampling.

    Returns
    -------
    Interval
        With nan bounds for fewer than three runs or if a run is nan.

    Raises
    ------
    ValueError
        There is no run, or more than one number per run.

    Examples
    --------
    >>> f"{bootstrap_interval(np.arange(20)):.0f}"
    '10 [7, 12]'
    """
    runs = _runs(values)
    mean, n = float(runs.mean()), len(runs)
    if n < 3 or math.isnan(mean):
        return Interval(mean, math.nan, math.nan, n, confidence)
    if np.ptp(runs) == 0:  # nothing to resample, and BCa would divide by zero
        return Interval(mean, mean, mean, n, confidence)
    low, high = stats.bootstrap(
        (runs,),
        np.mean,
        n_resamples=resamples,
        confidence_level=confidence,
        method="BCa",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return Interval(mean, float(low), float(high), n, confidence)


def paired_interval(a: ArrayLike, b: ArrayLike, confidence: float = 0.95) -> Interval:
    """Mean difference a − b of runs paired by seed, and its interval by Student's t.

    Parameters
    ----------
    a, b : array-like, shape (n,)
        One number per run, in the same order of seeds.
    confidence : float, default 0.95
        In (0, 1).

    Returns
    -------
    Interval

    Raises
    ------
    ValueError
        There are not equally many runs on both sides.

    Examples
    --------
    >>> str(paired_interval([0.97, 0.98, 0.96], [0.95, 0.95, 0.95]))
    '0.020 [-0.005, 0.045] (n = 3)'
    """
    first, second = _runs(a), _runs(b)
    if len(first) != len(second):
        raise ValueError(
            f"pairs need equally many runs, got {len(first)} and {len(second)}: "
            "keep the seeds that both sides have"
        )
    return mean_interval(first - second, confidence)


def orderings(n: int, count: int, seed: int = 0) -> NDArray[np.int64]:
    """Permutations of n things for a permutation test, the identity first.

    Parameters
    ----------
    n : int
        Number of things.
    count : int
        How many random permutations to draw. If there are no more than that in all, each is
        given exactly once.
    seed : int, default 0
        Seed of the draw.

    Returns
    -------
    ndarray of int, shape (count + 1 or n!, n)

    Examples
    --------
    >>> orderings(2, 10)
    array([[0, 1],
           [1, 0]])
    """
    if math.factorial(n) <= count:
        return np.array(list(all_permutations(range(n))), dtype=np.int64).reshape(-1, n)
    identity = np.tile(np.arange(n, dtype=np.int64), (count + 1, 1))
    identity[1:] = np.random.default_rng(seed).permuted(identity[1:], axis=1)
    return identity


@dataclass(frozen=True)
class Mantel:
    """Correlation of two matrices of pairwise relations and its permutation p-value.

    Parameters
    ----------
    correlation : float
        Pearson's, over pairs.
    p_value : float
        One-sided: the share of orderings, the given one included, that correlate as strongly.
    pairs : int
        Number of pairs behind the correlation.
    """

    correlation: float
    p_value: float
    pairs: int


def mantel(a: ArrayLike, b: ArrayLike, *, permutations: int = 9999, seed: int = 0) -> Mantel:
    """Test whether pairs that are close in one matrix tend to be close in the other (Mantel).

    Pairs of classes are not independent of one another, since each class takes part in many.
    Therefore the classes of one matrix are permuted, not its entries.

    Parameters
    ----------
    a, b : array-like, shape (n, n)
        Symmetric; the diagonals are not used. Pairs that are nan in either are left out.
    permutations : int, default 9999
        How many random orderings to compare with; if there are no more than that in all, every
        one is used.
    seed : int, default 0
        Seed of the orderings.

    Returns
    -------
    Mantel
        With nan where fewer than two pairs remain or all pairs of a matrix are equal.

    Raises
    ------
    ValueError
        The matrices are not square, symmetric and of one size.

    References
    ----------
    N. Mantel, "The detection of disease clustering and a generalized regression approach",
    Cancer Research 27 (1967).

    Examples
    --------
    >>> a = np.abs(np.subtract.outer(np.arange(4), np.arange(4)))
    >>> test = mantel(a, a**2)
    >>> round(test.correlation, 3), round(test.p_value, 3), test.pairs
    (0.988, 0.083, 6)
    """
    first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    square = first.ndim == 2 and first.shape == second.shape == first.shape[::-1]
    if not square or not all(np.allclose(m, m.T, equal_nan=True) for m in (first, second)):
        raise ValueError(
            "the matrices must be symmetric and of one size, got shapes "
            f"{first.shape} and {second.shape}: pass one row and one column per class"
        )
    rows, columns = np.triu_indices(len(first), 1)
    orders = orderings(len(first), permutations, seed)
    x, y = first[orders[:, rows], orders[:, columns]], second[rows, columns]
    correlations = _correlations(x, y)
    observed = float(correlations[0])
    as_strong = correlations >= observed - 1e-12  # equal ones may differ in the last digits
    return Mantel(
        correlation=observed,
        p_value=math.nan if math.isnan(observed) else float(as_strong.mean()),
        pairs=int((~np.isnan(x[0] + y)).sum()),
    )


def _correlations(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pearson's correlation of each row of x, shape (rows, n), with y, shape (n,), without nan."""
    known = ~np.isnan(x + y)
    n = np.maximum(known.sum(axis=1, keepdims=True), 1)

    def centred(values: NDArray[np.float64]) -> NDArray[np.float64]:
        values = np.where(known, values, 0)
        distance = np.where(known, values - values.sum(axis=1, keepdims=True) / n, 0)
        rounding = 1e-12 * np.abs(values).max(axis=1, initial=0, keepdims=True)
        return np.where(np.abs(distance) > rounding, distance, 0)

    x, y = centred(x), centred(y)
    scale = np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1))
    product = (x * y).sum(axis=1)
    return np.divide(product, scale, out=np.full(len(x), np.nan), where=scale > 0).clip(-1, 1)


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Holm's step-down correction for testing several claims at once.

    Parameters
    ----------
    p_values : array-like, shape (n,)
        A nan, a test that could not be made, stays nan and is not counted among the tests.

    Returns
    -------
    ndarray, shape (n,)
        Adjusted p-values in the given order: rejecting those below α keeps the chance of any
        false rejection below α.

    References
    ----------
    S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
    Statistics 6 (1979).

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03])
    array([0.03, 0.06, 0.06])
    """
    p = np.asarray(p_values, dtype=np.float64)
    adjusted = np.full(p.shape, np.nan)
    made = np.flatnonzero(~np.isnan(p))
    order = made[np.argsort(p[made], kind="stable")]
    steps = np.arange(len(order), 0, -1) * p[order]
    adjusted[order] = np.maximum.accumulate(steps).clip(max=1)
    return adjusted
