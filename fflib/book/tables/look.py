"""How every table of the book looks: one head, words for fields, three significant digits, a minus.

A notebook shows all its tables so once :func:`fflib.book.figures.style.use` has been called.
"""

import math
import re
from collections.abc import Callable, Hashable, Sequence
from html import escape
from itertools import groupby
from typing import Any

import numpy as np
import pandas as pd
from IPython.core.getipython import get_ipython

from fflib import wording

__all__ = ["LONG", "cells", "html", "use"]

LONG = 12
"""Rows of a table that fits a screen; a page sorts longer ones, see ``chapters/_static/tables.js``."""

WORDS = {"dataset": "data set", "hoyer": "Hoyer sparseness", "lr": "learning rate"}
WORDS |= {f"{name}{n}": f"sparseness, layer {n}" for name in ("s", "hoyer ") for n in (1, 2, 3)}
NAMES: dict[Hashable, Callable[[str], str]] = {
    "dataset": wording.dataset_name,
    "protocol": wording.protocol_name,
    "model": wording.model_name,
    "rule": wording.rule_name,
    "field": lambda name: _word(name),
}
NOTHING = "–"
NUMBER = re.compile(r"[−+]?[\d∞]")
NO_NUMBER = {"nan": NOTHING, "inf": "∞", "-inf": "−∞"}
MINUS_NOTHING = re.compile(r"−(0(?:\.0+)?%?)(?![\d.])")
NOT_FINITE = re.compile(r"\bnan\b|-?\binf\b")


def use() -> None:
    """Show every table of pandas that a notebook displays as :func:`html` writes it."""
    shell = get_ipython()
    if shell is not None and shell.display_formatter is not None:
        for kind in (pd.DataFrame, pd.Series):
            shell.display_formatter.formatters["text/html"].for_type(kind, html)


def html(table: pd.DataFrame | pd.Series) -> str:
    """Write a table for readers.

    Names of the index and of the columns stand in one head, fields and their values in words. An
    index that only counts the rows is left out. In a table of more than `LONG` rows every row has
    its whole index, so that it can be sorted.

    Examples
    --------
    >>> runs = pd.DataFrame({"model": ["ff"], "learning_rate": [0.01], "gain": [-0.12345]})
    >>> html(runs).split("<tbody>")[0]
    '<table class="dataframe"><thead><tr><th>model</th><th class="number">learning rate</th><th class="number">gain</th></tr></thead>'
    >>> html(runs).split("<tbody>")[1]
    '<tr><td>FF</td><td class="number">0.01</td><td class="number">−0.123</td></tr></tbody></table>'
    """
    frame = table.to_frame(table.name or "") if isinstance(table, pd.Series) else table
    if not len(frame):
        return "<p>Nothing on record yet.</p>"
    counted = isinstance(frame.index, pd.RangeIndex) and frame.index.name is None
    levels = (
        [] if counted else [frame.index.get_level_values(i) for i in range(frame.index.nlevels)]
    )
    index = [cells(level.to_series(), level.name or "field") for level in levels]
    columns = [cells(column, name) for name, column in frame.items()]
    numbers = [all(NUMBER.match(t) for t in c if t not in ("", NOTHING)) for c in columns]
    spans = (
        _spans(index, len(frame)) if len(frame) <= LONG else np.ones((len(frame), len(index)), int)
    )
    rows = []
    for row in range(len(frame)):
        heads = [
            f'<th scope="row"{_over("row", span)}>{_text(level[row])}</th>'
            for level, span in zip(index, spans[row], strict=True)
            if span
        ]
        values = [_cell("td", c[row], n) for c, n in zip(columns, numbers, strict=True)]
        rows.append(f"<tr>{''.join(heads + values)}</tr>")
    kind = "dataframe long" if len(frame) > LONG else "dataframe"
    head = _head(frame, [_word(name) for name in frame.index.names] if index else [], numbers)
    return f'<table class="{kind}"><thead>{head}</thead><tbody>{"".join(rows)}</tbody></table>'


