"""The claims of the paper, and ours on its checks and questions, as criteria fixed before the runs.

Nowhere else is a criterion written: the scorecard, the chapters and the tests read it from here. How
a criterion becomes a verdict is said in :mod:`fflib.judging`.
"""

from collections.abc import Iterable

from fflib.claims.checks import CHECKS, CHOICES, INGREDIENTS, SIGNS
from fflib.claims.paper import CLAIMS
from fflib.claims.quantities import hoyer, mean_over_layers, members, unseen_layers
from fflib.claims.questions import DEVELOPMENT, DIMENSION, QUESTIONS, SCALING
from fflib.judging import Cell, Claim, Verdict, judge
from fflib.records import Record

__all__ = [
    "CHECKS",
    "CHOICES",
    "CLAIMS",
    "DEVELOPMENT",
    "DIMENSION",
    "INGREDIENTS",
    "QUESTIONS",
    "SCALING",
    "SIGNS",
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
