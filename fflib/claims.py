"""The claims of the paper, and ours on its checks, as criteria fixed before the runs.

This file is the only place where a criterion is written: the scorecard, the chapters and the tests
read it from here. How a criterion becomes a verdict is said in :mod:`fflib.judging`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from fflib import history
from fflib.dimension import ensemble_sizes, lower, of_classes, sparseness
from fflib.judging import Cell, Claim, Verdict, judge
from fflib.measures import sharing
from fflib.measures.agreement import agreement
from fflib.measures.interventions import DOSES, EVERYWHERE
from fflib.measures.unseen import UnseenClass
from fflib.records import Record
from fflib.statistics import mantel
from fflib.summary import unpack

__all__ = [
    "CHECKS",
    "CHOICES",
    "CLAIMS",
    "DEVELOPMENT",
    "DIMENSION",
    "INGREDIENTS",
    "QUESTIONS",
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


def hoyer(record: Record) -> float:
    """Hoyer sparseness averaged over the layers."""
    return mean_over_layers(record, "hoyer")


def mean_over_layers(record: Record, quantity: str) -> float:
    """Mean over the layers of a number in :class:`fflib.summary.LayerMetrics`."""
    return float(np.mean([getattr(layer, quantity) for layer in record.metrics.layers]))


def _sparser(one: Record, other: Record) -> float:
    return hoyer(one) - hoyer(other)


def _accuracy_gap(one: Record, other: Record) -> float:
    return one.metrics.accuracy - other.metrics.accuracy


def _overlap(ff: Record) -> float:
    return float(sharing.mean_overlap(members(ff)).mean())


def _overlap_follows_similarity(ff: Record) -> float:
    by_layer = sharing.follows_similarity(members(ff), ff.arrays["similarity"])
    # Overlap that is the same for all pairs, such as none, follows nothing.
    return float(np.nan_to_num(by_layer).mean())


def _overlap_by_chance(runs: Sequence[Record]) -> float:
    """Mantel's p-value for overlap, averaged over the runs and their layers, against similarity."""
    overlap = np.mean(
        [np.nan_to_num(sharing.jaccard(members(run))).mean(axis=0) for run in runs], axis=0
    )
    return mantel(overlap, np.asarray(runs[0].arrays["similarity"], dtype=float)).p_value


def _negative(ff: Record) -> float:
    return mean_over_layers(ff, "negative_weights")


def _told_from_seen(ff: Record) -> float:
    return float(np.mean([layer.auroc for layer in unseen_layers(ff)]))


def _together(by: Literal["paper", "ours"], *claims: Claim) -> tuple[Claim, ...]:
    """Claims that share the risk of error."""
    return tuple(replace(claim, together=len(claims), by=by) for claim in claims)


CLAIMS: tuple[Claim, ...] = _together(
    "paper",
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
        runs={"one": {"model": "ff"}, "other": {"model": "bp"}},
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
        runs={"one": {"model": "ff"}, "other": {"model": "bp"}},
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
        grids=("unseen",),
    ),
)
"""The claims of the paper, in the order of their chapters."""

Fields = Mapping[str, str | None]


def _ingredient(
    id: str, title: str, statement: str, one: Fields, other: Fields, said: str
) -> Claim:
    """A step of the ladder from back-propagation to Forward-Forward."""
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
        measure=_sparser,
        chapter="10-what-makes-it-sparse",
        runs={"one": one, "other": other},
        grids=("local",),
    )


_PLAIN = {"model": "local-bp", "norm": None}
_NORMALISED = {"model": "local-bp", "norm": "l2"}
_CONTRAST = {"model": "local-contrast"}

