"""Measure ensembles under other rules and other thresholds.

Every rule has a threshold that its authors chose. A conclusion that rests on ensembles should hold
when the rule and the threshold change, so that the numbers behind the claims are taken along the
whole range of each.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fflib.measures.ensembles import (
    RULES,
    Activations,
    mean_excess,
    mean_p_values,
    median_quantiles,
)
from fflib.measures.sharing import follows_similarity, mean_overlap

__all__ = ["THRESHOLDS", "USUAL", "Choice", "by_threshold", "members_by_threshold"]

Images = Literal["correct", "all"]

THRESHOLDS: dict[str, tuple[float, ...]] = {
    "median-quantile": (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99),
    "leave-one-out": (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0),
    "kolmogorov-smirnov": (0.001, 0.003, 0.01, 0.03, 0.05, 0.1, 0.2),
}
"""Thresholds by rule, the usual one among them."""

USUAL = {"median-quantile": 0.9, "leave-one-out": 2.0, "kolmogorov-smirnov": 0.05}
"""The threshold that each rule is used with elsewhere."""


@dataclass(frozen=True)
class Choice:
    """Ensembles under one rule with one threshold, in numbers.

    Parameters
    ----------
    rule, threshold
        As in :data:`THRESHOLDS`.
    images : {"correct", "all"}
        Correctly classified images only, or wrongly classified ones too.
    size : tuple of float
        Units in an ensemble, mean over classes, layer by layer.
    overlap : tuple of float
        Jaccard index of two classes' ensembles, mean over pairs; nan where all are empty.
    follows : tuple of float
        Correlation of that index with visual similarity over pairs; nan where there is none.
    """

    rule: str
    threshold: float
    images: Images
    size: tuple[float, ...]
    overlap: tuple[float, ...]
    follows: tuple[float, ...]


def members_by_threshold(
    rule: str, activations: Activations, thresholds: Sequence[float], *, classes: int | None = None
) -> NDArray[np.bool_]:
    """Find the ensembles of a rule at several thresholds, shape (threshold, layer, class, unit).

    The rule is a name in :data:`fflib.measures.ensembles.RULES`; the other arguments are as in
    :func:`fflib.measures.ensembles.class_means`.

    Examples
    --------
    >>> from fflib.measures.ensembles import Activations
    >>> one = Activations([np.array([[0.0, 1.0, 1.0, 6.0]])], labels=np.array([0]))
    >>> members_by_threshold("leave-one-out", one, (2.0, 9.0))[:, 0, 0]
    array([[False, False, False,  True],
           [False, False, False, False]])
    """
    # What takes time is the same for all thresholds of a rule, comparing with them is not.
    match rule:
        case "median-quantile":
            return median_quantiles(activations, thresholds, classes=classes)
        case "leave-one-out":
            excess = mean_excess(activations, classes=classes)
            return np.stack([excess > bound for bound in thresholds])
        case "kolmogorov-smirnov":
            p_values = mean_p_values(activations, classes=classes)
            return np.stack([p_values < bound for bound in thresholds])
    return np.stack([RULES[rule](activations, t, classes=classes) for t in thresholds])


def by_threshold(
    rule: str, members: ArrayLike, similarity: ArrayLike, images: Images = "correct"
) -> list[Choice]:
    """Measure the ensembles of a rule at each of its thresholds.

    The ensembles, shape (threshold, layer, class, unit), are in the order of :data:`THRESHOLDS` and
    come from correctly classified images or from all. The similarity, shape (class, class), says
    how alike classes look.

    Examples
    --------
    >>> members = np.repeat(np.eye(3, dtype=bool), 4, axis=1)
    >>> one, *_ = by_threshold("leave-one-out", [[members]] * 7, np.eye(3))
    >>> one.threshold, one.size, one.overlap
    (0.25, (4.0,), (0.0,))
    """
    return [
        Choice(
            rule,
            threshold,
            images,
            size=_numbers(found.sum(axis=-1).mean(axis=-1)),
            overlap=_numbers(mean_overlap(found)),
            follows=_numbers(follows_similarity(found, similarity)),
        )
        for threshold, found in zip(THRESHOLDS[rule], np.asarray(members), strict=True)
    ]


def _numbers(by_layer: NDArray[np.floating]) -> tuple[float, ...]:
    return tuple(float(value) for value in by_layer)
