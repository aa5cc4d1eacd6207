"""How every figure of the book looks: one palette, one set of names, one type size.

Hues can be distinguished with any form of colour vision and by their lightness, and a marker or a
pattern repeats what a colour says. Figures stand on white; :mod:`fflib.book.site.figures` makes dark
versions of them.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
from IPython.core.getipython import get_ipython
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import XAxis, YAxis
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter
from numpy.typing import NDArray

from fflib.book.tables import look

__all__ = [
    "AGREEMENT", "GREY", "IMAGE", "INK", "LABEL", "MARKERS", "MODEL_COLOURS", "NEGATIVE", "OVERLAP_MAP", "POSITIVE",
    "SIGNED_MAP", "WIDTH", "axes_grid", "bounds", "entry", "layer_colours", "legend", "letter",
    "log_scale", "looks", "name_rows", "use",
]  # fmt: skip

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

IMAGE, LABEL, AGREEMENT = "#4A86B8", "#E6A817", "#B5446E"
"""What follows the image, the label it carries, or that the two agree."""

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
    "text.parse_math": False,  # names of classes and folders may hold any sign
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "lines.markersize": 5,
    "image.cmap": OVERLAP_MAP,
    "svg.hashsalt": "fflib",  # the same figure gives the same file
}


def use() -> None:
    """Apply the book's style to every figure and, in a notebook, table that follows; draw figures as SVG there."""
    mpl.rcParams.update(_RC)
    look.use()
    if get_ipython() is not None:
        # It looks for the kernel when it is imported, which in a warm kernel is not there yet.
        from matplotlib_inline.backend_inline import set_matplotlib_formats

        set_matplotlib_formats("svg", metadata={"Date": None})


def looks(model: str) -> dict[str, Any]:
    """Return colour and marker of a model, as keyword arguments of matplotlib.

    Examples
    --------
    >>> looks("ff")
    {'color': '#0072B2', 'marker': 'o'}
    """
    return {"color": MODEL_COLOURS[model], "marker": MARKERS[model]}


def layer_colours(layers: int) -> list[str]:
    """Return one colour per hidden layer, from dark (the first) to light."""
    shade = mpl.colormaps["viridis"]
    return [to_hex(shade(0.05 + 0.6 * depth / max(layers - 1, 1))) for depth in range(layers)]


def axes_grid(
    rows: int, columns: int, height: float, width: float = WIDTH, **options: Any
) -> tuple[Figure, NDArray[Any]]:
    """Create a figure and its panels, an array of shape (rows, columns).

    Height and width are those of the figure, in inches. Options are those of
    :func:`matplotlib.pyplot.subplots`.
    """
    return plt.subplots(rows, columns, figsize=(width, height), squeeze=False, **options)


def letter(axes: Iterable[Axes]) -> None:
    """Mark panels a, b, c, ... in front of their titles, so that a caption can refer to them."""
    for mark, ax in zip("abcdefghijklmnopqrstuvwxyz", axes, strict=False):
        ax.set_title(f"{mark}  {ax.get_title(loc='left')}".rstrip(), loc="left")


def entry(label: str, color: str = INK, **looks: Any) -> Line2D:
    """Return a line that stands in a legend only."""
    return Line2D([], [], color=color, label=label, **looks)


def legend(
    figure: Figure,
    shown: Axes | Iterable[Artist],
    place: str = "upper right",
    columns: int = 3,
    **options: Any,
) -> None:
    """Put one legend for all panels outside of them, at most `columns` entries side by side.

    It explains the labelled series of the panel `shown`, or these entries. `place` is where it
    stands, such as "upper right"; options are those of :meth:`matplotlib.figure.Figure.legend`.
    """
    handles = shown.get_legend_handles_labels()[0] if isinstance(shown, Axes) else shown
    figure.legend(handles=list(handles), loc=f"outside {place}", ncols=columns, **options)  # type: ignore[call-overload]


def name_rows(ax: Axes, names: Sequence[str], **options: Any) -> None:
    """Name the rows of a panel at 0, 1, ... from the top; options are those of the text."""
    ax.set_yticks(range(len(names)), list(names), **options)
    ax.set_ylim(len(names) - 0.5, -0.5)


def bounds(axis: XAxis | YAxis, bound: float, chance: float | None = None) -> None:
    """Draw the bound of a criterion across a panel as a dashed line, and chance as a dotted one.

    Lines are vertical where `axis` is the x axis of a panel, and horizontal where it is the y axis.
    """
    line = axis.axes.axvline if axis.axis_name == "x" else axis.axes.axhline
    if chance is not None:
        line(chance, color=GREY, lw=1, ls=":")
    line(bound, color=INK, lw=1, ls="--")


def log_scale(axis: XAxis | YAxis, steps: Sequence[float] = (1, 2, 5)) -> None:
    """Make an axis logarithmic, with plain numbers at these multiples of powers of ten."""
    axis.axes.set(**{f"{axis.axis_name}scale": "log"})
    axis.set_major_locator(LogLocator(subs=steps))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(NullFormatter())
