"""Local losses on CIFAR-10: from the network of class channels upwards, one ingredient at a time.

Each step of :data:`LADDER` keeps what the steps before it have added. All are compared on validation
images, and so are back-propagation through the same layers by the same recipe, for a few lengths of
training, and three learning rates for both (:func:`rates`). The network of the last step, widened, is what
:func:`final` evaluates on test images. Single short runs on validation images, which are not on record,
had shown before that the recipe works at all, and of what size a network fits :data:`BUDGET`.

What is asked of it was fixed before these runs: :data:`ASKED`. Its ensembles count as specific in a layer
where two classes share fewer units than ensembles of the same sizes do by chance, by the mean over pairs.

Whether a class that was never shown has an ensemble of its own is asked of networks of the ladder's size, each
class in turn (:func:`unseen`), with the lengths of training that bring both models to about one accuracy, and
answered as everywhere (:func:`fflib.study.analyses.borrowing.in_words`). The network for a graphics card
(:data:`CARD`) is trained here for its first epochs only (:func:`first_epochs`).
"""

from collections.abc import Iterable
from itertools import product
from typing import Any

from fflib.experiment import Experiment
from fflib.study.plans.cifar10 import convolutional

__all__ = [
    "ASKED",
    "BUDGET",
    "CARD",
    "LADDER",
    "LOSSES",
    "by_recipe",
    "final",
    "first_epochs",
    "ladder",
    "last_step",
    "rates",
    "step",
    "unseen",
]

ASKED = 0.82
"""The test accuracy that is asked of a network whose gradients cross two layers at most."""

BUDGET = 4
"""Hours of one CPU core that its training may take."""

LADDER: dict[str, dict[str, Any]] = {
    "goodness of the channels of each class": {},
    "goodness read out by a fixed projection": {"scope": "projection"},
    "six layers, of which every second pools": {"layers": 6, "pooling": 2},
    "a loss for every two layers": {"block": 2},
    "images moved and mirrored": {"augment": "crop-flip"},
    "weight decay, a warm-up, batch and rate doubled": {
        "weight_decay": 0.05, "warm_up": 1, "batch_size": 128, "learning_rate": 0.002,
    },
    "weights averaged over steps": {"averaging": 0.99},
    "twice as many epochs": {"epochs": 12},
}  # fmt: skip
"""What each step adds, by name; the first is the convolutional network of the chapter's first part."""

LOSSES: dict[str, tuple[str, int]] = {
    "FF, a loss for every two layers": ("ff", 2),
    "BP, one loss of the last layer": ("bp", 1),
}
"""Model and layers of a block, by where the losses are."""

SEEDS = range(3)
RATES = (0.001, 0.002, 0.004)
LENGTHS = (1, 2, 6)
"""Epochs of back-propagation, to compare it where it is no more accurate than local losses."""

FINAL: dict[str, Any] = {"hidden": 128, "epochs": 24}
"""What the networks on test images have more of: about twice the channels, and twice the epochs again."""

CARD: dict[str, Any] = {
    "hidden": 512, "layers": 8, "epochs": 100, "warm_up": 5, "batch_size": 256,
    "learning_rate": 0.0002, "augment": "crop-flip-jitter", "averaging": 0.998,
}  # fmt: skip
"""What the network for a graphics card has more of; the file of its grid says the same.

Its rate is a tenth of that of narrower networks, as each unit adds up more inputs. Of 0.0001, 0.0002,
0.0005 and 0.002, it is the best in short runs on a CPU; at the highest two, losses rose in the first epochs.
Back-propagation keeps 0.002.
"""

FIRST_EPOCHS = {"epochs": 3, "warm_up": 1, "averaging": 0.99}
"""Its training where there is no card: too short for a mean over five hundred steps."""

UNSEEN: tuple[tuple[str, dict[str, Any]], ...] = (
    ("ff", {"epochs": 6}),
    ("bp", {"epochs": 3, "warm_up": 0}),
    ("ff", {"epochs": 0, "warm_up": 0}),
)
"""Models without one class, trained for lengths that should bring them to one accuracy, and not trained."""

