r"""Confidence intervals for the mean over runs.

For n runs of mean m and standard deviation s, Student's interval is
:math:`m \pm t_{n-1} s / \sqrt n` with a quantile t of Student's distribution with n − 1 degrees of
freedom. Fewer than three runs have no interval.

Near the end of a range, as of shares and correlations, such an interval can leave the range. There it
is made on a scale without ends, on which a small step of the mean is as many times longer as the
derivative of the scale says (delta method), and turned back: for a share on that of the logit,
:math:`\log\frac m{1 - m} \pm t_{n-1} \frac s{\sqrt n} \frac 1{m (1 - m)}`, for a correlation on
Fisher's z, :math:`\operatorname{artanh} m \pm t_{n-1} \frac s{\sqrt n} \frac 1{1 - m^2}`. It holds the
mean, stays in the range, and needs no exception for single runs at an end of it. Where most runs are
near an end and few are not, it is wide, and it has to be: a narrower one misses the expected value more
often. Where all runs are at the end, they are equal, and the interval has no width. The difference of two shares, or of two
correlations, is seldom near an end of its range: its interval is Student's, cut off there.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

__all__ = ["FEWEST", "Interval", "Scale", "known_interval", "mean_interval", "paired_interval"]

FEWEST = 3
"""Runs that an interval needs: two say next to nothing of their spread."""

Scale = Literal["plain", "share", "correlation", "share difference", "correlation difference"]
"""The range of a quantity: none, [0, 1], [−1, 1], [−1, 1] or [−2, 2]."""

# From the range to a scale without ends, its derivative, and the way back.
_SCALES: dict[
    Scale, tuple[Callable[[float], float], Callable[[float], float], Callable[[float], float]]
]
_SCALES = {
    "share": (special.logit, lambda m: 1 / (m * (1 - m)), special.expit),
    "correlation": (math.atanh, lambda m: 1 / (1 - m**2), math.tanh),
}
_RANGES: dict[Scale, tuple[float, float]]
_RANGES = {
    "share": (0, 1),
    "correlation": (-1, 1),
    "share difference": (-1, 1),
    "correlation difference": (-2, 2),
}


@dataclass(frozen=True)
class Interval:
    """A mean over runs with its confidence interval.

    Parameters
    ----------
    mean : float
        Over the runs.
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
        """Write the mean and half the width of the interval, or the mean alone if it has no bounds."""
        half = (self.high - self.low) / 2
        mean = format(self.mean, spec)
        return mean if math.isnan(half) else f"{mean}{sign}{format(half, spec)}"

    def __str__(self) -> str:
        said = ", no interval" if 0 < self.n < FEWEST else ""
        return f"{self:.3f} (n = {self.n}{said})"


def as_runs(values: ArrayLike, purpose: str = "an interval") -> NDArray[np.float64]:
    """Return one number per run, shape (n,), or raise a ValueError that names the purpose."""
    runs = np.asarray(values, dtype=np.float64)
    if runs.ndim != 1 or not runs.size:
        raise ValueError(
            f"{purpose} needs one number per run, got shape {runs.shape}: pass a list of numbers"
        )
    return runs


def student_interval(
    runs: NDArray[np.float64],
    confidence: float,
    error: Callable[[float, int], float],
    scale: Scale = "plain",
) -> Interval:
    """Return the mean of runs, plus and minus an error of (s, n) times Student's quantile."""
    mean, n = float(runs.mean()), len(runs)
    if n < FEWEST or math.isnan(mean):
        return Interval(mean, math.nan, math.nan, n, confidence)
    deviation = float(runs.std(ddof=1))
    half = float(stats.t.ppf((1 + confidence) / 2, n - 1)) * error(deviation, n)
    low, high = mean - half, mean + half
    if scale != "plain":
        ends = _RANGES[scale]
        if not ends[0] <= runs.min() <= runs.max() <= ends[1]:
            raise ValueError(
                f"a {scale} lies in [{ends[0]}, {ends[1]}], got {runs.min():g} to {runs.max():g}: "
                "take the scale 'plain' for what has no range"
            )
        if scale not in _SCALES:
            low, high = max(low, ends[0]), min(high, ends[1])
        elif half and ends[0] < mean < ends[1]:
            there, slope, back = _SCALES[scale]
            place, step = there(mean), half * slope(mean)
            low, high = min(back(place - step), mean), max(back(place + step), mean)
    return Interval(mean, float(low), float(high), n, confidence)


def mean_interval(values: ArrayLike, confidence: float = 0.95, scale: Scale = "plain") -> Interval:
    """Return the mean of runs, one number each, and its interval by Student's t.

    The interval covers the expected value of a run with the given confidence, in (0, 1). It is
    exact for normally distributed runs without a range; `scale` says of what range the numbers are,
    which the interval then does not leave. Fewer than three runs have nan bounds; all is nan if a
    run is nan.

    Raises
    ------
    ValueError
        There is no run, or more than one number per run, or a number outside the range.

    Examples
    --------
    >>> str(mean_interval([0.95, 0.96, 0.97]))
    '0.960 [0.935, 0.985] (n = 3)'
    >>> str(mean_interval([0.97, 0.99, 1.0], scale="share"))
    '0.987 [0.805, 0.999] (n = 3)'
    >>> str(mean_interval([0.95, 0.96]))
    '0.955 (n = 2, no interval)'
    """
    return student_interval(as_runs(values), confidence, lambda s, n: s / math.sqrt(n), scale)


def known_interval(values: ArrayLike, confidence: float = 0.95, scale: Scale = "plain") -> Interval:
    """Return the :func:`mean_interval` of the runs that are not nan; nan where none is left.

    Examples
    --------
    >>> str(known_interval([0.95, math.nan, 0.96, 0.97])), known_interval([]).n
    ('0.960 [0.935, 0.985] (n = 3)', 0)
    """
    runs = np.asarray(values, dtype=np.float64)
    known = runs[~np.isnan(runs)]
    if not known.size:
        return Interval(math.nan, math.nan, math.nan, 0, confidence)
    return mean_interval(known, confidence, scale)


def paired_interval(a: ArrayLike, b: ArrayLike, confidence: float = 0.95) -> Interval:
    """Return the mean difference a − b of runs paired by seed, and its interval by Student's t.

    Both have one number per run, in the same order of seeds; unequal numbers raise a ValueError.
    See :func:`mean_interval`.

    Examples
    --------
    >>> str(paired_interval([0.97, 0.98, 0.96], [0.95, 0.95, 0.95]))
    '0.020 [-0.005, 0.045] (n = 3)'
    """
    first, second = as_runs(a), as_runs(b)
    if len(first) != len(second):
        raise ValueError(
            f"pairs need equally many runs, got {len(first)} and {len(second)}: "
            "keep the seeds that both sides have"
        )
    return mean_interval(first - second, confidence)
