"""The plan of the second edition: every model at its best, beside all that a claim has to beat.

Settings are chosen on validation data with equal effort: each model has the best of ten on each data
set, five rates at two lengths of training, by the mean of three seeds (the grid "learning-rate").
How much of its activity BP can be denied at little cost in accuracy is looked for likewise
(:func:`penalties`). Test images choose nothing.
"""

from collections.abc import Iterable
from itertools import product
from statistics import fmean
from typing import Any

from fflib.experiment import Experiment
from fflib.presets import MODELS
from fflib.records.stores import Record

__all__ = ["CHOSEN", "REGULARISED", "choose", "final", "penalties", "regularise", "unseen"]

DATASETS = ("mnist", "fashion-mnist")
SEEDS = range(10)
CLASSES = range(10)
MEASURED: dict[str, Any] = {"probe": "attribution", "precision": "mixed"}

CHOSEN: dict[tuple[str, str], dict[str, Any]] = {
    ("mnist", "ff"): {"learning_rate": 0.01, "epochs": 12},
    ("mnist", "bp-ff"): {"learning_rate": 0.001, "epochs": 12},
    ("mnist", "bp"): {"learning_rate": 0.001, "epochs": 12},
    ("fashion-mnist", "ff"): {"learning_rate": 0.01, "epochs": 12},
    ("fashion-mnist", "bp-ff"): {"learning_rate": 0.001, "epochs": 12},
    ("fashion-mnist", "bp"): {"learning_rate": 0.001, "epochs": 12},
}
"""What :func:`choose` makes of the search on record, by data set and model."""

PENALTIES = (0.00003, 0.0001, 0.0003, 0.001)
COST = 0.01
"""Validation accuracy that a penalty on BP's activity may cost."""

REGULARISED = {"mnist": 0.0001, "fashion-mnist": 0.0001}
"""What :func:`regularise` makes of the penalties on record, by data set."""


def choose(records: Iterable[Record]) -> dict[tuple[str, str], dict[str, Any]]:
    """Choose a rate and a length for every data set and model: those of the best mean accuracy.

    `records` are of runs on validation data that differ in rate, length and seed.

    Examples
    --------
    >>> choose([])
    {}
    """
    found: dict[tuple[str, str], dict[tuple[float, int], list[float]]] = {}
    for record in records:
        e = record.experiment
        settings = found.setdefault((e.dataset, e.model), {})
        settings.setdefault((e.learning_rate, e.epochs), []).append(record.metrics.accuracy)
    best = {cell: max(tried, key=lambda s: fmean(tried[s])) for cell, tried in found.items()}
    return {cell: {"learning_rate": r, "epochs": epochs} for cell, (r, epochs) in best.items()}


def penalties() -> list[Experiment]:
    """Return the runs of BP on validation data that try penalties on its activity, and none."""
    return [
        Experiment(
            model="bp",
            dataset=dataset,
            seed=seed,
            l1=penalty,
            evaluate_on="validation",
            precision="mixed",
            **CHOSEN[dataset, "bp"],
        )
        for seed, penalty, dataset in product(range(2), (0.0, *PENALTIES), DATASETS)
    ]


def regularise(records: Iterable[Record]) -> dict[str, float]:
    """Choose the largest penalty on each data set that costs :data:`COST` of accuracy at most.

    `records` are those of :func:`penalties`.

    Examples
    --------
    >>> regularise([])
    {}
    """
    found: dict[str, dict[float, list[float]]] = {}
    for record in records:
        tried = found.setdefault(record.experiment.dataset, {})
        penalty = record.experiment.model_dump()["l1"]
        tried.setdefault(penalty, []).append(record.metrics.accuracy)
    return {
        dataset: max(l1 for l1 in tried if fmean(tried[l1]) >= fmean(tried[0.0]) - COST)
        for dataset, tried in found.items()
    }


def final() -> list[Experiment]:
    """Return the runs that claims rest on and those of their rivals, seed by seed.

    Among the rivals are BP with a penalty on its activity, and Forward-Forward before any training.
    """
    runs = []
    for seed, dataset in product(SEEDS, DATASETS):
        fields = {"dataset": dataset, "seed": seed, **MEASURED}
        runs += [Experiment(model=m, **fields, **CHOSEN[dataset, m]) for m in MODELS]
        runs.append(_untrained(fields))
        regularised = {"l1": REGULARISED[dataset], **CHOSEN[dataset, "bp"]}
        runs.append(Experiment(model="bp", **fields, **regularised))
    return runs


def unseen() -> list[Experiment]:
    """Return the runs with a held-out class, which is the unit of analysis: one of each class."""
    runs = []
    for hold_out, dataset in product(CLASSES, DATASETS):
        fields = {"dataset": dataset, "hold_out": hold_out, **MEASURED}
        runs += [Experiment(model=m, **fields, **CHOSEN[dataset, m]) for m in MODELS]
        runs.append(_untrained(fields))
    return runs


def _untrained(fields: dict[str, Any]) -> Experiment:
    return Experiment(model="ff", **fields, **CHOSEN[fields["dataset"], "ff"] | {"epochs": 0})
