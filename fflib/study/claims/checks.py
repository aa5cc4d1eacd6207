"""Our claims on the three checks that the paper proposes."""

from collections.abc import Mapping
from functools import partial

import numpy as np

from fflib.measures.interventions import DOSES, EVERYWHERE
from fflib.records.stores import Record
from fflib.study.claims.judging import Claim
from fflib.study.claims.quantities import above_rest, accuracy_gap, sparser, together

__all__ = ["CHECKS", "CHOICES", "INGREDIENTS", "SIGNS"]

Fields = Mapping[str, str | None]


def _ingredient(
    id: str, title: str, statement: str, one: Fields, other: Fields, said: str
) -> Claim:
    """Claim what one step from back-propagation to Forward-Forward does to sparseness."""
    return Claim(
        id=id,
        title=title,
        statement=statement,
        source="The first check that the paper leaves open: is it the goodness, or locality?",
        quantity=f"Hoyer sparseness averaged over the layers, {said}, at the same learning rate, "
        "number of epochs and seed",
        label=f"Hoyer sparseness, {said}",
        bound=0.1,
        above=True,
        measure=sparser,
        chapter="10-what-makes-it-sparse",
        runs={"one": one, "other": other},
        grids=("local",),
    )


_PLAIN = {"model": "local-bp", "norm": None}
_NORMALISED = {"model": "local-bp", "norm": "l2"}
_CONTRAST = {"model": "local-contrast"}

INGREDIENTS: tuple[Claim, ...] = together(
    "ours",
    _ingredient(
        "locality",
        "Locality makes it sparse",
        "Layers that are trained each by a classifier of its own are sparser than the same layers "
        "trained by back-propagation.",
        _PLAIN,
        {"model": "bp"},
        "local classifiers − BP",
    ),
    _ingredient(
        "normalisation",
        "Normalisation makes it sparse",
        "Layers trained by local classifiers are sparser where their inputs are normalised.",
        _NORMALISED,
        _PLAIN,
        "normalised − plain",
    ),
    _ingredient(
        "contrast",
        "Labels and contrast make it sparse",
        "Layers that tell right from wrong labels in their input by a linear unit are sparser than "
        "layers that classify bare images.",
        _CONTRAST,
        _NORMALISED,
        "contrast − classifiers",
    ),
    _ingredient(
        "goodness",
        "The goodness makes it sparse",
        "Layers that tell right from wrong labels by a goodness are sparser than those that do by a "
        "linear unit.",
        {"model": "ff"},
        _CONTRAST,
        "goodness − linear unit",
    ),
    _ingredient(
        "local-goodness",
        "A goodness of its own makes it sparse",
        "Layers trained each by its own goodness are sparser than layers trained by the sum of all.",
        {"model": "ff"},
        {"model": "bp-ff"},
        "FF − BP/FF",
    ),
)
"""Check 1: what makes it sparse? A claim for each step, see :mod:`fflib.study.analyses.ablation`."""

LEARNED = 0.1
"""How far below ReLU and ℓ2 a choice may stay in accuracy and still count as one that learns."""


def _spread(own: Record, **others: Record | None) -> float:
    """Range of sparseness above rest over the choices that learn."""
    learned = [
        record
        for record in (own, *others.values())
        if record and record.metrics.accuracy >= own.metrics.accuracy - LEARNED
    ]
    return float(np.ptp([above_rest(record) for record in learned]))


_choice = partial(
    Claim,
    source="The second check that the paper leaves open: does it hold for other goodness functions "
    "and activations?",
    label="range of Hoyer sparseness",
    bound=0.1,
    above=False,
    measure=_spread,
    chapter="11-goodness-and-activation",
    grids=("goodness",),
    split="validation",
    lenient=True,
)

CHOICES: tuple[Claim, ...] = together(
    "ours",
    _choice(
        id="any-goodness",
        title="Any goodness will do",
        statement="Forward-Forward is as sparse under one goodness function as under another.",
        quantity="range of Hoyer sparseness above rest, averaged over the layers, over the goodness "
        f"functions of ReLU networks that come within {LEARNED:g} of the accuracy under ℓ₂",
        runs={
            "own": {"goodness": "l2", "activation": "relu"},
            "l1": {"goodness": "l1", "activation": "relu"},
            "linf": {"goodness": "linf", "activation": "relu"},
            "mean_square": {"goodness": "mean-square", "activation": "relu"},
        },
    ),
    _choice(
        id="any-activation",
        title="Any activation will do",
        statement="Forward-Forward is as sparse with one activation function as with another.",
        quantity="range of Hoyer sparseness above rest, averaged over the layers, over the "
        f"activations of ℓ₂ networks that come within {LEARNED:g} of the accuracy of ReLU",
        runs={
            "own": {"goodness": "l2", "activation": "relu"},
            "sigmoid": {"goodness": "l2", "activation": "sigmoid"},
            "tanh": {"goodness": "l2", "activation": "tanh"},
            "gelu": {"goodness": "l2", "activation": "gelu"},
        },
    ),
)
"""Check 2: which goodness, which activation?"""


def _lost_without_negative(ff: Record, quantity: str) -> float:
    """What is lost with all negative weights, beyond what as many random ones take along."""
    rows = {
        (row["target"], row["dose"]): row[quantity]
        for row in ff.metrics.probe or ()
        if row["operation"] == "zero" and row["place"] == EVERYWHERE
    }
    left = [rows[target, max(DOSES)] for target in ("random", "negative")]
    with_random, without_negative = (float(value or 0.0) for value in left)
    return with_random - without_negative


_PROBED = {"model": "ff", "probe": "weight-signs"}

_sign = partial(
    Claim,
    source="The third check that the paper leaves open: what do negative weights do?",
    above=True,
    chapter="12-negative-weights-at-work",
    grids=("signs",),
)

SIGNS: tuple[Claim, ...] = together(
    "ours",
    _sign(
        id="negative-sparse",
        title="Negative weights keep it sparse",
        statement="Without its negative weights a Forward-Forward network is less sparse than "
        "without as many weights drawn at random.",
        quantity="Hoyer sparseness, averaged over the layers of FF, with as many random weights set "
        "to zero as there are negative ones, minus that with all negative ones set to zero",
        label="Hoyer, random − negative weights removed",
        bound=0.1,
        measure=lambda ff: _lost_without_negative(ff, "hoyer"),
        runs={"ff": _PROBED},
    ),
    _sign(
        id="negative-accurate",
        title="Negative weights keep it accurate",
        statement="Without its negative weights a Forward-Forward network is less accurate than "
        "without as many weights drawn at random.",
        quantity="accuracy of FF with as many random weights set to zero as there are negative ones, "
        "minus that with all negative ones set to zero",
        label="accuracy, random − negative weights removed",
        bound=0.1,
        measure=lambda ff: _lost_without_negative(ff, "accuracy"),
        runs={"ff": _PROBED},
    ),
    _sign(
        id="dale",
        title="It lives with Dale's principle",
        statement="Forward-Forward is nearly as accurate where every hidden unit either excites or "
        "inhibits.",
        quantity="test accuracy of FF under Dale's principle minus that without, with the same seed",
        label="accuracy, Dale's principle − free",
        bound=-0.05,
        measure=accuracy_gap,
        runs={"one": {"model": "ff", "signs": "dale"}, "other": _PROBED},
    ),
)
"""Check 3: what do negative weights do?"""

CHECKS: tuple[Claim, ...] = (*INGREDIENTS, *CHOICES, *SIGNS)
"""Our claims on the three checks that the paper proposes."""
