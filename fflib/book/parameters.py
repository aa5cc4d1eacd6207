"""The parameters of chapters: what each may be, and what a command line means by a value.

Names mean the same in all chapters, so that there is one rule for each; a chapter that differs has its
own. Paths are those of the place where the command is given, not of the chapter.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError

from fflib.activation import ACTIVATIONS
from fflib.book.report.page import require_own
from fflib.data import NAMES
from fflib.errors import ChapterError, DataError, brief
from fflib.goodness import BUILT_IN
from fflib.presets import CONTROLS, MODELS, PROTOCOLS

__all__ = ["checked", "meant"]


@dataclass(frozen=True)
class Rule:
    """What a parameter may be.

    Parameters
    ----------
    words : str
        As a message says it, after "must be".
    kind : type
        For pydantic, which turns a value into what the chapter gets.
    """

    words: str
    kind: Any


def _distinct(values: list[Any]) -> list[Any]:
    if len(set(values)) < len(values):
        raise ValueError("a value is given twice")
    return values


def _absolute(path: str) -> str:
    return str(Path(path).expanduser().resolve())


def _folder(path: str) -> str:
    if not Path(path).expanduser().is_dir():
        raise ValueError("there is no such folder")
    return _absolute(path)


def _images(name: str) -> str:
    return name if name in NAMES else _folder(name)


def _output(path: str) -> str:
    try:
        require_own(Path(path).expanduser())
    except DataError as error:
        raise ValueError(str(error)) from None
    return _absolute(path)


def _one_of(names: tuple[str, ...]) -> Rule:
    return Rule(f"one of {', '.join(names)}", Literal[names])


def _several(rule: Rule, example: str) -> Rule:
    kind = Annotated[list[rule.kind], Field(min_length=1), AfterValidator(_distinct)]  # type: ignore[name-defined]
    return Rule(f"a list of different values such as {example}, each {rule.words}", kind)


LABEL = Rule("a whole number from 0", Annotated[int, Field(ge=0)])
COUNT = Rule("a whole number from 1", Annotated[int, Field(ge=1)])
POSITIVE = Rule("a number above 0", Annotated[float, Field(gt=0, strict=False)])

RULES = {
    **dict.fromkeys(("seed", "example"), LABEL),
    **dict.fromkeys(("epochs", "runs", "layers", "channels", "snapshots", "draws"), COUNT),
    **dict.fromkeys(("theta", "learning_rate"), POSITIVE),
    "seeds": _several(LABEL, "[0, 1]"),
    "hold_out": _several(LABEL, "[0, 1]"),
    "rates": _several(POSITIVE, "[0.001, 0.01]"),
    "hidden": Rule("a whole number from 2", Annotated[int, Field(ge=2)]),
    "source": _one_of(("records", "train")),
    "protocol": _one_of(PROTOCOLS),
    "models": _several(_one_of((*MODELS, *CONTROLS)), "[ff, bp]"),
    "goodness": _several(_one_of(tuple(BUILT_IN)), "[l1, l2]"),
    "activations": _several(_one_of(tuple(ACTIVATIONS)), "[relu, tanh]"),
    "datasets": _several(_one_of(NAMES), "[mnist]"),
    "dataset": Rule(
        f"one of {', '.join(NAMES)}, or a folder", Annotated[str, AfterValidator(_images)]
    ),
    "folder": Rule("a folder", Annotated[str, AfterValidator(_folder)]),
    "output": Rule("a folder for the page alone", Annotated[str, AfterValidator(_output)]),
}
"""By the name of the parameter; None is allowed where it is the default."""

_PRESET = Rule(f"{COUNT.words}, or null for those of the preset", COUNT.kind | None)

OWN = {
    ("08-learning-rate", "epochs"): Rule(
        "a whole number from 1, or a list of them", COUNT.kind | _several(COUNT, "").kind | None
    ),
    ("13-when-it-goes-wrong", "epochs"): _PRESET,
    ("18-your-own-goodness", "epochs"): Rule(
        "a whole number from 4, since with fewer the second layer learns nothing, or null for those of "
        "the preset",
        Annotated[int, Field(ge=4)] | None,
    ),
}
"""By the names of chapter and parameter, where a chapter differs."""


def meant(name: str, text: str) -> object:
    """Return what a command line means by the value of a parameter: YAML, but names are text.

    Examples
    --------
    >>> meant("seeds", "[0, 1]"), meant("folder", "2024"), meant("folder", "null")
    ([0, 1], '2024', None)
    """
    textual = name in ("folder", "output", "dataset")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        if textual:
            return text
        raise ChapterError(f"parameter {name} must be written as YAML, got {brief(text)}") from None
    return text if textual and not isinstance(value, str | None) else value


def checked(
    chapter: str, values: Mapping[str, object], defaults: Mapping[str, object]
) -> dict[str, object]:
    """Return values as the chapter of this name gets them, with paths made absolute.

    What has no rule must be of the type of its default. A value that breaks its rule raises a
    :class:`~fflib.errors.ChapterError` that says the rule.

    Examples
    --------
    >>> checked("01-how-it-learns", {"epochs": 3}, {"epochs": 30})
    {'epochs': 3}
    >>> checked("01-how-it-learns", {"seeds": 0}, {"seeds": [0]})
    Traceback (most recent call last):
    fflib.errors.ChapterError: parameter seeds of 01-how-it-learns must be a list of different values \
such as [0, 1], each a whole number from 0, got 0
    """
    found = {}
    for name, value in values.items():
        default = defaults[name]
        usual: Any = Any if default is None else type(default)
        fallback = Rule(f"of type {type(default).__name__}", usual)
        rule = OWN.get((chapter, name), RULES.get(name, fallback))
        try:
            found[name] = (
                None
                if value is None and default is None
                else TypeAdapter(rule.kind, config=STRICT).validate_python(value)
            )
        except ValidationError as error:
            own = [e["msg"] for e in error.errors() if e["type"] == "value_error"]
            why = f" ({own[0].removeprefix('Value error, ')})" if own else ""
            raise ChapterError(
                f"parameter {name} of {chapter} must be {rule.words}, got {brief(value)}{why}"
            ) from None
    return found


STRICT = ConfigDict(strict=True, allow_inf_nan=False)
