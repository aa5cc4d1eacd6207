"""A drawing of what Forward-Forward does, for newcomers."""

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Arc, Circle, FancyArrowPatch, Rectangle

from fflib.book.figures import style

__all__ = ["right_and_wrong"]

LIT, LABELS = {"right": 3, "wrong": 7}, 10
# Which of a layer's units are active, from the first layer to the last.
ACTIVE = {"right": ({1, 4}, {0, 3}, {2, 5}), "wrong": (set(), set(), set())}
UNITS = 6


def right_and_wrong() -> Figure:
    """Draw a picture with its right label and with a wrong one, and what three layers do.

    There are two columns, to be read from below: a picture with a strip of pixels on its border,
    one of them lit, and three layers of units above it, excited on the left and calm on the right.

    Examples
    --------
    >>> len(right_and_wrong().axes)
    2
    """
    # Wide enough for a column of text on a phone, where a wider figure would be shrunk.
    figure, axes = plt.subplots(1, 2, figsize=(4.0, 4.3))
    for ax, pair in zip(axes, ACTIVE, strict=True):
        _column(ax, pair)
    return figure


def _column(ax: Axes, pair: str) -> None:
    colour = {"right": style.POSITIVE, "wrong": style.NEGATIVE}[pair]
    ax.set_title(f"{pair} label", loc="center", color=style.INK, weight="bold", size=12)
    _picture(ax, LIT[pair])
    for depth, active in enumerate(ACTIVE[pair], start=1):
        y = 1.08 + 0.42 * (depth - 1) + 0.22
        ax.add_patch(
            FancyArrowPatch(
                (0.5, y - 0.24), (0.5, y - 0.1), arrowstyle="-|>", mutation_scale=11,
                color=style.GREY, lw=1.2, shrinkA=0, shrinkB=0,
            )
        )  # fmt: skip
        for unit in range(UNITS):
            on = unit in active
            ax.add_patch(
                Circle(
                    ((unit + 0.5) / UNITS, y), 0.062, lw=1.2,
                    edgecolor=colour if on else style.GREY, facecolor=colour if on else "white",
                )
            )  # fmt: skip
    verdict = {"right": "every layer:\nbe excited", "wrong": "every layer:\nkeep calm"}[pair]
    ax.text(0.5, 2.3, verdict, ha="center", va="bottom", size=11, color=style.INK)
    ax.set_xlim(-0.06, 1.06)
    ax.set_ylim(-0.24, 2.66)
    ax.set_aspect("equal")
    ax.set_axis_off()


def _picture(ax: Axes, lit: int) -> None:
    ax.add_patch(Rectangle((0.08, 0), 0.84, 0.98, facecolor="0.15", edgecolor="none"))
    for y, size, ends in ((0.625, 0.33, (-90, 155)), (0.27, 0.38, (-155, 90))):  # a 3
        ax.add_patch(
            Arc((0.48, y), size * 1.1, size, theta1=ends[0], theta2=ends[1], color="white", lw=6)
        )
    for label in range(LABELS):
        width = 0.84 / LABELS
        face = "white" if label == lit else "0.4"
        ax.add_patch(
            Rectangle((0.08 + label * width, 0.9), 0.8 * width, 0.07, facecolor=face, lw=0)
        )
    ax.text(0.5, -0.05, f"“this is a {lit}”", ha="center", va="top", size=11, color=style.INK)
