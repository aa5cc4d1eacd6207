"""What every experiment has: the common fields, their presets and rules, and its key."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, core_schema

from fflib.activation import ACTIVATIONS
from fflib.data import NAMES, class_names
from fflib.data.by_name import label_of, name_of
from fflib.errors import ExperimentError, brief, unknown
from fflib.experiment.images import FOUND, OfImages
from fflib.goodness import BUILT_IN, GOODNESS, MARK, NORMS, addressed, needs_registering
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

__all__ = ["CONV_NORMS", "KINDS", "Experiment", "fields"]

CONV_NORMS = ("l2", "layer", "batch")
"""Ways of scaling the input of a convolution, see :class:`fflib.networks.convolutional.ConvNetwork`."""

KINDS: "dict[str, type[Experiment]]" = {}
"""The class of experiments of every architecture."""

# Fields that are listed after another, and not last or first.
AFTER = {"dataset": "model", "size": "dataset", "groups": "size", FOUND: "groups"}
AFTER |= {"label_gain": "schedule", "l1": "weight_decay", "signs": "order", "snapshots": "probe"}


def _listed(*names: str) -> WithJsonSchema:
    """Name the values of a field whose type alone does not say them."""
    return WithJsonSchema({"enum": list(dict.fromkeys(names))})


_CLASS = WithJsonSchema(
    {
        "anyOf": [
            {"type": "integer", "minimum": 0},
            {"type": "string", "title": "CLASS"},
            {"type": "null"},
        ]
    }
)


class Experiment(OfImages):
    """Description of one training run.

    Called with ``architecture="conv"`` it makes a :class:`~fflib.experiment.ConvExperiment`, and a
    :class:`~fflib.experiment.DenseExperiment` otherwise. It takes the fields below by name, and
    those of the architecture. One that is left out has its value from the preset of protocol,
    model, data set and architecture.

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
    >>> Experiment(architecture="conv", hidden=60).scope
    'layer'
    >>> Experiment(batch_size=0)
    Traceback (most recent call last):
    fflib.errors.ExperimentError: batch_size: input should be greater than or equal to 1, got 0
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        use_attribute_docstrings=True,
        defer_build=True,  # until both architectures are defined
    )
    norms: ClassVar[tuple[str, ...]]

    model: Annotated[str, _listed(*MODELS, *CONTROLS)] = "ff"
    """Forward-Forward (ff); the same loss back-propagated through all layers (bp-ff); plain
    back-propagation (bp). Two controls trained layer by layer as Forward-Forward is: by a linear
    classifier on each layer, on bare images (local-bp); by a linear unit on each layer that
    separates right from wrong labels, in place of a goodness (local-contrast)."""
    protocol: Annotated[str, _listed(*PROTOCOLS)] = "relu-l2"
    """The published configuration that the other fields default to."""
    seed: int = Field(0, ge=0)
    """Decides initial weights, negatives and the order of examples, each by a stream of its own."""
    hold_out: Annotated[int | None, _CLASS] = Field(None, ge=0)
    """A class whose images and label are kept out of training altogether; its name, or its number."""
    hidden: int = Field(ge=2)
    """Units per layer; channels of a convolutional network."""
    layers: int = Field(ge=1)
    """Number of hidden layers."""
    activation: Annotated[str, _listed(*ACTIVATIONS)]
    """Activation function of the hidden units."""
    goodness: Annotated[str, _listed(*BUILT_IN)] | None
    """What Forward-Forward makes large for right labels and small for wrong ones."""
    norm: Annotated[str, _listed(*NORMS, *CONV_NORMS)] | None
    """What the input of each layer is scaled by: l1, l2 or linf in a dense network; l2, layer or
    batch in a convolutional one."""
    theta: float | None = Field(gt=0)
    """Threshold: the goodness that separates positive from negative examples."""
    negatives: Literal["fixed", "resampled", "hard", "unpaired"] | None
    """How wrong labels are drawn: once for each image (fixed); in every epoch (resampled), or then by
    how likely the network finds them (hard); or once, and their images too, as in the authors' code
    (unpaired)."""
    epochs: int = Field(ge=0)
    """Passes over the images; per layer where layers are trained one after another. With none the
    network stays as it begins, for comparison."""
    batch_size: int = Field(ge=1)
    """Images per step."""
    learning_rate: float = Field(gt=0)
    """Learning rate of Adam."""
    schedule: Literal["constant", "cosine"]
    """Schedule of the learning rate."""
    epsilon: float = Field(1e-8, gt=0)
    """What Adam adds to the divisor of its steps, which a larger one makes smaller where gradients
    are small."""
    weight_decay: float = Field(0.0, ge=0)
    """Share of the weights, times the learning rate, that every step takes off them, as AdamW does;
    biases stay as they are."""
    precision: Literal["auto", "float32", "mixed"] = "auto"
    """Number format; mixed computes matrix products in bfloat16, auto does so where the device is
    faster at it."""
    evaluate_on: Literal["test", "validation"] = "test"
    """Images to evaluate on; validation trains on five sixths of the training set and leaves test
    images alone."""
    order: Literal["sequential", "simultaneous"] = "sequential"
    """Train layers one after another, or all in every step, each still by itself."""
    probe: (
        Literal["weight-signs", "intrinsic-dimension", "attribution", "representation"] | None
    ) = None
    """What a record measures besides the usual."""
    architecture: Literal["dense", "conv"] = "dense"
    """Fully connected layers, or convolutions."""

    def __new__(cls, **given: Any) -> "Experiment":
        """Make an instance of the class of the architecture, which ``__init__`` then fills."""
        return super().__new__(KINDS[_architecture(given)] if cls is Experiment else cls)

    def __init__(self, **given: Any) -> None:
        known = fields()
        for name in given:
            if name not in known:
                raise ExperimentError(unknown("field", name, known))
        try:
            super().__init__(**given)
        except ValidationError as error:
            first = error.errors()[0]
            where = first["loc"][0] if first["loc"] else ""
            message = first["msg"].removeprefix("Value error, ")
            if where:
                message = f"{where}: {message[0].lower()}{message[1:]}, got {brief(first['input'])}"
            raise ExperimentError(message) from None

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        """Order the fields of an architecture, as ``str``, pages and records list them."""
        found = cls.__pydantic_fields__
        order = [name for name in found if name not in AFTER]
        for name, before in AFTER.items():
            if name in found:
                order.insert(order.index(before) + 1, name)
        cls.__pydantic_fields__ = {name: found[name] for name in order}

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: type[BaseModel], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Validate and serialise what is declared as an experiment by its architecture."""
        if cls is not Experiment:
            return handler(source)
        kinds = {name: handler.generate_schema(kind) for name, kind in KINDS.items()}
        return core_schema.tagged_union_schema(kinds, _architecture)

    @model_validator(mode="before")
    @classmethod
    def _fill_from_preset(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given  # pydantic says what is wrong
        model = given.get("model", "ff")
        dataset = str(given.get("dataset", "mnist"))
        protocol = given.get("protocol", "relu-l2")
        architecture = given.get("architecture", "dense")
        names = {"model": (model, (*MODELS, *CONTROLS)), "protocol": (protocol, PROTOCOLS)}
        names["architecture"] = (architecture, tuple(KINDS))
        for field, (value, valid) in names.items():
            if value not in valid:
                raise ValueError(unknown(field, value, valid))
        own = cls._without_others(given, architecture)
        if isinstance(held := own.get("hold_out"), str):
            own["hold_out"] = label_of(dataset, held)
        filled = {n: s.value for n, s in preset(protocol, model, dataset, architecture).items()}
        filled |= dict.fromkeys(cls._ruled_out(own)) | own | {"dataset": dataset}
        filled["goodness"] = addressed(filled["goodness"])
        return {name: value for name, value in filled.items() if name in cls.model_fields}

    @classmethod
    def _without_others(cls, given: dict[str, Any], architecture: str) -> dict[str, Any]:
        """Leave out fields of the other architecture, which may only be given their defaults.

        Records carry them that were made when every experiment had all fields.
        """
        others = {name: kind for name, kind in KINDS.items() if name != architecture}
        for other, kind in others.items():
            for name in given.keys() & kind.model_fields.keys() - cls.model_fields.keys():
                if given[name] != kind.model_fields[name].default:
                    raise ValueError(
                        f"{name} is for architecture {other!r}, got {given[name]!r} with "
                        f"{architecture!r}"
                    )
        return {name: value for name, value in given.items() if name in cls.model_fields}

    @classmethod
    def _ruled_out(cls, given: Mapping[str, Any]) -> dict[str, str]:
        """Say which fields must be None, and why."""
        model = given.get("model", "ff")
        return dict.fromkeys(MEANINGLESS.get(model, ()), f"for model {model!r}")

    @model_validator(mode="after")
    def _rules(self) -> "Experiment":
        valid: dict[str, Iterable[str]] = {"activation": ACTIVATIONS, "goodness": GOODNESS}
        valid["norm"] = self.norms
        for field, names in valid.items():
            value = getattr(self, field)
            if field == "goodness" and MARK in (value or "") and value not in names:
                raise ValueError(needs_registering(value))
            if value is not None and value not in names:
                raise ValueError(unknown(field, value, names))
        if self.hold_out is not None and self.dataset in NAMES:
            last = len(class_names(self.dataset)) - 1
            if self.hold_out > last:
                raise ValueError(
                    f"hold_out must be one of the classes 0 to {last} of {self.dataset}, "
                    f"got {self.hold_out}"
                )
        ruled_out = self._ruled_out(dict(self))
        for name, why in ruled_out.items():
            if (value := getattr(self, name)) is not None:
                raise ValueError(f"{name} has no meaning {why}, got {value!r}: leave it out")
        if self.order == "simultaneous" and self.model not in ("ff", "local-contrast"):
            raise ValueError(
                f"order 'simultaneous' is for 'ff' and 'local-contrast', got model {self.model!r}"
            )
        for name in ("goodness", "theta", "negatives") if self.labelled else ():
            if name not in ruled_out and getattr(self, name) is None:
                raise ValueError(f"{name} is needed by model {self.model!r}, got None")
        return self

    @property
    def labelled(self) -> bool:
        """Whether images carry a label."""
        return self.model in LABELLED

    @property
    def layerwise(self) -> bool:
        """Whether the gradient never leaves a layer."""
        return self.model in LAYERWISE

    @property
    def redraws(self) -> bool:
        """Whether wrong labels are drawn again in every epoch."""
        return self.negatives in ("resampled", "hard")

    @property
    def stages(self) -> int:
        """How many times the epochs are gone through: once a layer where one follows another."""
        return self.layers if self.layerwise and self.order == "sequential" else 1

    @property
    def key(self) -> str:
        """Content address: 16 hexadecimal digits that only an equal experiment shares.

        A field at its own default stays out, so that a field added later, with a default that
        changes nothing, leaves the address of every earlier experiment as it is. A folder counts for
        its images, wherever it is and whatever its name.
        """
        content = self.addressed(self.model_dump(exclude_defaults=True))
        canonical = json.dumps(content, sort_keys=True)
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]

    @property
    def _preset(self) -> dict[str, Setting]:
        return preset(self.protocol, self.model, self.dataset, self.architecture)

    def origin(self, field: str) -> str:
        """Return where the value of a field comes from: a source, a validation search, or itself."""
        settings = self._preset
        if field in settings and settings[field].value == getattr(self, field):
            return settings[field].origin
        return "set for this experiment"

    def __str__(self) -> str:
        left_out = self.hold_out
        held = "" if left_out is None else f" without class {name_of(self.dataset, left_out)}"
        own = "".join(f", {name} {value}" for name, value in self.own_settings().items())
        return f"{self.model} on {self.dataset_name} ({self.protocol}), seed {self.seed}{held}{own}"

    def own_settings(self) -> dict[str, Any]:
        """Return the settings that differ from the preset's, and from a field's own default.

        Beside model, data set, protocol, seed and held-out class they are all that has to be said
        to have the same experiment again. One that the others rule out is among them as None.

        Examples
        --------
        >>> Experiment(epochs=3, theta=2.0).own_settings()
        {'theta': 2.0, 'epochs': 3}
        """
        of_preset = {name: setting.value for name, setting in self._preset.items()}
        usual = {name: field.default for name, field in type(self).model_fields.items()} | of_preset
        named = {"model", "dataset", FOUND, "protocol", "seed", "hold_out"}
        return {n: v for n, v in self.model_dump(exclude=named).items() if v != usual[n]}


def _architecture(given: Any) -> str:
    """Return which of the architectures an experiment or its fields are of; dense for all else."""
    if isinstance(given, dict):
        name = given.get("architecture")
    else:
        name = getattr(given, "architecture", None)
    return "conv" if name == "conv" else "dense"  # which refuses all other names


def fields() -> dict[str, FieldInfo]:
    """Return every field by name, of whatever architecture."""
    return {name: field for kind in KINDS.values() for name, field in kind.model_fields.items()}
