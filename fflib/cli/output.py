"""What the commands print: tables and numbers for people, JSON for programs."""

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from typer import echo

if TYPE_CHECKING:
    from fflib.experiment import Experiment

__all__ = [
    "duration",
    "named",
    "numbers",
    "print_json",
    "print_table",
    "say_remarks",
    "warn",
]


def print_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print columns as wide as their widest cell, numbers as they have been formatted."""
    lines = [header, *([str(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        echo("  ".join(cells).rstrip())


def print_json(value: object) -> None:
    """Print a value as JSON that every parser accepts: nan and infinity are refused."""
    echo(json.dumps(value, indent=2, allow_nan=False))


def named(experiment: "Experiment", **more: Any) -> dict[str, Any]:
    """Return what names an experiment in JSON, followed by what else is known of it."""
    return {"key": experiment.key, "experiment": str(experiment), **more}


def warn(faults: Iterable[object]) -> None:
    """Print faults that do not keep a command from going on."""
    for fault in faults:
        echo(f"warning: {fault}", err=True)


def say_remarks(experiments: Iterable["Experiment"]) -> None:
    """Say on stderr what was decided where the folders of experiments were read, once for each."""
    for experiment in {e.images: e for e in experiments if e.images}.values():
        for remark in experiment.data().remarks:
            echo(f"{experiment.dataset_name}: {remark}", err=True)


def numbers(values: Iterable[float], form: str = ".3f") -> str:
    """Format numbers, one per layer, in one cell of a table."""
    return " ".join(format(value, form) for value in values)


def duration(seconds: float) -> str:
    """Format a time span to two figures.

    Examples
    --------
    >>> duration(8.25), duration(75), duration(7530)
    ('8.2 s', '1 min 15 s', '2 h 5 min')
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"
