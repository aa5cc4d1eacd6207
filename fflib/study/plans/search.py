"""Choosing hyper-parameters on validation data: the candidates, and the best of them.

The candidates of a protocol and model are trained on the first five sixths of the training set, for
fewer epochs than a published run, and compared on the last sixth. Test images take no part. The
records of the searches behind the presets are kept in ``data/searches``, so that the choice can be
checked without training again.
"""

from statistics import fmean
from typing import Any

from fflib.data.published import download_folder
from fflib.errors import ExperimentError, unknown
from fflib.experiment import Experiment, crossed
from fflib.records.stores import Record, Store

__all__ = ["SEARCHES", "axes", "best", "candidates", "configuration", "score"]

SEARCHES = Store(download_folder() / "searches")

_PUBLISHED: dict[tuple[str, str], dict[str, list[Any]]] = {
    ("relu-l2", "ff"): {
        "epochs": [10],
        "batch_size": [256, 1024],
        "schedule": ["constant", "cosine"],
    },
    ("relu-l2", "bp-ff"): {"epochs": [5], "learning_rate": [0.0003, 0.001, 0.003]},
    ("relu-l2", "bp"): {"epochs": [5], "learning_rate": [0.0001, 0.0003, 0.001]},
    # Whether two classes come to share a unit for good is a matter of the seed: four are tried.
    ("sigmoid-linf", "ff"): {"epochs": [8], "label_gain": [1.0, 10.0], "seed": [0, 1, 2, 3]},
    ("sigmoid-linf", "bp-ff"): {"epochs": [5], "theta": [1.5, 1.8, 2.1]},
    ("sigmoid-linf", "bp"): {"epochs": [5], "learning_rate": [0.0003, 0.001, 0.003]},
}

# For the benchmark, which asks how soon an accuracy is reached.
_SHORT: dict[tuple[str, str], dict[str, list[Any]]] = {
    ("relu-l2", "ff"): {
        "epochs": [2],
        "schedule": ["constant"],
        "negatives": ["fixed", "resampled", "hard"],
        "batch_size": [32, 64],
        "learning_rate": [0.005, 0.01],
    }
}


def axes(protocol: str, model: str, *, short: bool = False) -> dict[str, list[Any]]:
    """Return the fields that a search varies, each with the values it crosses with all others.

    The candidates are for a published run, or for a `short` one.

    Raises
    ------
    ExperimentError
        There is no such search.

    Examples
    --------
    >>> axes("relu-l2", "bp")["learning_rate"]
    [0.0001, 0.0003, 0.001]
    """
    searches = _SHORT if short else _PUBLISHED
    if (protocol, model) not in searches:
        raise ExperimentError(
            unknown("search", f"{protocol} {model}", [" ".join(pair) for pair in searches])
        )
    return searches[protocol, model]


def candidates(
    protocol: str, model: str, dataset: str = "mnist", *, short: bool = False
) -> list[Experiment]:
    """Return the experiments that a search compares, each evaluated on the validation split.

    They cross the :func:`axes` of the search; an unknown name is an ``ExperimentError``.

    Examples
    --------
    >>> [e.learning_rate for e in candidates("relu-l2", "bp")]
    [0.0001, 0.0003, 0.001]
    """
    base = Experiment(model=model, dataset=dataset, protocol=protocol, evaluate_on="validation")
    varied = axes(protocol, model, short=short)
    return crossed(varied, **base.model_dump(exclude={*varied}))


def best(records: list[Record]) -> Record:
    """Return a record of the configuration that is best on validation data, averaged over its seeds.

    What counts is :func:`score`.

    Raises
    ------
    ExperimentError
        A record was evaluated on anything but validation data, which must choose nothing.
    """
    scores: dict[Experiment, list[float]] = {}
    for record in records:
        if record.experiment.evaluate_on != "validation":
            raise ExperimentError(
                "only validation data may choose hyper-parameters, got a record evaluated on "
                f"{record.experiment.evaluate_on} data: set evaluate_on='validation'"
            )
        scores.setdefault(configuration(record.experiment), []).append(score(record))
    chosen = max(scores, key=lambda e: fmean(scores[e]))
    return next(r for r in records if configuration(r.experiment) == chosen)


def score(record: Record) -> float:
    """Return the validation accuracy; for Forward-Forward that of the weakest layer, if lower.

    Every layer of Forward-Forward learns for itself and is looked at by itself, and a sum over
    layers hides one that has learned little.
    """
    layers = record.metrics.layer_accuracy if record.experiment.model == "ff" else []
    return min([record.metrics.accuracy, *layers])


def configuration(experiment: Experiment) -> Experiment:
    """Return the experiment with seed 0, equal for runs that differ in nothing else."""
    return experiment.model_copy(update={"seed": 0})
