"""What keeps the accuracy that a second layer loses in a long training: the criterion of the plan, applied."""

from collections.abc import Iterable

import pandas as pd

from fflib.experiment import DenseExperiment, Experiment
from fflib.records.stores import Record
from fflib.statistics import mean_interval
from fflib.study.analyses.length import turns
from fflib.study.claims.claim import RISK
from fflib.study.plans.overtraining import CHANGES, KEPT, UNCHANGED
from fflib.wording import minus

__all__ = ["NAMES", "kept"]

NAMES = {
    "negatives": "wrong labels drawn in every epoch",
    "epsilon": "a larger ε in Adam",
    "weight_decay": "weight decay",
}
"""The changes of the plan, by the field that is changed."""

SECOND = 2  # the layer that loses accuracy


def kept(records: Iterable[Record]) -> pd.DataFrame:
    """Say of each change whether it keeps what the second layer loses without it.

    `records` are runs of :func:`fflib.study.plans.overtraining.runs`. The table has a row for the unchanged
    training and one for each change: its ``runs``; the ``change in accuracy`` on validation images from
    the first epochs of the second stage to its end; the difference from the unchanged run of the same
    seed, ``against unchanged``; and the ``answer``, by the criterion of :mod:`fflib.study.plans.overtraining`.
    Nothing can be kept where the unchanged runs lose nothing.
    """
    runs: dict[str, list[Record]] = {}
    for record in records:
        runs.setdefault(_changed(record.experiment), []).append(record)
    found = {change: _gain(of_change) for change, of_change in runs.items()}
    rows = {}
    for change, name in {"": "unchanged", **NAMES}.items():
        if change not in found:
            continue
        row: dict[str, object] = {"runs": len(found[change])}
        row["change in accuracy"] = minus(f"{mean_interval(found[change]):.3f}")
        if change and "" in found:
            row |= _judged(found[change] - found[""], loses=mean_interval(found[""]).high < 0)
        rows[name] = row
    return pd.DataFrame.from_dict(rows, orient="index").fillna("")


def _changed(experiment: Experiment) -> str:
    """Return the field in which an experiment differs from the unchanged one, or nothing."""
    usual = Experiment(model="ff", **UNCHANGED)
    assert isinstance(experiment, DenseExperiment)
    differ = [name for name in NAMES if getattr(experiment, name) != getattr(usual, name)]
    return differ[0] if differ else ""


def _gain(records: list[Record]) -> "pd.Series[float]":
    """Return by seed how accuracy changes along the second stage."""
    stages = turns(records)
    second = stages[stages["layer"] == SECOND].set_index("seed")
    return second["last"] - second["early"]


def _judged(differences: "pd.Series[float]", *, loses: bool) -> dict[str, str]:
    interval = mean_interval(differences.dropna(), confidence=1 - RISK / len(CHANGES))
    if not loses:
        answer = "nothing to keep"
    elif interval.low > KEPT:
        answer = "keeps it"
    else:
        answer = "does not" if interval.high < KEPT else "open"
    return {"against unchanged": minus(f"{interval:.3f}"), "answer": answer}
