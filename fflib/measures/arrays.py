"""Bring what the measures receive, tensors or arrays of any precision, to one form."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

__all__ = [
    "as_array",
    "as_tensor",
    "class_means",
    "mean_of_known",
    "median",
    "quantiles",
    "ratio",
    "sort",
]


def as_array(x: Tensor | ArrayLike) -> NDArray[np.floating]:
    """Convert numbers, on any device and of any precision, to a numpy array.

    It is float64 where float64 was given or single precision cannot hold the type, else float32.

    Examples
    --------
    >>> as_array(torch.ones(2, dtype=torch.bfloat16))
    array([1., 1.], dtype=float32)
    """
    if isinstance(x, Tensor):
        x = x.detach().cpu()
        if x.dtype is torch.bfloat16:  # the one type that numpy does not know
            x = x.float()
        x = x.numpy()
    array = np.asarray(x)
    return array.astype(np.result_type(array.dtype, np.float32), copy=False)


def as_tensor(x: Tensor | ArrayLike) -> Tensor:
    """Convert numbers to a tensor, on the device where they are, with the precision of `as_array`.

    Examples
    --------
    >>> as_tensor(np.ones(2, dtype=np.float16))
    tensor([1., 1.])
    """
    if isinstance(x, Tensor):
        return x.detach().to(torch.promote_types(x.dtype, torch.float32))
    return torch.from_numpy(np.require(as_array(x), requirements=["C", "W"]))


def sort(x: Tensor, dim: int = -1) -> Tensor:
    """Sort numbers along a dimension.

    Examples
    --------
    >>> sort(torch.tensor([3.0, 1.0, 2.0]))
    tensor([1., 2., 3.])
    """
    if x.device.type == "cpu":  # numpy sorts with vector instructions, ten times faster
        return torch.from_numpy(np.sort(x.numpy(), axis=dim))
    return x.sort(dim).values


def median(values: Tensor) -> NDArray[np.floating]:
    """Return the median of every unit over samples, for values of shape (n, units).

    It is the mean of the two in the middle for an even number of samples, and nan where a value is,
    or where there is no sample.

    Examples
    --------
    >>> median(torch.tensor([[1.0], [8.0], [3.0], [4.0]]))
    array([3.5], dtype=float32)
    """
    ordered, n = sort(values, 0), len(values)
    if not n:
        return np.full(values.shape[1:], np.nan, np.float32)
    middle = ordered[n // 2]
    if n % 2 == 0:
        middle = (ordered[n // 2 - 1] + middle) / 2
    return middle.where(~ordered[-1].isnan(), np.nan).cpu().numpy()


def quantiles(values: Tensor, shares: Sequence[float]) -> NDArray[np.floating]:
    """Return quantiles of all values together, as :func:`numpy.quantile` does one by one.

    Examples
    --------
    >>> quantiles(torch.tensor([[0.0, 1.0], [2.0, 4.0]]), [0.5, 1.0])
    array([1.5, 4. ], dtype=float32)
    """
    if not all(0 <= share <= 1 for share in shares):
        raise ValueError(f"quantiles lie in [0, 1], got {list(shares)}: pass shares of the values")
    # Sorting is faster than partitioning, which numpy does without vector instructions.
    ordered = sort(values.flatten())
    places = (len(ordered) - 1) * np.asarray(shares, dtype=np.float64)
    below = np.floor(places)
    ends = np.minimum([below, below + 1, np.full_like(below, np.inf)], len(ordered) - 1)
    low, high, last = ordered[torch.from_numpy(ends.astype(np.int64))].cpu().numpy()
    share, gap = places - below, high - low
    upwards, downwards = (w.astype(low.dtype) for w in (share, 1 - share))
    between = np.where(share < 0.5, low + gap * upwards, high - gap * downwards)
    return np.where(np.isnan(last), last, between)


def ratio(part: ArrayLike, whole: ArrayLike) -> NDArray[np.float64]:
    """Divide element by element; the ratio is nan where the whole is not above zero."""
    out = np.full(np.shape(whole), np.nan)
    return np.divide(part, whole, out=out, where=np.asarray(whole) > 0)


def mean_of_known(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Average over the last axis without the entries that are nan; nan where all are."""
    known = ~np.isnan(values)
    return ratio(np.where(known, values, 0).sum(axis=-1), known.sum(axis=-1))


def class_means(
    values: Tensor | ArrayLike, labels: NDArray[np.integer], classes: int
) -> NDArray[np.float64]:
    """Average values of shape (n, features) over the samples of each class.

    The result has shape (class, features), with nan for a class without samples.

    Examples
    --------
    >>> class_means(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1, 1]), classes=2)
    array([[nan, nan],
           [ 2.,  3.]])
    """
    x = as_tensor(values)
    means = np.full((classes, x.shape[1]), np.nan)
    for label in np.unique(labels):
        own = x[torch.from_numpy(labels == label).to(x.device)]
        if own.device.type == "cpu":  # added up in numpy's order, whatever torch's is
            means[label] = own.numpy().mean(axis=0, dtype=np.float64)
        else:
            means[label] = own.mean(0, dtype=torch.float64).cpu().numpy()
    return means
