"""The experiments of dense and of convolutional networks."""

from collections.abc import Iterable, Mapping
from itertools import product
from typing import Any, Literal

from pydantic import Field, model_validator

from fflib.activation import ACTIVATIONS
from fflib.experiment.base import CONV_NORMS, KINDS, Experiment, fields
from fflib.experiment.images import FOUND
from fflib.goodness import GOODNESS, NORMS
from fflib.presets import MODELS

__all__ = [
    "BY_CLASS",
    "ConvExperiment",
    "DenseExperiment",
    "LabelCode",
    "crossed",
    "gradient_reach",
    "properties",
]

LabelCode = Literal["border", "planes", "wave", "learned"]
Scope = Literal["layer", "location", "channel", "class", "projection"]

BY_CLASS = ("class", "projection")
"""Scopes under which every class has a goodness of its own, so that images carry no label."""


class DenseExperiment(Experiment):
    """An experiment with fully connected layers."""

    norms = tuple(NORMS)

    architecture: Literal["dense"] = "dense"
    label_gain: float = Field(1.0, gt=0)
    """Factor on the initial weights from label pixels."""
    signs: Literal["free", "positive", "dale"] = "free"
    """Signs that weights keep in training: positive keeps every weight at or above zero, dale gives
    all weights that leave a hidden unit one sign."""
    l1: float = Field(0.0, ge=0)
    """Weight of a penalty that model bp adds to its loss: the sum of absolute activations over all
    hidden units, averaged over the images of a batch."""
    snapshots: int = Field(0, ge=0)
    """How many copies of the network are kept, at most, of the training of each layer, or of all
    layers where they learn together; a record measures them."""

    @model_validator(mode="after")
    def _rules_of_dense_layers(self) -> "DenseExperiment":
        if self.l1 and self.model != "bp":
            raise ValueError(f"l1 is for model 'bp', got {self.l1:g} with {self.model!r}")
        if self.snapshots and not self.epochs:
            raise ValueError(
                f"snapshots are taken in training, got {self.snapshots} with epochs 0: leave it out"
            )
        return self

    @model_validator(mode="after")
    def _threshold_within_reach(self) -> "DenseExperiment":
        if self.goodness is None or not ACTIVATIONS[self.activation].bounded:
            return self
        assert self.theta is not None
        stacked = self.layers if self.model == "bp-ff" else 1
        ceiling = stacked * GOODNESS[self.goodness].ceiling(self.hidden)
        if self.theta >= ceiling:
            raise ValueError(
                f"theta must stay below {ceiling:g}, the largest goodness that "
                f"{self.activation} units can reach under {self.goodness}, got {self.theta:g}: "
                "with a higher one every unit saturates and nothing is learned"
            )
        return self


