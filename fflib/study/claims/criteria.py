"""The claims by group, read from ``claims.toml``: the one place where criteria are written."""

import tomllib
from importlib.resources import files
from typing import Any

from fflib.study.claims import measures
from fflib.study.claims.judging import Claim

__all__ = [
    "CHECKS",
    "CHOICES",
    "CIFAR10",
    "CLAIMS",
    "DIMENSION",
    "INGREDIENTS",
    "QUESTIONS",
    "SIGNS",
    "TIMELINE",
]


def _group(group: dict[str, Any]) -> tuple[Claim, ...]:
    """Make claims that share the risk of error, each with what its group has in common."""
    claims = group.pop("claims")
    return tuple(_claim(**group, **claim, together=len(claims)) for claim in claims)


def _claim(*, quantity: str, measure: str, test: str | None = None, **fields: Any) -> Claim:
    for name, wanted in fields.get("runs", {}).items():
        fields["runs"] = fields["runs"] | {
            name: {field: None if value == "none" else value for field, value in wanted.items()}
        }
    if "grids" in fields:
        fields["grids"] = tuple(fields["grids"])
    return Claim(
        quantity=quantity.format(**vars(measures)),
        measure=getattr(measures, measure),
        test=None if test is None else getattr(measures, test),
        **fields,
    )


_FILE = tomllib.loads(files(__package__).joinpath("claims.toml").read_text(encoding="utf-8"))

CLAIMS: tuple[Claim, ...] = _group(_FILE["paper"])
"""The claims of the paper, in the order of their chapters."""

INGREDIENTS: tuple[Claim, ...] = _group(_FILE["ingredients"])
"""Check 1: what makes it sparse? A claim for each step, see :mod:`fflib.study.analyses.ablation`."""

CHOICES: tuple[Claim, ...] = _group(_FILE["choices"])
"""Check 2: which goodness, which activation?"""

SIGNS: tuple[Claim, ...] = _group(_FILE["signs"])
"""Check 3: what do negative weights do?"""

CHECKS: tuple[Claim, ...] = (*INGREDIENTS, *CHOICES, *SIGNS)
"""Our claims on the three checks that the paper proposes."""

TIMELINE: tuple[Claim, ...] = _group(_FILE["timeline"])
"""Open question 1: how do ensembles come into being?"""

CIFAR10: tuple[Claim, ...] = _group(_FILE["cifar10"])
"""Open question 2: does it scale to CIFAR-10?"""

DIMENSION: tuple[Claim, ...] = _group(_FILE["dimension"])
"""Open question 3: how is intrinsic dimension related to the size of ensembles?"""

QUESTIONS: tuple[Claim, ...] = (*TIMELINE, *CIFAR10, *DIMENSION)
"""Our claims on the questions that the paper leaves open."""
