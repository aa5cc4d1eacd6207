"""What claims measure: from the records of a run, by the names that the claim gives them, to a number."""

from collections.abc import Sequence

import numpy as np

from fflib.measures import sharing
from fflib.measures.agreement import agreement
from fflib.measures.interventions import DOSES, EVERYWHERE
from fflib.records.stores import Record
from fflib.statistics import mantel
from fflib.study.claims.dimension import ensemble_sizes, lower, of_classes, sparseness
from fflib.study.claims.quantities import (
    above_rest,
    accuracy_gap,
    members,
    negative,
    sparser,
    unseen_layers,
)
from fflib.study.claims.timeline import EARLY, SHARE, changed, delay, trace

__all__ = [
    "EARLY",
    "LEARNED",
    "SHARE",
    "accuracy_gap",
    "accuracy_lost",
    "changed",
    "delay",
    "detected",
    "dimension_with_size",
    "dimension_with_sparseness",
    "lower",
    "negative_weights",
    "overlap_by_chance",
    "overlap_follows_similarity",
    "overlap_of_classes",
    "sparseness_lost",
    "sparser",
    "spread",
    "trace",
]

LEARNED = 0.1
"""How far below ReLU and ℓ2 a choice may stay in accuracy and still count as one that learns."""


def overlap_of_classes(ff: Record) -> float:
    """Return the Jaccard index of two classes' ensembles, mean over pairs and layers."""
    return float(sharing.mean_overlap(members(ff)).mean())


def overlap_follows_similarity(ff: Record) -> float:
    """Return how strongly overlap is correlated with visual similarity, mean over the layers."""
    by_layer = sharing.follows_similarity(members(ff), ff.arrays["similarity"])
    # Overlap that is the same for all pairs, such as none, follows nothing.
    return float(np.nan_to_num(by_layer).mean())


def overlap_by_chance(runs: Sequence[Record]) -> float:
    """Return Mantel's p-value for overlap, averaged over runs and layers, against similarity."""
    overlap = np.mean(
        [np.nan_to_num(sharing.jaccard(members(run))).mean(axis=0) for run in runs], axis=0
    )
    return mantel(overlap, np.asarray(runs[0].arrays["similarity"], dtype=float)).p_value


def negative_weights(ff: Record) -> float:
    """Return the share of negative weights, mean over the layers."""
    return negative(ff)


def detected(ff: Record) -> float:
    """Return the AUROC of unseen against seen images by the ensemble, mean over the layers."""
    return float(np.mean([layer.auroc for layer in unseen_layers(ff)]))


def spread(own: Record, **others: Record | None) -> float:
    """Return the range of sparseness above rest over the choices that learn."""
    learned = [
        record
        for record in (own, *others.values())
        if record and record.metrics.accuracy >= own.metrics.accuracy - LEARNED
    ]
    return float(np.ptp([above_rest(record) for record in learned]))


def sparseness_lost(ff: Record) -> float:
    """Return the sparseness lost with all negative weights, beyond that with as many random ones."""
    return _lost(ff, "hoyer")


def accuracy_lost(ff: Record) -> float:
    """Return the accuracy lost with all negative weights, beyond that with as many random ones."""
    return _lost(ff, "accuracy")


def _lost(ff: Record, quantity: str) -> float:
    rows = {
        (row["target"], row["dose"]): row[quantity]
        for row in ff.metrics.probe or ()
        if row["operation"] == "zero" and row["place"] == EVERYWHERE
    }
    left = [rows[target, max(DOSES)] for target in ("random", "negative")]
    with_random, without_negative = (float(value or 0.0) for value in left)
    return with_random - without_negative


def dimension_with_size(ff: Record) -> float:
    """Return how dimension is correlated with ensemble size over classes, mean over the layers."""
    return agreement(of_classes(ff)[1:], ensemble_sizes(ff))


def dimension_with_sparseness(ff: Record) -> float:
    """Return how dimension is correlated with sparseness over classes, mean over the layers."""
    return agreement(of_classes(ff)[1:], sparseness(ff))
