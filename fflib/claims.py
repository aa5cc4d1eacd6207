"""The claims of the paper as criteria fixed beforehand, and the verdicts that records give them.

This file is the only place where a criterion is written: the scorecard, the chapters and the tests
read it from here. A claim is judged separately in every cell (data set and protocol) by the
confidence interval over training runs of one number per run.

Several claims are judged at once, so that each gets its share of the risk of error: the intervals
are as much wider as Bonferroni's correction asks (:func:`confidence`). The cells of a claim need no
correction of their own, since "reproduced" asks for all of them.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from fflib.measures import sharing
from fflib.measures.unseen import UnseenClass
from fflib.records import Record
from fflib.statistics import Interval, mantel, mean_interval
from fflib.summary import unpack

__all__ = [
    "CLAIMS",
    "Cell",
    "Claim",
    "Verdict",
    "confidence",
    "judge",
    "members",
    "scorecard",
    "unseen_layers",
]

RISK = 0.05
"""Chance that an interval of any claim misses what it should cover, over all claims together."""

REPRODUCED = "reproduced"
PARTLY = "partly"
NOT_REPRODUCED = "not reproduced"
NOT_DECIDABLE = "not decidable"

Answer = Literal["holds", "fails", "open"]


@dataclass(frozen=True)
class Claim:
    """One claim of the paper and the criterion it is judged by.

    Parameters
    ----------
    id : str
    title : str
        A few words for tables.
    statement : str
        What is claimed.
    source : str
        Where in the paper, and what is reported there.
    quantity : str
        The one number that a training run contributes.
    label : str
        The same in a few words, for the axis of a figure.
    bound : float
        The smallest effect that counts, in units of the quantity.
    above : bool
        Whether the claim holds above the bound, or below it.
    measure : callable
        From the record of a run, and the record of BP with the same data set, protocol and seed
        or None, to the quantity.
    chapter : str
        Name of the chapter, without ending.
    control : bool
        Whether the quantity needs the BP record.
    unseen : bool
        Whether the runs are those with a held-out class.
    test : callable, optional
        From the records of a cell to a p-value that must be below the claim's share of the risk,
        too, for the claim to hold there.
    """

    id: str
    title: str
    statement: str
    source: str
    quantity: str
    label: str
    bound: float
    above: bool
    measure: Callable[[Record, Record | None], float]
    chapter: str
    control: bool = False
    unseen: bool = False
    test: Callable[[Sequence[Record]], float] | None = None

    @property
    def criterion(self) -> str:
        """The criterion in one line."""
        side = "above" if self.above else "below"
        return f"{self.quantity}; {side} {self.bound:g} in every cell by the {self.statistic}"

    def answer(self, interval: Interval) -> Answer:
        """What an interval says: the claim holds, fails or is open."""
        low, high = interval.low, interval.high
        if not self.above:
            low, high = -high, -low
        bound = self.bound if self.above else -self.bound
        return "fails" if high < bound else "holds" if low > bound else "open"

    @property
    def statistic(self) -> str:
        """What is computed from the runs of a cell."""
        paired = ", paired by seed" if self.control else ""
        test = f" and by a Mantel test at p < {1 - confidence():.4f}" if self.test else ""
        return f"{confidence():.1%} t interval of the mean over runs{paired}{test}"


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
        in some; "not decidable": too few runs to tell.
    why : str
        One sentence.
    interval : Interval
        Over all runs of all cells.
    cells : tuple of Cell
    """

    claim: Claim
    verdict: str
    why: str
    interval: Interval
    cells: tuple[Cell, ...]

    def as_dict(self) -> dict[str, object]:
        """The verdict as plain data, for ``fflib claims --json``."""
        return {
            "id": self.claim.id,
            "statement": self.claim.statement,
            "verdict": self.verdict,
            "why": self.why,
            "quantity": self.claim.quantity,
            "criterion": self.claim.criterion,
            "estimate": _finite(self.interval.mean),
            "interval": [_finite(self.interval.low), _finite(self.interval.high)],
            "runs": self.interval.n,
            "confidence": self.interval.confidence,
            "datasets": sorted({cell.dataset for cell in self.cells}),
            "chapter": self.claim.chapter,
            "cells": [
                {
                    "dataset": cell.dataset,
                    "protocol": cell.protocol,
                    "answer": cell.answer,
                    "estimate": _finite(cell.interval.mean),
                    "interval": [_finite(cell.interval.low), _finite(cell.interval.high)],
                    "runs": cell.interval.n,
                    "p_value": None if cell.p_value is None else _finite(cell.p_value),
                }
                for cell in self.cells
            ],
        }


