"""Forward-Forward networks and the ensembles of neurons that form in them."""

from fflib import data, measures
from fflib.experiment import Experiment
from fflib.obtain import gather, obtain
from fflib.records import Record, Store, find
from fflib.run import Run
from fflib.training import train

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
]
