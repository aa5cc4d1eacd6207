"""Find the images that excite an ensemble most."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from fflib.measures.arrays import as_array

__all__ = ["NO_IMAGE", "strongest"]

NO_IMAGE = -1
"""In the place of an image where there is none."""


def strongest(
    values: Tensor | ArrayLike,
    labels: Tensor | ArrayLike,
    members: Tensor | ArrayLike,
    count: int = 6,
) -> NDArray[np.int64]:
    """Find the images of each class that excite the ensemble of that class most.

    An image excites an ensemble by the mean activation of its members.

    Parameters
    ----------
    values : Tensor or array-like, shape (n, units)
        Activations of one layer.
    labels : Tensor or array-like of int, shape (n,)
        The class of each image.
    members : Tensor or array-like of bool, shape (class, unit)
        The ensembles of that layer.
    count : int
        How many images of a class.

    Returns
    -------
    ndarray of int, shape (class, count)
        Rows of ``values``, the strongest first, and of equal ones the first;
        :data:`NO_IMAGE` where an ensemble is empty or a class has no more images.

    Examples
    --------
    >>> values = [[1.0, 9.0], [3.0, 0.0], [2.0, 5.0]]
    >>> strongest(values, [0, 0, 1], [[True, False], [True, True]], count=2)
    array([[ 1,  0],
           [ 2, -1]])
    """
    layer, classes = as_array(values), np.asarray(labels)
    ensembles = np.asarray(members, dtype=bool)
    images = np.full((len(ensembles), count), NO_IMAGE)
    for label, ensemble in enumerate(ensembles):
        if not ensemble.any():
            continue
        own = np.flatnonzero(classes == label)
        excited = layer[own][:, ensemble].mean(axis=1, dtype=np.float64)
        first = np.argsort(-excited, kind="stable")[:count]
        images[label, : len(first)] = own[first]
    return images
