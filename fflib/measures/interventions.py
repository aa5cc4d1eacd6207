"""Change weights of one sign in a trained network and measure the effect.

An intervention multiplies chosen weights by a factor: three operations, three kinds of weights, in
steps of a dose, layer by layer. The weights in question are negative ones. Two controls show what
part of the effect is due to their sign: equally many weights drawn at random from all, and positive
weights of the same magnitude in sum.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fflib.measures import ensembles, selectivity, sparsity
from fflib.measures.arrays import as_array, class_means
from fflib.measures.sharing import overlap

__all__ = [
    "DOSES",
    "EVERYWHERE",
    "OPERATIONS",
    "TARGETS",
    "Effect",
    "affected",
    "interventions",
]

OPERATIONS = {"zero": 0.0, "halve": 0.5, "flip": -1.0}
"""What the chosen weights are multiplied by."""

TARGETS = ("negative", "random", "positive")
"""Which weights are changed."""

DOSES = (0.0, 0.1, 0.3, 1.0)
"""Share of the negative weights that is changed, or matched by a control."""

EVERYWHERE = 0
"""The place of an intervention on all layers at once; the place of one layer counts from 1."""

Array = NDArray[np.floating]
Respond = Callable[[list[Array]], tuple[ArrayLike, Sequence[ArrayLike]]]
"""From weights to the predicted class of each image and each layer's activations."""


@dataclass(frozen=True)
class Effect:
    """A network after an intervention.

    Parameters
    ----------
    operation : str
        A name in :data:`OPERATIONS`.
    target : str
        A name in :data:`TARGETS`.
    place : int
        The layer, counted from 1; 0 for all at once.
    dose : float
        In :data:`DOSES`.
    changed : float
        Share of the weights there that were chosen.
    accuracy : float
        Share of images that are classified correctly.
    hoyer : float or None
        Mean Hoyer sparseness over the layers; None where all are silent.
    identity : float or None
        Jaccard index of each class's ensemble with the one before, mean over classes and layers;
        None where all are empty.
    selectivity : float or None
        Mean class selectivity index over the layers.
    """

    operation: str
    target: str
    place: int
    dose: float
    changed: float
    accuracy: float
    hoyer: float | None
    identity: float | None
    selectivity: float | None


def affected(
    weights: ArrayLike, target: str, dose: float, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Choose the weights that an intervention changes.

    At a dose in [0, 1] they are that part, drawn at random, of the negative weights; equally many
    of all weights; or positive weights with, in sum, the magnitude of that part of the negative
    ones, as far as there are any. For equal generators, a smaller dose chooses a part of the
    weights of a larger one. The result is boolean, of the shape of the weights.

    Examples
    --------
    >>> weights = [-1.0, -3.0, 2.0, 2.0, 9.0]
    >>> affected(weights, "negative", 1.0, np.random.default_rng(0)).tolist()
    [True, True, False, False, False]
    >>> int(affected(weights, "random", 0.5, np.random.default_rng(0)).sum())
    1
    """
    values = np.asarray(weights)
    flat = values.ravel()
    kinds = {"negative": flat < 0, "positive": flat > 0, "random": np.ones(flat.shape, bool)}
    ordered = rng.permutation(np.flatnonzero(kinds[target]))
    negative = flat < 0
    if target == "positive":
        magnitude = dose * np.abs(flat[negative], dtype=np.float64).sum()
        count = int(np.searchsorted(np.cumsum(flat[ordered], dtype=np.float64), magnitude, "right"))
    else:
        count = round(dose * int(negative.sum()))
    chosen = np.zeros(flat.shape, bool)
    chosen[ordered[:count]] = True
    return chosen.reshape(values.shape)


def interventions(
    weights: Sequence[ArrayLike],
    respond: Respond,
    labels: ArrayLike,
    classes: int,
    *,
    doses: Sequence[float] = DOSES,
    seed: int = 0,
) -> list[Effect]:
    """Measure the effect of all operations, targets, places and doses.

    Parameters
    ----------
    weights : sequence of array-like, each of shape (units, inputs)
        Of each layer.
    respond : callable
        From weights of these shapes to the predicted class of each image, shape (n,), and the
        activations of each layer, shape (n, units), on images that carry their true label.
    labels : array-like of int, shape (n,)
        True classes of the images.
    classes : int
        Number of classes.
    doses : sequence of float
        At dose 0 the network is untouched.
    seed : int
        Decides which weights are chosen.

    Examples
    --------
    >>> weights = [np.array([[1.0, -1.0], [-1.0, 1.0]])]
    >>> def respond(changed):
    ...     h = np.maximum(np.eye(2) @ changed[0].T, 0)
    ...     return h.argmax(axis=1), [h]
    >>> effects = interventions(weights, respond, [0, 1], 2, doses=(0.0, 1.0))
    >>> [(e.dose, e.accuracy, e.hoyer) for e in effects if (e.operation, e.place) == ("zero", 0)][:2]
    [(0.0, 1.0, 1.0), (1.0, 1.0, 1.0)]
    """
    whole = [np.asarray(w) for w in weights]
    truth = np.asarray(labels)

    def members(hidden: Sequence[ArrayLike]) -> NDArray[np.bool_]:
        return ensembles.median_quantile(ensembles.Activations(hidden, truth), classes=classes)

    @cache  # operations change the same weights
    def chosen(layer: int, target: str, dose: float) -> NDArray[np.bool_]:
        return affected(whole[layer], target, dose, np.random.default_rng([seed, layer]))

    before = members(respond(whole)[1])

    def measured(changed: list[Array]) -> tuple[float, float | None, float | None, float | None]:
        predicted, hidden = respond(changed)
        means = [class_means(as_array(h), truth, classes) for h in hidden]
        return (
            float((np.asarray(predicted) == truth).mean()),
            _mean([sparsity.mean_hoyer(as_array(h)) for h in hidden]),
            _mean(overlap(before, members(hidden))),
            _mean(selectivity.mean_selectivity(np.stack(means))),
        )

    untouched = measured(whole)
    effects = []
    for operation, target, place, dose in product(
        OPERATIONS, TARGETS, range(len(whole) + 1), doses
    ):
        factor, changed = OPERATIONS[operation], list(whole)
        places = range(len(whole)) if place == EVERYWHERE else [place - 1]
        masks = [chosen(layer, target, dose) for layer in places]
        for layer, mask in zip(places, masks, strict=True):
            changed[layer] = np.where(mask, whole[layer] * factor, whole[layer]).astype(
                whole[layer].dtype
            )
        found = measured(changed) if any(mask.any() for mask in masks) else untouched
        touched = float(np.mean([mask.mean() for mask in masks]))
        effects.append(Effect(operation, target, place, dose, touched, *found))
    return effects


def _mean(values: ArrayLike) -> float | None:
    numbers = np.asarray(values, dtype=float)
    known = numbers[~np.isnan(numbers)]
    return float(known.mean()) if known.size else None
