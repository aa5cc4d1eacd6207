"""Test what ensembles contribute: read the class from them, silence them, cut what is in none.

Three questions. Can the class be read from the ensembles alone? Which classes lose accuracy when an
ensemble is silenced: its own, or all? And how much of the network is in no ensemble and can be cut?

Find the ensembles on other images than those that these functions receive; otherwise they would be
judged by the images that they were made from.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fflib.measures.arrays import as_array, ratio

__all__ = ["Cut", "accuracy_by_class", "cut", "damage", "decode", "own_and_others"]

Predict = Callable[[NDArray[np.bool_]], ArrayLike]
"""From the units to be silenced, shape (layer, unit), to the predicted class of each image."""

ACTIVE = 0.9
"""Units above this quantile of an image's activations count as active for it."""


def decode(activations: ArrayLike, members: ArrayLike) -> NDArray[np.int64]:
    """Read the class of each image from the ensembles of one layer, without any training.

    The most active tenth of the units is compared with the ensemble of every class; the result is
    the class with the highest Jaccard index, the first one where several are equal. Activations
    have shape (n, units), where a unit at zero is never active, and ensembles (class, unit).

    Examples
    --------
    >>> decode([[0.0, 0.1, 5.0], [7.0, 0.0, 0.0]], [[True, False, False], [False, False, True]])
    array([1, 0])
    """
    values, ensembles = as_array(activations), np.asarray(members, dtype=np.float32)
    active = (values >= np.quantile(values, ACTIVE, axis=1, keepdims=True)) & (values > 0)
    shared = active.astype(np.float32) @ ensembles.T
    either = active.sum(axis=1, keepdims=True) + ensembles.sum(axis=1) - shared
    return np.divide(shared, either, out=np.zeros_like(shared), where=either > 0).argmax(axis=1)


def accuracy_by_class(predicted: ArrayLike, labels: ArrayLike, classes: int) -> NDArray[np.float64]:
    """Return the share of each class's images that are predicted correctly; nan without images.

    Examples
    --------
    >>> accuracy_by_class([0, 1, 1, 1], [0, 0, 1, 1], classes=3)
    array([0.5, 1. , nan])
    """
    truth = np.asarray(labels)
    number = np.bincount(truth, minlength=classes)
    right = np.bincount(truth[np.asarray(predicted) == truth], minlength=classes)
    return ratio(right, number)


def damage(
    predict: Predict, members: ArrayLike, labels: ArrayLike, *, seed: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Measure how much accuracy each class loses when an ensemble is silenced.

    Parameters
    ----------
    predict : callable
        From the units to be silenced, boolean of shape (layer, unit), to the predicted classes.
    members : array-like of bool, shape (layer, class, unit)
    labels : array-like of int, shape (n,)
        True classes of the images that `predict` sees.
    seed : int, default 0
        Seed of the random units.

    Returns
    -------
    ensembles : ndarray, shape (layer, silenced class, class)
        Accuracy of a class before minus after; exactly zero where an ensemble is empty.
    random : ndarray, shape (layer, silenced class, class)
        The same for equally many units of the layer, drawn at random.

    Examples
    --------
    >>> members = np.eye(2, dtype=bool)[None]
    >>> own, _ = damage(lambda silent: np.where(silent[0], 9, [0, 1]), members, [0, 1])
    >>> own[0]
    array([[1., 0.],
           [0., 1.]])
    """
    ensembles = np.asarray(members, dtype=bool)
    layers, classes, units = ensembles.shape
    rng = np.random.default_rng(seed)
    intact = accuracy_by_class(predict(np.zeros((layers, units), bool)), labels, classes)
    own, random = np.zeros((2, layers, classes, classes))
    for layer, label in np.ndindex(layers, classes):
        ensemble = ensembles[layer, label]
        for result, units_out in ((own, ensemble), (random, rng.permutation(ensemble))):
            if ensemble.any():
                silent = np.zeros((layers, units), bool)
                silent[layer] = units_out
                after = accuracy_by_class(predict(silent), labels, classes)
                result[layer, label] = intact - after
    return own, random


def own_and_others(damage: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Average what a class loses without its own ensemble, and without another class's.

    The damage has the shape (layer, silenced class, class) of :func:`damage`; classes without
    images are nan and left out. The two means, over classes and over pairs of different classes,
    have shape (layer,).

    Examples
    --------
    >>> own, others = own_and_others([[[0.8, 0.1], [0.3, 0.6]]])
    >>> own.round(2), others.round(2)
    (array([0.7]), array([0.2]))
    """
    losses = np.asarray(damage, dtype=float)
    own = np.eye(losses.shape[-1], dtype=bool)
    return np.nanmean(losses[:, own], axis=1), np.nanmean(losses[:, ~own], axis=1)


@dataclass(frozen=True)
class Cut:
    """Accuracy with and without the units that are in no ensemble.

    Parameters
    ----------
    outside : tuple of float
        Share of units in no ensemble, layer by layer.
    intact : float
        Accuracy of the whole network.
    without : float
        Accuracy without these units, silenced in all layers at once.
    random : float
        Accuracy without equally many units of each layer, drawn at random.
    """

    outside: tuple[float, ...]
    intact: float
    without: float
    random: float


def cut(predict: Predict, members: ArrayLike, labels: ArrayLike, *, seed: int = 0) -> Cut:
    """Silence every unit that is in no ensemble, in all layers at once; see :func:`damage`.

    Examples
    --------
    >>> members = np.array([[[True, False, False, False]]])
    >>> cut(lambda silent: [0 if not silent[0, 0] else 9], members, [0])
    Cut(outside=(0.75,), intact=1.0, without=1.0, random=0.0)
    """
    outside = np.logical_not(np.asarray(members, dtype=bool).any(axis=1))
    random = np.random.default_rng(seed).permuted(outside, axis=1)
    truth = np.asarray(labels)
    intact, without, by_chance = (
        float((np.asarray(predict(silent)) == truth).mean())
        for silent in (np.zeros_like(outside), outside, random)
    )
    return Cut(tuple(map(float, outside.mean(axis=1))), intact, without, by_chance)
