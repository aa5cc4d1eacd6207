"""The published configurations by name, and where each of their values came from.

A preset is looked up by protocol, model and data set, and each value carries its origin: the paper;
the authors' code; a search on validation data (``fflib search``, whose records are kept in
``data/searches``); our computing budget; or our choice, which no search on record backs.
"""

from dataclasses import dataclass
from typing import Any

__all__ = [
    "CONTROLS",
    "LABELLED",
    "LAYERWISE",
    "MEANINGLESS",
    "MODELS",
    "PROTOCOLS",
    "Setting",
    "preset",
]

MODELS = ("ff", "bp-ff", "bp")
"""The models that the paper compares."""

CONTROLS = ("local-bp", "local-contrast")
"""Controls of ours, trained layer by layer without a goodness."""

LABELLED = ("ff", "bp-ff", "local-contrast")
"""Models that see a label on the border and learn from right and wrong ones."""

LAYERWISE = ("ff", "local-bp", "local-contrast")
"""Models whose gradient never leaves a layer."""

MEANINGLESS = {
    "bp": ("goodness", "norm", "theta", "negatives"),
    "local-bp": ("goodness", "theta", "negatives"),
    "local-contrast": ("goodness", "theta"),
}
"""Fields of an experiment that a model has no use for."""

PROTOCOLS = ("relu-l2", "sigmoid-linf")


@dataclass(frozen=True)
class Setting:
    """A value of a preset and its origin."""

    value: Any
    origin: str


PAPER = "the paper"
CODE = "authors' code"
SEARCH = "validation search"
BUDGET = "our computing budget"
CHOICE = "our choice"

_SHARED = {
    "hidden": Setting(784, PAPER),
    "layers": Setting(3, PAPER),
    "batch_size": Setting(256, CHOICE),
    "schedule": Setting("cosine", CHOICE),
    "label_gain": Setting(1.0, CODE),
}

_FORM: dict[str, dict[str, Setting]] = {
    "relu-l2": {
        "activation": Setting("relu", CODE),
        "goodness": Setting("l2", CODE),
        "norm": Setting("l2", CODE),
        "theta": Setting(3.0, CODE),
        "negatives": Setting("fixed", CODE),
    },
    "sigmoid-linf": {
        "activation": Setting("sigmoid", PAPER),
        "goodness": Setting("linf", PAPER),
        "norm": Setting("linf", PAPER),
        "negatives": Setting("fixed", CODE),
    },
}


def _training(
    epochs: int, learning_rate: float, origin: str, **searched: Any
) -> dict[str, Setting]:
    return {
        "epochs": Setting(epochs, BUDGET),
        "learning_rate": Setting(learning_rate, origin),
        **{name: Setting(value, SEARCH) for name, value in searched.items()},
    }


_TRAINING: dict[tuple[str, str], dict[str, Setting]] = {
    ("relu-l2", "ff"): _training(25, 0.01, CODE, batch_size=256)
    | {"schedule": Setting("constant", CODE)},
    ("relu-l2", "bp-ff"): _training(12, 0.001, SEARCH),
    # A search would choose ten times this rate, and sparser layers with it: see chapter 8.
    ("relu-l2", "bp"): _training(20, 0.0001, CODE),
    ("relu-l2", "local-bp"): _training(12, 0.001, CHOICE),
    ("relu-l2", "local-contrast"): _training(12, 0.001, CHOICE),
    ("sigmoid-linf", "ff"): _training(8, 0.003, CHOICE, label_gain=10.0)
    | {"theta": Setting(0.5, CHOICE), "batch_size": Setting(2048, CHOICE)},
    ("sigmoid-linf", "bp-ff"): _training(8, 0.001, CHOICE, theta=1.5),
    ("sigmoid-linf", "bp"): _training(10, 0.003, SEARCH),
    ("sigmoid-linf", "local-bp"): _training(8, 0.003, CHOICE),
    ("sigmoid-linf", "local-contrast"): _training(8, 0.003, CHOICE),
}

PUBLISHED_SETS = ("mnist", "fashion-mnist", "cifar-10", "cifar-10-jpeg")
"""Data sets that share their settings; all smaller ones have others."""

# Digits and most folders of images are so small that an epoch is a handful of steps.
_SMALL = {
    "epochs": Setting(40, BUDGET),
    "batch_size": Setting(32, CHOICE),
    "schedule": Setting("cosine", CHOICE),
}
_SMALL_WINNER_TAKES_ALL = {
    "batch_size": Setting(128, CHOICE),
    "learning_rate": Setting(0.001, CHOICE),
}


# A mean does not grow with the number of units, which differs from layer to layer.
_CONV = {
    "hidden": Setting(120, CHOICE),
    "layers": Setting(4, CHOICE),
    "goodness": Setting("mean-square", CHOICE),
    "norm": Setting("batch", CHOICE),
    "theta": Setting(1.0, CHOICE),
    "negatives": Setting("resampled", CHOICE),
    "epochs": Setting(10, BUDGET),
    "batch_size": Setting(128, CHOICE),
    "learning_rate": Setting(0.001, CHOICE),
    "schedule": Setting("cosine", CHOICE),
}


def preset(
    protocol: str, model: str, dataset: str, architecture: str = "dense"
) -> dict[str, Setting]:
    """Look up the settings of a protocol for a model and a data set.

    Parameters
    ----------
    protocol, model : str
        Names in :data:`PROTOCOLS`, and in :data:`MODELS` or :data:`CONTROLS`.
    dataset : str
        The published sets share their settings, and so do all smaller ones.
    architecture : {"dense", "conv"}

    Returns
    -------
    dict of str to Setting

    Examples
    --------
    >>> preset("relu-l2", "ff", "mnist")["theta"]
    Setting(value=3.0, origin="authors' code")
    """
    settings = _SHARED | _FORM[protocol] | _TRAINING[protocol, model]
    if dataset not in PUBLISHED_SETS:
        settings |= _SMALL
        if (protocol, model) == ("sigmoid-linf", "ff"):
            settings |= _SMALL_WINNER_TAKES_ALL
    if architecture == "conv":
        settings |= _CONV
        if model == "ff":
            settings |= {"order": Setting("simultaneous", CHOICE)}
    if model == "local-bp":
        settings |= {"norm": Setting(None, CHOICE)}  # plain back-propagation, but for its reach
    absent = Setting(None, "of no use to this model")
    return settings | dict.fromkeys(MEANINGLESS.get(model, ()), absent)
