"""What claims measure: from the record of a run, and of those it is measured with, to a number.

Where a claim is about layers, it is an array with a number for each. It is ``None`` where the record does
not say, since its run was measured without the probe that does.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fflib.measures import sharing
from fflib.measures.agreement import agreement
from fflib.measures.arrays import mean_of_known
from fflib.measures.borrowing import own_share
from fflib.measures.interventions import DOSES, EVERYWHERE
from fflib.records.stores import Record
from fflib.statistics import mantel
from fflib.study.claims.dimension import ensemble_sizes, lower, of_classes, sparseness
from fflib.study.claims.quantities import (
    above_rest,
    accuracy,
    first_ensembles,
    hoyer,
    members,
    negative,
    unseen_layers,
)
from fflib.study.claims.timeline import EARLY, SHARE, changed, delay, trace

__all__ = [
    "EARLY",
    "LEARNED",
    "MEANING",
    "SHARE",
    "above_rest",
    "accuracy",
    "accuracy_lost",
    "beyond_borrowing",
    "changed",
    "delay",
    "detected",
    "dimension_with_size",
    "dimension_with_sparseness",
    "hoyer",
    "image_alone",
    "label_recalls",
    "label_recalls_first",
    "lower",
    "meaning_by_chance",
    "negative",
    "negative_contributions",
    "negative_weights",
    "overlap_beyond_chance",
    "overlap_by_chance",
    "overlap_follows_similarity",
    "overlap_of_classes",
    "own_beyond_chance",
    "own_by_chance",
    "own_units",
    "probed",
    "shared_by_chance",
    "shared_with_likeness",
    "shared_with_meaning",
    "sparseness_lost",
    "spread",
    "trace",
]

Layers = NDArray[np.float64]

MEANING = {"fashion-mnist": np.array([0, 1, 0, 0, 0, 2, 0, 2, 3, 2])}
"""What classes are for, in their order: tops, trousers, shoes, a bag. Digits have no such groups."""

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


def negative_weights(run: Record) -> Layers:
    """Return the share of negative weights in each layer."""
    return np.array([layer.negative_weights for layer in run.metrics.layers])


def overlap_beyond_chance(run: Record) -> Layers:
    """Return the Jaccard index of two classes' ensembles less that by chance, mean over pairs.

    Chance is what ensembles of the same sizes come to, so that models with large ensembles and models
    with small ones can be compared. Pairs of empty ensembles are left out.
    """
    own = members(run)
    beyond = sharing.jaccard(own) - sharing.jaccard_by_chance(own.sum(axis=-1), own.shape[-1])
    rows, columns = np.triu_indices(beyond.shape[-1], 1)
    return mean_of_known(beyond[..., rows, columns])


def own_beyond_chance(run: Record) -> Layers:
    """Return the share of a class's ensemble that is in no other one less that by chance, mean over classes.

    Chance is as in :func:`overlap_beyond_chance`. Classes without an ensemble are left out.
    """
    beyond = [
        [
            np.subtract(*(own_share(own, np.delete(layer, c, axis=0)) or (np.nan, 0.0)))
            for c, own in enumerate(layer)
        ]
        for layer in members(run)
    ]
    return mean_of_known(np.array(beyond))


def shared_with_likeness(run: Record) -> float:
    """Return how the number of units that classes share goes with how alike they look (Pearson)."""
    return _shared_with(run, run.arrays["similarity"])


def shared_with_meaning(run: Record) -> float | None:
    """Return how the number of shared units goes with whether classes have one use (Pearson)."""
    group = MEANING.get(run.experiment.dataset)
    return None if group is None else _shared_with(run, group[:, None] == group)


def _shared_with(run: Record, similarity: ArrayLike) -> float:
    shared = sharing.shared_units(first_ensembles(run))
    found = mantel(shared, np.asarray(similarity, dtype=float), permutations=0).correlation
    return float(np.nan_to_num(found))  # as many shared units for all pairs follow nothing


def shared_by_chance(runs: Sequence[Record]) -> float:
    """Return Mantel's p-value for shared units, mean over runs, against how alike classes look."""
    return _by_chance(runs, runs[0].arrays["similarity"])


def meaning_by_chance(runs: Sequence[Record]) -> float:
    """Return Mantel's p-value for shared units, mean over runs, against whether classes have one use."""
    group = MEANING[runs[0].experiment.dataset]
    return _by_chance(runs, group[:, None] == group)


def _by_chance(runs: Sequence[Record], similarity: ArrayLike) -> float:
    shared = np.mean([sharing.shared_units(first_ensembles(run)) for run in runs], axis=0)
    return mantel(shared, np.asarray(similarity, dtype=float)).p_value


