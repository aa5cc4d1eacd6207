r"""Measure what the ensembles of two classes share, and how alike the classes look.

For ensembles A and B, sets of units of a layer, the Jaccard index is
:math:`|A \cap B| / |A \cup B|`. It lies in [0, 1] and is ``nan`` where both are empty. Ensembles are
boolean, of shape (..., class, unit).
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special
from torch import Tensor

from fflib.measures.arrays import as_array, class_means, mean_of_known, ratio
from fflib.statistics import mantel

__all__ = [
    "follows_similarity",
    "jaccard",
    "jaccard_by_chance",
    "mean_overlap",
    "overlap",
    "shared_units",
    "visual_similarity",
]


def shared_units(ensembles: Tensor | ArrayLike) -> NDArray[np.int64]:
    """Count the units that the ensembles of two classes share, shape (..., class, class).

    The matrix is symmetric, with the ensemble sizes on the diagonal.

    Examples
    --------
    >>> shared_units([[True, True, False], [False, True, False]])
    array([[2, 1],
           [1, 1]])
    """
    members = np.asarray(ensembles, dtype=bool).astype(np.int64)
    return members @ members.swapaxes(-1, -2)


def jaccard(ensembles: Tensor | ArrayLike) -> NDArray[np.float64]:
    """Return the Jaccard index of the ensembles of two classes, shape (..., class, class).

    Examples
    --------
    >>> jaccard([[True, True, False], [False, True, False]])
    array([[1. , 0.5],
           [0.5, 1. ]])
    """
    shared = shared_units(ensembles)
    sizes = np.diagonal(shared, axis1=-2, axis2=-1)
    either = sizes[..., :, None] + sizes[..., None, :] - shared
    return ratio(shared, either)


def jaccard_by_chance(sizes: ArrayLike, units: int) -> NDArray[np.float64]:
    """Return the Jaccard index to expect of two ensembles of these sizes, drawn at random.

    Each ensemble is drawn without replacement from a layer of so many `units`, so that the number of
    shared ones is hypergeometric. `sizes` has shape (..., class), the result (..., class, class); it
    is nan where both ensembles are empty.

    Examples
    --------
    >>> jaccard_by_chance([1, 2], units=4).round(3)
    array([[0.25 , 0.25 ],
           [0.25 , 0.389]])
    """
    size = np.asarray(sizes, dtype=np.int64)
    one, other = np.broadcast_arrays(size[..., :, None], size[..., None, :])
    pairs, place = np.unique(np.stack([one.ravel(), other.ravel()]), axis=1, return_inverse=True)
    (a, b), total = pairs, pairs.sum(axis=0)
    shared = np.arange(size.max(initial=0) + 1)[:, None]
    possible = (shared <= np.minimum(a, b)) & (shared >= total - units)
    k = np.where(possible, shared, np.maximum(total - units, 0))  # anything that can be
    # scipy.stats.hypergeom says the same, ten times more slowly.
    chance = _log_choices(a, k) + _log_choices(units - a, b - k) - _log_choices(units, b)
    index = np.where(possible, np.exp(chance) * ratio(k, total - k), 0)
    return index.sum(axis=0)[place].reshape(one.shape)


def _log_choices(n: ArrayLike, k: ArrayLike) -> NDArray[np.float64]:
    """Return the logarithm of the number of ways to choose k of n."""
    n, k = np.asarray(n), np.asarray(k)
    return -special.betaln(n - k + 1, k + 1) - np.log(n + 1)


def overlap(members: ArrayLike, others: ArrayLike) -> NDArray[np.float64]:
    """Return the Jaccard index of ensembles with others, one by one: of shape (..., unit) to (...).

    Examples
    --------
    >>> overlap([[True, True, False]], [[False, True, False]])
    array([0.5])
    """
    one, other = np.asarray(members, dtype=bool), np.asarray(others, dtype=bool)
    return ratio((one & other).sum(axis=-1), (one | other).sum(axis=-1))


def mean_overlap(ensembles: Tensor | ArrayLike) -> NDArray[np.float64]:
    """Average the Jaccard index over all pairs of classes, shape (...).

    It is 0 where every unit serves one class at most. Pairs of empty ensembles are left out; nan
    where no other pair is left.

    Examples
    --------
    >>> round(float(mean_overlap([[1, 1, 0], [0, 1, 0], [0, 0, 1]])), 3)
    0.167
    """
    indices = jaccard(ensembles)
    rows, columns = np.triu_indices(indices.shape[-1], 1)
    return mean_of_known(indices[..., rows, columns])


def follows_similarity(ensembles: Tensor | ArrayLike, similarity: ArrayLike) -> NDArray[np.float64]:
    """Correlate (Pearson), over pairs of classes, the Jaccard index with a similarity.

    The similarity has shape (class, class), such as :func:`visual_similarity`; the correlation, in
    [−1, 1], shape (...). Two empty ensembles count as not overlapping; nan where all pairs overlap
    equally.

    Examples
    --------
    >>> ensembles = [[True, True, False], [False, True, False], [False, False, True]]
    >>> alike = [[1.0, 0.9, 0.1], [0.9, 1.0, 0.2], [0.1, 0.2, 1.0]]
    >>> round(float(follows_similarity(ensembles, alike)), 3)
    0.993
    """
    overlaps = np.nan_to_num(jaccard(ensembles))
    layers = overlaps.reshape(-1, *overlaps.shape[-2:])
    found = [mantel(layer, similarity, permutations=0).correlation for layer in layers]
    return np.reshape(found, overlaps.shape[:-2])


def visual_similarity(
    pixels: Tensor | ArrayLike, labels: Tensor | ArrayLike, classes: int
) -> NDArray[np.float64]:
    """Correlate (Pearson) the mean images of two classes, shape (class, class), in [−1, 1].

    The pixels, shape (n, ...), are of images without a label on their border, which would be
    compared too. A class without images, or with a mean image of one shade, has nan.

    Examples
    --------
    >>> visual_similarity([[0, 1, 2], [0, 2, 4], [2, 1, 0]], [0, 1, 2], classes=3).round(6)
    array([[ 1.,  1., -1.],
           [ 1.,  1., -1.],
           [-1., -1.,  1.]])
    """
    images = as_array(pixels)
    means = class_means(images.reshape(len(images), -1), np.asarray(labels), classes)
    means -= means.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(means, axis=1, keepdims=True)
    lengths[lengths == 0] = np.nan
    means /= lengths
    return (means @ means.T).clip(-1, 1)
