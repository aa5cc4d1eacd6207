"""The claims of the paper, and ours on its checks and questions, as criteria fixed before the runs.

Criteria are written in ``claims.toml`` and nowhere else: the scorecard, the chapters and the tests
read them from here. How a criterion becomes an answer in a cell is said in
:mod:`fflib.study.claims.judging`, and how answers become a verdict in
:mod:`fflib.study.claims.verdicts`.
"""

from collections.abc import Iterable

from fflib.records.stores import Record
from fflib.study.claims.claim import Claim
from fflib.study.claims.criteria import (
    CHECKS,
    CHOICES,
    CIFAR10,
    CLAIMS,
    DIMENSION,
    FIRST,
    INGREDIENTS,
    QUESTIONS,
    SIGNS,
    TIMELINE,
)
from fflib.study.claims.judging import judge
from fflib.study.claims.quantities import hoyer, mean_over_layers, members, unseen_layers
from fflib.study.claims.verdicts import Cell, Verdict

__all__ = [
    "CHECKS",
    "CHOICES",
    "CIFAR10",
    "CLAIMS",
    "DIMENSION",
    "FIRST",
    "INGREDIENTS",
    "QUESTIONS",
    "SIGNS",
    "TIMELINE",
    "Cell",
    "Claim",
    "Verdict",
    "hoyer",
    "judge",
    "mean_over_layers",
    "members",
    "scorecard",
    "unseen_layers",
]


def scorecard(records: Iterable[Record]) -> list[Verdict]:
    """Judge every claim of the paper, in the order of the chapters."""
    records = list(records)
    return [judge(claim, records) for claim in CLAIMS]
