"""What keeps the accuracy that a second layer loses in a long training: the criterion of the plan, applied."""

from collections.abc import Iterable

import pandas as pd

from fflib.experiment import Experiment
from fflib.records.stores import Record
from fflib.statistics import mean_interval
from fflib.study.analyses.length import in_epochs, turns
from fflib.study.claims.claim import RISK
from fflib.study.plans.overtraining import CHANGES, KEPT, UNCHANGED, in_float32
from fflib.study.plans.search import configuration
from fflib.wording import listed, minus

__all__ = ["FLOAT32", "by_change", "in_words", "kept", "rounding"]

FLOAT32 = "products in float32"
"""The name of :func:`fflib.study.plans.overtraining.in_float32` in tables."""

FIRST, SECOND = 1, 2  # the layer that learns its pairs by heart, and the one that loses accuracy


def by_change(records: Iterable[Record]) -> dict[str, list[Record]]:
    """Sort runs of the grid "overtraining" by what is changed: "unchanged", then by name, then :data:`FLOAT32`."""
    names = {
        Experiment(model="ff", **UNCHANGED | change): name
        for name, change in {"unchanged": {}, **CHANGES}.items()
    }
    names[configuration(in_float32())] = FLOAT32
    runs: dict[str, list[Record]] = {name: [] for name in names.values()}
    for record in records:
        runs[names[configuration(record.experiment)]].append(record)
    return {name: found for name, found in runs.items() if found}


def kept(records: Iterable[Record]) -> pd.DataFrame:
    """Say of each change whether it keeps what the second layer loses without it.

    `records` are runs of the grid "overtraining". The table has a row for the unchanged training, one for
    each change, and one for float32, which nothing is judged by: its ``runs``; the epoch in which the loss of
    the first layer is ``at its floor``, and the ``best epoch`` of the second, as in
    :func:`fflib.study.analyses.length.turns_table`;
    the ``change in accuracy`` on validation images from the first epochs of the second stage to its end;
    the difference from the unchanged run of the same seed, ``against unchanged``; and the ``answer``, by
    the criterion of :mod:`fflib.study.plans.overtraining`. A change that keeps accuracy, and with which
    some is surely lost all the same, keeps part of it. Nothing can be kept where the unchanged runs lose
    nothing.
    """
    stages = {name: turns(found).set_index("layer") for name, found in by_change(records).items()}
    gains = {name: _gain(found.loc[[SECOND]]) for name, found in stages.items()}
    loses = "unchanged" in gains and mean_interval(gains["unchanged"]).high < 0
    rows: dict[str, dict[str, object]] = {}
    for name, gain in gains.items():
        rows[name] = {
            "runs": len(gain),
            "at its floor": in_epochs(stages[name].loc[[FIRST], "settled"]),
            "best epoch": in_epochs(stages[name].loc[[SECOND], "best"]),
            "change in accuracy": minus(f"{mean_interval(gain):.3f}"),
        }
        if name in CHANGES and "unchanged" in gains:
            rows[name] |= _judged(gain, gain - gains["unchanged"], loses=loses)
    return pd.DataFrame.from_dict(rows, orient="index").fillna("")


def rounding(records: Iterable[Record]) -> str:
    """Say in a sentence whether rounding is why accuracy is lost, by the run in float32.

    Examples
    --------
    >>> rounding([])
    'Whether rounding is the reason is not known.'
    """
    exact = by_change(records).get(FLOAT32)
    if not exact:
        return "Whether rounding is the reason is not known."
    gain = _gain(turns(exact).set_index("layer").loc[[SECOND]]).mean()
    return "Rounding is not the reason." if gain < -KEPT else "Rounding may be the reason."


def in_words(table: pd.DataFrame) -> str:
    """Say in a sentence what :func:`kept` found.

    Examples
    --------
    >>> in_words(pd.DataFrame({"answer": ["", "keeps it", "open"]}, index=["unchanged", "rest", "play"]))
    'It is kept with rest; the question is open for play.'
    """
    said = {
        "keeps it": "it is kept with {}",
        "keeps part of it": "part of it is kept with {}",
        "does not": "it is lost with {} all the same",
        "open": "the question is open for {}",
        "nothing to keep": "there is nothing to keep for {}",
    }
    found = table.get("answer", pd.Series(dtype=str))
    parts = [
        text.format(listed(found.index[found == answer]))
        for answer, text in said.items()
        if (found == answer).any()
    ]
    sentence = "; ".join(parts) or "no run of the test is on record"
    return f"{sentence[0].upper()}{sentence[1:]}."


def _gain(second: pd.DataFrame) -> "pd.Series[float]":
    """Return by seed how accuracy changes along the second stage."""
    by_seed = second.set_index("seed")
    return by_seed["last"] - by_seed["early"]


def _judged(
    gain: "pd.Series[float]", differences: "pd.Series[float]", *, loses: bool
) -> dict[str, str]:
    interval = mean_interval(differences.dropna(), confidence=1 - RISK / len(CHANGES))
    if not loses:
        answer = "nothing to keep"
    elif interval.low > KEPT:
        answer = "keeps part of it" if mean_interval(gain).high < 0 else "keeps it"
    else:
        answer = "does not" if interval.high < KEPT else "open"
    return {"against unchanged": minus(f"{interval:.3f}"), "answer": answer}
