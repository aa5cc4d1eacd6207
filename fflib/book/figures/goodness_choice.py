"""Figures of goodness functions crossed with activations."""

from collections.abc import Iterable, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from fflib import wording
from fflib.activation import ACTIVATIONS
from fflib.book.figures import style
from fflib.book.figures.panels import estimate, runs_by_layer, shifts
from fflib.goodness import BUILT_IN
from fflib.presets import preset
from fflib.records.stores import Record
from fflib.statistics import mean_interval
from fflib.study.analyses.goodness_choice import MEASURES, by_combination, goodness_name

__all__ = ["by_layer", "heat_maps", "negatives_and_order", "over_thresholds"]

MARKERS = ("o", "s", "^")
"""Data sets in their order."""


BY_LAYER = {
    "hoyer": "Hoyer sparseness",
    "active_fraction": "active units",
    "negative_weights": "negative weights",
}
"""Numbers of a layer by which goodness functions are compared."""


def by_layer(records: Iterable[Record]) -> Figure:
    """What layers are like under goodness functions, one of somebody's own among them.

    Parameters
    ----------
    records : iterable of Record
        Runs that differ in goodness and seed.

    Returns
    -------
    Figure
        A panel for each number, a series for each goodness: points are runs, lines means.
    """
    runs: dict[str, list[Record]] = {}
    for record in records:
        runs.setdefault(record.experiment.goodness or "", []).append(record)
    colours = list(style.MODEL_COLOURS.values())
    marks = list(style.MARKERS.values())
    figure, axes = plt.subplots(1, len(BY_LAYER), figsize=(style.WIDTH, 2.9))
    for ax, (quantity, label) in zip(axes, BY_LAYER.items(), strict=True):
        for i, (name, found) in enumerate(runs.items()):
            values = [[getattr(layer, quantity) for layer in r.metrics.layers] for r in found]
            runs_by_layer(
                ax,
                values,
                colour=colours[i % len(colours)],
                marker=marks[i % len(marks)],
                label=goodness_name(name),
                shift=shifts(len(runs), 0.16)[i],
            )
        ax.set_title(label)
    style.letter(axes)
    handles = axes[0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside upper right", ncols=len(runs))
    return figure


def heat_maps(
    records: Iterable[Record],
    measure: str,
    *,
    goodness: Sequence[str] = BUILT_IN,
    activations: Sequence[str] = tuple(ACTIVATIONS),
) -> Figure:
    """One measure for every combination of goodness and activation.

    Parameters
    ----------
    records : iterable of Record
        Runs at the threshold of each combination.
    measure : str
        A name in :data:`fflib.study.analyses.goodness_choice.MEASURES`.
    goodness, activations : sequence of str
        Rows and columns.

    Returns
    -------
    Figure
        A panel per data set. In every cell the mean over runs with half the width of its 95 %
        interval; a cross where the combination learns at no threshold.
    """
    table = by_combination(records)
    datasets = _datasets(table) or [""]  # where nothing learns, crosses are all there is
    figure, axes = plt.subplots(
        1,
        len(datasets),
        figsize=(style.WIDTH if len(datasets) > 1 else style.WIDTH / 2, 3.1),
        sharey=True,
        gridspec_kw={"wspace": 0.06},
        squeeze=False,
    )
    low, high = (0, 1) if table.empty else (table[measure].min(), table[measure].max())
    for ax, dataset in zip(axes[0], datasets, strict=True):
        here = table[table["dataset"] == dataset]
        for row, g in enumerate(goodness):
            for column, a in enumerate(activations):
                values = here[(here["goodness"] == g) & (here["activation"] == a)][measure]
                if values.empty:
                    ax.text(
                        column + 0.5,
                        row + 0.5,
                        "×",
                        ha="center",
                        va="center",
                        color=style.GREY,
                        size=14,
                    )
                    continue
                found = mean_interval(values)
                colour = "white" if found.mean < (low + high) / 2 else "black"
                ax.text(
                    column + 0.5,
                    row + 0.5,
                    found.give_or_take(".2f", "\n±"),
                    ha="center",
                    va="center",
                    size=8,
                    color=colour,
                )
        means = here.groupby(["goodness", "activation"])[measure].mean().to_dict()
        grid = [[means.get((g, a), np.nan) for a in activations] for g in goodness]
        image = ax.pcolormesh(grid, vmin=low, vmax=high, edgecolors="white", lw=1)
        ax.set_ylim(len(goodness), 0)
        ax.set_xticks(np.arange(len(activations)) + 0.5, [goodness_name(a) for a in activations])
        ax.set_yticks(np.arange(len(goodness)) + 0.5, [goodness_name(g) for g in goodness])
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
        ax.set_title(wording.dataset_name(dataset))
    figure.colorbar(image, ax=axes[0], label=MEASURES[measure], shrink=0.9)
    return figure


def over_thresholds(records: Iterable[Record]) -> Figure:
    """Accuracy, sparseness, overlap and negative weights as a function of the threshold.

    Parameters
    ----------
    records : iterable of Record
        Runs of rectified units under the ℓ₂ goodness, with fixed negatives in sequential order.

    Returns
    -------
    Figure
        A panel per measure, a line per data set: means over runs with 95 % intervals.
    """
    table = by_combination(records)
    table = table[(table["negatives"] == "fixed") & (table["order"] == "sequential")]
    figure, axes = plt.subplots(1, len(MEASURES), figsize=(style.WIDTH, 2.6))
    for ax, (measure, label) in zip(axes, MEASURES.items(), strict=True):
        for marker, colour, dataset in zip(MARKERS, _colours(), _datasets(table), strict=False):
            groups = table[table["dataset"] == dataset].groupby("theta")[measure]
            found = {theta: mean_interval(values) for theta, values in groups}
            ax.plot(
                list(found), [x.mean for x in found.values()], marker=marker, color=colour,
                label=wording.dataset_name(dataset),
            )  # fmt: skip
            for theta, x in found.items():
                ax.plot([theta, theta], [x.low, x.high], color=colour, lw=1)
        ax.set_title(label.replace(" above rest", "\nabove rest"), fontsize="small")
        ax.set_xlabel("threshold θ")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return figure


def negatives_and_order(records: Iterable[Record]) -> Figure:
    """What negatives and the order of training change.

    Parameters
    ----------
    records : iterable of Record
        Runs that differ in these; those at other thresholds than the usual one are left out.

    Returns
    -------
    Figure
        A panel per measure, a row per kind of negatives and order; means over runs with 95 %
        intervals, and the runs as small dots.
    """
    table = by_combination(records)
    table = table[table["theta"] == preset("relu-l2", "ff", "mnist")["theta"].value]
    rows = [(n, o) for n in ("fixed", "resampled", "hard") for o in ("sequential", "simultaneous")]
    figure, axes = plt.subplots(1, len(MEASURES), figsize=(style.WIDTH, 3.0), sharey=True)
    datasets = _datasets(table)
    for ax, (measure, label) in zip(axes, MEASURES.items(), strict=True):
        for marker, colour, dataset, shift in zip(
            MARKERS, _colours(), datasets, shifts(len(datasets), 0.3), strict=False
        ):
            here = table[table["dataset"] == dataset]
            for row, (negatives, order) in enumerate(rows):
                runs = here[(here["negatives"] == negatives) & (here["order"] == order)][measure]
                name = wording.dataset_name(dataset) if row == 0 else None
                estimate(ax, runs, row + shift, colour=colour, marker=marker, label=name)
        ax.set_title(label.replace(" above rest", "\nabove rest"), fontsize="small")
        ax.grid(axis="x", lw=0.5, color="0.9")
        ax.locator_params(axis="x", nbins=3)
        ax.tick_params(axis="x", labelsize="small")
    axes[0].set_yticks(range(len(rows)), [f"{n}, {o}" for n, o in rows])
    axes[0].set_ylim(len(rows) - 0.5, -0.5)
    handles = {label: h for h, label in zip(*axes[0].get_legend_handles_labels(), strict=True)}
    figure.legend(handles.values(), handles, loc="outside upper center", ncols=3)
    return figure


def _datasets(table: pd.DataFrame) -> list[str]:
    return list(dict.fromkeys(table["dataset"]))


def _colours() -> tuple[str, ...]:
    return style.MODEL_COLOURS["ff"], style.MODEL_COLOURS["bp"], style.MODEL_COLOURS["bp-ff"]