def members(record: Record, rule: str = "median-quantile") -> np.ndarray:
    """Ensembles of a record, boolean, shape (layer, class, unit)."""
    return unpack(record.arrays[f"ensembles/{rule}"], record.experiment.hidden)


def unseen_layers(record: Record) -> list[UnseenClass]:
    """What a record with a held-out class says of it, layer by layer, as its claim asks.

    All images carry the label that the network prefers; those of a plain network, which serves as
    a control, carry none.
    """
    assert record.metrics.unseen is not None
    return record.metrics.unseen["predicted" if record.experiment.labelled else "plain"]


def _control(record: Record | None) -> Record:
    assert record is not None
    return record


def _sparser(ff: Record, bp: Record | None) -> float:
    pair = [np.mean([layer.hoyer for layer in r.metrics.layers]) for r in (ff, _control(bp))]
    return float(pair[0] - pair[1])


def _accuracy_gap(ff: Record, bp: Record | None) -> float:
    return ff.metrics.accuracy - _control(bp).metrics.accuracy


def _overlap(ff: Record, _: Record | None) -> float:
    return float(sharing.mean_overlap(members(ff)).mean())


def _overlap_follows_similarity(ff: Record, _: Record | None) -> float:
    by_layer = sharing.follows_similarity(members(ff), ff.arrays["similarity"])
    # Overlap that is the same for all pairs, such as none, follows nothing.
    return float(np.nan_to_num(by_layer).mean())


def _overlap_by_chance(runs: Sequence[Record]) -> float:
    """Mantel's p-value for overlap, averaged over the runs and their layers, against similarity."""
    overlap = np.mean(
        [np.nan_to_num(sharing.jaccard(members(run))).mean(axis=0) for run in runs], axis=0
    )
    return mantel(overlap, np.asarray(runs[0].arrays["similarity"], dtype=float)).p_value


def _negative(ff: Record, _: Record | None) -> float:
    return float(np.mean([layer.negative_weights for layer in ff.metrics.layers]))


def _told_from_seen(ff: Record, _: Record | None) -> float:
    return float(np.mean([layer.auroc for layer in unseen_layers(ff)]))


CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="accuracy",
        title="Competitive accuracy",
        statement="Forward-Forward classifies nearly as well as back-propagation.",
        source="The paper calls FF's accuracy competitive, and lower than BP's.",
        quantity="test accuracy of FF minus that of BP with the same seed",
        label="accuracy, FF − BP",
        bound=-0.05,
        above=True,
        measure=_accuracy_gap,
        chapter="02-accuracy",
        control=True,
    ),
    Claim(
        id="sparse",
        title="Sparse representations",
        statement="Forward-Forward represents an image by far fewer active units than "
        "back-propagation does.",
        source="The paper reports high sparsity for FF, less for BP/FF and dense activity for BP.",
        quantity="Hoyer sparseness averaged over the layers, FF minus BP with the same seed",
        label="Hoyer sparseness, FF − BP",
        bound=0.1,
        above=True,
        measure=_sparser,
        chapter="03-sparse-ensembles",
        control=True,
    ),
    Claim(
        id="specific",
        title="Category-specific ensembles",
        statement="Each category activates an ensemble of units of its own.",
        source="The paper shows ensembles that are consistently active for one category.",
        quantity="Jaccard index of the ensembles of two classes (median-quantile rule), averaged "
        "over pairs and layers of FF",
        label="Jaccard index of two classes",
        bound=0.2,
        above=False,
        measure=_overlap,
        chapter="03-sparse-ensembles",
    ),
    Claim(
        id="shared",
        title="Related categories share units",
        statement="Categories that look alike share units of their ensembles.",
        source="The paper shows shared units between visually similar categories.",
        quantity="correlation, over pairs of classes, of the Jaccard index of their ensembles with "
        "the correlation of their mean images, averaged over the layers of FF",
        label="correlation of overlap with similarity",
        bound=0.3,
        above=True,
        measure=_overlap_follows_similarity,
        chapter="04-shared-neurons",
        test=_overlap_by_chance,
    ),
    Claim(
        id="negative",
        title="Negative weights dominate",
        statement="Most weights of a Forward-Forward network are negative.",
        source="The paper reports a strong dominance of negative weights in FF.",
        quantity="share of negative weights, averaged over the layers of FF",
        label="share of negative weights",
        bound=0.55,
        above=True,
        measure=_negative,
        chapter="05-negative-weights",
    ),
    Claim(
        id="unseen",
        title="Unseen classes form ensembles",
        statement="A category that was never shown in training activates an ensemble of its own.",
        source="The paper reports new ensembles for categories left out of training.",
        quantity="AUROC of telling unseen from seen images by the unseen class's ensemble, all "
        "images carrying the label the network prefers, averaged over the layers of FF",
        label="AUROC, unseen against seen",
        bound=0.7,
        above=True,
        measure=_told_from_seen,
        chapter="06-unseen-classes",
        unseen=True,
    ),
)


