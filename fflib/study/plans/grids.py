"""The experiments behind the published numbers, grid by grid."""

from collections.abc import Iterable
from itertools import product
from typing import Any

from fflib.errors import ExperimentError, unknown
from fflib.experiment import Experiment
from fflib.presets import MODELS, PROTOCOLS
from fflib.study.plans import cifar10, goodness_choice

__all__ = [
    "AUTHORS_ROWS",
    "DATASETS",
    "GRIDS",
    "JUDGED",
    "PRECISION_EPOCHS",
    "SEEDS",
    "SWEPT_EPOCHS",
    "SWEPT_RATES",
    "UNSEEN_EPOCHS",
    "UNSEEN_SEEDS",
    "covering",
    "planned",
]

DATASETS = ("mnist", "fashion-mnist")
# The winner-takes-all protocol is not the one that the authors released: half the runs.
SEEDS = {"relu-l2": range(10), "sigmoid-linf": range(5)}
UNSEEN_SEEDS = range(2)  # and ten classes for each
UNSEEN_EPOCHS = 4  # shorter runs, since there are ten times as many
# Forward-Forward needs higher rates: at 0.0001 its layers have learned nothing in a few epochs.
SWEPT_RATES = {
    "ff": (0.0003, 0.001, 0.003, 0.01, 0.03),
    "bp-ff": (0.0001, 0.0003, 0.001, 0.003, 0.01),
    "bp": (0.0001, 0.0003, 0.001, 0.003, 0.01),
}
SWEPT_EPOCHS = (4, 12)
# Rows of the authors' record whose settings their notebooks say in full, up to 100 epochs a layer:
# longer ones take hours. Data set, model, epochs, batch size, learning rate.
AUTHORS_ROWS = (
    ("mnist", "bp", 20, 1024, 0.01),
    ("mnist", "ff", 20, 512, 0.01),
    ("mnist", "ff", 30, 512, 0.01),
    ("mnist", "ff", 50, 512, 0.01),
    ("mnist", "ff", 100, 512, 0.001),
    ("fashion-mnist", "ff", 100, 1024, 0.01),
)
# Check 1. From back-propagation to Forward-Forward, an ingredient at a time: the classifier of each
# layer, normalised inputs, labels in the input with wrong ones for contrast, the goodness.
LADDER = (
    {"model": "bp"},
    {"model": "local-bp"},
    {"model": "local-bp", "norm": "l2"},
    {"model": "local-contrast"},
    {"model": "ff"},
    {"model": "bp-ff"},
)
# Sparseness depends on rate and length of training, so that they are the same all along.
LADDER_TRAINING: dict[str, Any] = {
    "epochs": 12,
    "batch_size": 256,
    "schedule": "cosine",
    "precision": "mixed",
}
LADDER_RATE = 0.01  # Forward-Forward's own
LADDER_RATES = (0.0003, 0.001, 0.003, 0.01)  # of the sweep over rates, those that all models have

# Check 3. Models whose weights are changed by their sign, or held to one in training.
SIGNS_MODELS = ("ff", "bp-ff", "bp")
SIGNS_TRAINING: dict[str, Any] = {"epochs": 8, "precision": "mixed"}

# Open question 1. Claims rest on Forward-Forward; the controls are there to compare with.
DEVELOPMENT_SEEDS = {"ff": range(5), "bp-ff": range(3), "bp": range(3)}
DEVELOPMENT_TRAINING: dict[str, Any] = {"epochs": 8, "precision": "mixed", "snapshots": 20}

# Open question 3. Claims rest on Forward-Forward and back-propagation; BP/FF is there to compare with.
DIMENSION_SEEDS = {"ff": range(5), "bp": range(5), "bp-ff": range(3)}
DIMENSION_TRAINING: dict[str, Any] = {
    "epochs": 8,
    "precision": "mixed",
    "probe": "intrinsic-dimension",
}

PRECISION_EPOCHS = 5  # rounding does its harm in every step, so that short runs show it too

