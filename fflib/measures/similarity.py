r"""Measure how alike two representations are, by the distances between images within each.

Units of two networks cannot be paired, but the images can: two layers are alike if the images that lie
close in one lie close in the other. Distances are Euclidean, each pair of images once, in the order of
:func:`scipy.spatial.distance.pdist`. Both measures are cosines of vectors made from them, lie in
[−1, 1], and do not change if a layer is rotated, shifted or scaled.

* *Representational similarity analysis* (RSA) is Spearman's rank correlation of the distances.
* *Linear centred kernel alignment* (CKA) compares Gram matrices. The squared distances are all that it
  needs: since :math:`d_{ij}^2 = k_{ii} + k_{jj} - 2 k_{ij}`, centring the rows and columns of
  :math:`-\frac12 d_{ij}^2` gives the centred Gram matrix. As usually computed, CKA of unrelated
  layers is far above 0 where units outnumber images, so we use the version without that bias: matrices
  are centred without their diagonal (U-centred), and unrelated layers have 0 on average.

References
----------
N. Kriegeskorte, M. Mur and P. Bandettini, "Representational similarity analysis", Frontiers in Systems
Neuroscience 2 (2008). S. Kornblith et al., "Similarity of neural network representations revisited",
ICML (2019). L. Song et al., "Feature selection via dependence maximization", JMLR 13 (2012), for the
estimate without bias; G. Székely and M. Rizzo, "Partial distance correlation with methods for
dissimilarities", Annals of Statistics 42 (2014), for U-centring.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import pdist, squareform
from scipy.stats import rankdata

__all__ = ["cka", "distances", "first_of_each", "rsa"]

Array = NDArray[np.float64]


def first_of_each(labels: NDArray[np.integer], classes: int, count: int) -> NDArray[np.int64]:
    """Return the places of the first images of every class, class by class.

    There are `count` of each class, or all if it has fewer.

    Examples
    --------
    >>> first_of_each(np.array([1, 0, 1, 1]), classes=2, count=2)
    array([1, 0, 2])
    """
    return np.concatenate([np.flatnonzero(labels == c)[:count] for c in range(classes)])


def distances(values: ArrayLike) -> NDArray[np.float16]:
    """Return the Euclidean distances between samples, divided by their root mean square.

    Values have shape (n, units), distances (pair,). No measure here depends on the scale, and at a
    scale of 1 half precision keeps three digits. All are 0 where all samples are alike.

    Examples
    --------
    >>> distances([[0.0], [3.0], [3.0]]).round(3)
    array([1.225, 1.225, 0.   ], dtype=float16)
    """
    found = pdist(np.asarray(values, dtype=np.float64))
    scale = np.sqrt(np.mean(found**2))
    return (found / (scale or 1.0)).astype(np.float16)


def rsa(one: ArrayLike, other: ArrayLike) -> Array:
    """Correlate the ranks of distances in every layer of one set with those in every other's.

    They have shapes (layers, pair) and (others, pair), the result (layers, others); nan where all
    distances are equal.

    Examples
    --------
    >>> line = distances([[0.0], [1.0], [3.0], [7.0]])
    >>> rsa([line], [line**2, 1 / line])
    array([[ 1., -1.]])
    """
    return _cosines(*(rankdata(x, axis=-1) - (np.shape(x)[-1] + 1) / 2 for x in (one, other)))


def cka(one: ArrayLike, other: ArrayLike) -> Array:
    """Align the Gram matrices of every layer of one set with those of every other's.

    Distances and result are as in :func:`rsa`. At least four samples are needed, or a ValueError is
    raised.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> layer, unrelated = rng.normal(size=(2, 50, 400))
    >>> [[same, none]] = cka([distances(layer)], [distances(-3 * layer), distances(unrelated)])
    >>> bool(abs(same - 1) < 1e-3), bool(abs(none) < 0.1)
    (True, True)
    """
    return _cosines(_centred(one), _centred(other))


def _centred(layers: ArrayLike) -> Array:
    """U-centre squared distances: (layers, pair) to the same, what is above the diagonal."""
    squares = np.asarray(layers, dtype=np.float64) ** 2
    n = len(squareform(squares[0], checks=False))
    if n < 4:
        raise ValueError(f"CKA without bias needs at least four samples, got {n}: pass more")
    sums = np.array([squareform(row, checks=False).sum(axis=0) for row in squares])
    first, second = np.triu_indices(n, 1)
    level = sums.sum(axis=1, keepdims=True) / ((n - 1) * (n - 2))
    centred = squares - (sums[:, first] + sums[:, second]) / (n - 2) + level
    rounding = 1e-12 * squares.max(axis=1, keepdims=True)
    return np.where(np.abs(centred) > rounding, centred, 0)


def _cosines(one: Array, other: Array) -> Array:
    """Return the cosines of all rows of one with all of the other; nan for a row of zeros."""
    sizes = np.outer(np.linalg.norm(one, axis=1), np.linalg.norm(other, axis=1))
    unknown = np.full(sizes.shape, np.nan)
    return np.divide(one @ other.T, sizes, out=unknown, where=sizes > 0).clip(-1, 1)
