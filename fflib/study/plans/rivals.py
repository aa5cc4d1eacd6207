"""The plan of the second edition: every model at its best, beside all that a claim has to beat.

Settings are chosen on validation data with equal effort: each model has the best of ten on each data
set, five rates at two lengths of training, by the mean of three seeds (the grid "learning-rate"). One more
rival is back-propagation with a penalty on its activity, the strongest of five that costs it next to
nothing, by the mean of three seeds, too (the grid "penalties"). Test images choose nothing.
"""

from itertools import product
from typing import Any

from fflib.experiment import Experiment
from fflib.presets import MODELS

__all__ = [
    "CHOSEN", "PENALTIES", "SPARED", "STRONGEST", "dimension", "final", "penalties", "unseen",
]  # fmt: skip

DATASETS = ("mnist", "fashion-mnist")
SEEDS = range(10)
MEASURED: dict[str, Any] = {"probe": "attribution", "precision": "mixed"}

CHOSEN: dict[tuple[str, str], dict[str, Any]] = {
    ("mnist", "ff"): {"learning_rate": 0.01, "epochs": 12},
    ("mnist", "bp-ff"): {"learning_rate": 0.001, "epochs": 12},
    ("mnist", "bp"): {"learning_rate": 0.001, "epochs": 12},
    ("fashion-mnist", "ff"): {"learning_rate": 0.01, "epochs": 12},
    ("fashion-mnist", "bp-ff"): {"learning_rate": 0.001, "epochs": 12},
    ("fashion-mnist", "bp"): {"learning_rate": 0.001, "epochs": 12},
}
"""The rate and length of the best mean accuracy in the search on record, by data set and model."""

PENALTIES = (1e-5, 3e-5, 1e-4, 3e-4, 1e-3)
"""Penalties on the activity of back-propagation that are tried."""

SPARED = 0.005
"""Validation accuracy that a penalty may cost."""

STRONGEST = {"mnist": 0.001, "fashion-mnist": 0.0003}
"""The strongest penalty on record that costs at most :data:`SPARED`, by data set."""


def penalties() -> list[Experiment]:
    """Return back-propagation at its best with each penalty, and with none, on validation images."""
    return [
        Experiment(
            model="bp", dataset=d, seed=seed, l1=l1, evaluate_on="validation", **CHOSEN[d, "bp"]
        )
        for seed, d, l1 in product(range(3), DATASETS, (0.0, *PENALTIES))
    ]


def final() -> list[Experiment]:
    """Return the runs that claims rest on and those of their rivals, seed by seed.

    Among the rivals are Forward-Forward before any training, and back-propagation with a penalty.
    """
    runs = []
    for seed, d in product(SEEDS, DATASETS):
        runs += _rivals(d, seed=seed)
        penalised = CHOSEN[d, "bp"] | {"l1": STRONGEST[d]}
        runs.append(Experiment(model="bp", dataset=d, seed=seed, **MEASURED, **penalised))
    return runs


def unseen() -> list[Experiment]:
    """Return the runs, and those of their rivals, that were never shown a class, each class in turn."""
    return [run for d, label in product(DATASETS, range(10)) for run in _rivals(d, hold_out=label)]


def dimension() -> list[Experiment]:
    """Return every model at its best, to ask after its intrinsic dimension: open question 3."""
    return [
        Experiment(
            model=m,
            dataset=d,
            seed=s,
            probe="intrinsic-dimension",
            precision="mixed",
            **CHOSEN[d, m],
        )
        for s, d, m in product(range(5), DATASETS, MODELS)
    ]


def _rivals(dataset: str, **fields: int) -> list[Experiment]:
    """Return every model at its best on a data set, and Forward-Forward untrained."""
    settings = [(m, CHOSEN[dataset, m]) for m in MODELS]
    settings.append(("ff", CHOSEN[dataset, "ff"] | {"epochs": 0}))
    return [
        Experiment(model=m, dataset=dataset, **fields, **MEASURED, **chosen)
        for m, chosen in settings
    ]