MEASURED = {"probe": "representation"}
TELLING = ("scope", "pooling", "block", "augment", "weight_decay", "averaging", "epochs")
"""Fields by which the steps of a run can be seen, whatever its size."""


def step(name: str, **fields: Any) -> Experiment:
    """Return Forward-Forward with all that a step of the ladder has.

    Examples
    --------
    >>> step("a loss for every two layers").block, step("images moved and mirrored").block
    (2, 2)
    """
    return convolutional("ff", **_recipe(name) | MEASURED | fields)


def _recipe(name: str) -> dict[str, Any]:
    names = list(LADDER)
    added = [LADDER[earlier] for earlier in names[: names.index(name) + 1]]
    return {field: value for each in added for field, value in each.items()}


def by_recipe(model: str, block: int = 2, **fields: Any) -> Experiment:
    """Return a network by the recipe of the whole ladder, as far as it has a meaning for a model."""
    recipe = _recipe(list(LADDER)[-1]) | {"block": block, "norm": "batch"} | MEASURED | fields
    if model != "ff":
        del recipe["block"]
    if model == "bp":
        del recipe["scope"]
    return convolutional(model, **recipe)


def last_step(experiment: Experiment) -> str:
    """Return the name of the last step that a Forward-Forward network has.

    Examples
    --------
    >>> last_step(step("images moved and mirrored", hidden=20, seed=1))
    'images moved and mirrored'
    """
    had = [
        name
        for name, added in LADDER.items()
        if all(getattr(experiment, f) == v for f, v in added.items() if f in TELLING)
    ]
    return had[-1]


def ladder(seeds: Iterable[int] = SEEDS, **training: Any) -> list[Experiment]:
    """Return the steps, and back-propagation by the whole recipe, on validation images.

    The fields in ``training`` take the place of the published ones, and a step that adds no other is left out.
    """
    fields = {"evaluate_on": "validation"} | training
    names = [name for name, added in LADDER.items() if not added or added.keys() - training.keys()]
    made = [
        experiment
        for seed in seeds
        for experiment in (
            *(step(name, seed=seed, **fields) for name in names),
            *(
                by_recipe("bp", seed=seed, **{"epochs": epochs, "warm_up": 0} | fields)
                for epochs in LENGTHS
            ),
        )
    ]
    return list(dict.fromkeys(made))  # in one length of training, BP is one network


def rates() -> list[Experiment]:
    """Return short runs on validation images at three learning rates, as many for either model."""
    short: dict[str, Any] = {"epochs": 6, "evaluate_on": "validation", "probe": None}
    return [
        by_recipe(model, learning_rate=rate, **short)
        for model, rate in product(("ff", "bp"), RATES)
    ]


def final(seeds: Iterable[int] = range(1), **training: Any) -> list[Experiment]:
    """Return the widened network on test images, by how far a gradient travels."""
    fields = FINAL | training
    return [
        by_recipe(model, block, seed=seed, **fields)
        for seed, (model, block) in product(seeds, LOSSES.values())
    ]


def first_epochs() -> list[Experiment]:
    """Return the network for a graphics card with a loss for each layer, on validation images."""
    return [by_recipe("ff", 1, evaluate_on="validation", **CARD | FIRST_EPOCHS)]


def unseen(classes: Iterable[int] = range(10), **training: Any) -> list[Experiment]:
    """Return networks that were never shown a class, each class in turn, and untrained ones.

    The fields in ``training`` take the place of the published ones; an untrained network stays untrained.

    Examples
    --------
    >>> [(e.model, e.epochs, e.hold_out) for e in unseen([3])]
    [('ff', 6, 3), ('bp', 3, 3), ('ff', 0, 3)]
    """
    return [
        by_recipe(model, hold_out=label, probe="attribution", **fields)
        for label, (model, length) in product(classes, UNSEEN)
        for fields in [length | training if length["epochs"] else training | length]
    ]


def losses(experiment: Experiment) -> str:
    """Say where a network has its losses, as :data:`LOSSES` does.

    Examples
    --------
    >>> losses(final()[0])
    'FF, a loss for every two layers'
    """
    made = experiment.model, getattr(experiment, "block", 1)
    return next(name for name, known in LOSSES.items() if known == made)