def cells(column: pd.Series, name: Hashable = None) -> list[str]:
    """Write the values of a column, whose name says whether they are names of something.

    Floats have at most three significant digits, and as many decimals as the largest needs; where
    that would leave nothing of the smallest, each has its own. What is missing is a dash.

    Examples
    --------
    >>> cells(pd.Series([0.98765, -0.0123, None]))
    ['0.988', '−0.012', '–']
    >>> cells(pd.Series([1200.0, 0.00035])), cells(pd.Series([3.0, 1.0])), cells(pd.Series([0.5, 0.25]))
    (['1200', '0.00035'], ['3', '1'], ['0.50', '0.25'])
    >>> cells(pd.Series(["mnist"]), "dataset"), cells(pd.Series([True]))
    (['MNIST'], ['yes'])
    """
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        return _numbers(column.to_numpy(float, na_value=np.nan))
    return [_value(value, name) for value in column]


def _called(value: str, kind: Hashable) -> str:
    try:
        return NAMES[kind](value)
    except KeyError:  # of no such kind, or a name already
        return value


def _value(value: Any, kind: Hashable) -> str:
    if isinstance(value, str):
        return _words(_called(value, kind))
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        return _numbers(np.array([value]))[0]
    return NOTHING if value is None or value is pd.NA else _words(str(value))


def _words(text: str) -> str:
    text = wording.minus(NOT_FINITE.sub(lambda found: NO_NUMBER[found[0]], text))
    return MINUS_NOTHING.sub(r"\1", text)


def _numbers(values: np.ndarray) -> list[str]:
    size = np.abs(values[np.isfinite(values) & (values != 0)])
    places = max(0, 2 - math.floor(math.log10(size.max()))) if size.size else 0
    enough = (k for k in range(places) if np.allclose(size, size.round(k), rtol=0, atol=1e-12))
    places = next(enough, places)
    lost = size.size and size.min() < 0.5 * 10.0**-places
    return [_number(value, ".3g" if lost else f".{places}f") for value in values]


def _number(value: float, spec: str) -> str:
    if math.isnan(value):
        return NOTHING
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if abs(value) >= 1000:
        spec = ".0f"
    text = format(value, spec)
    return wording.minus(text if float(text) else text.removeprefix("-"))


def _word(name: Hashable) -> str:
    if name is None:
        return ""
    if isinstance(name, float):
        return wording.minus(f"{name:g}")
    return wording.minus(WORDS.get(str(name), str(name).replace("_", " ")))


def _title(name: Hashable, kind: Hashable) -> str:
    return _called(name, kind) if kind in NAMES and isinstance(name, str) else _word(name)


def _head(frame: pd.DataFrame, corners: Sequence[str], numbers: Sequence[bool]) -> str:
    """Write a row for each level of the columns, the names of the index over all of them."""
    levels = [frame.columns.get_level_values(i) for i in range(frame.columns.nlevels)]
    over = frame.columns.names[-1]
    if corners and not isinstance(levels[-1][0], str) and over is not None:
        # What numbers count must be said.
        corners = [*corners[:-1], f"{corners[-1]} ↓ {_word(over)} →".strip()]
    rows = ["".join(f"<th{_over('row', len(levels))}>{_text(name)}</th>" for name in corners)]
    rows += [""] * (len(levels) - 1)
    for depth, level in enumerate(levels[:-1]):
        for name, group in groupby(level):
            over = _text(_title(name, level.name))
            rows[depth] += f"<th{_over('col', len(list(group)))}>{over}</th>"
    rows[-1] += "".join(
        _cell("th", _title(name, levels[-1].name), number)
        for name, number in zip(levels[-1], numbers, strict=True)
    )
    return "".join(f"<tr>{row}</tr>" for row in rows)


def _spans(index: Sequence[Sequence[str]], rows: int) -> np.ndarray:
    """Count the rows of each entry of the index; 0 where the one above reaches."""
    spans = np.ones((rows, len(index)), int)
    for level in range(len(index) - 1):
        start = 0
        for row in range(1, rows):
            if all(index[i][row] == index[i][row - 1] for i in range(level + 1)):
                spans[start, level] += 1
                spans[row, level] = 0
            else:
                start = row
    return spans


def _over(side: str, span: int) -> str:
    return f' {side}span="{span}"' if span > 1 else ""


def _cell(tag: str, text: str, number: bool) -> str:
    kind = ' class="number"' if number else ""
    return f"<{tag}{kind}>{_text(text)}</{tag}>"


def _text(text: str) -> str:
    return escape(text, quote=False).replace("\n", "<br>")
