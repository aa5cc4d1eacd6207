"""Figures of the ladder from back-propagation to Forward-Forward."""

from collections.abc import Iterable
from typing import Literal

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fflib import wording
from fflib.book.figures import style
from fflib.book.figures.panels import estimate, shifts
from fflib.records.stores import Record
from fflib.study.analyses.ablation import RUNGS, by_rung

__all__ = ["ladder", "sparseness_by_rate"]

QUANTITIES = {
    "hoyer": "Hoyer\nsparseness",
    "overlap": "Jaccard index\nof two classes",
    "negative": "share of\nnegative weights",
    "accuracy": "accuracy",
}

FILLS: tuple[Literal["full", "none"], ...] = ("full", "none")
"""Data sets in their order: filled markers, hollow ones."""


def ladder(records: Iterable[Record]) -> Figure:
    """What every rung of the ladder comes to.

    Parameters
    ----------
    records : iterable of Record
        Runs at one learning rate.

    Returns
    -------
    Figure
        A panel each for sparseness, overlap of ensembles, share of negative weights (means over
        layers) and accuracy, with a row per rung. A marker is the mean over runs with its 95 %
        interval, small dots are runs; filled and hollow markers tell the data sets apart.
    """
    table = by_rung(records)
    names = [rung.name for rung in RUNGS if rung.name in set(table["rung"])]
    datasets = list(dict.fromkeys(table["dataset"]))
    figure, axes = plt.subplots(
        1, len(QUANTITIES), figsize=(style.WIDTH, 0.9 + 0.42 * len(names)), sharey=True
    )
    for ax, (quantity, label) in zip(axes, QUANTITIES.items(), strict=True):
        for shift, fill, dataset in zip(shifts(len(datasets)), FILLS, datasets, strict=False):
            here = table[table["dataset"] == dataset]
            for row, name in enumerate(names):
                model = next(rung.fields["model"] for rung in RUNGS if rung.name == name)
                estimate(
                    ax,
                    here.loc[here["rung"] == name, quantity],
                    row + shift,
                    colour=style.MODEL_COLOURS[model],
                    filled=fill == "full",
                )
        ax.set_xlabel(label, fontsize="small")
        ax.grid(axis="x", lw=0.5, color="0.9")
        ax.tick_params(axis="y", length=0)
    axes[0].set_yticks(range(len(names)), names)
    axes[0].set_ylim(len(names) - 0.5, -0.5)
    style.letter(axes)
    if len(datasets) > 1:
        handles = [
            Line2D([], [], ls="", marker="o", color=style.INK, fillstyle=fill, label=name)
            for fill, name in zip(FILLS, map(wording.dataset_name, datasets), strict=False)
        ]
        figure.legend(handles=handles, loc="outside upper right", ncols=len(handles))
    return figure


def sparseness_by_rate(records: Iterable[Record]) -> Figure:
    """Sparseness of every rung as a function of the learning rate.

    Parameters
    ----------
    records : iterable of Record
        Runs of a sweep over learning rates.

    Returns
    -------
    Figure
        A panel per data set, a line per rung: Hoyer sparseness averaged over the layers, mean over
        runs with the runs as points.
    """
    table = by_rung(records)
    datasets = list(dict.fromkeys(table["dataset"]))
    figure, grid = plt.subplots(
        1, len(datasets), figsize=(style.WIDTH, 3.4), sharey=True, squeeze=False
    )
    dashes = {"local": (1, 1), "+ norm": (3, 1)}
    for ax, dataset in zip(grid[0], datasets, strict=True):
        here = table[table["dataset"] == dataset]
        for found in RUNGS:
            runs = here[here["rung"] == found.name]
            if runs.empty:
                continue
            colour = style.MODEL_COLOURS[found.fields["model"]]
            marker = style.MARKERS[found.fields["model"]]
            means = runs.groupby("learning_rate")["hoyer"].mean()
            line = dashes.get(found.name, (None, None))
            ax.plot(means.index, means, color=colour, marker=marker, label=found.name, dashes=line)
            ax.plot(runs["learning_rate"], runs["hoyer"], marker, color=colour, ms=3, alpha=0.4)
        ax.set_xscale("log")
        rates = sorted(here["learning_rate"].unique())
        ax.set_xticks(rates, [f"{rate:g}" for rate in rates])
        ax.minorticks_off()
        ax.set_title(wording.dataset_name(dataset))
        ax.set_xlabel("learning rate")
        ax.grid(axis="y", lw=0.5, color="0.9")
    grid[0, 0].set_ylabel("Hoyer sparseness, mean over layers")
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels))
    return figure
