"""The picture that represents the book in previews of links to it."""

import textwrap
from collections.abc import Sequence

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from fflib.book.figures import style
from fflib.book.figures.panels import wall

__all__ = ["SIZE", "card"]

SIZE = (1200, 630)
"""Pixels, in the proportion that previews of links have."""
DPI = 100


def card(means: ArrayLike, classes: Sequence[str], title: str, said: str) -> Figure:
    """Draw a wall of activations under a title, and under the wall a line on what it shows.

    Means have shape (class, unit): the mean activation of every unit of a layer for every class.
    The figure has :data:`SIZE` when it is saved at its own resolution.
    """
    width, height = (pixels / DPI for pixels in SIZE)
    figure = plt.figure(figsize=(width, height), dpi=DPI, layout="none", facecolor="white")
    figure.text(
        0.05, 0.92, textwrap.fill(title, 34), size=38, weight="bold", color=style.INK,
        va="top", linespacing=1.15,
    )  # fmt: skip
    axes = figure.add_axes((0.05, 0.15, 0.9, 0.45))
    wall(axes, means, classes)
    axes.set_axis_off()
    figure.text(0.05, 0.06, said, size=20, color=style.INK, va="bottom")
    return figure
