"""The schema of a record: which numbers it holds, and what they mean.

Whoever reads records needs this module and :mod:`fflib.records.stores`, and nothing that trains.
"""

from datetime import datetime

import numpy as np
from numpy.typing import ArrayLike
from pydantic import BaseModel, ConfigDict, Field

from fflib.experiment import Circumstances
from fflib.measures.readout import Cut
from fflib.measures.robustness import Choice
from fflib.measures.unseen import UnseenChoice, UnseenClass

__all__ = ["Found", "LayerMetrics", "Metrics", "Provenance", "Readout", "Row", "known", "unpack"]

Array = np.ndarray

Row = dict[str, str | int | float | None]
"""One line of a table; None stands for what is not defined."""

Found = tuple[list[Row], dict[str, Array]]
"""What a measurement adds to a record: rows of its metrics, and arrays by name."""


def known(number: float | ArrayLike) -> int | float | None:
    """Return a number as a row keeps it: None where it is not defined, or infinite.

    Examples
    --------
    >>> known(0.5), known(np.nan)
    (0.5, None)
    """
    return np.asarray(number).item() if np.isfinite(number) else None


class _Frozen(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, ser_json_inf_nan="strings"
    )


class LayerMetrics(_Frozen):
    """Numbers of one hidden layer, on correctly classified images unless it says otherwise."""

    hoyer: float
    """Mean Hoyer sparseness over images that are not silent."""
    hoyer_all: float
    """The same over all images, wrongly classified ones too."""
    hoyer_above_rest: float
    """The same as `hoyer`, with each unit's resting level (its median over all images) taken off."""
    hoyer_by_class: list[float]
    treves_rolls: float
    active_fraction: float
    """Share of units above zero."""
    silent_fraction: float
    """Share of images on which every unit is silent."""
    negative_weights: float
    """Share of weights below zero."""
    excitation: float
    """Sum of positive weights over the sum of negative weights' magnitudes."""
    links: dict[str, float] | None
    """Whether positive weights join same-class ensembles of this layer and the one below, see
    :class:`fflib.measures.polarity.SameClassLinks`; None for the first layer."""


class Readout(_Frozen):
    """What ensembles say of the class, on other images than those they were found on."""

    decoded: dict[str, list[float]]
    """By the label carried ("none", "true"; "plain" for a network without labels): accuracy of
    reading the class off the ensembles alone, layer by layer. With "true" the label itself is in
    the input, so that only "none" shows what the image alone gives away."""
    cut: Cut
    """What is lost with the units that are in no ensemble."""

    @property
    def unlabelled(self) -> list[float]:
        """Accuracy of reading images that carry no label, layer by layer."""
        return self.decoded["none" if "none" in self.decoded else "plain"]


class Metrics(_Frozen):
    """The numbers of one run."""

    accuracy: float
    """On evaluation images of the classes seen in training."""
    layer_accuracy: list[float]
    """Of each layer alone; empty for a plain network, of which only the last has a say."""
    images: int
    """Evaluation images."""
    correct: int
    """Evaluation images that are classified correctly."""
    layers: list[LayerMetrics]
    unseen: dict[str, list[UnseenClass]] | None
    """By the label carried ("true", "none", "predicted"; "plain" for a network without labels), a
    layer each; None where no class was held out."""
    choices: list[Choice] | None = None
    """Ensembles under other rules and thresholds, on correctly classified and on all images; the
    Kolmogorov–Smirnov rule on the former only. None where it was not measured."""
    readout: Readout | None = Field(None, alias="worth")
    """None for validation data and for runs with a held-out class; ``worth`` in a record's JSON."""
    detection: list[UnseenChoice] | None = Field(None, alias="told")
    """The AUROC of the held-out class under other rules and thresholds, with images carrying the
    label that the network prefers; None where no class was held out. ``told`` in a record's JSON."""
    probe: list[Row] | None = None
    """What the experiment asks for by its ``probe``, see :mod:`fflib.records.probes`."""
    timeline: list[Row] | None = None
    """The snapshots of the run, see :func:`fflib.records.timeline.timeline`."""


class Provenance(_Frozen):
    """Which code, machine and data made a run, and when."""

    version: str
    """Of this package."""
    commit: str
    """Of this package; with changes on top it ends in "+"."""
    python: str
    torch: str
    platform: str
    circumstances: Circumstances
    date: datetime
    """When the run ended, UTC."""
    data: dict[str, str]
    """MD5 of the data by file or array."""


def unpack(packed: Array, units: int) -> Array:
    """Turn packed membership, (layer, class, bytes), into booleans, (layer, class, unit).

    Examples
    --------
    >>> members = np.array([[[True, False, True]]])
    >>> bool((unpack(np.packbits(members, axis=-1), 3) == members).all())
    True
    """
    return np.unpackbits(packed, axis=-1, count=units).astype(bool)
