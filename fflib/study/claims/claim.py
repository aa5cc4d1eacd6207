"""A claim and the criterion that it is judged by."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from fflib import wording
from fflib.records.stores import Record
from fflib.statistics import Interval
from fflib.statistics.intervals import Scale

__all__ = ["LABEL_ALONE", "RISK", "Answer", "Claim", "Measure"]

RISK = 0.05
"""Chance that an interval misses what it should cover, over all claims judged together."""

LABEL_ALONE = 0.5
"""Share of the classes that the label has to recall on a blank image to be what an ensemble is of."""

Answer = Literal["holds", "fails", "open"]
Measure = Callable[..., float | np.ndarray | None]
Fields = Mapping[str, Any]


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
        What the paper reports; of a claim of ours, what it comes from.
    quantity : str
        The one number that a training run contributes to what is judged.
    label : str
        The same in a few words, for the axis of a figure.
    bound : float
        The smallest effect that counts, in units of the quantity.
    above : bool
        Whether the claim holds above the bound, or below it.
    measure : callable
        From the record of a run, and of those that it is measured with, to a number; to one for
        each layer if the claim is `by_layer`; to None where the record does not say.
    chapter : str
        Name of the chapter, without ending.
    runs : mapping of str to mapping
        Which runs are measured, and after them which ones they are measured with, each by a name
        and the values of some fields of their experiments, see
        :func:`fflib.study.claims.judging.where`. Runs that belong together have the same data set,
        protocol, seed and held-out class.
    rivals : mapping of str to mapping
        Runs that might do the same, measured in the place of the claim's own.
    against : str, optional
        The rival whose value is taken off before the bound is applied.
    beats : tuple of str
        Rivals that the claim's own runs must be beyond, whatever the bound.
    chance : callable, optional
        What `measure` would find by chance, of the same runs: a rival called "chance".
    label_alone : callable, optional
        Share of the classes that a label alone recalls, of the same runs.
    place : str
        Version of the paper and place in it.
    first : str, optional
        The claim of the first edition that this one takes the place of.
    fault : str
        What was wrong with that one.
    scale : {"plain", "share", "correlation", "share difference", "correlation difference"}
        The range of what is measured.
    by_layer : bool
        Whether every hidden layer is a cell of its own.
    unit : {"run", "class"}
        What the statistics count: runs, or held-out classes, whose runs are averaged first.
    grids : tuple of str
        Names in :data:`fflib.study.plans.grids.GRIDS` of the runs that the claim rests on.
    split : {"test", "validation"}
        The images that its runs were evaluated on.
    lenient : bool
        Whether a run counts that lacks some it is measured with; the measure then gets None.
    unseen : bool
        Whether the runs are those with a held-out class.
    test : callable, optional
        From the records of a cell to a p-value that must be below the claim's share of the risk,
        too, for the claim to hold there.
    together : int
        Number of claims that share the risk.
    by_cell : bool
        Whether the cells and the rivals of a claim share the risk, too.
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
    measure: Measure
    chapter: str
    runs: Mapping[str, Fields] = field(default_factory=lambda: {"ff": {"model": "ff"}})
    rivals: Mapping[str, Fields] = field(default_factory=dict)
    against: str | None = None
    beats: tuple[str, ...] = ()
    chance: Measure | None = None
    label_alone: Measure | None = None
    place: str = ""
    first: str | None = None
    fault: str = ""
    scale: Scale = "plain"
    by_layer: bool = False
    unit: Literal["run", "class"] = "run"
    grids: tuple[str, ...] = ("main",)
    split: Literal["test", "validation"] = "test"
    lenient: bool = False
    unseen: bool = False
    test: Callable[[Sequence[Record]], float] | None = None
    together: int = 1
    by_cell: bool = False
    by: Literal["paper", "ours"] = "paper"

    @property
    def side(self) -> str:
        """The side of the bound on which the claim holds."""
        return "above" if self.above else "below"

    @property
    def criterion(self) -> str:
        """Return the criterion in one line."""
        rivals = (
            f", and {self.side} {wording.listed(map(wording.rival_name, self.beats))}"
            if self.beats
            else ""
        )
        layers = " and layer" if self.by_layer else ""
        where = f"in every cell{layers} by the {self.statistic}"
        return f"{self.quantity}; {self.side} {self.bound:g}{rivals} {where}"

    @property
    def confidence(self) -> float:
        """Confidence of its intervals: 95 % over all claims judged together, by Bonferroni.

        Where the cells share the risk, too, it is that of a claim with a single cell and no rival
        to beat, and the intervals in its cells say their own.

        Examples
        --------
        >>> from fflib.study.claims import CLAIMS
        >>> round(CLAIMS[0].confidence, 4)
        0.9955
        """
        return self.confidence_in(1)

    def confidence_in(self, cells: int) -> float:
        """Return the confidence of its intervals where there are so many cells."""
        comparisons = cells * (1 + len(self.beats)) if self.by_cell else 1
        return 1 - RISK / (self.together * max(comparisons, 1))

    def answer(self, interval: Interval) -> Answer:
        """Return what an interval of the quantity says: the claim holds, fails or is open."""
        return self.compared(interval, self.bound)

    def compared(self, interval: Interval, bound: float) -> Answer:
        """Return whether an interval lies on the claim's side of some bound."""
        low, high = interval.low, interval.high
        if not self.above:
            low, high, bound = -high, -low, -bound
        return "fails" if high < bound else "holds" if low > bound else "open"

    @property
    def statistic(self) -> str:
        """What is computed from the runs of a cell."""
        paired = ", paired by seed" if self.against or len(self.runs) > 1 else ""
        over = "held-out classes, each the mean of its runs" if self.unit == "class" else "runs"
        test = " and by a Mantel test at the same risk" if self.test else ""
        interval = f"t interval of the mean over {over}{paired}{test}"
        if self.by_cell:
            return f"{interval}, with 95% confidence over all claims, cells and rivals"
        return f"{self.confidence:.1%} {interval}"
