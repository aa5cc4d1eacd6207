"""Correct p-values where several claims are tested at once."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["holm"]


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Adjust p-values for testing several claims at once, by Holm's step-down procedure.

    The i-th smallest of m p-values becomes the largest of (m − j + 1) · p_j over j ≤ i, at most 1.

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
