"""Choosing hyper-parameters on validation data: the candidates, the command, and its outcome.

The candidates of a protocol and model are trained on the first five sixths of the training set
and compared on the last sixth. Test images take no part. The records of the searches behind the
presets are kept in ``data/searches``, so that the choice can be checked without training anew.
"""

from collections.abc import Iterator
from itertools import product
from typing import Any

from fflib.data.published import download_folder
from fflib.errors import ExperimentError
from fflib.experiment import Experiment
from fflib.records import Record, Store
from fflib.sweep import Outcome, sweep

__all__ = ["CANDIDATES", "SEARCHES", "best", "candidates", "search"]

SEARCHES = Store(download_folder() / "searches")
EPOCHS = 10

CANDIDATES: dict[tuple[str, str], dict[str, list[Any]]] = {
    ("relu-l2", "ff"): {"batch_size": [256, 1024], "schedule": ["constant", "cosine"]},
    ("relu-l2", "bp-ff"): {"learning_rate": [0.0003, 0.001, 0.003]},
    ("relu-l2", "bp"): {"learning_rate": [0.0001, 0.0003, 0.001]},
    ("sigmoid-linf", "ff"): {"theta": [0.5, 0.6, 0.7], "learning_rate": [0.001, 0.003]},
    ("sigmoid-linf", "bp-ff"): {"theta": [1.5, 1.8, 2.1], "learning_rate": [0.001, 0.003]},
    ("sigmoid-linf", "bp"): {"learning_rate": [0.0003, 0.001, 0.003]},
}


def candidates(protocol: str, model: str, dataset: str = "mnist") -> list[Experiment]:
    """The experiments that a search compares, each evaluated on the validation split.

    Parameters
    ----------
    protocol, model, dataset : str

    Returns
    -------
    list of Experiment

    Raises
    ------
    ExperimentError
        A name is unknown.

    Examples
    --------
    >>> [e.learning_rate for e in candidates("relu-l2", "bp")]
    [0.0001, 0.0003, 0.001]
    """
    base = Experiment(
        model=model, dataset=dataset, protocol=protocol, epochs=EPOCHS, evaluate_on="validation"
    )
    axes = CANDIDATES[protocol, model]
    return [
        Experiment(**base.model_dump() | dict(zip(axes, values, strict=True)))
        for values in product(*axes.values())
    ]


def search(
    protocol: str, model: str, dataset: str = "mnist", *, store: Store = SEARCHES, jobs: int = 0
) -> Iterator[Outcome]:
    """Train the candidates that a store does not hold yet.

    Parameters
    ----------
    protocol, model, dataset : str
    store : Store
    jobs : int
        Worker processes; 0 for one per core.

    Yields
    ------
    Outcome
        A candidate may fail, as a threshold out of reach does: that is a result too.
    """
    yield from sweep(candidates(protocol, model, dataset), store, jobs=jobs or None)


def best(records: list[Record]) -> Record:
    """The record with the highest validation accuracy.

    Raises
    ------
    ExperimentError
        A record was evaluated on anything but validation data, which must choose nothing.
    """
    for record in records:
        if record.experiment.evaluate_on != "validation":
            raise ExperimentError(
                "only validation data may choose hyper-parameters, got a record evaluated on "
                f"{record.experiment.evaluate_on} data: set evaluate_on='validation'"
            )
    return max(records, key=lambda record: record.metrics.accuracy)
