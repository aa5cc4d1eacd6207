"""Judging a claim: from the numbers of training runs to a verdict.

A claim is judged separately in every cell (data set and protocol) by the confidence interval over
training runs of one number per run. Claims that are judged together share the risk of error: their
intervals are as much wider as Bonferroni's correction asks. The cells of a claim need no correction
of their own, since a claim that is confirmed holds in all of them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from fflib.records.stores import Record
from fflib.statistics import Interval, mean_interval
from fflib.wording import minus

__all__ = ["RISK", "WORDS", "Answer", "Cell", "Claim", "Verdict", "in_words", "judge"]

RISK = 0.05
"""Chance that an interval misses what it should cover, over all claims judged together."""

Answer = Literal["holds", "fails", "open"]

WORDS = {
    "paper": ("reproduced", "partly", "not reproduced", "not decidable"),
    "ours": ("confirmed", "partly", "refuted", "not decidable"),
}
"""Verdicts by whose claim it is: holds in every cell, in some, fails in every cell, anything else."""


@dataclass(frozen=True)
class Claim:
    """One claim and the criterion it is judged by.

    Parameters
    ----------
    id : str
    title : str
        A few words for tables.
    statement : str
        What is claimed.
    source : str
        Where in the paper, and what is reported there; of a claim of ours, what it comes from.
    quantity : str
        The one number that a training run contributes.
    label : str
        The same in a few words, for the axis of a figure.
    bound : float
        The smallest effect that counts, in units of the quantity.
    above : bool
        Whether the claim holds above the bound, or below it.
    measure : callable
        From the records of a run and of those it is compared with, given by the names in `runs`,
        to the quantity.
    chapter : str
        Name of the chapter, without ending.
    runs : mapping of str to mapping
        Which runs are measured, and after them which ones they are compared with: the values of
        some fields of their experiments. Compared runs have the same data set, protocol, seed and
        held-out class.
    grids : tuple of str
        Names in :data:`fflib.study.plans.grids.GRIDS` of the runs that the claim rests on.
    split : {"test", "validation"}
        The images that its runs were evaluated on.
    lenient : bool
        Whether a run counts that lacks some it is compared with; the measure then gets None.
    unseen : bool
        Whether the runs are those with a held-out class.
    test : callable, optional
        From the records of a cell to a p-value that must be below the claim's share of the risk,
        too, for the claim to hold there.
    together : int
        Number of claims that share the risk.
    by : {"paper", "ours"}
        Whose claim it is.
    """

    id: str
    title: str
    statement: str
    source: str
    quantity: str
    label: str
    bound: float
    above: bool
    measure: Callable[..., float]
    chapter: str
    runs: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: {"ff": {"model": "ff"}})
    grids: tuple[str, ...] = ("main",)
    split: Literal["test", "validation"] = "test"
    lenient: bool = False
    unseen: bool = False
    test: Callable[[Sequence[Record]], float] | None = None
    together: int = 1
    by: Literal["paper", "ours"] = "paper"

    @property
    def criterion(self) -> str:
        """Return the criterion in one line."""
        side = "above" if self.above else "below"
        return f"{self.quantity}; {side} {self.bound:g} in every cell by the {self.statistic}"

    @property
    def confidence(self) -> float:
        """Confidence of its intervals: 95 % over all claims judged together, by Bonferroni.

        Examples
        --------
        >>> from fflib.study.claims import CLAIMS
        >>> round(CLAIMS[0].confidence, 4)
        0.9917
        """
        return 1 - RISK / self.together

    def answer(self, interval: Interval) -> Answer:
        """Return what an interval says: the claim holds, fails or is open."""
        low, high = interval.low, interval.high
        if not self.above:
            low, high = -high, -low
        bound = self.bound if self.above else -self.bound
        return "fails" if high < bound else "holds" if low > bound else "open"

    @property
    def statistic(self) -> str:
        """What is computed from the runs of a cell."""
        paired = ", paired by seed" if len(self.runs) > 1 else ""
        test = f" and by a Mantel test at p < {1 - self.confidence:.4f}" if self.test else ""
        return f"{self.confidence:.1%} t interval of the mean over runs{paired}{test}"


@dataclass(frozen=True)
class Cell:
    """A claim on one data set under one protocol."""

    dataset: str
    protocol: str
    values: tuple[float, ...]
    interval: Interval
    answer: Answer
    p_value: float | None = None


@dataclass(frozen=True)
class Verdict:
    """What the records say of a claim.

    Parameters
    ----------
    claim : Claim
    verdict : str
        "reproduced": holds in every cell; "not reproduced": fails in every cell; "partly": holds
        in some; "not decidable": too few runs to tell. Of a claim of ours: "confirmed" and
        "refuted".
    why : str
        One sentence.
    interval : Interval
        Over all runs of all cells.
    cells : tuple of Cell
    records : tuple of Record
        The runs that it rests on, those that others are compared with among them.
    """

    claim: Claim
    verdict: str
    why: str
    interval: Interval
    cells: tuple[Cell, ...]
    records: tuple[Record, ...] = field(default=(), compare=False, repr=False)

    def as_dict(self) -> dict[str, object]:
        """Return the verdict as plain data, for ``fflib claims --json``."""
        return {
            "id": self.claim.id,
            "by": self.claim.by,
            "statement": self.claim.statement,
            "verdict": self.verdict,
            "why": self.why,
            "quantity": self.claim.quantity,
            "criterion": self.claim.criterion,
            **_numbers(self.interval),
            "confidence": self.interval.confidence,
            "datasets": sorted({cell.dataset for cell in self.cells}),
            "chapter": self.claim.chapter,
            "cells": [
                {
                    "dataset": cell.dataset,
                    "protocol": cell.protocol,
                    "answer": cell.answer,
                    **_numbers(cell.interval),
                    "p_value": None if cell.p_value is None else _finite(cell.p_value),
                }
                for cell in self.cells
            ],
        }


def where(records: Iterable[Record], **fields: Any) -> list[Record]:
    """Keep the records whose experiment has these values.

    `fields` are fields of :class:`fflib.Experiment`.

    Examples
    --------
    >>> where([], model="ff", dataset="mnist")
    []
    """
    return [
        record
        for record in records
        if all(getattr(record.experiment, name) == value for name, value in fields.items())
    ]


def judge(claim: Claim, records: Iterable[Record], model: str | None = None) -> Verdict:
    """Judge a claim by records.

    The verdict is "not decidable", with no cells, where no record bears on the claim. Records that
    the claim is not about, such as those evaluated on other images, are left out. `model` applies
    the claim to another model than its own, as a control.
    """
    about = [
        r
        for r in records
        if (r.experiment.hold_out is not None) == claim.unseen
        and r.experiment.evaluate_on == claim.split
    ]
    (name, fields), *others = claim.runs.items()
    own = where(about, **({"model": model} if model else fields))
    compared = {other: {_pairing(r): r for r in where(about, **wanted)} for other, wanted in others}
    found: dict[tuple[str, str], list[dict[str, Record | None]]] = {}
    for record in own:
        with_it = {other: runs.get(_pairing(record)) for other, runs in compared.items()}
        if claim.lenient or None not in with_it.values():
            cell = (record.experiment.dataset, record.experiment.protocol)
            found.setdefault(cell, []).append({name: record, **with_it})
    cells = tuple(_cell(claim, *cell, found[cell]) for cell in sorted(found))
    everything = [value for cell in cells for value in cell.values]
    interval = Interval(np.nan, np.nan, np.nan, 0)
    if everything:
        interval = mean_interval(everything, claim.confidence)
    used = [r for runs in found.values() for run in runs for r in run.values() if r is not None]
    records = tuple({r.experiment: r for r in used}.values())
    return Verdict(claim, *_verdict(claim, cells), interval, cells, records)


def _pairing(record: Record) -> tuple[str, str, int, int | None]:
    e = record.experiment
    return e.dataset, e.protocol, e.seed, e.hold_out


def _cell(
    claim: Claim, dataset: str, protocol: str, runs: Sequence[Mapping[str, Record | None]]
) -> Cell:
    values = tuple(claim.measure(**run) for run in runs)
    interval = mean_interval(values, claim.confidence)
    p_value = None
    if claim.test:
        own = next(iter(claim.runs))
        p_value = claim.test([record for run in runs if (record := run[own])])
    by_chance = p_value is not None and not p_value < 1 - claim.confidence
    answer = claim.answer(interval)
    if answer == "holds" and by_chance:
        answer = "open"
    return Cell(dataset, protocol, values, interval, answer, p_value)


def _verdict(claim: Claim, cells: Sequence[Cell]) -> tuple[str, str]:
    confirmed, partly, refuted, not_decidable = WORDS[claim.by]
    if not cells:
        return not_decidable, "There is no record of a run that bears on it."
    by_answer = {
        answer: [f"{Path(c.dataset).name} ({c.protocol})" for c in cells if c.answer == answer]
        for answer in ("holds", "fails", "open")
    }
    holds, fails, still_open = (by_answer[a] for a in ("holds", "fails", "open"))
    side, everywhere = "above" if claim.above else "below", f"in every cell ({len(cells)} in all)"
    if len(holds) == len(cells):
        return confirmed, f"The interval lies {side} {claim.bound:g} {everywhere}."
    if len(fails) == len(cells):
        return refuted, f"The interval misses {claim.bound:g} {everywhere}."
    parts = [
        f"{what} on {', '.join(names)}"
        for what, names in (("holds", holds), ("fails", fails), ("is open", still_open))
        if names
    ]
    verdict = partly if holds else not_decidable
    return verdict, f"It {'; it '.join(parts)}."


def _numbers(interval: Interval) -> dict[str, object]:
    low, high = _finite(interval.low), _finite(interval.high)
    return {"estimate": _finite(interval.mean), "interval": [low, high], "runs": interval.n}


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def in_words(verdicts: Iterable[Verdict]) -> str:
    """Say what claims have come to, in a sentence for each.

    A sentence has the title, the verdict, and the quantity with its interval over all runs.
    """
    return " ".join(
        minus(f"{v.claim.title}: {v.verdict} ({v.claim.label}: {v.interval:.2f}).")
        for v in verdicts
    )
