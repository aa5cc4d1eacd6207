"""Numbers of a record that several claims are about."""

from dataclasses import replace
from typing import Literal

import numpy as np

from fflib.measures.unseen import UnseenClass
from fflib.records.schema import unpack
from fflib.records.stores import Record
from fflib.study.claims.judging import Claim

__all__ = [
    "accuracy_gap",
    "hoyer",
    "mean_over_layers",
    "members",
    "sparser",
    "together",
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
    """Mean over the layers of a number in :class:`fflib.records.schema.LayerMetrics`."""
    return float(np.mean([getattr(layer, quantity) for layer in record.metrics.layers]))


def sparser(one: Record, other: Record) -> float:
    """By how much the first of two runs is the sparser one, see :func:`fflib.study.claims.hoyer`."""
    return hoyer(one) - hoyer(other)


def accuracy_gap(one: Record, other: Record) -> float:
    """By how much the first of two runs is the more accurate one."""
    return one.metrics.accuracy - other.metrics.accuracy


def together(by: Literal["paper", "ours"], *claims: Claim) -> tuple[Claim, ...]:
    """Claims that share the risk of error."""
    return tuple(replace(claim, together=len(claims), by=by) for claim in claims)
