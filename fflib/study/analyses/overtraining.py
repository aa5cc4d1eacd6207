"""What keeps the accuracy that a second layer loses in a long training: the criterion of the plan, applied."""

from collections.abc import Iterable

import pandas as pd

from fflib.experiment import Experiment
from fflib.records.stores import Record
from fflib.statistics import mean_interval
from fflib.study.analyses.length import turns
from fflib.study.claims.claim import RISK
from fflib.study.plans.overtraining import CHANGES, KEPT, UNCHANGED
from fflib.study.plans.search import configuration
from fflib.wording import minus

__all__ = ["kept"]

SECOND = 2  # the layer that loses accuracy


def kept(records: Iterable[Record]) -> pd.DataFrame:
    """Say of each change whether it keeps what the second layer loses without it.

    `records` are runs of :func:`fflib.study.plans.overtraining.runs`. The table has a row for the unchanged
    training and one for each change: its ``runs``; the ``change in accuracy`` on validation images from
    the first epochs of the second stage to its end; the difference from the unchanged run of the same
    seed, ``against unchanged``; and the ``answer``, by the criterion of :mod:`fflib.study.plans.overtraining`.
    Nothing can be kept where the unchanged runs lose nothing.
    """
    names = {
        Experiment(model="ff", **UNCHANGED | change): name
        for name, change in {"unchanged": {}, **CHANGES}.items()
    }
    runs: dict[str, list[Record]] = {name: [] for name in names.values()}
    for record in records:
        runs[names[configuration(record.experiment)]].append(record)
    gains = {name: _gain(found) for name, found in runs.items() if found}
    loses = "unchanged" in gains and mean_interval(gains["unchanged"]).high < 0
    rows: dict[str, dict[str, object]] = {}
    for name, gain in gains.items():
        rows[name] = {
            "runs": len(gain),
            "change in accuracy": minus(f"{mean_interval(gain):.3f}"),
        }
        if name in CHANGES and "unchanged" in gains:
            rows[name] |= _judged(gain - gains["unchanged"], loses=loses)
    return pd.DataFrame.from_dict(rows, orient="index").fillna("")


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
