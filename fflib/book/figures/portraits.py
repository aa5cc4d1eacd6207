"""Figures of single ensembles: how active units are for a class, and which images drive it."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from fflib.book.figures import style
from fflib.book.figures.panels import colour_key

__all__ = ["UNITS", "portraits", "profile", "side_by_side"]

OWN = style.MODEL_COLOURS["ff"]
UNITS = {"member of the ensemble": OWN, "other unit": style.GREY}
"""Colours of units, by what they mean."""

STEPS = 80  # from no activation to the top of a profile


def portraits(
    means: ArrayLike,
    ensembles: ArrayLike,
    classes: Sequence[str],
    images: Sequence[NDArray[np.uint8]] | None = None,
) -> Figure:
    """Draw the ensemble of every class in one layer.

    Mean activations and membership have shape (class, unit). Images, where given, are for each
    class those that drive its ensemble, shape (n, height, width), or (n, channels, height, width)
    for colour; there may be none. There is a row per class: the mean activations of all units, the
    strongest first, with those of members in another colour, and beside them the images. All rows
    have one scale.
    """
    rows, owned = np.nan_to_num(np.asarray(means, dtype=float)), np.asarray(ensembles, dtype=bool)
    widths = [1] if images is None else [1, 0.9]
    figure, grid = style.axes_grid(
        len(rows), len(widths), 0.5 * len(rows) + 0.9, sharex="col", width_ratios=widths
    )
    top = max(float(rows.max()), 1e-9)
    for label, (name, axes) in enumerate(zip(classes, grid, strict=True)):
        profile(axes[0], rows[label], owned[label], top)
        axes[0].set_ylabel(
            f"{name}\n{owned[label].sum()} units", rotation=0, ha="right", va="center",
            fontsize="small",
        )  # fmt: skip
        if images is not None:
            axes[1].set_axis_off()
            if len(images[label]):
                axes[1].imshow(side_by_side(images[label]), cmap="gray", interpolation="none")
                axes[1].set_anchor("W")
    grid[-1, 0].set_xlabel("units, strongest first")
    grid[0, 0].set_title("mean activation", fontsize="small")
    if images is not None:
        grid[0, 1].set_title("images that drive the ensemble", fontsize="small")
    colour_key(figure, UNITS)
    return figure


def profile(
    ax: Axes,
    means: NDArray[np.floating],
    members: NDArray[np.bool_],
    top: float,
    order: bool = True,
) -> None:
    """Draw the mean activations of a layer's units for one class, members in another colour.

    The upper end is the activation `top`; units stand strongest first, or in place without `order`.
    """
    units = np.argsort(-means, kind="stable") if order else np.arange(len(means))
    # As an image a figure holds a pixel per unit and step, where a path would hold four numbers.
    reached = np.arange(STEPS)[:, None] < (means[units] / top * STEPS).round()
    image = np.zeros((STEPS, len(means), 4))
    image[reached & members[units]] = to_rgba(OWN)
    image[reached & ~members[units]] = to_rgba(style.GREY)
    ax.imshow(
        image, origin="lower", aspect="auto", interpolation="none", extent=(0, len(means), 0, top)
    )
    ax.set_ylim(0, 1.05 * top)
    ax.set_xlim(0, len(means))
    ax.set_yticks([])
    ax.tick_params(labelsize="small")


def side_by_side(images: NDArray[np.uint8], gap: int = 2) -> NDArray[np.uint8]:
    """Put images in one row, with white between them.

    Examples
    --------
    >>> side_by_side(np.zeros((2, 1, 1), np.uint8), gap=1)
    array([[  0, 255,   0]], dtype=uint8)
    """
    tiles = images if images.ndim == 3 else np.moveaxis(images, 1, -1)
    white = np.full((tiles.shape[1], gap, *tiles.shape[3:]), 255, np.uint8)
    row = [part for tile in tiles for part in (white, tile)][1:]
    return np.concatenate(row, axis=1)
