"""Parts of a self-contained page: tables, and figures as data URLs."""

import base64
from collections.abc import Iterable, Sequence
from html import escape
from io import BytesIO

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

__all__ = ["Raw", "figure", "frame", "table"]


class Raw(str):
    """Text that is HTML already."""


def table(caption: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Build a table with a heading for each row and column, which scrolls inside itself.

    The first cell of a row is its heading. :class:`Raw` cells are HTML already.

    Examples
    --------
    >>> "<td>3 &lt; 4</td>" in table("Sums", ["sum", "is"], [["a", "3 < 4"]])
    True
    """
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in header)
    body = "\n".join(
        f'<tr><th scope="row">{_cell(first)}</th>{"".join(f"<td>{_cell(c)}</td>" for c in rest)}</tr>'
        for first, *rest in rows
    )
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}"><table>'
        f"<caption>{escape(caption)}</caption>\n<thead><tr>{head}</tr></thead>\n"
        f"<tbody>\n{body}\n</tbody></table></div>"
    )


def _cell(value: object) -> str:
    return value if isinstance(value, Raw) else escape(str(value))


def frame(caption: str, data: pd.DataFrame) -> str:
    """Build a table from a DataFrame, its index in the first columns."""
    flat = data.reset_index()
    return table(caption, [str(name) for name in flat.columns], flat.itertuples(index=False))


def figure(drawn: Figure, caption: str, alt: str) -> str:
    """Embed a figure as an SVG inside the page, and close the figure.

    `alt` says what it shows, for readers who do not see it.
    """
    file = BytesIO()
    drawn.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    plt.close(drawn)
    address = f"data:image/svg+xml;base64,{base64.b64encode(file.getvalue()).decode()}"
    label = escape(caption.partition(".")[0])
    return (
        f'<figure><div class="scroll" tabindex="0" role="region" aria-label="{label}">'
        f'<img src="{address}" alt="{escape(alt)}"></div>\n'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )
