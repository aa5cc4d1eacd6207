"""The two-sample Kolmogorov–Smirnov test between all units of a layer at once.

The statistic is the largest difference between the cumulative distributions of two units. All units
have equally many samples n, so that it is h / n for a whole number h, and the exact two-sided
p-value depends on h alone: 2 Σ_j (−1)^(j−1) C(2n, n − jh) / C(2n, n), what
:func:`scipy.stats.ks_2samp` computes for one pair.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

__all__ = ["summed_p_values"]


def summed_p_values(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Add up, for each unit, the p-values of the tests between it and every unit, itself included.

    From the activations of a layer, shape (n, units), to shape (units,). A sum is at least 1, the
    p-value of the test of the unit against itself.

    Examples
    --------
    >>> summed_p_values(np.zeros((10, 3)))
    array([3., 3., 3.])
    """
    _, ranks = np.unique(values, return_inverse=True)
    samples = np.sort(ranks.reshape(values.shape), axis=0).T
    # Units with the same samples, above all the silent ones, are compared only once.
    distinct, which, copies = np.unique(samples, axis=0, return_inverse=True, return_counts=True)
    p_values = _p_values(len(values))[_count_gaps(distinct)]
    return np.asarray((p_values @ copies)[which.ravel()])


def _count_gaps(samples: NDArray[np.integer]) -> NDArray[np.integer]:
    """Return the statistic h, shape (units, units), for every pair of rows of shape (units, n).

    It is the largest absolute difference between two rows' counts of samples up to a common rank.
    The rows hold ranks 0, 1, … over all rows, each row sorted.
    """
    units, n = samples.shape
    count = np.int16 if n < 2**15 else np.int32  # small numbers keep the table in the cache
    ends = samples.max() + 1
    numbers = np.arange(n + 1, dtype=count)
    own = np.stack([np.searchsorted(row, row, side="right") for row in samples]).astype(count)
    excess = np.empty((units, units), dtype=count)
    theirs = np.empty_like(own)
    for unit, row in enumerate(samples):
        # The distribution of one unit as a table over ranks, read at the samples of all units.
        # How far others rise above it is largest at one of their samples.
        cumulative = np.repeat(numbers, np.diff(row, prepend=0, append=ends))
        np.take(cumulative, samples, out=theirs, mode="clip")  # "raise" would copy the result
        excess[unit] = np.subtract(own, theirs, out=theirs).max(axis=1)
    return np.maximum(excess, excess.T)


@lru_cache(maxsize=256)
def _p_values(n: int) -> NDArray[np.float64]:
    """Return the p-values of two samples of n whose counts differ by 0, 1, …, n at most."""
    gaps = np.arange(1, n + 1)
    whole = 2 * gammaln(n + 1)
    p_values = np.zeros(n)
    for turn in range(1, n + 1):
        steps = turn * gaps[: n // turn]
        chance = np.exp(whole - gammaln(n + 1 - steps) - gammaln(n + 1 + steps))
        p_values[: len(steps)] += 2 * (-1) ** (turn - 1) * chance
    return np.concatenate([[1.0], p_values.clip(0, 1)])
