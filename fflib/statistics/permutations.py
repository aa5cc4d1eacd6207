"""Permutation tests: compare an arrangement with those that chance alone makes."""

import math
from dataclasses import dataclass
from itertools import permutations as all_permutations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Mantel", "mantel", "orderings", "permutations_needed"]

FINENESS = 10
"""How many times the smallest p-value that permutations can give fits into the risk."""


def permutations_needed(tests: int, risk: float = 0.05) -> int:
    """Return how many random permutations each of several tests needs.

    A p-value from n permutations cannot fall below 1/(n + 1), and corrected for m tests by Holm or
    Bonferroni, the smallest of them not below m/(n + 1). With too few, nothing could be significant
    whatever the data say. With so many as this, the smallest corrected p-value is a tenth of the
    `risk` of any false alarm.

    Examples
    --------
    >>> permutations_needed(57)
    11399
    """
    return max(1, math.ceil(FINENESS * tests / risk) - 1)


def orderings(n: int, count: int, seed: int = 0) -> NDArray[np.int64]:
    """Return permutations of n items for a permutation test, one a row, the identity first.

    The others, ``count`` of them, are drawn at random. If n items have no more than that in all,
    each is returned exactly once.

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
        One-sided: the share of orderings, the given one included, that correlate at least as
        strongly.
    """

    correlation: float
    p_value: float


def mantel(a: ArrayLike, b: ArrayLike, *, permutations: int = 9999, seed: int = 0) -> Mantel:
    """Test whether pairs that are close in one matrix tend to be close in the other (Mantel).

    Pairs of classes are not independent, since each class takes part in many of them. Therefore
    the test permutes the classes of one matrix, not its entries.

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
    >>> round(test.correlation, 3), round(test.p_value, 3)
    (0.988, 0.083)
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
    )


def _correlations(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Pearson's correlation of each row of x, shape (rows, n), with y, shape (n,).

    Places that are nan in either are left out.
    """
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
