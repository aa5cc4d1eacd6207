"""The plan of the winner-takes-all protocol, sigmoid units with ℓ∞: a search of its own.

Its goodness is that of one unit, so that whether a layer learns hangs on settings that the other
protocol does not feel. The search starts from the preset with six times its length, and changes one
setting at a time, on validation images. What counts is the accuracy of the weakest layer, averaged over
seeds: see :func:`fflib.study.plans.search.score`.
"""

from collections.abc import Iterable
from itertools import product
from typing import Any

from fflib.experiment import Experiment
from fflib.records.stores import Record
from fflib.study.plans.search import best

__all__ = ["CENTRE", "CHANGES", "choose", "search"]

DATASETS = ("mnist", "fashion-mnist")

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


def search() -> list[Experiment]:
    """Return the candidates for every data set: Forward-Forward with two seeds of each."""
    return [
        Experiment(model="ff", dataset=dataset, seed=seed, **CENTRE | change)
        for seed, dataset, change in product(range(2), DATASETS, CHANGES)
    ]


def choose(records: Iterable[Record]) -> dict[str, dict[str, Any]]:
    """Choose the settings for every data set whose weakest layer is best on validation images.

    Examples
    --------
    >>> choose([])
    {}
    """
    tried: dict[str, list[Record]] = {}
    for record in records:
        tried.setdefault(record.experiment.dataset, []).append(record)
    varied = {name for change in CHANGES for name in change}
    return {
        dataset: best(runs).experiment.model_dump(include=varied) for dataset, runs in tried.items()
    }
