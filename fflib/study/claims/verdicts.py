"""Verdicts: what a claim comes to over its cells, in a word and in a sentence.

A claim *holds* if it does in every cell. It *fails* if it surely fails in some cell and holds in none.
It is *mixed* if it holds in some and fails in others, under a condition on data set, protocol and layer.
Anything else is *open*. No number is averaged over cells, which are unlike one another.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from fflib import wording
from fflib.records.schema import known
from fflib.records.stores import Record
from fflib.statistics import Interval
from fflib.study.claims.claim import Answer, Claim
from fflib.study.claims.prose import recalls, too, where
from fflib.wording import minus

__all__ = [
    "WORDS", "Cell", "LabelAlone", "Rival", "Verdict", "as_yes", "in_first_words", "in_short", "in_words",
]  # fmt: skip

Word = Literal["holds", "fails", "mixed", "open"]
Yes = Literal["yes", "no", "open"]

WORDS: dict[Word, str] = {
    "holds": "yes",
    "fails": "no",
    "mixed": "it depends",
    "open": "not settled",
}
"""Verdicts, and what they answer to the question whether the claim is true."""

BACK_PROPAGATION = ("bp", "bp-l1", "bp-ff")
"""Rivals that are trained by back-propagation."""


@dataclass(frozen=True)
class Rival:
    """What might do the same as the claim's own runs, in one cell.

    Parameters
    ----------
    name : str
    interval : Interval
        Its own value.
    difference : Interval
        The value of the claim's own runs minus its own, paired by seed, or by class.
    passes : {"yes", "no", "open"} or None
        Whether it passes the claim's bound itself; None where the bound is about the difference
        from it.
    beaten : bool
        Whether the claim holds only where its own runs are beyond it.
    """

    name: str
    interval: Interval
    difference: Interval
    passes: Yes | None
    beaten: bool


@dataclass(frozen=True)
class LabelAlone:
    """Whether the label in the input does by itself what is credited to the image.

    Parameters
    ----------
    share : Interval
        Share of the classes whose ensemble their label recalls on a blank image.
    answer : {"yes", "no", "open"}
        Whether that is most of them.
    """

    share: Interval
    answer: Yes


@dataclass(frozen=True)
class Cell:
    """A claim on one data set under one protocol, or in one layer there.

    Parameters
    ----------
    dataset, protocol : str
    layer : int or None
        From 1; None where the claim is about the network.
    values : tuple of float
        What is judged, a number per run, or per class where classes are counted.
    interval : Interval
        Of these.
    own : Interval
        The value of the claim's own runs, before that of a rival is taken off.
    answer : {"holds", "fails", "open"}
    rivals : tuple of Rival
    label_alone : LabelAlone or None
        None where the label is not in the input, or has no part in the claim.
    p_value : float or None
    """

    dataset: str
    protocol: str
    layer: int | None
    values: tuple[float, ...]
    interval: Interval
    own: Interval
    answer: Answer
    rivals: tuple[Rival, ...] = ()
    label_alone: LabelAlone | None = None
    p_value: float | None = None

    @property
    def name(self) -> str:
        """The cell as prose names it."""
        layer = f", layer {self.layer}" if self.layer else ""
        return (
            f"{wording.dataset_name(self.dataset)}; {wording.protocol_name(self.protocol)}{layer}"
        )

    def as_dict(self) -> dict[str, object]:
        """Return the cell as plain data."""
        return {
            "dataset": self.dataset,
            "protocol": self.protocol,
            "layer": self.layer,
            "answer": self.answer,
            **_numbers(self.interval),
            "own": _numbers(self.own),
            "rivals": {
                rival.name: _numbers(rival.interval)
                | {
                    "difference": _numbers(rival.difference),
                    "passes": rival.passes,
                    "must_be_beaten": rival.beaten,
                }
                for rival in self.rivals
            },
            "is_label": self.label_alone
            and {"answer": self.label_alone.answer, **_numbers(self.label_alone.share)},
            "p_value": None if self.p_value is None else known(self.p_value),
            "confidence": self.interval.confidence,
        }


@dataclass(frozen=True)
class Verdict:
    """What the records say of a claim.

    Parameters
    ----------
    claim : Claim
    cells : tuple of Cell
    records : tuple of Record
        The runs that it rests on, those of its rivals among them.
    """

    claim: Claim
    cells: tuple[Cell, ...]
    records: tuple[Record, ...] = field(default=(), compare=False, repr=False)

    @property
    def verdict(self) -> Word:
        """The verdict in a word."""
        found = {cell.answer for cell in self.cells}
        if found == {"holds"}:
            return "holds"
        if "fails" in found:
            return "mixed" if "holds" in found else "fails"
        return "open"

    @property
    def why(self) -> str:
        """What it rests on, in a sentence."""
        counts, n = Counter(cell.answer for cell in self.cells), len(self.cells)
        holds, fails, undecided = (_of(counts[answer], n) for answer in ("holds", "fails", "open"))
        if not self.cells:
            return "No run bears on it yet."
        left = f", and is open {undecided}" if undecided else ""
        match self.verdict:
            case "holds":
                return f"It holds {holds}."
            case "fails":
                none = " and holds in none" if counts["fails"] < n else ""
                return f"It fails {fails}{none}."
            case "mixed":
                return f"It holds {self.where}{left}."
        return f"It holds {holds}{left}." if holds else f"It is open {undecided}."

    @property
    def estimates(self) -> str:
        """The least and the greatest estimate over the cells; empty without cells."""
        known = [cell.interval.mean for cell in self.cells if np.isfinite(cell.interval.mean)]
        means = [f"{mean:.2f}" for mean in known]
        if not means:
            return ""
        low, high = (end(means, key=float) for end in (min, max))
        return minus(low if low == high else f"{low} to {high}")

    @property
    def where(self) -> str:
        """Where it holds or fails, in words without counts; nothing without cells."""
        return where(self.verdict, self.cells)

    @property
    def sentence(self) -> str:
        """Claim, verdict, rivals and label in one sentence without numbers."""
        claim = self.claim.statement.removesuffix(".")
        answer = [WORDS[self.verdict], self.where or "no run bears on it yet"]
        said = [f"{claim}: {', '.join(answer)}", self.too]
        if found := self._label_counts():
            said.append(recalls(found))
        return "; ".join(filter(None, said)) + "."

    @property
    def too(self) -> str:
        """Whether networks trained by back-propagation pass the bound, too, in words; nothing if none is a rival."""
        more = any(name in self.claim.beats for name in BACK_PROPAGATION)
        found = {wording.rival_name(name): self._passes(name) for name in BACK_PROPAGATION}
        return too(found, more_is_asked=more)

    @property
    def back_propagation_too(self) -> str:
        """Whether networks trained by back-propagation pass the bound, too, in a few words."""
        found = {name: self._passes(name) for name in BACK_PROPAGATION}
        return "; ".join(f"{wording.rival_name(n)}: {_counted(c)}" for n, c in found.items() if c)

    @property
    def label_alone(self) -> str:
        """Whether it is the label, in a few words."""
        return _counted(self._label_counts())

    def _passes(self, name: str) -> Counter[Yes]:
        found = (rival for cell in self.cells for rival in cell.rivals if rival.name == name)
        return Counter(rival.passes for rival in found if rival.passes and rival.interval.n)

    def _label_counts(self) -> Counter[Yes]:
        found = (cell.label_alone for cell in self.cells)
        return Counter(alone.answer for alone in found if alone and alone.share.n)

    def as_dict(self) -> dict[str, object]:
        """Return the verdict as plain data, for ``fflib claims --json``."""
        return {
            "id": self.claim.id,
            "by": self.claim.by,
            "statement": self.claim.statement,
            "place": self.claim.place,
            "verdict": self.verdict,
            "why": self.why,
            "sentence": self.sentence,
            "back_propagation_too": self.back_propagation_too,
            "is_label": self.label_alone,
            "quantity": self.claim.quantity,
            "criterion": self.claim.criterion,
            "unit": self.claim.unit,
            "datasets": sorted({cell.dataset for cell in self.cells}),
            "chapter": self.claim.chapter,
            "cells": [cell.as_dict() for cell in self.cells],
        }


def as_yes(answer: Answer) -> Yes:
    """Answer a question as a claim is."""
    yes: dict[Answer, Yes] = {"holds": "yes", "fails": "no", "open": "open"}
    return yes[answer]


def _counted(found: Counter[Yes]) -> str:
    """Say what is found in all cells, or in how many."""
    if len(found) == 1:
        return next(iter(found))
    return ", ".join(f"{answer} in {n}" for answer in ("yes", "no", "open") if (n := found[answer]))


def _of(count: int, n: int) -> str:
    """Say in how many of the cells; nothing of none."""
    if count == n:
        return {1: "in the only cell", 2: "in both cells"}.get(n, f"in all {n} cells")
    return f"in {count} of {n} cells" if count else ""


def in_first_words(verdict: Verdict) -> str:
    """Return the first edition's word for what the cells of a claim say.

    It is history, kept beside the second edition's. A claim was *reproduced* if it held in every cell, *not
    reproduced* if it failed in every cell, *partly* reproduced if it held in some, and *not decidable*
    otherwise, even where it surely failed in some cells. Nothing was asked of rivals but what the quantity
    itself says.

    Examples
    --------
    >>> from fflib.study.claims import FIRST, judge
    >>> in_first_words(judge(FIRST[0], []))
    'not decidable'
    """
    answers = {cell.answer for cell in verdict.cells}
    if answers == {"holds"}:
        return "reproduced"
    if answers == {"fails"}:
        return "not reproduced"
    return "partly" if "holds" in answers else "not decidable"


def in_words(verdicts: Iterable[Verdict]) -> str:
    """Say of each claim its verdict, the least and the greatest estimate over the cells, and why."""
    return " ".join(
        f"{v.claim.title}: {v.verdict} ({minus(v.claim.label)}: {v.estimates or 'unknown'}). {v.why}"
        for v in verdicts
    )


def in_short(verdicts: Iterable[Verdict]) -> str:
    """Say what claims have come to in a sentence: the title of each, and its verdict."""
    return "; ".join(f"{v.claim.title}: {v.verdict}" for v in verdicts) + "."


def _numbers(interval: Interval) -> dict[str, object]:
    low, high = known(interval.low), known(interval.high)
    return {"estimate": known(interval.mean), "interval": [low, high], "runs": interval.n}
