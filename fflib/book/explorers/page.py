"""A panel that works on a static page: plain HTML, a style and a script, and the data in between.

What a panel is made of lies beside this module: ``KIND.html`` and ``KIND.js``, and for all of them
``explorer.css`` and ``explorer.js``. Nothing is loaded from elsewhere, and a table replaces the
panel where scripts do not run.
"""

import base64
import json
from functools import cache
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

import numpy as np
import pandas as pd
from IPython.display import HTML
from numpy.typing import ArrayLike

__all__ = ["bits", "encoded", "levels", "panel", "text"]

PAGE = Template("""<style>$style</style>
<noscript><p>This panel needs JavaScript. The table below holds what it shows, and a figure beside it
a part of it.</p></noscript>
<section class="fflib-explorer" id="$id" data-explorer="$kind" aria-label="$label" hidden>
$body
</section>
<details class="fflib-table"><summary>$caption</summary>
$table
</details>
<script>
(() => {
const root = document.getElementById("$id");
const data = $data;
$script
})();
</script>
""")


def panel(
    kind: str,
    key: str,
    data: dict[str, Any],
    *,
    label: str,
    table: pd.DataFrame,
    caption: str,
    scripts: tuple[str, ...] = (),
    **body: str,
) -> HTML:
    """Put a panel together.

    Its parts, of this `kind`, lie beside this module; `key` sets it apart from others of its kind
    on the page. `data` is what the script reads, as JSON; `label` is what a screen reader calls the
    panel. The table shows what the panel does, for readers without a script, and for those who
    prefer a table. `scripts` lie beside this module and run before that of the kind. `body` is what the
    HTML of the panel leaves open, escaped by the caller.

    Examples
    --------
    >>> table = pd.DataFrame({"units": [3]}, index=["class <0>"])
    >>> shown = panel("overlap", "a", {"runs": []}, label="Overlap", table=table, caption="Units")
    >>> "class &lt;0&gt;" in shown.data
    True
    """
    identifier = f"explorer-{kind}-{key}"
    # Inside a script nothing but "<" can end it or begin a comment.
    embedded = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return HTML(
        PAGE.substitute(
            style=text("explorer.css"),
            id=identifier,
            kind=kind,
            label=escape(label),
            body=Template(text(f"{kind}.html")).substitute(id=identifier, **body),
            caption=escape(caption),
            table=table.to_html(border=0, classes="explorer"),
            data=embedded.replace("<", "\\u003c"),
            script="".join(map(text, ("explorer.js", *scripts, f"{kind}.js"))),
        )
    )


@cache
def text(name: str) -> str:
    """Return the text of a file that lies beside this module."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def bits(members: ArrayLike) -> str:
    """Encode booleans, shape (..., unit), as base64, eight to a byte, each row from a byte of its own.

    Examples
    --------
    >>> bits([[True, False, False, False, False, False, False, True]])
    'gQ=='
    """
    return encoded(np.packbits(np.asarray(members, dtype=bool), axis=-1))


def levels(values: ArrayLike) -> tuple[str, list[float]]:
    """Encode the numbers of each layer as a byte each, from nothing to the layer's largest.

    Values have shape (layer, ...); what is below zero or nan becomes 0. Return base64, in C order,
    and for each layer the number that 255 stands for; 1 where nothing is above zero.

    Examples
    --------
    >>> levels([[0.0, 2.0], [-1.0, 0.0]])
    ('AP8AAA==', [2.0, 1.0])
    """
    rows = np.nan_to_num(np.asarray(values, dtype=float), posinf=0, neginf=0).clip(min=0)
    tops = rows.reshape(len(rows), -1).max(axis=1)
    tops[tops == 0] = 1
    scaled = rows / tops.reshape(-1, *[1] * (rows.ndim - 1)) * 255
    return encoded(scaled.round().astype(np.uint8)), [float(top) for top in tops]


def encoded(array: np.ndarray) -> str:
    """Encode the bytes of an array, in C order, as base64.

    Examples
    --------
    >>> encoded(np.array([1.0], dtype=np.float32))
    'AACAPw=='
    """
    return base64.b64encode(array.tobytes()).decode()
