"""Write names and numbers as tables, figures and messages show them."""

import re
import sys
from collections.abc import Iterable
from io import TextIOWrapper
from pathlib import Path

__all__ = [
    "dataset_name",
    "in_markdown",
    "label_name",
    "layer_names",
    "listed",
    "minus",
    "model_name",
    "protocol_name",
    "rival_name",
    "rule_name",
    "spare_streams",
]

_MODELS = {
    "ff": "FF",
    "bp-ff": "BP/FF",
    "bp": "BP",
    "local-bp": "local classifiers",
    "local-contrast": "local contrast",
}
_RIVALS = {
    "bp-l1": "BP with an L1 penalty",
    "bp-conv": "convolutional BP",
    "bp-dense": "dense BP",
    "chance": "chance",
    "ff-dense": "dense FF",
    "ff-free": "FF with free weights",
    "local-bp-l2": "normalised local classifiers",
    "untrained": "an untrained network",
}
_DATASETS = {
    "mnist": "MNIST",
    "fashion-mnist": "Fashion-MNIST",
    "digits": "digits",
    "cifar-10": "CIFAR-10",
    "cifar-10-jpeg": "CIFAR-10 (JPEG copy)",
    "cifar-100": "CIFAR-100",
    "svhn": "SVHN",
}
_PROTOCOLS = {"relu-l2": "ReLU, ℓ₂", "sigmoid-linf": "sigmoid, ℓ∞"}
_LABELS = {
    "true": "its own label",
    "none": "no label",
    "predicted": "the preferred label",
    "plain": "plain image",
}
_RULES = {"kolmogorov-smirnov": "Kolmogorov–Smirnov", "median-quantile": "median–quantile"}

# A sign stands before a number, or in front of its exponent; any other hyphen joins words.
_SIGN = re.compile(r"(?<![\w)\]])-(?=\.?\d)|(?<=\d[eE])-(?=\d)")

_MARKUP = re.compile(r"[\\`*_{}\[\]<>#|$~^&]")


def spare_streams() -> None:
    """Let a character that stdout or stderr cannot encode be written as an escape, not end the program."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def in_markdown(text: str) -> str:
    """Return text with nothing in it that Markdown could take for more than text.

    Examples
    --------
    >>> in_markdown("cost_$5 | <b>")
    'cost&#95;&#36;5 &#124; &#60;b&#62;'
    """
    return _MARKUP.sub(lambda sign: f"&#{ord(sign[0])};", text)


def minus(text: str) -> str:
    """Return text with a typographic minus wherever a hyphen is the sign of a number.

    Examples
    --------
    >>> minus("-0.24 [-0.3, -0.1] on CIFAR-10")
    '−0.24 [−0.3, −0.1] on CIFAR-10'
    >>> minus("p = 1e-05, well-known, 2024-01-31")
    'p = 1e−05, well-known, 2024-01-31'
    """
    return _SIGN.sub("−", text)


def model_name(model: str) -> str:
    """Return the name of a model as prose writes it.

    Examples
    --------
    >>> model_name("bp-ff")
    'BP/FF'
    """
    return _MODELS[model]


def rival_name(rival: str) -> str:
    """Return what a claim is held against: a model by its name, chance, an untrained network.

    Examples
    --------
    >>> rival_name("bp-ff"), rival_name("untrained")
    ('BP/FF', 'an untrained network')
    """
    return _RIVALS.get(rival) or _MODELS.get(rival, rival)


def dataset_name(dataset: str) -> str:
    """Return the name of a data set as prose writes it; a folder by its own name.

    Examples
    --------
    >>> dataset_name("fashion-mnist")
    'Fashion-MNIST'
    """
    return _DATASETS.get(dataset, Path(dataset).name)


def protocol_name(protocol: str) -> str:
    """Return the name of a protocol, its activation and its norm.

    Examples
    --------
    >>> protocol_name("sigmoid-linf")
    'sigmoid, ℓ∞'
    """
    return _PROTOCOLS[protocol]


def rule_name(rule: str) -> str:
    """Return the name of an ensemble rule as prose writes it.

    Examples
    --------
    >>> rule_name("median-quantile")
    'median–quantile'
    """
    return _RULES.get(rule, rule)


def label_name(carried: str) -> str:
    """Return which label the images of an unseen class carry, as prose writes it.

    Examples
    --------
    >>> label_name("predicted")
    'the preferred label'
    """
    return _LABELS[carried]


def listed(words: Iterable[str]) -> str:
    """Write words, of which there is at least one, as a list with "and" before the last.

    Examples
    --------
    >>> listed(["FF", "BP/FF", "BP"]), listed(["FF"])
    ('FF, BP/FF and BP', 'FF')
    """
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


def layer_names(layers: int) -> list[str]:
    """Return the names of hidden layers, counted from 1 as in prose.

    Examples
    --------
    >>> layer_names(2)
    ['layer 1', 'layer 2']
    """
    return [f"layer {depth}" for depth in range(1, layers + 1)]