def confidence() -> float:
    """Confidence of every claim's intervals: 95 % over all claims together, by Bonferroni.

    Examples
    --------
    >>> round(confidence(), 4)
    0.9917
    """
    return 1 - RISK / len(CLAIMS)


def judge(claim: Claim, records: Iterable[Record], model: str = "ff") -> Verdict:
    """Judge a claim by records.

    Parameters
    ----------
    claim : Claim
    records : iterable of Record
        Any records; those that the claim is not about, and those of a search on validation
        data, are passed over.
    model : str
        The model that the claim is applied to; "ff" unless as a control.

    Returns
    -------
    Verdict
        "not decidable", with no cells, where no record bears on the claim.
    """
    runs = [
        r
        for r in records
        if (r.experiment.hold_out is not None) == claim.unseen
        and r.experiment.evaluate_on == "test"
    ]
    controls = {_pairing(r): r for r in runs if r.experiment.model == "bp"}
    found: dict[tuple[str, str], list[Record]] = {}
    for record in runs:
        if record.experiment.model == model and (not claim.control or _pairing(record) in controls):
            cell = (record.experiment.dataset, record.experiment.protocol)
            found.setdefault(cell, []).append(record)
    cells = tuple(_cell(claim, *where, found[where], controls) for where in sorted(found))
    everything = [value for cell in cells for value in cell.values]
    interval = _interval(everything) if everything else Interval(np.nan, np.nan, np.nan, 0)
    return Verdict(claim, *_verdict(claim, cells), interval, cells)


def _pairing(record: Record) -> tuple[str, str, int, int | None]:
    e = record.experiment
    return e.dataset, e.protocol, e.seed, e.hold_out


def _interval(values: Sequence[float]) -> Interval:
    return mean_interval(values, confidence())


def _cell(
    claim: Claim,
    dataset: str,
    protocol: str,
    runs: Sequence[Record],
    controls: dict[tuple[str, str, int, int | None], Record],
) -> Cell:
    values = tuple(claim.measure(run, controls.get(_pairing(run))) for run in runs)
    interval = _interval(values)
    p_value = claim.test(runs) if claim.test else None
    by_chance = p_value is not None and not p_value < 1 - confidence()
    answer = claim.answer(interval)
    if answer == "holds" and by_chance:
        answer = "open"
    return Cell(dataset, protocol, values, interval, answer, p_value)


def _verdict(claim: Claim, cells: Sequence[Cell]) -> tuple[str, str]:
    if not cells:
        return NOT_DECIDABLE, "There is no record of a run that bears on it."
    by_answer = {
        answer: [f"{c.dataset} ({c.protocol})" for c in cells if c.answer == answer]
        for answer in ("holds", "fails", "open")
    }
    holds, fails, still_open = (by_answer[a] for a in ("holds", "fails", "open"))
    side, everywhere = "above" if claim.above else "below", f"in every cell ({len(cells)} in all)"
    if len(holds) == len(cells):
        return REPRODUCED, f"The interval lies {side} {claim.bound:g} {everywhere}."
    if len(fails) == len(cells):
        return NOT_REPRODUCED, f"The interval misses {claim.bound:g} {everywhere}."
    parts = [
        f"{what} on {', '.join(where)}"
        for what, where in (("holds", holds), ("fails", fails), ("is open", still_open))
        if where
    ]
    verdict = PARTLY if holds else NOT_DECIDABLE
    return verdict, f"It {'; it '.join(parts)}."


def scorecard(records: Iterable[Record]) -> list[Verdict]:
    """Judge every claim, in the order of the chapters."""
    records = list(records)
    return [judge(claim, records) for claim in CLAIMS]


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
