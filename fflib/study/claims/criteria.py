"""The claims by group, read from ``claims.toml``: the one place where criteria are written.

Those of the first edition are in ``first-edition.toml``.
"""

import tomllib
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from fflib.study.claims import measures
from fflib.study.claims.claim import Claim

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
]


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath(name).read_text(encoding="utf-8"))


_FILE = _read("claims.toml")

_MODELS: dict[str, dict[str, Any]] = {
    name: {field: None if value == "none" else value for field, value in fields.items()}
    for name, fields in _FILE["models"].items()
}


FUNCTIONS = {"measure", "test", "chance", "label_alone"}
"""Fields of a claim that name a function."""


def _group(group: dict[str, Any]) -> tuple[Claim, ...]:
    """Make claims that share the risk of error, each with what its group has in common."""
    claims = group.pop("claims")
    return tuple(_claim(**group | claim, together=len(claims)) for claim in claims)


def _claim(*, quantity: str, runs: Sequence[str] = ("ff",), **fields: Any) -> Claim:
    fields |= {name: getattr(measures, fields[name]) for name in FUNCTIONS & fields.keys()}
    fields |= {name: tuple(fields[name]) for name in ("beats", "grids") if name in fields}
    fields["rivals"] = {name: _MODELS[name] for name in fields.get("rivals", ())}
    return Claim(
        quantity=quantity.format(**vars(measures)),
        runs={name: _MODELS[name] for name in runs},
        **fields,
    )


CLAIMS: tuple[Claim, ...] = _group(_FILE["paper"])
"""The claims of the paper, in the order of their chapters."""

FIRST: tuple[Claim, ...] = _group(_read("first-edition.toml")["first"])
"""The same in the first edition, see :func:`fflib.study.claims.verdicts.in_first_words`."""

INGREDIENTS: tuple[Claim, ...] = _group(_FILE["ingredients"])
"""Check 1: what makes it sparse? A claim for each step, see :mod:`fflib.study.analyses.ablation`."""

CHOICES: tuple[Claim, ...] = _group(_FILE["choices"])
"""Check 2: which goodness, which activation?"""

SIGNS: tuple[Claim, ...] = _group(_FILE["signs"])
"""Check 3: what do negative weights do?"""

CHECKS: tuple[Claim, ...] = (*INGREDIENTS, *CHOICES, *SIGNS)
"""Our claims on the three checks that the paper's digest proposes."""

TIMELINE: tuple[Claim, ...] = _group(_FILE["timeline"])
"""Open question 1: how do ensembles come into being?"""

CIFAR10: tuple[Claim, ...] = _group(_FILE["cifar10"])
"""Open question 2: does it scale to CIFAR-10?"""

DIMENSION: tuple[Claim, ...] = _group(_FILE["dimension"])
"""Open question 3: how is intrinsic dimension related to the size of ensembles?"""

QUESTIONS: tuple[Claim, ...] = (*TIMELINE, *CIFAR10, *DIMENSION)
"""Our claims on the questions that the paper leaves open."""
