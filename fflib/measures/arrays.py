"""Bring what the measures receive, tensors or arrays of any precision, to one form."""

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

__all__ = ["as_array", "class_means", "mean_of_known", "ratio"]


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


def ratio(part: ArrayLike, whole: ArrayLike) -> NDArray[np.float64]:
    """Divide element by element; the ratio is nan where the whole is not above zero."""
    out = np.full(np.shape(whole), np.nan)
    return np.divide(part, whole, out=out, where=np.asarray(whole) > 0)


def mean_of_known(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Average over the last axis without the entries that are nan; nan where all are."""
    known = ~np.isnan(values)
    return ratio(np.where(known, values, 0).sum(axis=-1), known.sum(axis=-1))


def class_means(
    values: NDArray[np.floating], labels: NDArray[np.integer], classes: int
) -> NDArray[np.float64]:
    """Average values of shape (n, features) over the samples of each class.

    The result has shape (class, features), with nan for a class without samples.

    Examples
    --------
    >>> class_means(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1, 1]), classes=2)
    array([[nan, nan],
           [ 2.,  3.]])
    """
    means = np.full((classes, values.shape[1]), np.nan)
    for label in np.unique(labels):
        means[label] = values[labels == label].mean(axis=0, dtype=np.float64)
    return means
