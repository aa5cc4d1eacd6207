"""Grids as readable text: a YAML file of an experiment's fields, whose lists are crossed."""

import math
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from fflib.errors import ExperimentError, FflibError, brief, unknown
from fflib.experiment import Experiment, crossed, fields, properties

__all__ = ["GridError", "experiments", "read_grid", "schema"]

LARGEST = 2**16  # bytes of a file, which is read before its content is known to be harmless
MOST = 100_000  # runs of a grid
HUGE = 2**53  # above it whole numbers are not whole any more in other programs
EITHER = "either"
COUNTED = ("seed", "hold_out")  # fields that a range may be given for


class GridError(ExperimentError):
    """A grid that cannot be run; the message names its file and the fault."""


class _Loader(yaml.SafeLoader):
    """Plain values only, each key once, and no aliases: a few of them make a file without end."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.constructor.ConstructorError(
                problem="aliases are not allowed: write the value out",
                problem_mark=self.peek_event().start_mark,
            )
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    problem=f"{key.value!r} is given twice", problem_mark=key.start_mark
                )
            if isinstance(key.value, str):
                seen.add(key.value)
        return super().construct_mapping(node, deep)


def read_grid(path: Path) -> list[Experiment]:
    r"""Read the experiments of a grid file, in order and without repeats.

    See :func:`experiments` for what may be in it; a :class:`GridError` says what is wrong with it.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "grid.yml")
    ...     _ = path.write_text("dataset: digits\nmodel: [ff, bp]\nseed: {first: 0, last: 4}")
    ...     len(read_grid(path))
    10
    """
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise GridError(f"{path} cannot be read: {error.strerror}") from None
    if len(content) > LARGEST:
        raise GridError(f"{path}: a grid may have {LARGEST} bytes, this has more")
    try:
        grid = yaml.load(content, _Loader)
    except yaml.MarkedYAMLError as error:
        place = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise GridError(f"{path}{place}: {_one_line(error.problem)}") from None
    except (yaml.YAMLError, ValueError, TypeError, RecursionError, OverflowError) as error:
        raise GridError(f"{path} is not readable as YAML: {_one_line(error)}") from None
    try:
        return experiments(grid)
    except FflibError as error:
        raise GridError(f"{path}: {_one_line(error)}") from None


def experiments(grid: Any) -> list[Experiment]:
    """Return the experiments of a grid: every combination of what is listed.

    A grid maps fields of :class:`fflib.Experiment` to a value or a list of values; ``seed`` and
    ``hold_out`` also to ``{first: 0, last: 9}``, both ends included. Under ``either`` is a list of
    such mappings: alternatives, each crossed with the rest.

    Raises
    ------
    ExperimentError
        It is no grid, or one of its experiments is not possible.

    Examples
    --------
    >>> either = [{"model": "ff"}, {"model": ["bp", "bp-ff"], "epochs": [2, 4]}]
    >>> [e.model for e in experiments({"dataset": "digits", "either": either})]
    ['ff', 'bp', 'bp', 'bp-ff', 'bp-ff']
    """
    if not isinstance(grid, dict):
        raise ExperimentError(f"a grid is a mapping from fields to values, got {_kind(grid)}")
    alternatives = grid.get(EITHER, [{}])
    if not isinstance(alternatives, list) or not alternatives:
        raise ExperimentError(f"{EITHER} is a list of mappings, got {_kind(alternatives)}")
    shared = {name: _values(name, value) for name, value in grid.items() if name != EITHER}
    blocks = []
    for alternative in alternatives:
        if not isinstance(alternative, dict):
            raise ExperimentError(f"{EITHER} is a list of mappings, got {_kind(alternative)} in it")
        own = {name: _values(name, value) for name, value in alternative.items()}
        if both := own.keys() & shared.keys():
            raise ExperimentError(f"{min(both)!r} is given both inside and outside of {EITHER}")
        blocks.append(shared | own)
    planned = sum(math.prod(map(len, axes.values())) for axes in blocks)
    if planned > MOST:
        raise ExperimentError(f"a grid may have {MOST} runs, this has {planned:.3g}: divide it")
    return list(dict.fromkeys(e for axes in blocks for e in crossed(axes)))


def _values(name: Any, value: Any) -> range | list[Any]:
    if name not in (known := fields()):
        raise ExperimentError(unknown("field", name, [*known, EITHER]))
    if isinstance(value, dict) and name in COUNTED:
        ends = [value.get(end) for end in ("first", "last")]
        numbers = [end for end in ends if type(end) is int and 0 <= end <= HUGE]
        if len(value) != 2 or len(numbers) != 2 or numbers != sorted(numbers):
            raise ExperimentError(
                f"a range of {name} is {{first: 0, last: 9}}, whole numbers of which the last is "
                f"not below the first, got {brief(value)}"
            )
        return range(numbers[0], numbers[1] + 1)
    values = value if isinstance(value, list) else [value]
    if not values:
        raise ExperimentError(f"{name} needs a value, got an empty list")
    for one in values:
        if type(one) not in (str, int, float, type(None)):
            raise ExperimentError(
                f"{name} takes text, numbers or null, or a list of them, got {_kind(one)}"
            )
        if type(one) is int and abs(one) > HUGE:
            raise ExperimentError(f"{name} must not exceed {HUGE}, got a number that does")
    return values


def _kind(value: Any) -> str:
    kinds = {dict: "a mapping", list: "a list", bool: "true or false", type(None): "nothing"}
    return kinds.get(type(value), f"{type(value).__name__} {brief(value)}")


def _one_line(error: Any) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 400 else f"{text[:397]}..."


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a grid file, from which an editor completes it."""
    axes = {name: _axis(name, field) for name, field in properties().items()}
    listed = {name: {"$ref": f"#/$defs/{name}"} for name in axes}
    alternative = {"type": "object", "properties": listed, "additionalProperties": False}
    either = {
        "description": "Alternatives, each crossed with the rest.",
        "type": "array",
        "items": alternative,
        "minItems": 1,
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A grid of experiments",
        "description": "Fields of fflib.Experiment; lists are crossed.",
        "type": "object",
        "properties": listed | {EITHER: either},
        "additionalProperties": False,
        "$defs": axes,
    }


def _axis(name: str, field: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a value of a field, or of several of them."""
    one = {key: field[key] for key in sorted(field.keys() - {"title", "description"})}
    choices = [one, {"type": "array", "items": one, "minItems": 1}]
    if name in COUNTED:
        ends = {key: {"type": "integer", "minimum": 0} for key in ("first", "last")}
        closed = {"required": [*ends], "additionalProperties": False}
        choices.append({"type": "object", "properties": ends, **closed})
    return {"description": field["description"], "anyOf": choices}
