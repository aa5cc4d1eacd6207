"""What the widgets draw: figures turned into pictures that a screen reader can read, too."""

import base64
from collections.abc import Sequence
from html import escape
from io import BytesIO

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from fflib import wording
from fflib.book.figures import style
from fflib.book.figures.panels import colour_key, matrix
from fflib.book.figures.portraits import UNITS, profile, side_by_side
from fflib.book.figures.timeline import LEAVING, MEMBERS, membership_wall

__all__ = ["paragraph", "picture", "portrait_of", "shared_matrix", "wall_of"]


def paragraph(said: str) -> str:
    """Turn text into HTML, with nothing in it that could be taken for a tag.

    Examples
    --------
    >>> paragraph("class <0>")
    '<p>class &lt;0&gt;</p>'
    """
    return f"<p>{escape(said)}</p>"


def picture(figure: Figure, text: str) -> str:
    """Turn a figure into HTML, with what it shows as alternative text, and close the figure."""
    file = BytesIO()
    figure.savefig(file, format="png", dpi=110)
    plt.close(figure)
    source = base64.b64encode(file.getvalue()).decode()
    return (
        f'<img alt="{escape(text)}" src="data:image/png;base64,{source}" style="max-width: 100%">'
    )


def portrait_of(
    means: NDArray[np.floating],
    members: NDArray[np.bool_],
    images: NDArray[np.uint8],
    order: bool = True,
) -> Figure:
    """Draw one ensemble: mean activations above, the images that drive it below.

    There may be no images. Units stand strongest first, or in place without `order`.
    """
    heights = np.nan_to_num(means)
    with plt.ioff():
        figure, (ax, below) = plt.subplots(
            2, 1, figsize=(style.WIDTH, 3.2), height_ratios=[2, 1], layout="constrained"
        )
    profile(ax, heights, members, max(float(heights.max()), 1e-9), order)
    ax.set_xlabel("units, strongest first" if order else "units in place")
    ax.set_ylabel("mean activation")
    below.set_axis_off()
    if len(images):
        below.imshow(side_by_side(images), cmap="gray", interpolation="none")
    colour_key(figure, UNITS)
    return figure


def shared_matrix(
    shared: NDArray[np.integer], classes: Sequence[str], pair: Sequence[int]
) -> Figure:
    """Draw the numbers of shared units of all pairs, with a frame around the pair (row, column).

    On the diagonal stand the sizes of the ensembles.
    """
    off = ~np.eye(len(shared), dtype=bool)
    with plt.ioff():
        figure, ax = plt.subplots(figsize=(5.2, 4.4), layout="constrained")
    most = max(float(shared[off].max(initial=0)), 1.0)
    matrix(ax, shared, classes, classes, low=0, high=most, numbers=".0f")
    frame = Rectangle((pair[1] - 0.5, pair[0] - 0.5), 1, 1, fill=False, ec=LEAVING, lw=3)
    ax.add_patch(frame)
    return figure


def wall_of(now: NDArray[np.bool_], end: NDArray[np.bool_], classes: Sequence[str]) -> Figure:
    """Draw membership now and at the end of training, by layer: shape (layer, class, unit)."""
    with plt.ioff():
        figure, grid = style.axes_grid(len(now), 1, 1.6 * len(now), layout="constrained")
    names = wording.layer_names(len(now))
    for ax, here, last, name in zip(grid[:, 0], now, end, names, strict=True):
        membership_wall(ax, here, last, classes, name)
    colour_key(figure, MEMBERS)
    return figure
