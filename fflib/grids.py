"""The experiments behind the published numbers, grid by grid."""

from itertools import product

from fflib.errors import ExperimentError, unknown
from fflib.experiment import Experiment
from fflib.protocols import MODELS, PROTOCOLS

__all__ = ["DATASETS", "GRIDS", "JUDGED", "PRECISION_EPOCHS", "SEEDS", "UNSEEN_EPOCHS", "planned"]

DATASETS = ("mnist", "fashion-mnist")
SEEDS = (0, 1)
UNSEEN_EPOCHS = 4  # shorter runs, since there are ten times as many
PRECISION_EPOCHS = 5  # rounding does its harm in every step, so that short runs show it too

GRIDS: dict[str, list[Experiment]] = {
    "main": [
        Experiment(model=model, dataset=dataset, protocol=protocol, seed=seed)
        for protocol, dataset, seed, model in product(PROTOCOLS, DATASETS, SEEDS, MODELS)
    ],
    "unseen": [
        Experiment(model=model, dataset=dataset, hold_out=hold_out, epochs=UNSEEN_EPOCHS)
        for dataset, hold_out, model in product(DATASETS, range(10), ("ff", "bp"))
    ],
    "precision": [
        Experiment(model=model, seed=seed, precision=precision, epochs=PRECISION_EPOCHS)
        for seed, precision, model in product(range(5), ("float32", "mixed"), MODELS)
    ],
}

# The verdicts on the claims of the paper rest on these, whatever else is on record.
JUDGED = ("main", "unseen")


def planned(*grids: str) -> list[Experiment]:
    """The experiments of some grids, in order and without repeats; of all of them by default.

    Parameters
    ----------
    *grids : str
        Names in ``GRIDS``.

    Raises
    ------
    ExperimentError
        There is no such grid.

    Examples
    --------
    >>> {experiment.epochs for experiment in planned("unseen")}
    {4}
    """
    for name in grids:
        if name not in GRIDS:
            raise ExperimentError(unknown("grid", name, GRIDS))
    return list(dict.fromkeys(e for name in grids or GRIDS for e in GRIDS[name]))