class ConvExperiment(Experiment):
    """An experiment with a stack of convolutions.

    :class:`fflib.networks.convolutional.ConvNetwork` explains what its fields mean.
    """

    norms = CONV_NORMS

    architecture: Literal["conv"]
    label: LabelCode = "border"
    """How an image carries its label."""
    scope: Scope = "layer"
    """What a goodness is taken over; with class or projection, images carry no label."""
    loss: Literal["threshold", "symmetric"] = "threshold"
    """Compare each goodness with a threshold, or those of right and wrong labels with each other."""
    peer: float = Field(0.0, ge=0)
    """Strength of the pull towards equal activity."""
    reach: int = Field(1, ge=1)
    """Layers that the loss of one layer trains."""
    block: int = Field(1, ge=1)
    """Layers that share one loss, which the last of them has; only that one is read out."""
    pooling: int = Field(1, ge=1)
    """Layers from one that pools to the next, the first being one, until maps are small."""
    augment: Literal["crop-flip", "crop-flip-jitter"] | None = None
    """How images are changed at random whenever they are trained on: moved by up to four pixels and
    mirrored (crop-flip); then each colour scaled and shifted, too (crop-flip-jitter)."""
    warm_up: int = Field(0, ge=0)
    """Epochs in which the learning rate rises; the schedule begins after them."""
    averaging: float = Field(0.0, ge=0, lt=1)
    """Share that every step leaves of a running mean of the weights, which then takes their place."""

    @classmethod
    def _ruled_out(cls, given: Mapping[str, Any]) -> dict[str, str]:
        scope, loss = given.get("scope", "layer"), given.get("loss", "threshold")
        own = ("theta", "negatives") if scope in BY_CLASS else ()
        own = own if loss == "threshold" else (*own, "theta")
        why = f"with scope {scope!r} and loss {loss!r}"
        ruled_out = super()._ruled_out(given) | dict.fromkeys(own, why)
        ruled_out.pop("norm", None)  # without one, back-propagation fails in deep stacks
        return ruled_out

    @model_validator(mode="after")
    def _rules_of_convolutions(self) -> "ConvExperiment":
        model, scope, wrong = self.model, self.scope, ""
        if model not in MODELS:
            wrong = f"architecture 'conv' is for {', '.join(MODELS)}, got model {model!r}"
        elif model == "ff" and self.order != "simultaneous":
            wrong = (
                "the layers of a 'conv' network learn at once, got order 'sequential': leave it out"
            )
        elif model == "bp" and scope != "layer":
            wrong = f"scope has no meaning for model 'bp', got {scope!r}: leave it out"
        elif self.negatives == "unpaired":
            wrong = "negatives 'unpaired' are for architecture 'dense', got 'conv'"
        elif self.block > 1 and (model != "ff" or self.reach > 1 or self.layers % self.block):
            wrong = (
                "a block is for model 'ff' with reach 1 and a multiple of it as layers, got block "
                f"{self.block} with {model!r}, reach {self.reach} and {self.layers} layers"
            )
        elif 0 < self.warm_up >= self.epochs:
            wrong = f"warm_up must be shorter than {self.epochs} epochs, got {self.warm_up}"
        if wrong:
            raise ValueError(wrong)
        return self

    @property
    def labelled(self) -> bool:
        """Whether images carry a label."""
        return super().labelled and self.scope not in BY_CLASS


KINDS |= {"dense": DenseExperiment, "conv": ConvExperiment}


def gradient_reach(experiment: Experiment) -> int:
    """Return how many layers the gradient of a loss crosses at most, that of the loss included.

    Examples
    --------
    >>> [gradient_reach(Experiment(model=model, layers=4)) for model in ("ff", "bp-ff", "bp")]
    [1, 4, 4]
    >>> gradient_reach(Experiment(architecture="conv", layers=4, block=2))
    2
    """
    if not experiment.layerwise:
        return experiment.layers
    if isinstance(experiment, ConvExperiment):
        return min(experiment.layers, max(experiment.reach, experiment.block))
    return 1


def properties() -> dict[str, dict[str, Any]]:
    """Return the JSON Schema of every field that one chooses, of whatever architecture.

    Examples
    --------
    >>> properties()["reach"]["minimum"], properties()["architecture"]["enum"]
    (1, ['dense', 'conv'])
    """
    schemas = [kind.model_json_schema()["properties"] for kind in KINDS.values()]
    found = {name: dict(schema) for own in schemas for name, schema in own.items()}
    del found[FOUND]
    found["architecture"] = {"enum": [*KINDS], "default": "dense"}
    for name, field in (fields() | Experiment.model_fields).items():
        if name in found:
            found[name]["description"] = " ".join((field.description or "").split())
    return found


def crossed(axes: Mapping[str, Iterable[Any]], **common: Any) -> list[Experiment]:
    """Return an experiment for every combination of values of fields.

    Values of the last field change fastest; ``common`` are fields that all experiments share.

    Examples
    --------
    >>> [(e.seed, e.model) for e in crossed({"seed": range(2), "model": ("ff", "bp")}, epochs=3)]
    [(0, 'ff'), (0, 'bp'), (1, 'ff'), (1, 'bp')]
    """
    return [
        Experiment(**dict(zip(axes, values, strict=True)), **common)
        for values in product(*axes.values())
    ]
