"""Sparseness against accuracy over sweeps of learning rates, epochs and penalties on activity."""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from fflib import wording
from fflib.book.figures import style
from fflib.records.stores import Record
from fflib.study.analyses.matched_accuracy import SETTING, TOLERANCE, by_setting

__all__ = ["frontiers", "sparseness_by_rate"]

SAME_RATES = ("bp-ff",)
"""Models that are swept over the rates of BP: written once, they do not cover one another."""

BEST_DRAWN = 1e-6
"""An error below any that is drawn, up to which the settings that are compared are shaded."""

PANELS = {"hoyer": "mean over layers", "hoyer 1": "layer 1"}


def sparseness_by_rate(
    records: Iterable[Record], recorded: Mapping[str, pd.DataFrame] | None = None
) -> Figure:
    """Draw sparseness against accuracy at every learning rate and number of epochs of a sweep.

    There is a column per data set, with the mean over layers above and the first layer below. A
    marker is the mean over runs at one setting and grows with the learning rate; lines join the
    rates of one model and number of epochs, dashed for the smaller numbers; rates are written at
    the line of the largest, except those of BP/FF, which are BP's. The error, on a logarithmic
    scale, falls to the right. The settings that count as classifying as well as the best of FF are
    shaded.

    `recorded` holds, by data set, runs of others with ``model``, ``accuracy`` and first-layer
    sparseness ``s1``, drawn as stars in the panel of the first layer.
    """
    runs = by_setting(records)
    datasets = list(dict.fromkeys(runs["dataset"]))
    extremes = runs["learning_rate"].min(), runs["learning_rate"].max()
    figure, grid = style.axes_grid(len(PANELS), len(datasets), 6.6, sharex="col", sharey=True)
    for column, dataset in zip(grid.T, datasets, strict=True):
        here = runs[runs["dataset"] == dataset]
        for ax, quantity in zip(column, PANELS, strict=True):
            _panel(ax, here, quantity, extremes)
            ax.set_title(f"{wording.dataset_name(dataset)}, {PANELS[quantity]}")
        column[-1].set_xlabel("validation error (1 − accuracy)")
        for _, row in (recorded or {}).get(dataset, pd.DataFrame()).iterrows():
            colour = style.MODEL_COLOURS[row["model"]]
            column[-1].plot(
                1 - row["accuracy"], row["s1"], "*", color=colour, mec=style.INK, ms=15, zorder=5
            )
    for ax in grid[:, 0]:
        ax.set_ylabel("Hoyer sparseness")
        ax.set_ylim(0, 1.04)
    style.letter(grid.ravel())
    starred = any(len(rows) for data, rows in (recorded or {}).items() if data in datasets)
    style.legend(figure, _handles(runs, starred=starred), "upper center", columns=4)
    return figure


def frontiers(settings: pd.DataFrame) -> Figure:
    """Draw how sparse each network can be at an accuracy, a panel per data set.

    `settings` is a table of :func:`fflib.study.analyses.matched_accuracy.frontier`. Every setting is a faint
    marker; a line joins those on the frontier of a network. The error, on a logarithmic scale, falls to the
    right; the settings that classify as well as Forward-Forward at its best are shaded.
    """
    datasets = list(dict.fromkeys(settings["dataset"]))
    figure, grid = style.axes_grid(1, len(datasets), 3.6, sharey=True)
    for ax, dataset in zip(grid[0], datasets, strict=True):
        here = settings[settings["dataset"] == dataset].sort_values("accuracy")
        for network, rows in here.groupby("network", sort=False):
            look = style.looks(rows["model"].iloc[0])
            if rows["l1"].gt(0).any():
                look["color"] = style.INK
            best = rows[rows["best"]]
            ax.plot(
                1 - rows["accuracy"], rows["sparseness"], ls="", alpha=0.3, ms=5, mec="none", **look
            )
            ax.plot(1 - best["accuracy"], best["sparseness"], ms=6, label=network, **look)
        _limits(ax, here)
        ax.set_title(wording.dataset_name(dataset))
        ax.set_xlabel("validation error (1 − accuracy)")
    grid[0, 0].set_ylabel("Hoyer sparseness above rest")
    grid[0, 0].set_ylim(top=1)
    style.letter(grid[0])
    style.legend(figure, max(grid[0], key=lambda ax: len(ax.lines)), "upper center", columns=4)
    return figure


def _panel(ax: Axes, runs: pd.DataFrame, quantity: str, extremes: tuple[float, float]) -> None:
    means = runs.groupby(["model", *SETTING])[["accuracy", quantity]].mean().reset_index()
    longest = means["epochs"].max()
    for (model, epochs), line in means.groupby(["model", "epochs"]):
        rates = line.sort_values("learning_rate")
        error, colour = 1 - rates["accuracy"], style.MODEL_COLOURS[model]
        style_of_line = "-" if epochs == longest else "--"
        ax.plot(error, rates[quantity], style_of_line, color=colour, lw=1, alpha=0.8)
        sizes = np.interp(np.log(rates["learning_rate"]), np.log(extremes), (12, 75))
        ax.scatter(
            error, rates[quantity], s=sizes, marker=style.MARKERS[model], edgecolors=colour,
            color=colour if epochs == longest else "white", zorder=3,
        )  # fmt: skip
        if epochs == longest and model not in SAME_RATES:
            side, place = ("left", 6) if model == "bp" else ("right", -6)
            for x, y, rate in zip(error, rates[quantity], rates["learning_rate"], strict=True):
                text = ax.annotate(
                    f"{rate:g}", (x, y), (place, 0), textcoords="offset points", fontsize=7,
                    color=colour, ha=side, va="center", zorder=6,
                )  # fmt: skip
                text.set_path_effects([withStroke(linewidth=2, foreground="white", alpha=0.8)])
    _limits(ax, means)


def _limits(ax: Axes, settings: pd.DataFrame) -> None:
    """Let the error fall to the right, and shade where settings count as matched with FF."""
    if (ff := settings[settings["model"] == "ff"]).size:
        matched = 1 - ff["accuracy"].max() + TOLERANCE
        ax.axvspan(BEST_DRAWN, matched, color="0.94", lw=0, zorder=0)
    style.log_scale(ax.xaxis)
    ax.set_xlim((1 - settings["accuracy"].min()) * 1.2, (1 - settings["accuracy"].max()) / 1.8)


def _handles(runs: pd.DataFrame, *, starred: bool) -> list[Line2D]:
    lengths = sorted(runs["epochs"].unique(), reverse=True)
    models = [model for model in style.MARKERS if model in set(runs["model"])]
    handles = [style.entry(wording.model_name(m), ls="", ms=7, **style.looks(m)) for m in models]
    for epochs in lengths:
        face, line = (style.INK, "-") if epochs == lengths[0] else ("white", "--")
        handles.append(style.entry(f"{epochs} epochs", marker="o", ms=6, lw=1, mfc=face, ls=line))
    handles += [
        style.entry("lowest learning rate", marker="o", ms=3.5, ls=""),
        style.entry("highest learning rate", marker="o", ms=8.5, ls=""),
    ]
    if starred:
        handles.append(style.entry("the authors", "white", mec=style.INK, marker="*", ms=12, ls=""))
    return handles
