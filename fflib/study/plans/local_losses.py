"""Local losses on CIFAR-10: from the network of class channels upwards, one ingredient at a time.

Each step of :data:`LADDER` keeps what the steps before it have added. All are compared on validation
images, and so are back-propagation through the same layers by the same recipe, for a few lengths of
training, and three learning rates for both (:func:`rates`). The network of the last step, widened, is what
:func:`final` evaluates on test images. Single short runs on validation images, which are not on record,
had shown before that the recipe works at all, and of what size a network fits :data:`BUDGET`.

What is asked of it was fixed before these runs: :data:`ASKED`. Its ensembles count as specific in a layer
where two classes share fewer units than ensembles of the same sizes do by chance, by the mean over pairs.
"""

from itertools import product
from typing import Any

from fflib.experiment import Experiment
from fflib.study.plans.cifar10 import convolutional

__all__ = ["ASKED", "BUDGET", "LADDER", "REACHES", "final", "ladder", "rates", "step"]

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
    "four times as many epochs": {"epochs": 24},
}  # fmt: skip
"""What each step adds, by name; the first is the convolutional network of the chapter's first part."""

REACHES: dict[str, tuple[str, int]] = {
    "two layers": ("ff", 2),
    "one layer": ("ff", 1),
    "all layers, through every loss": ("bp-ff", 1),
    "all layers": ("bp", 1),
}
"""Model and layers of a block, by how far the gradient of a loss travels."""

SEEDS = range(3)
RATES = (0.001, 0.002, 0.004)
LENGTHS = (1, 2, 6)
"""Epochs of back-propagation, to compare it where it is no more accurate than local losses."""

WIDTH = 128
MEASURED = {"probe": "representation"}


def step(name: str, **fields: Any) -> Experiment:
    """Return Forward-Forward with all that a step of the ladder has.

    Examples
    --------
    >>> step("a loss for every two layers").block, step("images moved and mirrored").block
    (2, 2)
    """
    return convolutional("ff", **_recipe(name), **MEASURED, **fields)


def _recipe(name: str) -> dict[str, Any]:
    names = list(LADDER)
    added = [LADDER[earlier] for earlier in names[: names.index(name) + 1]]
    return {field: value for each in added for field, value in each.items()}


def _by_recipe(model: str, block: int = 2, **fields: Any) -> Experiment:
    """Return a network by the recipe of the whole ladder, as far as it has a meaning for a model."""
    recipe = {**_recipe(list(LADDER)[-1]), "block": block, "norm": "batch", **MEASURED, **fields}
    if model != "ff":
        del recipe["block"]
    if model == "bp":
        del recipe["scope"]
    return convolutional(model, **recipe)


def ladder() -> list[Experiment]:
    """Return the steps, and back-propagation by the whole recipe, on validation images."""
    return [
        made
        for seed in SEEDS
        for made in (
            *(step(name, seed=seed, evaluate_on="validation") for name in LADDER),
            *(
                _by_recipe("bp", seed=seed, epochs=epochs, warm_up=0, evaluate_on="validation")
                for epochs in LENGTHS
            ),
        )
    ]


def rates() -> list[Experiment]:
    """Return short runs on validation images at three learning rates, as many for either model."""
    return [
        _by_recipe(model, learning_rate=rate, epochs=6, evaluate_on="validation")
        for model, rate in product(("ff", "bp"), RATES)
    ]


def final() -> list[Experiment]:
    """Return the widened network on test images, by how far a gradient travels."""
    return [_by_recipe(model, block, hidden=WIDTH) for model, block in REACHES.values()]