def image_alone(run: Record) -> Layers | None:
    """Return the share of ensemble membership that the image explains, less all that needs a label.

    What needs one is what the label explains, and what its agreement with the image does.
    """
    names = ("image", "label", "agreement")
    shares = [probed(run, name, about="image-or-label") for name in names]
    image, label, agreement = shares
    if image is None or label is None or agreement is None:
        return None
    return np.clip(image - label - agreement, -1, 1)  # beyond 1 by rounding


def label_recalls(run: Record) -> Layers | None:
    """Return the share of classes whose ensemble their label recalls on a blank image."""
    blank = probed(run, "blank", about="image-or-label")
    return None if blank is None else blank / len(run.metrics.layers[0].hoyer_by_class)


def label_recalls_first(run: Record) -> float | None:
    """Return the same of the first layer."""
    found = label_recalls(run)
    return None if found is None else float(found[0])


def negative_contributions(run: Record) -> Layers | None:
    """Return the share of what units are given, weights times inputs and biases, that is negative."""
    return probed(run, "negative_contributions", about="drive")


def own_units(run: Record) -> Layers | None:
    """Return the share of the unseen class's ensemble that is in no seen class's ensemble.

    An empty ensemble has no unit of its own.
    """
    return _of_unseen(run, "own", without=0.0)


def own_by_chance(run: Record) -> Layers | None:
    """Return the same for ensembles of equal sizes, drawn at random."""
    return _of_unseen(run, "own_by_chance", without=0.0)


def beyond_borrowing(run: Record) -> Layers | None:
    """Return the AUROC of the unseen class's ensemble less that of the best one it could borrow.

    Where there is none to borrow, that is the AUROC of an empty one, 0.5.
    """
    own, borrowed = (_of_unseen(run, q, without=0.5) for q in ("auroc", "borrowed_auroc"))
    return None if own is None or borrowed is None else own - borrowed


def _of_unseen(run: Record, quantity: str, without: float) -> Layers | None:
    """Return a number on the held-out class, or what it is where there is no ensemble."""
    carried = "predicted" if run.experiment.labelled else "plain"
    found = probed(run, quantity, about="unseen", rule="leave-one-out", carried=carried)
    return None if found is None else np.nan_to_num(found, nan=without)


def probed(run: Record, quantity: str, **asked: str) -> Layers | None:
    """Return a number that the run's probe found for each hidden layer, nan where it is not defined.

    `asked` are other columns of the probe's rows, and the values they must have.
    """
    found = {
        row["layer"]: row[quantity]
        for row in run.metrics.probe or ()
        if all(row.get(name) == value for name, value in asked.items())
    }
    layers = range(1, run.experiment.layers + 1)
    return np.array([found[n] for n in layers], np.float64) if found else None


def detected(ff: Record) -> float:
    """Return the AUROC of unseen against seen images by the ensemble, mean over the layers."""
    return float(np.mean([layer.auroc for layer in unseen_layers(ff)]))


def spread(own: Record, *others: Record | None) -> float:
    """Return the range of sparseness above rest over the choices that learn."""
    learned = [
        record
        for record in (own, *others)
        if record and record.metrics.accuracy >= own.metrics.accuracy - LEARNED
    ]
    return float(np.ptp([above_rest(record) for record in learned]))


def sparseness_lost(ff: Record) -> float:
    """Return the sparseness lost with all negative weights, beyond that with as many random ones.

    It is compared with the network as it was, too, and the smaller of the two differences counts: a random
    cut can make a network sparser.
    """
    return _lost(ff, "hoyer")


def accuracy_lost(ff: Record) -> float:
    """Return the accuracy lost with all negative weights, likewise."""
    return _lost(ff, "accuracy")


def _lost(ff: Record, quantity: str) -> float:
    rows = {
        (row["target"], row["dose"]): float(row[quantity] or 0.0)
        for row in ff.metrics.probe or ()
        if row["operation"] == "zero" and row["place"] == EVERYWHERE
    }
    untouched, everything = min(DOSES), max(DOSES)
    rivals = rows["negative", untouched], rows["random", everything]
    return min(rivals) - rows["negative", everything]


def dimension_with_size(ff: Record) -> float:
    """Return how dimension is correlated with ensemble size over classes, mean over the layers."""
    return agreement(of_classes(ff)[1:], ensemble_sizes(ff))


def dimension_with_sparseness(ff: Record) -> float:
    """Return how dimension is correlated with sparseness over classes, mean over the layers."""
    return agreement(of_classes(ff)[1:], sparseness(ff))
