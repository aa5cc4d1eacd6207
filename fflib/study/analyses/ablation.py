"""From back-propagation to Forward-Forward, an ingredient at a time (the paper's first check).

Every step is a network of the same shape, trained at the same learning rate for as many epochs; each
differs from the one before it by what its name says, and the last from Forward-Forward by sharing one
loss among the layers.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from fflib.errors import ExperimentError
from fflib.experiment import Experiment
from fflib.records.obtain import gather
from fflib.records.stores import PUBLISHED, Record, Store
from fflib.study.claims import Verdict
from fflib.study.claims.quantities import above_rest, negative, overlap
from fflib.study.plans.grids import ABLATION, ABLATION_RATES, ABLATION_TRAINING, planned
from fflib.study.tables import hoyer_by_layer, rows_of

__all__ = ["STEPS", "Step", "answer", "runs_by_step", "step_of", "swept", "train_steps"]


@dataclass(frozen=True)
class Step:
    """One kind of network of the ablation.

    Parameters
    ----------
    name : str
    adds : str
        What it has that the step before has not.
    fields : dict
        The fields of its experiments.
    """

    name: str
    adds: str
    fields: dict[str, Any]


_WORDS = (
    ("BP", "one classifier on top, its error sent back through all layers"),
    ("local", "a classifier for each layer, whose error stays there"),
    ("+ norm", "inputs of every layer scaled to unit norm"),
    ("+ labels", "a label in the input, right or wrong, distinguished by a linear unit"),
    ("FF", "the goodness in place of the linear unit"),
    ("BP/FF", "one loss on the sum of goodness, sent back through all layers"),
)
STEPS: tuple[Step, ...] = tuple(
    Step(*words, fields) for words, fields in zip(_WORDS, ABLATION, strict=True)
)
"""The kinds of network, from back-propagation to Forward-Forward and its control."""


def step_of(experiment: Experiment) -> Step:
    """Return the step that an experiment belongs to.

    Raises
    ------
    ExperimentError
        It belongs to none.

    Examples
    --------
    >>> step_of(Experiment(model="local-bp", norm="l2")).name
    '+ norm'
    """
    for found in STEPS:
        plain = {"norm": None} if found.fields["model"] == "local-bp" else {}
        if all(getattr(experiment, k) == v for k, v in (plain | found.fields).items()):
            return found
    raise ExperimentError(f"no step of the ablation fits {experiment}")


def runs_by_step(records: Iterable[Record]) -> pd.DataFrame:
    """Return one row per run.

    Columns: ``dataset``, ``seed``, ``learning_rate``, ``step`` (its name); ``accuracy``; as means
    over the layers ``hoyer``, ``above rest``, ``overlap`` (Jaccard index of two classes' ensembles)
    and ``negative`` (share of negative weights); ``hoyer 1`` and so on by layer.
    """
    return rows_of(
        records,
        lambda record: [
            {
                "step": step_of(record.experiment).name,
                "accuracy": record.metrics.accuracy,
                "above rest": above_rest(record),
                "overlap": overlap(record),
                "negative": negative(record),
                **hoyer_by_layer(record),
            }
        ],
        ["dataset", "seed", "learning_rate"],
    )


def train_steps(dataset: str, protocol: str, seeds: Iterable[int], **training: Any) -> list[Record]:
    """Return the records of every step, trained where there are none.

    `training` gives fields of all experiments alike; those that are None are left to the preset.
    """
    seeds = list(seeds)
    return [
        record
        for found in STEPS
        for record in gather(
            "train",
            models=[found.fields["model"]],
            datasets=[dataset],
            protocols=[protocol],
            seeds=seeds,
            **{k: v for k, v in found.fields.items() if k != "model"} | training,
        )
    ]


def swept(store: Store = PUBLISHED) -> list[Record]:
    """Return the records of the ablation at several learning rates, all of as many epochs."""
    return store.among(
        e
        for e in planned("local-rate", "learning-rate")
        if e.epochs == ABLATION_TRAINING["epochs"] and e.learning_rate in ABLATION_RATES
    )


def answer(verdicts: Iterable[Verdict]) -> str:
    """Say which ingredients bring sparseness, in a sentence or two.

    The sentences name each ingredient with the difference that it makes, by what was found.
    `verdicts` are on :data:`fflib.study.claims.criteria.INGREDIENTS`.
    """
    verdicts = list(verdicts)

    def named(outcome: str) -> str:
        those = [v for v in verdicts if v.verdict == outcome]
        return ", ".join(f"{v.claim.id.replace('-', ' ')} ({v.estimates})" for v in those)

    yes, some, no, unclear = map(named, ("holds", "mixed", "fails", "open"))
    much = f"more than {verdicts[0].claim.bound:g}" if verdicts else "much"
    said = [
        f"Sparser by {much} on every data set with {yes}."
        if yes
        else f"No step of the ablation makes activity sparser by {much} on every data set.",
        f"On some data sets only: {some}." if some else "",
        f"Less than that on some data set, and more on none: {no}." if no else "",
        f"Not decided: {unclear}." if unclear else "",
    ]
    return " ".join(filter(None, said))
