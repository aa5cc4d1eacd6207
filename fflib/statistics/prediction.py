"""Predict what one further training run gives, from the runs that exist.

A confidence interval is about the mean over runs; with enough runs it shrinks to a point. Whether
*another* run is of the same kind is a question about a single run, and needs a prediction interval,
which does not shrink below the spread of the runs.
"""

import math
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from fflib.statistics.intervals import Interval, as_runs, student_interval

__all__ = ["allowed_difference", "prediction_interval"]


def prediction_interval(values: ArrayLike, confidence: float = 0.95) -> Interval:
    r"""Return the interval in which one further run should lie, by Student's t.

    For n runs of mean m and standard deviation s it is :math:`m \pm t_{n-1} s \sqrt{1 + 1/n}`. It
    holds a further, normally distributed run of the same kind with the given confidence. Arguments,
    errors and what is nan are as in :func:`fflib.statistics.mean_interval`.

    References
    ----------
    G. J. Hahn and W. Q. Meeker, *Statistical Intervals*, Wiley (1991), chapter 4.

    Examples
    --------
    >>> str(prediction_interval([0.95, 0.96, 0.97]))
    '0.960 [0.910, 1.010] (n = 3)'
    """
    runs = as_runs(values, "a prediction")
    return student_interval(runs, confidence, lambda s, n: s * math.sqrt(1 + 1 / n))


def allowed_difference(groups: Iterable[Sequence[float]], confidence: float = 0.95) -> float:
    r"""Return how far two runs of one kind may lie apart, given the spread of other runs.

    With a standard deviation s pooled within groups of runs, of d degrees of freedom in all, the
    difference of two further runs lies within :math:`t_d s \sqrt 2` with the given confidence. Runs
    of a group differ by chance alone; groups may differ in their means but not in their spread. The
    result is nan where no group has two runs.

    Examples
    --------
    >>> round(allowed_difference([[0.95, 0.96, 0.97], [0.85, 0.86, 0.87]]), 3)
    0.039
    """
    runs = [np.asarray(group, dtype=np.float64) for group in groups if len(group)]
    freedom = sum(len(group) - 1 for group in runs)
    if not freedom:
        return math.nan
    squares = sum(float(((group - group.mean()) ** 2).sum()) for group in runs)
    return float(stats.t.ppf((1 + confidence) / 2, freedom)) * math.sqrt(2 * squares / freedom)
