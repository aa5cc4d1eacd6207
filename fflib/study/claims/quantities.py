"""Numbers of a record that several claims and tables are about."""

import numpy as np

from fflib.measures.ensembles import Activations, leave_one_out
from fflib.measures.robustness import USUAL
from fflib.measures.unseen import UnseenClass
from fflib.records.schema import unpack
from fflib.records.stores import Record

__all__ = [
    "above_rest",
    "accuracy",
    "first_ensembles",
    "hoyer",
    "mean_over_layers",
    "members",
    "negative",
    "overlap",
    "unseen_layers",
]


def members(record: Record, rule: str = "median-quantile") -> np.ndarray:
    """Return the ensembles of a record, boolean, shape (layer, class, unit)."""
    return unpack(record.arrays[f"ensembles/{rule}"], record.experiment.hidden)


def first_ensembles(record: Record) -> np.ndarray:
    """Return the ensembles of the first layer as the authors show them, boolean, shape (class, unit).

    They are those by the leave-one-out rule with k = 1, found from the class means that the record
    holds, which are all that the rule needs.
    """
    means = record.arrays["mean"][:1].astype(np.float32)
    return leave_one_out(Activations(list(means), np.arange(means.shape[1])), 1.0)[0]


def unseen_layers(record: Record) -> list[UnseenClass]:
    """Return what a record with a held-out class says of it, layer by layer, as its claim asks.

    All images carry the label that the network prefers; those of a plain network, which serves as
    a control, carry none.
    """
    assert record.metrics.unseen is not None
    return record.metrics.unseen["predicted" if record.experiment.labelled else "plain"]


def mean_over_layers(record: Record, quantity: str) -> float:
    """Average a number in :class:`fflib.records.schema.LayerMetrics` over the layers."""
    return float(np.mean([getattr(layer, quantity) for layer in record.metrics.layers]))


def accuracy(record: Record) -> float:
    """Return the accuracy on the images that the run was evaluated on."""
    return record.metrics.accuracy


def hoyer(record: Record) -> float:
    """Return Hoyer sparseness averaged over the layers."""
    return mean_over_layers(record, "hoyer")


def above_rest(record: Record) -> float:
    """Return Hoyer sparseness above rest averaged over the layers."""
    return mean_over_layers(record, "hoyer_above_rest")


def negative(record: Record) -> float:
    """Return the share of negative weights averaged over the layers."""
    return mean_over_layers(record, "negative_weights")


def overlap(record: Record) -> float:
    """Return the overlap of two classes' ensembles (Jaccard index) averaged over the layers.

    By the median-quantile rule, of correctly classified images; nan where the record does not say.
    Records of a search say it, although they hold no ensembles.
    """
    rule = "median-quantile"
    asked = (rule, USUAL[rule], "correct")
    for choice in record.metrics.choices or ():
        if (choice.rule, choice.threshold, choice.images) == asked:
            return float(np.nanmean(choice.overlap))
    return np.nan
