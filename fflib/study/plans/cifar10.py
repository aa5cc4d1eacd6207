"""CIFAR-10: the paper's network widened to its images, and convolutions, one choice at a time.

The runs behind the answer to the second open question. Settings are chosen on validation data by one
short run each (:func:`search`), and so are the choices compared (:func:`published_variants`); the
networks that are reported on test images (:func:`final`) take the best of them.
"""

from collections.abc import Iterable
from functools import cache
from itertools import product
from typing import Any

from fflib.experiment import Experiment

__all__ = [
    "DATASET",
    "SECOND_BASE",
    "VARIED",
    "convolutional",
    "dense",
    "final",
    "published_variants",
    "search",
    "variant",
    "variants",
]

DATASET = "cifar-10-jpeg"
"""A copy of CIFAR-10 that went through JPEG; the original is called ``cifar-10``."""

# The claims are about FF and BP; BP/FF is there to compare with.
SEEDS = {"ff": range(3), "bp": range(3), "bp-ff": range(1)}

WIDENED: dict[str, Any] = {"hidden": 3072, "layers": 3, "precision": "mixed"}
WIDENED_EPOCHS = {"ff": 6, "bp-ff": 3, "bp": 5}
WIDENED_RATES = {"ff": 0.01, "bp-ff": 0.0003, "bp": 0.0003}
WIDENED_CANDIDATES = {"ff": (0.003, 0.01), "bp": (0.0001, 0.0003)}
WIDENED_SEARCH_EPOCHS = 3

# Goodness by class needs no label in the image. A network with a head has no goodness.
BY_CLASS = {"ff": {"scope": "class"}, "bp-ff": {"scope": "class"}, "bp": {}}
CONVOLUTIONAL: dict[str, Any] = {"architecture": "conv", "hidden": 60, "layers": 4}
CONVOLUTIONAL |= {"batch_size": 64, "precision": "mixed"}
CONVOLUTIONAL_EPOCHS = 6
CONVOLUTIONAL_RATES = {"ff": 0.001, "bp-ff": 0.001, "bp": 0.001}
CONVOLUTIONAL_CANDIDATES = {"ff": (0.001, 0.003), "bp": (0.001, 0.003)}
CONVOLUTIONAL_SEARCH_EPOCHS = 1


def dense(model: str, **fields: Any) -> Experiment:
    """Return the paper's network with as many units in a layer as a colour image has numbers.

    Examples
    --------
    >>> dense("ff").hidden
    3072
    """
    usual = {"learning_rate": WIDENED_RATES[model], "epochs": WIDENED_EPOCHS[model], **WIDENED}
    return Experiment(model=model, **{"dataset": DATASET, **usual, **fields})


def convolutional(model: str, **fields: Any) -> Experiment:
    """Return a convolutional network whose channels are shared out among the classes."""
    usual = {"learning_rate": CONVOLUTIONAL_RATES[model], "epochs": CONVOLUTIONAL_EPOCHS}
    own = {**BY_CLASS[model], **CONVOLUTIONAL}
    return Experiment(model=model, **{"dataset": DATASET, **usual, **own, **fields})


def search() -> list[Experiment]:
    """Return the short runs that choose the learning rates of FF and BP; BP/FF takes one of theirs."""
    return [
        make(model, learning_rate=rate, epochs=epochs, evaluate_on="validation")
        for make, rates, epochs in (
            (dense, WIDENED_CANDIDATES, WIDENED_SEARCH_EPOCHS),
            (convolutional, CONVOLUTIONAL_CANDIDATES, CONVOLUTIONAL_SEARCH_EPOCHS),
        )
        for model in ("ff", "bp")
        for rate in rates[model]
    ]


def final() -> list[Experiment]:
    """Return the networks that are reported on test images."""
    return [
        make(model, seed=seed)
        for models in (("ff", "bp"), ("bp-ff",))
        for seed, make, model in product(range(3), (convolutional, dense), models)
        if seed in SEEDS[model]
    ]


# From the base, labelled by planes, with a goodness over a whole layer, every choice by itself.
BASE: dict[str, Any] = {"label": "planes", "loss": "symmetric"}
_CHOICES: dict[str, dict[Any, str]] = {
    "label": {
        "border": "label on the border",
        "wave": "label as a wave",
        "learned": "label as a learned pattern",
    },
    "scope": {"location": "goodness of each location", "channel": "goodness of each channel"},
    "loss": {"threshold": "loss with a threshold"},
    "norm": {"l2": "scaled to unit length", "layer": "layer normalisation"},
    "peer": {0.1: "pulled to equal activity"},
    "reach": {2: "two layers for each loss"},
    "negatives": {"fixed": "negatives drawn once", "hard": "hard negatives"},
}
_SINGLE = [(name, {n: value}) for n, each in _CHOICES.items() for value, name in each.items()]
SECOND_BASE = "goodness by class"
"""The name of the second base."""
_BY_CLASS: dict[str, Any] = {"scope": "class"}
VARIED: dict[str, dict[str, Any]] = {
    "base": BASE,
    **{name: BASE | choice for name, choice in _SINGLE},
    SECOND_BASE: _BY_CLASS,
    **{
        f"by class, {name}": _BY_CLASS | choice
        for name, choice in _SINGLE
        if choice.keys() <= {"norm", "peer", "reach"}
    },
}
"""What is compared, by what it changes of the base; goodness by class is a base of its own."""

_VARIED_TRAINING: dict[str, Any] = {
    **{"hidden": 20, "layers": 3, "epochs": 1, "batch_size": 64, "learning_rate": 0.003},
    "precision": "mixed",
}


def variants(
    dataset: str, seeds: Iterable[int], *, names: Iterable[str] = tuple(VARIED), **training: Any
) -> list[Experiment]:
    """Return convolutional Forward-Forward networks, each with another of the named choices.

    The fields in ``training`` take the place of the published ones.
    """
    fields = {**_VARIED_TRAINING, "evaluate_on": "validation", **training}
    return [
        Experiment(dataset=dataset, architecture="conv", seed=seed, **VARIED[name], **fields)
        for seed, name in product(seeds, names)
    ]


def published_variants() -> list[Experiment]:
    """Return the published ones of :func:`variants`; the two bases have three seeds, for the noise."""
    bases = variants(DATASET, range(1, 3), names=("base", SECOND_BASE))
    return [*variants(DATASET, range(1)), *bases]


def _choices(e: Experiment) -> tuple[Any, ...]:
    return tuple(getattr(e, field) for field in _CHOICES)


@cache
def _names() -> dict[tuple[Any, ...], str]:
    made = {name: Experiment(architecture="conv", **own) for name, own in VARIED.items()}
    return {_choices(e): name for name, e in made.items()}


def variant(experiment: Experiment) -> str:
    """Return the name in :data:`VARIED` of what an experiment has for its choices.

    Examples
    --------
    >>> variant(published_variants()[1])
    'label on the border'
    """
    return _names()[_choices(experiment)]