GRIDS: dict[str, list[Experiment]] = {
    "main": [
        Experiment(model=model, dataset=dataset, protocol=protocol, seed=seed)
        for protocol in PROTOCOLS
        for dataset, seed, model in product(DATASETS, SEEDS[protocol], MODELS)
    ],
    "unseen": [
        Experiment(model=model, dataset=dataset, seed=seed, hold_out=hold_out, epochs=UNSEEN_EPOCHS)
        for dataset, seed, hold_out, model in product(DATASETS, UNSEEN_SEEDS, range(10), MODELS)
    ],
    "precision": [
        Experiment(model=model, seed=seed, precision=precision, epochs=PRECISION_EPOCHS)
        for seed, precision, model in product(range(5), ("float32", "mixed"), MODELS)
    ],
    "authors": [
        Experiment(
            model=model,
            dataset=dataset,
            seed=seed,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=rate,
            schedule="constant",
            precision="mixed",
        )
        for seed in range(3)
        for dataset, model, epochs, batch_size, rate in AUTHORS_ROWS
    ],
    "local": [
        Experiment(**rung, dataset=dataset, seed=seed, learning_rate=LADDER_RATE, **LADDER_TRAINING)
        for seed, dataset, rung in product(range(5), DATASETS, LADDER)
    ],
    "local-rate": [
        Experiment(
            **rung,
            dataset=dataset,
            seed=seed,
            learning_rate=rate,
            **LADDER_TRAINING,
            evaluate_on="validation",
        )
        for seed, dataset, rung in product(range(2), DATASETS, LADDER[1:4])
        for rate in LADDER_RATES
    ],
    "signs": [
        Experiment(model=model, dataset=dataset, seed=seed, probe="weight-signs", **SIGNS_TRAINING)
        for seed, dataset, model in product(range(3), DATASETS, SIGNS_MODELS)
    ]
    + [
        Experiment(model=model, dataset=dataset, seed=seed, signs=signs, **SIGNS_TRAINING)
        for seed, dataset, model, signs in product(
            range(3), DATASETS, ("ff", "bp"), ("positive", "dale")
        )
    ],
    "goodness-search": goodness_choice.SEARCH,
    "goodness": goodness_choice.runs(range(3)),
    "settings": goodness_choice.SETTINGS,
    "development": [
        Experiment(model=model, dataset=dataset, seed=seed, **DEVELOPMENT_TRAINING)
        for seed, dataset, model in product(range(5), DATASETS, MODELS)
        if seed in DEVELOPMENT_SEEDS[model]
    ],
    # The preset keeps FF's learning rate as it is to the end, and lowers the controls'.
    "development-cosine": [
        Experiment(dataset=dataset, seed=seed, schedule="cosine", **DEVELOPMENT_TRAINING)
        for seed, dataset in product(range(3), DATASETS)
    ],
    "dimension": [
        Experiment(model=model, dataset=dataset, seed=seed, **DIMENSION_TRAINING)
        for models in (("ff", "bp"), ("bp-ff",))
        for seed, dataset, model in product(range(5), DATASETS, models)
        if seed in DIMENSION_SEEDS[model]
    ],
    "cifar-10-search": cifar10.SEARCH,
    "cifar-10-variants": cifar10.VARIANTS,
    "cifar-10": cifar10.FINAL,
    # It compares settings, so it keeps to validation data like every choice of settings.
    "learning-rate": [
        Experiment(
            model=model,
            dataset=dataset,
            seed=seed,
            learning_rate=rate,
            epochs=epochs,
            evaluate_on="validation",
        )
        for epochs, seed, dataset, model in product(SWEPT_EPOCHS, range(3), DATASETS, MODELS)
        for rate in SWEPT_RATES[model]
    ],
}
"""Experiments by the name of their grid."""

# The verdicts on the claims of the paper rest on these, whatever else is on record.
JUDGED = ("main", "unseen")


def planned(*grids: str) -> list[Experiment]:
    """The experiments of some grids, in order and without repeats; of all of them by default.

    Parameters
    ----------
    *grids : str
        Names in ``GRIDS``.

    Raises
    ------
    ExperimentError
        There is no such grid.

    Examples
    --------
    >>> {experiment.epochs for experiment in planned("unseen")}
    {4}
    """
    for name in grids:
        if name not in GRIDS:
            raise ExperimentError(unknown("grid", name, GRIDS))
    return list(dict.fromkeys(e for name in grids or GRIDS for e in GRIDS[name]))


def covering(experiments: Iterable[Experiment]) -> tuple[list[str], list[Experiment]]:
    """Find grids that hold some experiments.

    Parameters
    ----------
    experiments : iterable of Experiment

    Returns
    -------
    grids : list of str
        Few of them: always the one that holds most of what is left, and of equals the smallest.
    others : list of Experiment
        Those that are in no grid.

    Examples
    --------
    >>> covering([Experiment(seed=3), Experiment(seed=99)])[0]
    ['main']
    """
    left = dict.fromkeys(experiments)
    held = {name: left.keys() & set(grid) for name, grid in GRIDS.items()}
    grids = []
    while best := max(held, key=lambda name: (len(held[name]), -len(GRIDS[name]))):
        if not held[best]:
            break
        grids.append(best)
        found = held[best]
        left = {e: None for e in left if e not in found}
        held = {name: rest - found for name, rest in held.items()}
    return grids, list(left)
