"""Figures of goodness functions crossed with activations."""

from collections.abc import Iterable, Sequence
from itertools import cycle, product

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure

from fflib import wording
from fflib.activation import ACTIVATIONS
from fflib.book.figures import style
from fflib.book.figures.panels import (
    estimate_rows,
    means,
    on_colour,
    on_layers,
    runs_by_layer,
    shifts,
)
from fflib.goodness import BUILT_IN
from fflib.presets import preset
from fflib.records.stores import Record
from fflib.statistics import mean_interval
from fflib.study.analyses.goodness_choice import MEASURES, by_combination, goodness_name

__all__ = ["by_layer", "heat_maps", "negatives_and_order", "over_thresholds"]

BY_LAYER = {
    "hoyer": "Hoyer sparseness",
    "active_fraction": "active units",
    "negative_weights": "negative weights",
}
"""Numbers of a layer by which goodness functions are compared."""


def by_layer(records: Iterable[Record]) -> Figure:
    """Draw what layers are like under goodness functions, including functions of one's own.

    The runs differ in goodness and seed. There is a panel for each number and a series for each
    goodness: points are runs, lines means.
    """
    runs: dict[str, list[Record]] = {}
    for record in records:
        runs.setdefault(record.experiment.goodness or "", []).append(record)
    looks = cycle(map(style.looks, style.MODEL_COLOURS))
    series = list(zip(runs.items(), looks, shifts(len(runs), 0.16), strict=False))
    figure, [axes] = style.axes_grid(1, len(BY_LAYER), 2.9)
    for ax, (quantity, title) in zip(axes, BY_LAYER.items(), strict=True):
        for (name, found), look, shift in series:
            values = [on_layers(record, quantity) for record in found]
            runs_by_layer(ax, values, label=goodness_name(name), shift=shift, **look)
        ax.set_title(title)
    style.letter(axes)
    style.legend(figure, axes[0], columns=len(runs))
    return figure


def heat_maps(
    records: Iterable[Record],
    *,
    measures: Sequence[str] = tuple(MEASURES),
    goodness: Sequence[str] = BUILT_IN,
    activations: Sequence[str] = tuple(ACTIVATIONS),
) -> Figure:
    """Draw measures of every combination of goodness (rows) and activation (columns).

    The runs are at the threshold of each combination; the measures are names in
    :data:`fflib.study.analyses.goodness_choice.MEASURES`, and each has a row of panels, one for
    each data set. Every cell holds the mean over runs with half the width of its 95 % interval, or
    a cross where the combination learns at no threshold.
    """
    table = by_combination(records)
    # Where nothing learns, crosses are all there is.
    datasets = list(table["dataset"].unique()) or [""]
    width = style.WIDTH if len(datasets) > 1 else style.WIDTH / 2
    figure, grid = style.axes_grid(
        len(measures), len(datasets), 0.2 + 2.3 * len(measures), width, sharex=True, sharey=True
    )
    for axes, measure in zip(grid, measures, strict=True):
        scale = (0, 1) if table.empty else (table[measure].min(), table[measure].max())
        for ax, dataset in zip(axes, datasets, strict=True):
            here = table[table["dataset"] == dataset]
            values = {
                cell: runs[measure] for cell, runs in here.groupby(["goodness", "activation"])
            }
            cells = [[values.get((g, a)) for a in activations] for g in goodness]
            image = _heat_map(ax, cells, *scale)
            named = (MEASURES[measure], wording.dataset_name(dataset))
            ax.set_title(", ".join(filter(None, named)), fontsize="small")
        figure.colorbar(image, ax=axes, shrink=0.9)
    grid[0, 0].set_xticks(
        np.arange(len(activations)) + 0.5, [goodness_name(a) for a in activations]
    )
    grid[0, 0].set_yticks(np.arange(len(goodness)) + 0.5, [goodness_name(g) for g in goodness])
    grid[0, 0].set_ylim(len(goodness), 0)
    return figure


def _heat_map(
    ax: Axes, cells: Sequence[Sequence[pd.Series | None]], low: float, high: float
) -> QuadMesh:
    """Draw the mean of the runs of every cell, written on its colour, and a cross for none."""
    for row, column in np.ndindex(len(cells), len(cells[0])):
        runs = cells[row][column]
        said, size, colour = "×", 14, style.GREY
        if runs is not None:
            found = mean_interval(runs)
            said, size = found.give_or_take(".2f", "\n±"), 8
            colour = "white" if found.mean < (low + high) / 2 else "black"
        on_colour(ax, column + 0.5, row + 0.5, said, colour, size=size)
    averages = [[np.nan if runs is None else runs.mean() for runs in row] for row in cells]
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return ax.pcolormesh(averages, vmin=low, vmax=high, edgecolors="white", lw=1)


def over_thresholds(records: Iterable[Record]) -> Figure:
    """Draw accuracy, sparseness, overlap and negative weights as a function of the threshold.

    The runs have rectified units under the ℓ₂ goodness; those with fixed negatives in sequential
    order are drawn. There is a panel per measure and a line per data set: means over runs with 95 %
    intervals.
    """
    table = by_combination(records)
    table = table[(table["negatives"] == "fixed") & (table["order"] == "sequential")]
    figure, [axes] = style.axes_grid(1, len(MEASURES), 2.6)
    for ax, (measure, label) in zip(axes, MEASURES.items(), strict=True):
        means(ax, table, "theta", measure, "dataset", _looks(table), native_scale=True)
        _title(ax, label)
        ax.set_xlabel("threshold θ")
    style.legend(figure, axes[0], "upper center")
    return figure


def negatives_and_order(records: Iterable[Record]) -> Figure:
    """Draw what negatives and the order of training change.

    Runs at other thresholds than the usual one are left out. There is a panel per measure and a row
    per kind of negatives and order: means over runs with 95 % intervals, and the runs as small
    dots.
    """
    table = by_combination(records)
    table = table[table["theta"] == preset("relu-l2", "ff", "mnist")["theta"].value]
    kinds = product(("fixed", "resampled", "hard"), ("sequential", "simultaneous"))
    rows = [f"{negatives}, {order}" for negatives, order in kinds]
    looks = _looks(table)
    figure, [axes] = style.axes_grid(1, len(MEASURES), 3.0, sharey=True)
    estimate_rows(
        axes, table.assign(row=table["negatives"] + ", " + table["order"]), "row", rows, MEASURES,
        lambda _, dataset: dict(zip(("color", "marker"), looks[dataset], strict=False)),
    )  # fmt: skip
    for ax, label in zip(axes, MEASURES.values(), strict=True):
        _title(ax, label)
        ax.locator_params(axis="x", nbins=3)
        ax.tick_params(axis="x", labelsize="small")
    handles = [
        style.entry(name, colour, marker=marker, ms=6, ls="")
        for colour, marker, name in looks.values()
    ]
    style.legend(figure, handles, "upper center")
    return figure


def _title(ax: Axes, label: str) -> None:
    ax.set_title(label.replace(" above rest", "\nabove rest"), fontsize="small")


def _looks(table: pd.DataFrame) -> dict[str, tuple[str, str, str]]:
    """Return colour, marker and name of each data set."""
    colours = (style.MODEL_COLOURS[model] for model in ("ff", "bp", "bp-ff"))
    return {
        dataset: (colour, marker, wording.dataset_name(dataset))
        for dataset, colour, marker in zip(table["dataset"].unique(), colours, "os^", strict=False)
    }
