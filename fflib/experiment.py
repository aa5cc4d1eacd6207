"""An experiment: the frozen, validated description of one training run.

Everything that decides the result is a field; nothing else is. A field left out is filled from a
preset in :mod:`fflib.presets`, which also says where each value came from.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from fflib.activation import ACTIVATIONS
from fflib.data import NAMES
from fflib.errors import ExperimentError, brief, unknown
from fflib.goodness import GOODNESS, MARK, NORMS, addressed, needs_registering
from fflib.presets import (
    CONTROLS,
    LABELLED,
    LAYERWISE,
    MEANINGLESS,
    MODELS,
    PROTOCOLS,
    Setting,
    preset,
)

__all__ = ["CONVOLUTIONAL", "CONV_NORMS", "Circumstances", "Experiment", "LabelCode", "Scope"]

LabelCode = Literal["border", "planes", "wave", "learned"]
Scope = Literal["layer", "location", "channel", "class"]

CONVOLUTIONAL = ("label", "scope", "loss", "peer", "reach")
"""Fields that mean something to convolutional networks only."""

CONV_NORMS = ("l2", "layer", "batch")
"""Ways of scaling the input of a convolution, see :class:`fflib.networks.convolutional.ConvNetwork`."""


class Experiment(BaseModel):
    """Description of one training run.

    Parameters
    ----------
    model : {"ff", "bp-ff", "bp", "local-bp", "local-contrast"}
        Forward-Forward; the same objective back-propagated; plain back-propagation. Controls that
        are trained layer by layer as FF is: by a linear classifier on each layer, on bare images;
        by a linear unit on each layer that tells right from wrong labels, in place of a goodness.
    dataset : str
        A name in :data:`fflib.data.NAMES`, or the path of a folder of class folders.
    protocol : {"relu-l2", "sigmoid-linf"}
        Which published configuration the remaining fields default to.
    seed : int
        Decides initial weights, negatives and the order of examples, each by a stream of its own.
    hold_out : int, optional
        A class whose images and label are kept out of training altogether.
    **overrides
        Any other field by name: ``hidden``, ``layers``, ``activation``, ``goodness``, ``norm``,
        ``theta``, ``negatives``, ``epochs`` (per layer where layers are trained one by one),
        ``batch_size`` (images per step), ``learning_rate``, ``schedule``, ``label_gain`` (factor on
        the initial weights from label pixels), ``precision`` ("float32"; "mixed" computes matrix
        products in bfloat16; "auto" does where the device is faster at it), ``evaluate_on``
        ("validation" trains on five sixths of the training set and leaves test images alone),
        ``order`` ("simultaneous" trains all layers of an FF network in every step, each still by
        itself), ``signs`` ("positive" keeps every weight at or above zero; "dale" gives all
        weights that leave a hidden unit one sign), ``probe`` (what is measured besides the usual),
        ``snapshots`` (how many copies of the network are kept, at most, of the training of each
        layer, or of all where they learn together),
        ``architecture`` ("conv" for a stack of convolutions with ``hidden`` channels); for it
        alone ``label`` (how images carry it), ``scope`` (what a goodness is taken over), both see
        :class:`fflib.networks.convolutional.ConvNetwork`, ``loss`` ("symmetric" knows no threshold), ``peer``
        (strength of the pull towards equal activity), ``reach`` (layers that a loss trains).

    Raises
    ------
    ExperimentError
        A name is unknown or a value impossible, with the rule and the value received.

    Examples
    --------
    >>> experiment = Experiment(model="ff", dataset="digits", protocol="relu-l2", epochs=3)
    >>> experiment.goodness, experiment.theta, experiment.epochs
    ('l2', 3.0, 3)
    >>> experiment.origin("theta")
    "authors' code"
    >>> Experiment(batch_size=0)
    Traceback (most recent call last):
    fflib.errors.ExperimentError: batch_size: input should be greater than or equal to 1, got 0
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    model: str = "ff"
    dataset: str = "mnist"
    protocol: str = "relu-l2"
    seed: int = Field(0, ge=0)
    hold_out: int | None = Field(None, ge=0)
    hidden: int = Field(ge=2)
    layers: int = Field(ge=1)
    activation: str
    goodness: str | None
    norm: str | None
    theta: float | None = Field(gt=0)
    negatives: Literal["fixed", "resampled", "hard"] | None
    epochs: int = Field(ge=1)
    batch_size: int = Field(ge=1)
    learning_rate: float = Field(gt=0)
    schedule: Literal["constant", "cosine"]
    label_gain: float = Field(1.0, gt=0)
    precision: Literal["auto", "float32", "mixed"] = "auto"
    evaluate_on: Literal["test", "validation"] = "test"
    order: Literal["sequential", "simultaneous"] = "sequential"
    signs: Literal["free", "positive", "dale"] = "free"
    probe: Literal["weight-signs", "intrinsic-dimension"] | None = None
    snapshots: int = Field(0, ge=0)
    architecture: Literal["dense", "conv"] = "dense"
    label: LabelCode = "border"
    scope: Scope = "layer"
    loss: Literal["threshold", "symmetric"] = "threshold"
    peer: float = Field(0.0, ge=0)
    reach: int = Field(1, ge=1)

    def __init__(self, **fields: Any) -> None:
        names = type(self).model_fields
        for name in fields:
            if name not in names:
                raise ExperimentError(unknown("field", name, names))
        try:
            super().__init__(**fields)
        except ValidationError as error:
            first = error.errors()[0]
            where = first["loc"][0] if first["loc"] else ""
            message = first["msg"].removeprefix("Value error, ")
            if where:
                message = f"{where}: {message[0].lower()}{message[1:]}, got {brief(first['input'])}"
            raise ExperimentError(message) from None

    @model_validator(mode="before")
    @classmethod
    def _fill_from_preset(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given  # pydantic says what is wrong
        model = given.get("model", "ff")
        dataset = given.get("dataset", "mnist")
        protocol = given.get("protocol", "relu-l2")
        models = (*MODELS, *CONTROLS)
        for kind, value, valid in (("model", model, models), ("protocol", protocol, PROTOCOLS)):
            if value not in valid:
                raise ValueError(unknown(kind, value, valid))
        architecture = given.get("architecture", "dense")
        settings = preset(protocol, model, str(dataset), architecture)
        filled = {name: setting.value for name, setting in settings.items()}
        if given.get("scope") == "class" or given.get("loss") == "symmetric":
            filled["theta"] = None
        if given.get("scope") == "class":
            filled["negatives"] = None
        filled |= {**given, "dataset": str(dataset)}
        return filled | {"goodness": addressed(filled.get("goodness"))}

    @model_validator(mode="after")
    def _rules(self) -> "Experiment":
        if self.dataset not in NAMES and not Path(self.dataset).is_dir():
            raise ValueError(unknown("dataset", self.dataset, NAMES))
        conv = self.architecture == "conv"
        norms = CONV_NORMS if conv else NORMS
        for field, valid in (("activation", ACTIVATIONS), ("goodness", GOODNESS), ("norm", norms)):
            value = getattr(self, field)
            if field == "goodness" and MARK in (value or "") and value not in valid:
                raise ValueError(needs_registering(value))
            if value is not None and value not in valid:
                raise ValueError(unknown(field, value, valid))
        if self.hold_out is not None and self.dataset in NAMES and self.hold_out > 9:
            raise ValueError(
                f"hold_out must be one of the classes 0 to 9 of {self.dataset}, got {self.hold_out}"
            )
        meaningless = MEANINGLESS.get(self.model, ())
        for name in meaningless:
            if getattr(self, name) is not None:
                raise ValueError(
                    f"{name} has no meaning for model {self.model!r}, got "
                    f"{getattr(self, name)!r}: leave it out"
                )
        if self.order == "simultaneous" and self.model not in ("ff", "local-contrast"):
            raise ValueError(
                f"order 'simultaneous' is for 'ff' and 'local-contrast', got model {self.model!r}"
            )
        needed = ("goodness", "theta", "negatives") if self.labelled else ()
        for name in needed:
            optional = name in meaningless or (name == "theta" and self.loss == "symmetric")
            if not optional and getattr(self, name) is None:
                raise ValueError(f"{name} is needed by model {self.model!r}, got None")
        self._fits_architecture()
        if self.goodness is not None and not conv:
            self._threshold_within_reach()
        return self

    def _fits_architecture(self) -> None:
        fields = type(self).model_fields
        if self.architecture == "dense":
            for name in CONVOLUTIONAL:
                if getattr(self, name) != fields[name].default:
                    raise ValueError(
                        f"{name} is for architecture 'conv', got {getattr(self, name)!r} with 'dense'"
                    )
            return
        if self.model not in MODELS:
            raise ValueError(
                f"architecture 'conv' is for {', '.join(MODELS)}, got model {self.model!r}"
            )
        for name in ("label_gain", "signs", "snapshots"):
            if getattr(self, name) != fields[name].default:
                raise ValueError(
                    f"{name} is for architecture 'dense', got {getattr(self, name)!r} with 'conv'"
                )
        if self.model == "ff" and self.order != "simultaneous":
            raise ValueError(
                "the layers of a 'conv' network learn at once, got order 'sequential': leave it out"
            )
        if self.model == "bp" and self.scope != "layer":
            raise ValueError(
                f"scope has no meaning for model 'bp', got {self.scope!r}: leave it out"
            )
        unused = ("theta", "negatives") if self.scope == "class" else ()
        for name in unused if self.loss == "threshold" else (*unused, "theta"):
            if getattr(self, name) is not None:
                raise ValueError(
                    f"{name} has no meaning with scope {self.scope!r} and loss {self.loss!r}, got "
                    f"{getattr(self, name)!r}: leave it out"
                )

    @property
    def labelled(self) -> bool:
        """Whether images carry a label."""
        return self.model in LABELLED and self.scope != "class"

    @property
    def layerwise(self) -> bool:
        """Whether the gradient never leaves a layer."""
        return self.model in LAYERWISE

    @property
    def stages(self) -> int:
        """How many times the epochs are gone through: once a layer where one follows another."""
        return self.layers if self.layerwise and self.order == "sequential" else 1

    def _threshold_within_reach(self) -> None:
        assert self.goodness is not None and self.theta is not None
        if not ACTIVATIONS[self.activation].bounded:
            return
        stacked = self.layers if self.model == "bp-ff" else 1
        ceiling = stacked * GOODNESS[self.goodness].ceiling(self.hidden)
        if self.theta >= ceiling:
            raise ValueError(
                f"theta must stay below {ceiling:g}, the largest goodness that "
                f"{self.activation} units can reach under {self.goodness}, got {self.theta:g}: "
                "with a higher one every unit saturates and nothing is learned"
            )

    @property
    def key(self) -> str:
        """Content address: 16 hexadecimal digits that only an equal experiment shares.

        A field at its own default stays out, so that a field added later, with a default that
        changes nothing, leaves the address of every earlier experiment as it is.
        """
        canonical = json.dumps(self.model_dump(exclude_defaults=True), sort_keys=True)
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]

    @property
    def _preset(self) -> dict[str, Setting]:
        return preset(self.protocol, self.model, self.dataset, self.architecture)

    def origin(self, field: str) -> str:
        """Where the value of a field comes from: a source, a validation search, or itself."""
        settings = self._preset
        if field in settings and settings[field].value == getattr(self, field):
            return settings[field].origin
        return "set for this experiment"

    def __str__(self) -> str:
        held = "" if self.hold_out is None else f" without class {self.hold_out}"
        own = "".join(f", {name} {value}" for name, value in self.own_settings().items())
        return f"{self.model} on {self.dataset} ({self.protocol}), seed {self.seed}{held}{own}"

    def own_settings(self) -> dict[str, Any]:
        """The settings that differ from the preset's, and from a field's own default.

        Beside model, data set, protocol, seed and held-out class they are all that has to be said
        to have the same experiment again. One that the others rule out is among them as None.

        Examples
        --------
        >>> Experiment(epochs=3, theta=2.0).own_settings()
        {'theta': 2.0, 'epochs': 3}
        """
        usual = {name: field.default for name, field in type(self).model_fields.items()}
        usual |= {name: setting.value for name, setting in self._preset.items()}
        named = ("model", "dataset", "protocol", "seed", "hold_out")
        return {
            name: value
            for name, value in self.model_dump(exclude={*named}).items()
            if value != usual[name]
        }


@dataclass(frozen=True)
class Circumstances:
    """Where and how fast a training ran.

    Parameters
    ----------
    device, processor : str
        Torch's name of the device and the maker's.
    threads : int
        CPU threads; results are equal bit for bit only for equal threads on one kind of device.
    precision : str
        Number format of the matrix products.
    seconds : float
        Time spent training, reading data and evaluating left out.
    together : int
        Runs trained side by side in that time.
    """

    device: str
    processor: str
    threads: int
    precision: str
    seconds: float
    together: int = 1
