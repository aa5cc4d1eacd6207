"""How every figure of the book looks: one palette, one set of names, one type size.

The hues are told apart with any form of colour vision and by their lightness, and a marker or a
pattern repeats what a colour says. Figures stand on white: the book's theme dims it in the dark.
"""

from collections.abc import Iterable
from typing import Any

import matplotlib as mpl
from IPython.core.getipython import get_ipython
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib_inline.backend_inline import set_matplotlib_formats

__all__ = [
    "GREY",
    "INK",
    "MARKERS",
    "MODEL_COLOURS",
    "NEGATIVE",
    "OVERLAP_MAP",
    "POSITIVE",
    "SIGNED_MAP",
    "WIDTH",
    "layer_colours",
    "letter",
    "use",
]

WIDTH = 7.2
"""Width of a figure in inches: a column of the book, about 700 pixels."""

INK, GREY = "#222222", "#767676"

MODEL_COLOURS = {
    "ff": "#0072B2",
    "bp-ff": "#009E73",
    "bp": "#D55E00",
    "local-bp": "#E69F00",
    "local-contrast": "#7A5195",
}
MARKERS = {"ff": "o", "bp-ff": "s", "bp": "^", "local-bp": "v", "local-contrast": "D"}

POSITIVE, NEGATIVE = "#B8860B", "#5E3C99"
"""Positive and negative examples; also weights above and below zero."""

OVERLAP_MAP = "cividis"
"""Colour map of shares and counts, from none to all."""
SIGNED_MAP = "PuOr_r"
"""Colour map of values on both sides of zero."""

_RC: dict[Any, Any] = {
    "figure.figsize": (WIDTH, 3.2),
    "figure.constrained_layout.use": True,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": "medium",
    "axes.titlelocation": "left",
    "font.size": 10,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "lines.markersize": 5,
    "image.cmap": OVERLAP_MAP,
    "svg.hashsalt": "fflib",  # the same figure gives the same file
}


def use() -> None:
    """Give every figure that follows the book's looks; in a notebook, also make it an SVG."""
    mpl.rcParams.update(_RC)
    if get_ipython() is not None:
        set_matplotlib_formats("svg", metadata={"Date": None})


def layer_colours(layers: int) -> list[str]:
    """One colour per hidden layer, from dark (the first) to light."""
    shade = mpl.colormaps["viridis"]
    return [to_hex(shade(0.05 + 0.6 * depth / max(layers - 1, 1))) for depth in range(layers)]


def letter(axes: Iterable[Axes]) -> None:
    """Mark panels a, b, c, ... in front of their titles, so that a caption can refer to them."""
    for mark, ax in zip("abcdefghijklmnopqrstuvwxyz", axes, strict=False):
        ax.set_title(f"{mark}  {ax.get_title(loc='left')}".rstrip(), loc="left")
