"""The plan of the winner-takes-all protocol, sigmoid units with ℓ∞: a search of its own, and its runs.

Its goodness is that of one unit, so that whether a layer learns hangs on settings that the other
protocol does not feel. The search starts from the preset with six times its length, and changes one
setting at a time, on validation images. A second round, planned after the first had ended on MNIST and
for one seed of Fashion-MNIST, combines what had helped, and draws the wrong labels otherwise. What counts
is the accuracy of the weakest layer, averaged over seeds: see :func:`fflib.study.plans.search.score`.

The best on each data set is trained with ten seeds and evaluated on test images. What is asked of those
runs, before they are made, is :data:`ASKED`, fixed together with the second round.

BP/FF and BP, the rivals, have a search of as many settings with as many seeds, in one round. All their layers
learn together, so that the accuracy of the network is what counts.
"""

from itertools import product
from typing import Any

from fflib.experiment import Experiment
from fflib.study.plans.rivals import DATASETS, MEASURED

__all__ = [
    "ASKED", "CENTRE", "CHANGES", "CHOSEN", "CHOSEN_RIVALS", "COMBINED", "RIVALS", "final", "rivals", "search",
]  # fmt: skip

CENTRE: dict[str, Any] = {
    "protocol": "sigmoid-linf",
    "learning_rate": 0.003,
    "epochs": 48,
    "precision": "mixed",
    "evaluate_on": "validation",
}
"""Where the search starts; what is not here is the preset's."""

CHANGES: tuple[dict[str, Any], ...] = (
    {},
    {"epochs": 24},
    {"epochs": 96},
    {"learning_rate": 0.001},
    {"learning_rate": 0.01},
    {"theta": 0.3},
    {"theta": 0.7},
    {"label_gain": 3.0},
    {"label_gain": 30.0},
    {"batch_size": 512, "epochs": 24},
)
"""What is changed of it, in turn; small batches take more steps in an epoch, so that fewer do."""

COMBINED: tuple[dict[str, Any], ...] = (
    {"label_gain": 1.0},
    {"label_gain": 3.0, "epochs": 96},
    {"label_gain": 3.0, "theta": 0.3},
    {"label_gain": 3.0, "theta": 0.7},
    {"label_gain": 3.0, "negatives": "resampled"},
    {"label_gain": 3.0, "negatives": "hard"},
)
"""What is changed of it in the second round."""

_CENTRE_OF_RIVALS: dict[str, Any] = {"learning_rate": 0.003, "epochs": 12}

RIVALS: dict[str, tuple[dict[str, Any], ...]] = {
    "bp-ff": tuple(
        _CENTRE_OF_RIVALS | {"label_gain": 3.0} | change
        for change in (
            {}, {"epochs": 6}, {"epochs": 24}, {"batch_size": 1024}, {"theta": 1.0}, {"theta": 2.0},
            {"learning_rate": 0.0003}, {"learning_rate": 0.001}, {"learning_rate": 0.01},
            {"label_gain": 1.0}, {"label_gain": 10.0}, {"negatives": "resampled"}, {"negatives": "hard"},
            {"learning_rate": 0.001, "theta": 1.0}, {"learning_rate": 0.001, "label_gain": 10.0},
            {"learning_rate": 0.001, "negatives": "resampled"},
        )
    ),
    "bp": tuple(
        {"learning_rate": rate, "epochs": epochs, "batch_size": size}
        for size, epochs, rate in product((256, 1024), (6, 12), (0.0003, 0.001, 0.003, 0.01))
    ),
}  # fmt: skip
"""The settings that are tried for the rivals, by model; what is not here is the preset's."""

CHOSEN: dict[str, dict[str, Any]] = {
    "mnist": {
        "epochs": 48, "learning_rate": 0.003, "theta": 0.5, "batch_size": 2048, "label_gain": 3.0, "negatives": "hard",
    },
    "fashion-mnist": {
        "epochs": 48, "learning_rate": 0.003, "theta": 0.7, "batch_size": 2048, "label_gain": 10.0, "negatives": "fixed",
    },
}  # fmt: skip
"""The setting whose weakest layer is best in the search on record, if no seed failed; by data set."""

CHOSEN_RIVALS: dict[tuple[str, str], dict[str, Any]] = {
    ("mnist", "bp-ff"): {
        "epochs": 12, "learning_rate": 0.001, "theta": 1.5, "batch_size": 256, "label_gain": 10.0, "negatives": "fixed",
    },
    ("mnist", "bp"): {"epochs": 12, "learning_rate": 0.003, "batch_size": 256},
    ("fashion-mnist", "bp-ff"): {
        "epochs": 12, "learning_rate": 0.003, "theta": 1.5, "batch_size": 256, "label_gain": 3.0, "negatives": "hard",
    },
    ("fashion-mnist", "bp"): {"epochs": 12, "learning_rate": 0.003, "batch_size": 256},
}  # fmt: skip
"""The most accurate setting of the rivals in their search, if no seed failed; by data set and model."""

SEARCH_SEEDS, SEEDS = range(2), range(10)
RIVAL_SEEDS = range(5)
SHARED: dict[str, Any] = {"protocol": CENTRE["protocol"], **MEASURED}

ASKED = {"mnist": (0.94, 0.88), "fashion-mnist": (0.82, 0.0)}
"""The mean test accuracy of the network, and that of its weakest layer, that is asked of ten runs."""


def search() -> list[Experiment]:
    """Return the candidates for every data set: Forward-Forward with two seeds of each, round by round."""
    return [
        Experiment(model="ff", dataset=dataset, seed=seed, **CENTRE | change)
        for changes in (CHANGES, COMBINED)
        for seed, dataset, change in product(SEARCH_SEEDS, DATASETS, changes)
    ]


def rivals() -> list[Experiment]:
    """Return the candidates for the rivals on every data set, with two seeds of each."""
    untested = {name: CENTRE[name] for name in ("protocol", "precision", "evaluate_on")}
    return [
        Experiment(model=model, dataset=dataset, seed=seed, **untested | setting)
        for seed, (model, settings) in product(SEARCH_SEEDS, RIVALS.items())
        for dataset, setting in product(DATASETS, settings)
    ]


def final() -> list[Experiment]:
    """Return Forward-Forward at its best under this protocol, before any training, and its rivals at theirs."""
    judged = [
        Experiment(model="ff", dataset=d, seed=seed, **SHARED | CHOSEN[d] | epochs)
        for epochs, seeds in (({}, SEEDS), ({"epochs": 0}, RIVAL_SEEDS))
        for seed, d in product(seeds, DATASETS)
    ]
    shared = {name: CENTRE[name] for name in ("protocol", "precision")}
    return judged + [
        Experiment(model=model, dataset=d, seed=seed, **shared | chosen)
        for seed, ((d, model), chosen) in product(RIVAL_SEEDS, CHOSEN_RIVALS.items())
    ]
