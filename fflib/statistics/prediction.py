"""What one more training run is expected to come to, by those that there are.

A confidence interval is about the mean over runs; with enough of them it shrinks to a point. Whether
*another* run, ours or somebody else's, is of the same kind is a question about single runs, and asks
for a prediction interval, which does not shrink below the spread of runs.
"""

import math
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from fflib.statistics import Interval

__all__ = ["allowed_difference", "prediction_interval"]


def prediction_interval(values: ArrayLike, confidence: float = 0.95) -> Interval:
    r"""Where one further run should lie, by Student's t.

    For n runs of mean m and standard deviation s it is :math:`m \pm t_{n-1} s \sqrt{1 + 1/n}`, which
    holds a further, normally distributed run of the same kind with the given confidence.

    Parameters
    ----------
    values : array-like, shape (n,)
        One number per run.
    confidence : float, default 0.95
        In (0, 1).

    Returns
    -------
    Interval
        Around the mean of the runs, with nan bounds for a single run; nan throughout if a run is
        nan.

    Raises
    ------
    ValueError
        There is no run, or more than one number per run.

    References
    ----------
    G. J. Hahn and W. Q. Meeker, *Statistical Intervals*, Wiley (1991), chapter 4.

    Examples
    --------
    >>> str(prediction_interval([0.95, 0.96, 0.97]))
    '0.960 [0.910, 1.010] (n = 3)'
    """
    runs = np.asarray(values, dtype=np.float64)
    if runs.ndim != 1 or not runs.size:
        raise ValueError(
            f"a prediction needs one number per run, got shape {runs.shape}: pass a list of numbers"
        )
    mean, n = float(runs.mean()), len(runs)
    if n == 1:
        return Interval(mean, math.nan, math.nan, n, confidence)
    spread = float(runs.std(ddof=1)) * math.sqrt(1 + 1 / n)
    half = float(stats.t.ppf((1 + confidence) / 2, n - 1)) * spread
    return Interval(mean, mean - half, mean + half, n, confidence)


def allowed_difference(groups: Iterable[Sequence[float]], confidence: float = 0.95) -> float:
    r"""How far two runs of one kind may lie apart, by the spread of other runs.

    With a standard deviation s pooled within groups of runs, of d degrees of freedom in all, the
    difference of two further runs lies within :math:`t_d s \sqrt 2` with the given confidence.

    Parameters
    ----------
    groups : iterable of sequence of float
        One number per run. Runs of a group differ in nothing but chance; groups may differ in
        their means but not in their spread.
    confidence : float, default 0.95
        In (0, 1).

    Returns
    -------
    float
        nan where no group has two runs.

    Examples
    --------
    >>> round(allowed_difference([[0.95, 0.96, 0.97], [0.85, 0.86, 0.87]]), 3)
    0.039
    """
    runs = [np.asarray(group, dtype=np.float64) for group in groups]
    freedom = sum(len(group) - 1 for group in runs if len(group))
    if not freedom:
        return math.nan
    squares = sum(float(((group - group.mean()) ** 2).sum()) for group in runs if len(group))
    return float(stats.t.ppf((1 + confidence) / 2, freedom)) * math.sqrt(2 * squares / freedom)
