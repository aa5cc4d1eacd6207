"""Local losses on CIFAR-10: what every ingredient brings, and what it makes of representations."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from fflib import wording
from fflib.experiment import Experiment
from fflib.records.obtain import attempt
from fflib.records.stores import Record
from fflib.statistics import Interval, mean_interval
from fflib.study.analyses.cost import TAKEN, taken
from fflib.study.claims.dimension import of_all
from fflib.study.claims.measures import overlap_beyond_chance, own_beyond_chance, probed
from fflib.study.claims.quantities import accuracy, hoyer
from fflib.study.plans.local_losses import LADDER, final, ladder, last_step, unseen
from fflib.study.tables import by_run, intervals

__all__ = [
    "MEASURES", "brought", "most", "of_networks", "representations", "rung", "train_networks",
]  # fmt: skip

MEASURES = {
    "hoyer": "Hoyer sparseness",
    "beyond": "overlap less chance",
    "own": "own units less chance",
    "balance": "balance of excitation",
    "dimension": "intrinsic dimension",
}
"""What an ingredient may change: columns of :func:`of_networks`, means over the layers, as they are written."""


def rung(experiment: Experiment) -> str:
    """Name a network by the last step of the ladder that it has, and back-propagation by its length.

    Examples
    --------
    >>> rung(ladder()[4]), rung(ladder()[8])
    ('images moved and mirrored', 'BP by the same recipe, 1 epoch')
    """
    if experiment.model == "ff":
        return last_step(experiment)
    epochs = f"{experiment.epochs} epoch{'s' * (experiment.epochs > 1)}"
    return f"{wording.model_name(experiment.model)} by the same recipe, {epochs}"


def of_networks(records: Iterable[Record]) -> pd.DataFrame:
    """Return one row per run: what it took, and what its layers are like on average.

    Runs are in the order of the ladder. Columns: ``network`` (see :func:`rung`), ``model``, ``seed``, ``epochs``, ``accuracy``;
    the numbers of :data:`fflib.study.analyses.cost.TAKEN`; and the :data:`MEASURES`: ``hoyer``; ``beyond``,
    the Jaccard index of two classes' ensembles less that by chance; ``own``, the share of an ensemble that is in
    no other one, less that by chance; ``balance``, from -1, inhibition only, to 1
    (:class:`fflib.measures.drive.Drive`); ``dimension`` by TwoNN.
    """
    measures = {
        "network": lambda r: rung(r.experiment),
        "accuracy": accuracy,
        **TAKEN,
        "hoyer": hoyer,
        "beyond": lambda r: float(np.nanmean(overlap_beyond_chance(r))),
        "own": lambda r: float(np.nanmean(own_beyond_chance(r))),
        "balance": lambda r: float(
            np.mean(np.array(probed(r, "balance", about="drive"), dtype=float))
        ),
        "dimension": lambda r: float(of_all(r)[1:].mean()),
    }
    ordered = sorted(records, key=lambda r: _place(r.experiment))
    return by_run(ordered, ["model", "seed", "epochs"], measures)


def _place(e: Experiment) -> int:
    """Forward-Forward stands in the order of its steps, then the others, the longest trained last."""
    return list(LADDER).index(last_step(e)) if e.model == "ff" else len(LADDER) + e.epochs


def brought(records: Iterable[Record]) -> pd.DataFrame:
    """Show the accuracy of every network, what the step has brought, and what it takes.

    The table has a row per network, numbered as in figures; a gain is on the row above, paired by seed, with
    its 95 % interval. Weights are in millions and multiply-adds per training image in 10⁹.
    """
    runs = of_networks(records)
    accuracies = intervals(runs[["network", "accuracy"]], ["network"])["accuracy"]
    means = runs.groupby("network", sort=False).mean(numeric_only=True)
    shown = {
        "accuracy": accuracies.map(Interval.give_or_take),
        "brought by the step": pd.Series(
            {name: wording.minus(f"{gain:.3f}") for name, gain in _gains(runs).items()}
        ),
        **taken(means),
    }
    return _numbered(pd.DataFrame(shown).reindex(accuracies.index).fillna(""))


def most(records: Iterable[Record]) -> str:
    """Name the two steps that bring most.

    Examples
    --------
    >>> most([])
    ''
    """
    gains = _gains(of_networks(records))
    largest = sorted(gains, key=lambda name: gains[name].mean, reverse=True)[:2]
    return " and ".join(f"“{name}” ({gains[name].mean:+.3f})" for name in largest)


def _gains(runs: pd.DataFrame) -> dict[str, Interval]:
    """Return what each step adds to the accuracy of the one before it, paired by seed."""
    steps = runs[runs["model"] == "ff"]
    by_seed = steps.pivot_table("accuracy", "network", "seed", sort=False)
    return {str(name): mean_interval(row) for name, row in by_seed.diff().iloc[1:].iterrows()}


def representations(records: Iterable[Record]) -> pd.DataFrame:
    """Show what the layers of every network are like: the :data:`MEASURES`, with half their 95 % intervals."""
    runs = of_networks(records)[["network", "accuracy", *MEASURES]]
    table = intervals(runs, ["network"]).map(Interval.give_or_take).map(wording.minus)
    return _numbered(table.rename(columns=MEASURES))


def _numbered(table: pd.DataFrame) -> pd.DataFrame:
    return table.set_axis([f"{n} {name}" for n, name in enumerate(table.index, start=1)])


def train_networks(dataset: str, seeds: Iterable[int], **training: int) -> list[Record]:
    """Train the ladder, the networks it ends in, and those that were never shown one of two classes, in any size.

    Return the records; failures are left out.
    """
    seeds = list(seeds)
    fields: dict[str, Any] = {"dataset": dataset} | training
    tried = [*ladder(seeds, **fields), *final(seeds, **fields), *unseen(range(2), **fields)]
    return attempt(tried)[0]
