"""The plan of the second check: goodness functions crossed with activations.

A threshold that suits one goodness is out of reach for another, so that every combination has a
threshold of its own, chosen on validation data. A combination that learns at no threshold gets a
second chance under the other published protocol's normalisation and training.
"""

import math
from collections.abc import Iterable, Mapping
from itertools import product
from typing import Any

from fflib.activation import ACTIVATIONS
from fflib.experiment import Experiment
from fflib.goodness import GOODNESS
from fflib.protocols import preset

__all__ = [
    "CHOSEN",
    "SEARCH",
    "SECOND_SEARCH",
    "SETTINGS",
    "Combination",
    "candidates",
    "combination",
    "runs",
    "thresholds",
]

Combination = tuple[str, str, str]
"""Data set, goodness and activation."""

LARGE = ("mnist", "fashion-mnist")
TRAINING: dict[str, Any] = {"learning_rate": 0.003, "precision": "mixed"}
EPOCHS = 5
SEARCH_EPOCHS = 2

_OTHER = preset("sigmoid-linf", "ff", "mnist")
SECOND_CHANCE: dict[str, Any] = {
    name: _OTHER[name].value for name in ("norm", "label_gain", "batch_size", "schedule", "epochs")
}
"""What a combination is tried again with where it has learned at no threshold."""

UNITS_AT_ONE = (2, 10, 50, 250)
HEIGHTS = {True: (0.3, 0.5, 0.7, 0.9), False: (0.5, 1.0, 2.0, 4.0)}  # of bounded units or not


def thresholds(goodness: str, activation: str) -> tuple[float, ...]:
    """Thresholds that a search over them tries, the lowest first.

    Parameters
    ----------
    goodness, activation : str

    Returns
    -------
    tuple of float
        The goodness of 2, 10, 50 and 250 units of 784 at one and all others at zero; for the
        maximum, which does not count units, that of one unit at four heights.

    Examples
    --------
    >>> thresholds("l1", "relu"), thresholds("linf", "tanh")
    ((2.0, 10.0, 50.0, 250.0), (0.3, 0.5, 0.7, 0.9))
    """
    if goodness == "linf":
        return HEIGHTS[ACTIVATIONS[activation].bounded]
    by_count = {"l1": float, "l2": math.sqrt, "mean-square": lambda units: units / 784}
    return tuple(round(by_count[goodness](units), 4) for units in UNITS_AT_ONE)


def candidates(
    datasets: Iterable[str], combinations: Iterable[tuple[str, str]], **training: Any
) -> list[Experiment]:
    """Experiments that a threshold is chosen from, one for each combination and threshold.

    Parameters
    ----------
    datasets : iterable of str
    combinations : iterable of (str, str)
        Goodness and activation.
    **training
        Fields of all experiments.
    """
    return [
        Experiment(
            dataset=dataset,
            goodness=goodness,
            activation=activation,
            theta=theta,
            evaluate_on="validation",
            **training,
        )
        for dataset, (goodness, activation) in product(datasets, combinations)
        for theta in thresholds(goodness, activation)
    ]


SEARCH = candidates(LARGE, product(GOODNESS, ACTIVATIONS), epochs=SEARCH_EPOCHS, **TRAINING)
"""Short runs at every threshold."""

SECOND_SEARCH = candidates(
    LARGE, [(goodness, "sigmoid") for goodness in GOODNESS], **TRAINING | SECOND_CHANCE
)
"""Sigmoid units learn at no threshold of :data:`SEARCH`."""

CHOSEN: dict[Combination, dict[str, Any] | None] = {}
"""What the searches choose: fields by combination, None where it learns at no threshold."""


def combination(experiment: Experiment) -> Combination:
    """The combination that an experiment belongs to."""
    assert experiment.goodness is not None
    return experiment.dataset, experiment.goodness, experiment.activation


def runs(
    seeds: Iterable[int], chosen: Mapping[Combination, dict[str, Any] | None] = CHOSEN
) -> list[Experiment]:
    """Experiments of every combination that learns, at its own threshold.

    Parameters
    ----------
    seeds : iterable of int
    chosen : mapping
        Fields of its experiments by combination, None for one that does not learn.
    """
    return [
        Experiment(
            dataset=dataset,
            goodness=goodness,
            activation=activation,
            seed=seed,
            evaluate_on="validation",
            **{"epochs": EPOCHS, **TRAINING, **fields},
        )
        for seed, ((dataset, goodness, activation), fields) in product(seeds, chosen.items())
        if fields is not None
    ]


# The published threshold is 3. Negatives and order are crossed, at that threshold.
SWEPT_THETAS = (1.0, 2.0, 3.0, 5.0, 8.0)
SWEPT_NEGATIVES = ("fixed", "resampled", "hard")
SWEPT_ORDERS = ("sequential", "simultaneous")

_SWEPT: list[dict[str, Any]] = [
    *({"theta": theta} for theta in SWEPT_THETAS),
    *(
        {"negatives": negatives, "order": order}
        for negatives, order in product(SWEPT_NEGATIVES, SWEPT_ORDERS)
        if (negatives, order) != ("fixed", "sequential")
    ),
]

SETTINGS: list[Experiment] = [
    Experiment(
        **setting, dataset=dataset, seed=seed, epochs=EPOCHS, **TRAINING, evaluate_on="validation"
    )
    for seed, dataset, setting in product(range(3), LARGE, _SWEPT)
]
"""Rectified units and the ℓ₂ goodness at other thresholds, with other negatives, in other order."""
