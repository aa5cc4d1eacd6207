"""The two-sample Kolmogorov–Smirnov test between all units of a layer at once.

The statistic is the largest difference between the cumulative distributions of two units. All units
have equally many samples n, so that it is h / n for a whole number h, and the exact two-sided
p-value depends on h alone: 2 Σ_j (−1)^(j−1) C(2n, n − jh) / C(2n, n), what
:func:`scipy.stats.ks_2samp` computes for one pair.
"""

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln
from torch import Tensor

from fflib.measures.arrays import as_tensor, sort

__all__ = ["summed_p_values"]

NEGLIGIBLE = 1e-30
"""A p-value so small that a sum of at least 1 does not change with it, nor for thousands of units."""

READ_AT_ONCE = 2**27
"""Counts that an accelerator holds at once, 0.5 GB."""


def summed_p_values(values: Tensor | ArrayLike) -> NDArray[np.float64]:
    """Add up, for each unit, the p-values of the tests between it and every unit, itself included.

    From the activations of a layer, shape (n, units), to shape (units,). A sum is at least 1, the
    p-value of the test of the unit against itself.

    Examples
    --------
    >>> summed_p_values(np.zeros((10, 3)))
    array([3., 3., 3.])
    """
    samples = sort(as_tensor(values).T.contiguous())
    # Units with the same samples, above all the silent ones, are compared only once.
    distinct, which, copies = samples.unique(dim=0, return_inverse=True, return_counts=True)
    _, ranks = distinct.unique(return_inverse=True)
    by_gap = _p_values(samples.shape[1])
    if ranks.device.type == "cpu":
        far = by_gap < NEGLIGIBLE
        gaps = _count_gaps(ranks.numpy(), int(far.argmax()) if far.any() else len(by_gap))
    else:
        gaps = _count_gaps_in_blocks(ranks).cpu().numpy()
    return np.asarray((by_gap[gaps] @ copies.cpu().numpy())[which.cpu().numpy()])


def _count_gaps(samples: NDArray[np.integer], far: int) -> NDArray[np.integer]:
    """Return the statistic h, shape (units, units), for every pair of rows of shape (units, n).

    It is the largest absolute difference between two rows' counts of samples up to a common rank.
    Where that is ``far`` or more, the result is so too, yet may be less than the statistic. The
    rows hold ranks 0, 1, … over all rows, each row sorted.
    """
    units, n = samples.shape
    count = np.int16 if n < 2**15 else np.int32  # small numbers keep the table in the cache
    ends = samples.max() + 1
    numbers = np.arange(n + 1, dtype=count)
    own = np.stack([np.searchsorted(row, row, side="right") for row in samples]).astype(count)
    few, own_few = (x[:, :: max(1, n // 64)].copy() for x in (samples, own))
    gaps = np.empty((units, units), dtype=count)
    places, theirs = np.empty_like(samples), np.empty_like(own)
    for unit, row in enumerate(samples):
        # The distribution of one unit as a table over ranks, read at the samples of all units.
        cumulative = np.repeat(numbers, np.diff(row, prepend=0, append=ends))
        rough = np.abs(own_few - cumulative[few]).max(axis=1)
        near = np.flatnonzero(rough < far)
        read, at = theirs[: len(near)], places[: len(near)]
        # How far others rise above it is largest at one of their samples.
        np.take(samples, near, axis=0, out=at, mode="clip")  # "raise" would copy the result
        np.take(cumulative, at, out=read, mode="clip")
        rough[near] = np.subtract(own[near], read, out=read).max(axis=1)
        gaps[unit] = rough
    return np.maximum(gaps, gaps.T)


def _count_gaps_in_blocks(samples: Tensor) -> Tensor:
    """Return the statistic as `_count_gaps` does, for an accelerator: many units in one step."""
    units, n = samples.shape
    ends = int(samples.max()) + 1
    own = torch.searchsorted(samples, samples, right=True, out_int32=True).unsqueeze(-1)
    gaps = []
    for rows in samples.split(max(1, READ_AT_ONCE // samples.numel())):
        tables = rows.new_zeros(ends, len(rows), dtype=torch.int32)
        tables.scatter_add_(0, rows.T, torch.ones_like(rows.T, dtype=torch.int32))
        theirs = tables.cumsum_(0).index_select(0, samples.flatten())
        gaps.append((own - theirs.view(units, n, -1)).amax(1))
    excess = torch.cat(gaps, 1)
    return torch.maximum(excess, excess.T)


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