INGREDIENTS: tuple[Claim, ...] = _together(
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
"""Check 1: what makes it sparse? Each step of the ladder, see :mod:`fflib.ladder`."""

LEARNED = 0.1
"""How far below ReLU and ℓ2 a choice may stay in accuracy and still count as one that learns."""


def _spread(own: Record, **others: Record | None) -> float:
    """Range of sparseness above rest over the choices that learn."""
    learned = [
        record
        for record in (own, *others.values())
        if record and record.metrics.accuracy >= own.metrics.accuracy - LEARNED
    ]
    return float(np.ptp([mean_over_layers(r, "hoyer_above_rest") for r in learned]))


CHOICES: tuple[Claim, ...] = _together(
    "ours",
    Claim(
        id="any-goodness",
        title="Any goodness will do",
        statement="Forward-Forward is as sparse under one goodness function as under another.",
        source="The second check that the paper leaves open: does it hold for other goodness "
        "functions and activations?",
        quantity="range of Hoyer sparseness above rest, averaged over the layers, over the goodness "
        f"functions of ReLU networks that come within {LEARNED:g} of the accuracy under ℓ₂",
        label="range of Hoyer sparseness over goodness functions",
        bound=0.1,
        above=False,
        measure=_spread,
        chapter="11-goodness-and-activation",
        runs={
            "own": {"goodness": "l2", "activation": "relu"},
            "l1": {"goodness": "l1", "activation": "relu"},
            "linf": {"goodness": "linf", "activation": "relu"},
            "mean_square": {"goodness": "mean-square", "activation": "relu"},
        },
        grids=("goodness",),
        split="validation",
        lenient=True,
    ),
    Claim(
        id="any-activation",
        title="Any activation will do",
        statement="Forward-Forward is as sparse with one activation function as with another.",
        source="The second check that the paper leaves open: does it hold for other goodness "
        "functions and activations?",
        quantity="range of Hoyer sparseness above rest, averaged over the layers, over the "
        f"activations of ℓ₂ networks that come within {LEARNED:g} of the accuracy of ReLU",
        label="range of Hoyer sparseness over activations",
        bound=0.1,
        above=False,
        measure=_spread,
        chapter="11-goodness-and-activation",
        runs={
            "own": {"goodness": "l2", "activation": "relu"},
            "sigmoid": {"goodness": "l2", "activation": "sigmoid"},
            "tanh": {"goodness": "l2", "activation": "tanh"},
            "gelu": {"goodness": "l2", "activation": "gelu"},
        },
        grids=("goodness",),
        split="validation",
        lenient=True,
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

SIGNS: tuple[Claim, ...] = _together(
    "ours",
    Claim(
        id="negative-sparse",
        title="Negative weights keep it sparse",
        statement="Without its negative weights a Forward-Forward network is less sparse than "
        "without as many weights drawn at random.",
        source="The third check that the paper leaves open: what do negative weights do?",
        quantity="Hoyer sparseness, averaged over the layers of FF, with as many random weights set "
        "to zero as there are negative ones, minus that with all negative ones set to zero",
        label="Hoyer, random − negative weights removed",
        bound=0.1,
        above=True,
        measure=lambda ff: _lost_without_negative(ff, "hoyer"),
        chapter="12-negative-weights-at-work",
        runs={"ff": _PROBED},
        grids=("signs",),
    ),
    Claim(
        id="negative-accurate",
        title="Negative weights keep it accurate",
        statement="Without its negative weights a Forward-Forward network is less accurate than "
        "without as many weights drawn at random.",
        source="The third check that the paper leaves open: what do negative weights do?",
        quantity="accuracy of FF with as many random weights set to zero as there are negative ones, "
        "minus that with all negative ones set to zero",
        label="accuracy, random − negative weights removed",
        bound=0.1,
        above=True,
        measure=lambda ff: _lost_without_negative(ff, "accuracy"),
        chapter="12-negative-weights-at-work",
        runs={"ff": _PROBED},
        grids=("signs",),
    ),
    Claim(
        id="dale",
        title="It lives with Dale's principle",
        statement="Forward-Forward is nearly as accurate where every hidden unit either excites or "
        "inhibits.",
        source="The third check that the paper leaves open: what do negative weights do?",
        quantity="test accuracy of FF under Dale's principle minus that without, with the same seed",
        label="accuracy, Dale's principle − free",
        bound=-0.05,
        above=True,
        measure=_accuracy_gap,
        chapter="12-negative-weights-at-work",
        runs={"one": {"model": "ff", "signs": "dale"}, "other": _PROBED},
        grids=("signs",),
    ),
)
"""Check 3: what do negative weights do?"""

CHECKS: tuple[Claim, ...] = (*INGREDIENTS, *CHOICES, *SIGNS)
"""Our claims on the three checks that the paper proposes."""

_GROWN = {"model": "ff"}

DEVELOPMENT: tuple[Claim, ...] = _together(
    "ours",
    Claim(
        id="accuracy-first",
        title="Accuracy first, membership later",
        statement="A Forward-Forward layer knows its classes well before it is settled which units "
        "belong to their ensembles.",
        source="The first question that the paper leaves open: how do ensembles evolve in training?",
        quantity="doublings of the training steps between the time from which a layer's accuracy "
        f"by itself stays beyond {history.SHARE:.0%} of the way to its last value, and the time "
        "from which its ensembles do on their way to the last ones (Jaccard index, median-quantile "
        "rule), averaged over the layers of FF",
        label="doublings of training, membership after accuracy",
        bound=1.0,
        above=True,
        measure=history.delay,
        chapter="14-how-ensembles-form",
        runs={"record": _GROWN},
        grids=("development",),
    ),
    Claim(
        id="units-stay",
        title="Units keep their class",
        statement="Most units of a Forward-Forward layer prefer the same class at the end as a "
        "tenth into its training.",
        source="The first question that the paper leaves open: how do ensembles evolve in training?",
        quantity=f"share of units whose preferred class after {history.EARLY:.0%} of their layer's "
        "training steps is not that at the end, among units that have one both times, averaged "
        "over the layers of FF",
        label="share of units that change their class",
        bound=0.5,
        above=False,
        measure=history.changed,
        chapter="14-how-ensembles-form",
        runs={"record": _GROWN},
        grids=("development",),
    ),
    Claim(
        id="initial-trace",
        title="Initial weights leave a trace",
        statement="Which class a unit of a Forward-Forward layer will prefer is partly decided by "
        "its initial weights.",
        source="The first question that the paper leaves open: how do ensembles evolve in training?",
        quantity="share of units that prefer the same class before their layer's training as after, "
        "minus that expected if the classes were dealt out again among them, averaged over the "
        "layers of FF",
        label="share with their initial class, less chance",
        bound=0.1,
        above=True,
        measure=history.trace,
        chapter="14-how-ensembles-form",
        runs={"record": _GROWN},
        grids=("development",),
    ),
)
"""Open question 1: how do ensembles come into being?"""

_MEASURED = {"model": "ff", "probe": "intrinsic-dimension"}

DIMENSION: tuple[Claim, ...] = _together(
    "ours",
    Claim(
        id="dimension-size",
        title="Larger ensembles, higher dimension",
        statement="In a layer of a Forward-Forward network, classes with larger ensembles have "
        "representations of higher intrinsic dimension.",
        source="The third question that the paper leaves open: how is the dimension of a "
        "representation related to the size of ensembles?",
        quantity="Spearman's correlation, over the classes within a layer, of intrinsic dimension "
        "(TwoNN, correctly classified images) with ensemble size (median-quantile rule), averaged "
        "over the layers of FF",
        label="correlation with ensemble size",
        bound=0.3,
        above=True,
        measure=lambda ff: agreement(of_classes(ff)[1:], ensemble_sizes(ff)),
        chapter="16-intrinsic-dimension",
        runs={"ff": _MEASURED},
        grids=("dimension",),
    ),
    Claim(
        id="dimension-sparse",
        title="Sparser classes, lower dimension",
        statement="In a layer of a Forward-Forward network, classes that are represented more "
        "sparsely have representations of lower intrinsic dimension.",
        source="The third question that the paper leaves open: how is the dimension of a "
        "representation related to the size of ensembles?",
        quantity="Spearman's correlation, over the classes within a layer, of intrinsic dimension "
        "(TwoNN, correctly classified images) with Hoyer sparseness, averaged over the layers of FF",
        label="correlation with sparseness",
        bound=-0.3,
        above=False,
        measure=lambda ff: agreement(of_classes(ff)[1:], sparseness(ff)),
        chapter="16-intrinsic-dimension",
        runs={"ff": _MEASURED},
        grids=("dimension",),
    ),
    Claim(
        id="dimension-lower",
        title="Lower dimension than BP",
        statement="Forward-Forward represents the images of a class in fewer dimensions than "
        "back-propagation does.",
        source="The third question that the paper leaves open: how is the dimension of a "
        "representation related to the size of ensembles?",
        quantity="intrinsic dimension of a class in a layer (TwoNN, correctly classified images) of "
        "FF over that of BP, geometric mean over classes and layers",
        label="dimension, FF / BP",
        bound=0.8,
        above=False,
        measure=lower,
        chapter="16-intrinsic-dimension",
        runs={"one": _MEASURED, "other": {"model": "bp", "probe": "intrinsic-dimension"}},
        grids=("dimension",),
    ),
)
"""Open question 3: how is intrinsic dimension related to the size of ensembles?"""

QUESTIONS: tuple[Claim, ...] = (*DEVELOPMENT, *DIMENSION)
"""Our claims on the questions that the paper leaves open."""


def scorecard(records: Iterable[Record]) -> list[Verdict]:
    """Judge every claim of the paper, in the order of the chapters."""
    records = list(records)
    return [judge(claim, records) for claim in CLAIMS]
