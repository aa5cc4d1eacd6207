"""Our claims on the questions that the paper leaves open."""

from functools import partial

from fflib.measures.agreement import agreement
from fflib.study.claims import timeline
from fflib.study.claims.dimension import ensemble_sizes, lower, of_classes, sparseness
from fflib.study.claims.judging import Claim
from fflib.study.claims.quantities import accuracy_gap, sparser, together

__all__ = ["CIFAR10", "DIMENSION", "QUESTIONS", "TIMELINE"]

_timeline = partial(
    Claim,
    source="The first question that the paper leaves open: how do ensembles evolve in training?",
    chapter="14-how-ensembles-form",
    runs={"record": {"model": "ff"}},
    grids=("development",),
)

TIMELINE: tuple[Claim, ...] = together(
    "ours",
    _timeline(
        id="accuracy-first",
        title="Accuracy first, membership later",
        statement="A Forward-Forward layer knows its classes well before it is settled which units "
        "belong to their ensembles.",
        quantity="doublings of the training steps between the time from which a layer's accuracy "
        f"by itself stays beyond {timeline.SHARE:.0%} of the way to its last value, and the time "
        "from which its ensembles do on their way to the last ones (Jaccard index, median-quantile "
        "rule), averaged over the layers of FF",
        label="doublings of training, membership after accuracy",
        bound=1.0,
        above=True,
        measure=timeline.delay,
    ),
    _timeline(
        id="units-stay",
        title="Units keep their class",
        statement="Most units of a Forward-Forward layer prefer the same class at the end as a "
        "tenth into its training.",
        quantity=f"share of units whose preferred class after {timeline.EARLY:.0%} of their layer's "
        "training steps is not that at the end, among units that have one both times, averaged "
        "over the layers of FF",
        label="share of units that change their class",
        bound=0.5,
        above=False,
        measure=timeline.changed,
    ),
    _timeline(
        id="initial-trace",
        title="Initial weights leave a trace",
        statement="Which class a unit of a Forward-Forward layer will prefer is partly decided by "
        "its initial weights.",
        quantity="share of units that prefer the same class before their layer's training as after, "
        "minus that expected if the classes were dealt out again among them, averaged over the "
        "layers of FF",
        label="share with their initial class, less chance",
        bound=0.1,
        above=True,
        measure=timeline.trace,
    ),
)
"""Open question 1: how do ensembles come into being?"""

_cifar10 = partial(
    Claim,
    source="The second question that the paper leaves open: does Forward-Forward scale to CIFAR-10, "
    "and what architecture does it take?",
    above=True,
    chapter="15-cifar-10",
    grids=("cifar-10",),
)
_DENSE, _CONV = {"architecture": "dense"}, {"architecture": "conv"}

CIFAR10: tuple[Claim, ...] = together(
    "ours",
    _cifar10(
        id="cifar-accuracy",
        title="Keeps up on CIFAR-10",
        statement="The paper's network, widened to CIFAR-10, classifies nearly as well with "
        "Forward-Forward as with back-propagation.",
        quantity="test accuracy of FF minus that of BP, dense networks with the same seed",
        label="accuracy, FF − BP",
        bound=-0.05,
        measure=accuracy_gap,
        runs={"one": {"model": "ff", **_DENSE}, "other": {"model": "bp", **_DENSE}},
    ),
    _cifar10(
        id="cifar-sparse",
        title="Sparser on CIFAR-10",
        statement="On CIFAR-10, too, Forward-Forward represents an image by far fewer active units "
        "than back-propagation does.",
        quantity="Hoyer sparseness averaged over the layers, FF minus BP, dense networks with the "
        "same seed",
        label="Hoyer sparseness, FF − BP",
        bound=0.1,
        measure=sparser,
        runs={"one": {"model": "ff", **_DENSE}, "other": {"model": "bp", **_DENSE}},
    ),
    _cifar10(
        id="cifar-conv",
        title="Convolutions pay",
        statement="Convolutions make Forward-Forward far more accurate on CIFAR-10 than the paper's "
        "dense network.",
        quantity="test accuracy of FF with convolutions and a goodness by class minus that of FF "
        "with dense layers and the same seed",
        label="accuracy, convolutional − dense",
        bound=0.1,
        measure=accuracy_gap,
        runs={"one": {"model": "ff", **_CONV}, "other": {"model": "ff", **_DENSE}},
    ),
    _cifar10(
        id="cifar-conv-accuracy",
        title="Keeps up with convolutions",
        statement="With convolutions and a goodness by class, Forward-Forward classifies CIFAR-10 "
        "nearly as well as back-propagation through the same network.",
        quantity="test accuracy of FF minus that of BP, convolutional networks with the same seed",
        label="accuracy, FF − BP, convolutional",
        bound=-0.05,
        measure=accuracy_gap,
        runs={"one": {"model": "ff", **_CONV}, "other": {"model": "bp", **_CONV}},
    ),
)
"""Open question 2: does it scale to CIFAR-10?"""

_MEASURED = {"model": "ff", "probe": "intrinsic-dimension"}

_dimension = partial(
    Claim,
    source="The third question that the paper leaves open: how is the dimension of a representation "
    "related to the size of ensembles?",
    chapter="16-intrinsic-dimension",
    grids=("dimension",),
)

DIMENSION: tuple[Claim, ...] = together(
    "ours",
    _dimension(
        id="dimension-size",
        title="Larger ensembles, higher dimension",
        statement="In a layer of a Forward-Forward network, classes with larger ensembles have "
        "representations of higher intrinsic dimension.",
        quantity="Spearman's correlation, over the classes within a layer, of intrinsic dimension "
        "(TwoNN, correctly classified images) with ensemble size (median-quantile rule), averaged "
        "over the layers of FF",
        label="correlation with ensemble size",
        bound=0.3,
        above=True,
        measure=lambda ff: agreement(of_classes(ff)[1:], ensemble_sizes(ff)),
        runs={"ff": _MEASURED},
    ),
    _dimension(
        id="dimension-sparse",
        title="Sparser classes, lower dimension",
        statement="In a layer of a Forward-Forward network, classes that are represented more "
        "sparsely have representations of lower intrinsic dimension.",
        quantity="Spearman's correlation, over the classes within a layer, of intrinsic dimension "
        "(TwoNN, correctly classified images) with Hoyer sparseness, averaged over the layers of FF",
        label="correlation with sparseness",
        bound=-0.3,
        above=False,
        measure=lambda ff: agreement(of_classes(ff)[1:], sparseness(ff)),
        runs={"ff": _MEASURED},
    ),
    _dimension(
        id="dimension-lower",
        title="Lower dimension than BP",
        statement="Forward-Forward represents the images of a class in fewer dimensions than "
        "back-propagation does.",
        quantity="intrinsic dimension of a class in a layer (TwoNN, correctly classified images) of "
        "FF over that of BP, geometric mean over classes and layers",
        label="dimension, FF / BP",
        bound=0.8,
        above=False,
        measure=lower,
        runs={"one": _MEASURED, "other": {"model": "bp", "probe": "intrinsic-dimension"}},
    ),
)
"""Open question 3: how is intrinsic dimension related to the size of ensembles?"""

QUESTIONS: tuple[Claim, ...] = (*TIMELINE, *CIFAR10, *DIMENSION)
"""Our claims on the questions that the paper leaves open."""
