"""Panels that several figures are made of."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from numpy.typing import ArrayLike, NDArray

from fflib.book.figures import style
from fflib.statistics import mean_interval

__all__ = ["estimate", "matrix", "runs_by_layer", "shifts", "wall", "wall_order"]


def shifts(series: int, width: float = 0.3) -> NDArray[np.float64]:
    """Sideways offsets that keep the points of several series apart, centred on zero."""
    return np.linspace(-width / 2, width / 2, series) if series > 1 else np.zeros(1)


def estimate(
    ax: Axes,
    values: ArrayLike,
    y: float,
    *,
    colour: str,
    marker: str = "o",
    filled: bool = True,
    label: str | None = None,
) -> None:
    """Draw what runs come to, in a row: their mean, its 95 % interval, and small dots for the runs.

    Parameters
    ----------
    ax : Axes
    values : array-like, shape (run,)
        nan is left out; nothing is drawn where nothing is left.
    y : float
        Where the row is.
    colour, marker, filled, label
        How the mean looks and is called.
    """
    runs = np.asarray(values, dtype=float)
    runs = runs[~np.isnan(runs)]
    if not len(runs):
        return
    found = mean_interval(runs)
    ax.plot([found.low, found.high], [y, y], color=colour)
    face = colour if filled else "white"
    ax.plot(found.mean, y, marker, color=colour, mfc=face, ms=6, label=label)
    ax.plot(runs, np.full(len(runs), y + 0.13), ".", color=style.GREY, ms=2.5)


def runs_by_layer(
    ax: Axes,
    values: ArrayLike,
    *,
    colour: str,
    marker: str,
    label: str | None = None,
    shift: float = 0.0,
) -> None:
    """Draw one number per run and layer: a point for each run, a line through the means.

    Parameters
    ----------
    ax : Axes
    values : array-like, shape (run, layer)
        nan is left out.
    colour, marker, label
        How the series looks and is called.
    shift : float
        Sideways, in layers.
    """
    runs = np.asarray(values, dtype=float)
    depth = np.arange(1, runs.shape[1] + 1)
    known = ~np.isnan(runs)
    total = np.where(known, runs, 0).sum(axis=0)
    mean = np.divide(total, known.sum(axis=0), out=np.full(len(depth), np.nan), where=known.any(0))
    ax.plot(depth + shift, mean, color=colour, label=label, marker=marker, markersize=6)
    points = np.broadcast_to(depth + shift, runs.shape)
    ax.plot(points.ravel(), runs.ravel(), color=colour, marker=marker, ls="", ms=3.5, alpha=0.45)
    ax.set_xticks(depth)
    ax.set_xlim(0.6, depth[-1] + 0.4)
    ax.set_xlabel("hidden layer")


def wall_order(means: ArrayLike) -> NDArray[np.intp]:
    """Order units by the class that each prefers, the strongest first, silent ones last.

    Parameters
    ----------
    means : array-like, shape (class, unit)
        Class mean activations; a class that is nan has no say.

    Returns
    -------
    ndarray of int, shape (unit,)

    Examples
    --------
    >>> wall_order([[0.0, 5.0, 0.1, 0.0], [0.0, 1.0, 0.9, 2.0]])
    array([1, 3, 2, 0])
    """
    strength = np.nan_to_num(np.asarray(means, dtype=float))
    preferred = np.where(strength.any(axis=0), strength.argmax(axis=0), len(strength))
    return np.lexsort((-strength.max(axis=0), preferred))


def wall(ax: Axes, means: ArrayLike, classes: Sequence[str], top: float) -> None:
    """Draw class mean activations as a wall: a row per class, a column per unit.

    Parameters
    ----------
    ax : Axes
    means : array-like, shape (class, unit)
        Columns are drawn in the order of :func:`wall_order`.
    classes : sequence of str
        Names of the rows.
    top : float
        The activation that gets the brightest colour.
    """
    rows = np.asarray(means, dtype=float)
    # Without interpolation an SVG holds one pixel per unit, whatever its size.
    ax.imshow(rows[:, wall_order(rows)], aspect="auto", vmin=0, vmax=top, interpolation="none")
    ax.set_yticks(range(len(classes)), list(classes))
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)


def matrix(
    ax: Axes,
    values: ArrayLike,
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    low: float,
    high: float,
    numbers: str | None = None,
    cmap: str = style.OVERLAP_MAP,
) -> AxesImage:
    """Draw a matrix with named rows and columns; what is nan stays blank.

    Parameters
    ----------
    ax : Axes
    values : array-like, shape (row, column)
    rows, columns : sequence of str
    low, high : float
        Ends of the colour scale.
    numbers : str, optional
        Format of a number in every cell, such as ".0f".
    cmap : str
        Colour map.

    Returns
    -------
    AxesImage
        For a colour bar.
    """
    cells = np.asarray(values, dtype=float)
    image = ax.imshow(cells, vmin=low, vmax=high, interpolation="none", cmap=cmap)
    ax.set_yticks(range(len(rows)), list(rows))
    upright = max(map(len, columns)) <= 2
    ax.set_xticks(range(len(columns)), list(columns), rotation=0 if upright else 90)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    if numbers is not None:
        for (row, column), value in np.ndenumerate(cells):
            if np.isfinite(value):
                colour = "white" if value < (low + high) / 2 else "black"
                text = format(value, numbers)
                ax.text(column, row, text, ha="center", va="center", fontsize=8, color=colour)
    return image
