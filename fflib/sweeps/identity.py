"""Which versions a result depends on: of the package, of its code that computes, and of torch."""

import ast
import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path
from threading import Lock

import torch

__all__ = ["identity"]

# The rooms and files that decide what a run ends with. Figures, pages and commands do not.
COMPUTING = (
    *("activation", "data", "experiment", "goodness", "measures", "networks", "presets"),
    *("records/attribution", "records/borrowing", "records/curves", "records/distances"),
    *("records/drive", "records/halves", "records/links", "records/measure", "records/obtain"),
    *("records/probes", "records/schema", "records/timeline"),
    *("statistics", "training"),
)


# Python 3.11 raises a SystemError where two threads build syntax trees at the same time.
_PARSING = Lock()


def identity() -> dict[str, str]:
    """Return the versions of the package and of torch, and a digest of the code that computes.

    They are equal on all machines whose runs may stand side by side.

    Examples
    --------
    >>> list(identity())
    ['fflib', 'the code', 'torch']
    """
    with _PARSING:
        return _identity()


@cache
def _identity() -> dict[str, str]:
    digest = hashlib.sha256()
    folder = Path(__file__).parents[1]
    for path in sorted(folder.rglob("*.py")):
        place = path.relative_to(folder)
        if any(place.with_suffix("").is_relative_to(part) for part in COMPUTING):
            digest.update(f"{place.as_posix()}\n{_code(path)}\n".encode())
    return {
        "fflib": version("forward-forward-ensembles"),
        "the code": digest.hexdigest()[:12],
        "torch": torch.__version__.partition("+")[0],  # what follows names the device it is for
    }


def _code(path: Path) -> str:
    """Read a module without its docstrings, which decide nothing.

    Lines are left out rather than the syntax tree printed, whose form differs between versions of
    Python: machines with different ones may work together.
    """
    text = path.read_text(encoding="utf-8")
    described = {
        number
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
        for number in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    lines = enumerate(text.splitlines(), start=1)
    return "\n".join(line for number, line in lines if number not in described)
