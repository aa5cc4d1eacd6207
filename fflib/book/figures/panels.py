"""Panels that several figures are made of."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike, NDArray

from fflib import wording
from fflib.book.figures import style
from fflib.records.stores import Record
from fflib.statistics import mean_interval
from fflib.study.evidence import where

__all__ = [
    "by_model", "colour_key", "estimate", "estimate_rows", "matrix", "means", "models_by_layer",
    "on_colour", "on_layers", "runs_by_layer", "shifts", "wall", "wall_order",
]  # fmt: skip


def shifts(series: int, width: float = 0.3) -> NDArray[np.float64]:
    """Return sideways offsets that keep the points of several series apart, centred on zero."""
    return np.linspace(-width / 2, width / 2, series) if series > 1 else np.zeros(1)


def estimate(
    ax: Axes,
    values: ArrayLike,
    y: float,
    *,
    color: str,
    marker: str = "o",
    filled: bool = True,
    label: str | None = None,
) -> None:
    """Draw an estimate in the row at `y`: mean over runs, its 95 % interval, and the runs as dots.

    Values, of shape (run,), that are nan are left out; nothing is drawn where nothing is left.
    """
    runs = np.asarray(values, dtype=float)
    runs = runs[~np.isnan(runs)]
    if not len(runs):
        return
    found = mean_interval(runs)
    ax.plot([found.low, found.high], [y, y], color=color)
    face = color if filled else "white"
    ax.plot(found.mean, y, marker, color=color, mfc=face, ms=6, label=label)
    ax.plot(runs, np.full(len(runs), y + 0.13), ".", color=style.GREY, ms=2.5)


def estimate_rows(
    axes: Sequence[Axes],
    table: pd.DataFrame,
    column: str,
    names: Sequence[str],
    measures: Iterable[str],
    looks: Callable[[str, str], dict[str, Any]],
) -> None:
    """Draw estimates in rows, a panel for each measure and the data sets of a row side by side.

    The panels share their y axis. The table has a row per run, with ``dataset`` and the measures;
    `column` says to which of the rows, whose `names` stand from the top, a run belongs. `looks`
    gives the keyword arguments of :func:`estimate` for a row and a data set.
    """
    datasets = list(dict.fromkeys(table["dataset"]))
    for ax, measure in zip(axes, measures, strict=True):
        for shift, dataset in zip(shifts(len(datasets)), datasets, strict=True):
            here = table[table["dataset"] == dataset]
            for row, name in enumerate(names):
                runs = here.loc[here[column] == name, measure]
                estimate(ax, runs, row + shift, **looks(name, dataset))
        ax.grid(axis="x", lw=0.5, color="0.9")
    style.name_rows(axes[0], names)


def means(
    ax: Axes,
    table: pd.DataFrame,
    x: str,
    y: str,
    series: str,
    looks: Mapping[str, tuple[str, str, str]],
    **options: Any,
) -> None:
    """Draw means over runs with their 95 % intervals, a series for each value of a column.

    The table has a row per run and place. `x`, `y` and `series` are its columns: the place, the
    number, which is left out where it is nan, and the series. `looks` gives colour, marker and name
    of each series, in their order. Options are those of :func:`seaborn.pointplot`.
    """
    looks = {name: look for name, look in looks.items() if name in set(table[series])}
    colours, markers, labels = zip(*looks.values(), strict=True)
    first = len(ax.lines)
    sns.pointplot(
        table, x=x, y=y, hue=series, hue_order=list(looks), palette=list(colours),
        markers=list(markers), markersize=5, markeredgewidth=1, linewidth=1.8,
        errorbar=_interval, err_kws={"linewidth": 1}, legend=False, ax=ax,
        **{"dodge": False} | options,
    )  # fmt: skip
    drawn = [line for line in ax.lines[first:] if line.get_marker() in markers]
    for line, label in zip(drawn, labels, strict=True):
        line.set_label(label)
    ax.set(xlabel="", ylabel="")
    ax.autoscale(axis="x")


def _interval(runs: ArrayLike) -> tuple[float, float]:
    found = mean_interval(runs)
    return found.low, found.high


def runs_by_layer(
    ax: Axes,
    values: ArrayLike,
    *,
    color: str,
    marker: str,
    label: str | None = None,
    shift: float = 0.0,
    sizes: tuple[float, float] = (6, 3.5),
) -> None:
    """Draw one number per run and layer: a point for each run, a line through the means.

    Values, of shape (run, layer), that are nan are left out. The series is moved sideways by
    `shift` layers; `sizes` are those of the markers of means and of runs, in points.
    """
    runs = pd.DataFrame(np.asarray(values, dtype=float))
    depth = np.arange(1, runs.shape[1] + 1)
    of_means, of_runs = sizes
    ax.plot(depth + shift, runs.mean(), color=color, label=label, marker=marker, ms=of_means)
    points = np.broadcast_to(depth + shift, runs.shape)
    ax.plot(
        points.ravel(), runs.to_numpy().ravel(), color=color, marker=marker, ls="", ms=of_runs,
        alpha=0.45,
    )  # fmt: skip
    ax.set_xticks(depth)
    ax.set_xlim(0.6, depth[-1] + 0.4)
    ax.set_xlabel("hidden layer")


def by_model(records: Iterable[Record]) -> dict[str, list[Record]]:
    """Group records by model, in the order in which the book speaks of them."""
    records = list(records)
    found = {model: where(records, model=model) for model in style.MARKERS}
    return {model: runs for model, runs in found.items() if runs}


def models_by_layer(
    ax: Axes, models: Mapping[str, Sequence[Record]], measure: str | Callable[[Record], ArrayLike]
) -> None:
    """Draw one number per run and layer, a series for each model of :func:`by_model`.

    The measure is the name of a number of a layer on record, or a function that gives the numbers
    of all layers, shape (layer,), for a record.
    """
    read = measure if callable(measure) else partial(on_layers, quantity=measure)
    for (model, runs), shift in zip(models.items(), shifts(len(models), 0.16), strict=True):
        values = np.array([read(record) for record in runs])
        name = wording.model_name(model)
        runs_by_layer(ax, values, label=name, shift=shift, **style.looks(model))


def on_layers(record: Record, quantity: str) -> list[float]:
    """Return a number of every layer of a record."""
    return [getattr(layer, quantity) for layer in record.metrics.layers]


def wall_order(means: ArrayLike) -> NDArray[np.intp]:
    """Order units by the class that each prefers, the strongest first, silent ones last.

    Means have shape (class, unit), the result (unit,). A class that is nan is disregarded.

    Examples
    --------
    >>> wall_order([[0.0, 5.0, 0.1, 0.0], [0.0, 1.0, 0.9, 2.0]])
    array([1, 3, 2, 0])
    """
    strength = np.nan_to_num(np.asarray(means, dtype=float))
    preferred = np.where(strength.any(axis=0), strength.argmax(axis=0), len(strength))
    return np.lexsort((-strength.max(axis=0), preferred))


def wall(ax: Axes, means: ArrayLike, classes: Sequence[str]) -> None:
    """Draw class mean activations as a wall: a row per class, a column per unit.

    They have shape (class, unit). Columns are in the order of :func:`wall_order`. The brightest
    colour is that of the 99.5th percentile.
    """
    rows = np.asarray(means, dtype=float)
    top = float(np.nanquantile(rows, 0.995))
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

    Colours go from `low` to `high`. With a format such as ".0f", `numbers` stand in the cells.
    Return the image, for a colour bar.
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
                on_colour(ax, column, row, format(value, numbers), colour, size=8)
    return image


def on_colour(ax: Axes, x: float, y: float, said: str, colour: str, *, size: float) -> None:
    """Write on a coloured cell, around its middle; in the dark the text keeps its colour."""
    ax.text(x, y, said, ha="center", va="center", fontsize=size, color=colour, gid="on-colour")


def colour_key(figure: Figure, colours: Mapping[str, str]) -> None:
    """Explain colours above a figure, by what they mean."""
    handles = [
        Rectangle((0, 0), 1, 1, color=colour, label=name) for name, colour in colours.items()
    ]
    style.legend(figure, handles, "upper center", fontsize="small")
