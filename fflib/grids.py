"""The experiments behind the published numbers, grid by grid."""

from itertools import product

from fflib.experiment import Experiment
from fflib.protocols import MODELS, PROTOCOLS

__all__ = ["DATASETS", "GRIDS", "SEEDS"]

DATASETS = ("mnist", "fashion-mnist")
SEEDS = (0, 1)

GRIDS: dict[str, list[Experiment]] = {
    "main": [
        Experiment(model=model, dataset=dataset, protocol=protocol, seed=seed)
        for protocol, dataset, seed, model in product(PROTOCOLS, DATASETS, SEEDS, MODELS)
    ],
    "unseen": [
        Experiment(model=model, dataset=dataset, hold_out=hold_out)
        for dataset, hold_out, model in product(DATASETS, range(10), ("ff", "bp"))
    ],
}
