"""Forward-Forward networks and the ensembles of units that form in them."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fflib import data, measures
    from fflib.experiment import Experiment
    from fflib.records.obtain import gather, obtain
    from fflib.records.stores import Record, Store, find
    from fflib.training.run import Run
    from fflib.training.train import train, train_together

__all__ = [
    "Experiment",
    "Record",
    "Run",
    "Store",
    "data",
    "find",
    "gather",
    "measures",
    "obtain",
    "train",
    "train_together",
]

_HOMES = {
    "Experiment": "experiment",
    "Record": "records.stores",
    "Run": "training.run",
    "Store": "records.stores",
    "find": "records.stores",
    "gather": "records.obtain",
    "obtain": "records.obtain",
    "train": "training.train",
    "train_together": "training.train",
}

if TYPE_CHECKING:
    __version__: str
else:  # or a type checker would take every name for granted

    def __getattr__(name):
        """Import a public name when it is first used, so that ``fflib --help`` needs no torch."""
        if name in _HOMES:
            globals()[name] = getattr(import_module(f"fflib.{_HOMES[name]}"), name)
            return globals()[name]
        if name == "__version__":
            return import_module("importlib.metadata").version("forward-forward-ensembles")
        if name in __all__:
            return import_module(f"fflib.{name}")
        raise AttributeError(f"module 'fflib' has no attribute {name!r}")

    def __dir__():
        return sorted({*globals(), *__all__})
