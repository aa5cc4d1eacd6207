"""The experiments behind the published numbers, grid by grid."""

from itertools import product

from fflib.experiment import Experiment
from fflib.protocols import MODELS, PROTOCOLS

__all__ = ["DATASETS", "GRIDS", "SEEDS", "UNSEEN_EPOCHS"]

DATASETS = ("mnist", "fashion-mnist")
SEEDS = (0, 1)
UNSEEN_EPOCHS = 4  # shorter runs, since there are ten times as many

GRIDS: dict[str, list[Experiment]] = {
    "main": [
        Experiment(model=model, dataset=dataset, protocol=protocol, seed=seed)
        for protocol, dataset, seed, model in product(PROTOCOLS, DATASETS, SEEDS, MODELS)
    ],
    "unseen": [
        Experiment(model=model, dataset=dataset, hold_out=hold_out, epochs=UNSEEN_EPOCHS)
        for dataset, hold_out, model in product(DATASETS, range(10), ("ff", "bp"))
    ],
}
