"""The plan of the second check: goodness functions crossed with activations.

A threshold that suits one goodness is out of reach for another, so that every combination has a
threshold of its own, chosen on validation data.
"""

import math
from collections.abc import Iterable, Mapping
from itertools import product
from typing import Any

from fflib.activation import ACTIVATIONS
from fflib.experiment import Experiment
from fflib.goodness import BUILT_IN

__all__ = [
    "CHOSEN",
    "EPOCHS",
    "LEARNS",
    "Combination",
    "candidates",
    "choose",
    "combination",
    "published_settings",
    "runs",
    "search",
    "settings",
    "thresholds",
]

Combination = tuple[str, str, str]
"""Data set, goodness and activation."""

DATASETS = ("mnist", "fashion-mnist")
TRAINING: dict[str, Any] = {"learning_rate": 0.003, "precision": "mixed"}
EPOCHS = 5
SEARCH_EPOCHS = 2
SETTINGS_EPOCHS = 3

UNITS_AT_ONE = (2, 10, 50, 250)
HEIGHTS = {True: (0.3, 0.5, 0.7, 0.9), False: (0.5, 1.0, 2.0, 4.0)}  # of bounded units or not


def thresholds(goodness: str, activation: str, units: int = 784) -> tuple[float, ...]:
    """Return the thresholds that a search tries, the lowest first.

    They are the goodness of 2, 10, 50 and 250 in 784 units at one and all others at zero; for the
    maximum, which does not count units, that of one unit at four heights.

    Examples
    --------
    >>> thresholds("l1", "relu"), thresholds("linf", "tanh")
    ((2.0, 10.0, 50.0, 250.0), (0.3, 0.5, 0.7, 0.9))
    """
    if goodness == "linf":
        return HEIGHTS[ACTIVATIONS[activation].bounded]
    by_count = {"l1": float, "l2": math.sqrt, "mean-square": lambda count: count / units}
    return tuple(round(by_count[goodness](n * units / 784), 4) for n in UNITS_AT_ONE)


def candidates(
    datasets: Iterable[str], combinations: Iterable[tuple[str, str]], **training: Any
) -> list[Experiment]:
    """Return the experiments that a threshold is chosen from.

    There is one for each threshold of each data set, goodness and activation; ``training`` are
    fields of all of them.
    """
    units = training.get("hidden", 784)
    return [
        _combined((dataset, *pair), theta, **training)
        for dataset, pair in product(datasets, combinations)
        for theta in thresholds(*pair, units)
    ]


def _combined(where: Combination, theta: float, **fields: Any) -> Experiment:
    named = dict(zip(("dataset", "goodness", "activation"), where, strict=True))
    return Experiment(**named, theta=theta, evaluate_on="validation", **fields)


def search() -> list[Experiment]:
    """Return the published candidates: short runs at every threshold."""
    every = product(BUILT_IN, ACTIVATIONS)
    return candidates(DATASETS, every, epochs=SEARCH_EPOCHS, **TRAINING)


LEARNS = 0.3
"""Accuracy from which on a combination counts as one that learns: three times chance."""

_TABLE = (  # by data set and goodness, for the activations in turn
    ("mnist", "l1", (10.0, 50.0, 10.0)),
    ("mnist", "l2", (1.4142, 3.1623, 3.1623)),
    ("mnist", "linf", (0.5, 0.5, 0.5)),
    ("mnist", "mean-square", (0.0026, 0.0026, 0.0026)),
    ("fashion-mnist", "l1", (10.0, 50.0, 10.0)),
    ("fashion-mnist", "l2", (1.4142, 3.1623, 3.1623)),
    ("fashion-mnist", "linf", (0.5, 0.5, 1.0)),
    ("fashion-mnist", "mean-square", (0.0026, 0.0026, 0.0638)),
)
CHOSEN: dict[Combination, float] = {
    (dataset, goodness, activation): theta
    for dataset, goodness, thetas in _TABLE
    for activation, theta in zip(("relu", "tanh", "gelu"), thetas, strict=True)
}
"""The threshold of every combination that learns, as the search on record has it."""


def choose(accuracies: Mapping[Experiment, float]) -> dict[Combination, float]:
    """Choose a threshold for every combination that learns.

    It is that of the highest validation accuracy among the candidates that did not fail; the lowest
    where several are equally good.

    Examples
    --------
    >>> low, high = candidates(["digits"], [("l1", "relu")], epochs=1)[:2]
    >>> choose({low: 0.6, high: 0.7})
    {('digits', 'l1', 'relu'): 10.0}
    """
    best: dict[Combination, tuple[float, float]] = {}
    for e, accuracy in accuracies.items():
        if accuracy >= LEARNS:
            assert e.theta is not None
            where = combination(e)
            best[where] = max(best.get(where, (0.0, 0.0)), (accuracy, -e.theta))
    return {where: -theta for where, (_, theta) in best.items()}


def combination(experiment: Experiment) -> Combination:
    """Return the combination that an experiment belongs to."""
    assert experiment.goodness is not None
    return experiment.dataset, experiment.goodness, experiment.activation


def runs(
    seeds: Iterable[int], chosen: Mapping[Combination, float] = CHOSEN, **training: Any
) -> list[Experiment]:
    """Return the experiments of every combination, each at its own threshold.

    The fields in ``training`` take the place of those of the published ones.
    """
    fields = {"epochs": EPOCHS, **TRAINING, **training}
    return [
        _combined(where, theta, seed=seed, **fields)
        for seed, (where, theta) in product(seeds, chosen.items())
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


def settings(datasets: Iterable[str], seeds: Iterable[int], **training: Any) -> list[Experiment]:
    """Return rectified units and the ℓ₂ goodness at other thresholds, with other negatives and order.

    Fields in ``training`` are those of all experiments.
    """
    return [
        Experiment(dataset=dataset, seed=seed, evaluate_on="validation", **setting, **training)
        for seed, dataset, setting in product(seeds, datasets, _SWEPT)
    ]


def published_settings() -> list[Experiment]:
    """Return the published ones of :func:`settings`."""
    return settings(DATASETS, range(3), epochs=SETTINGS_EPOCHS, **TRAINING)
