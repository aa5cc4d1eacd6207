"""Figures of accuracy and of what it costs."""

from collections.abc import Iterable

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from fflib import wording
from fflib.book.figures import style
from fflib.book.figures.sparsity import by_model
from fflib.records.stores import Record
from fflib.study.analyses.cost import learning_curve

__all__ = ["accuracies", "accuracy_by_cost"]


def accuracies(records: Iterable[Record], authors: pd.DataFrame) -> Figure:
    """Test accuracy of every run beside the runs that the authors recorded.

    Parameters
    ----------
    records : iterable of Record
    authors : DataFrame
        From :func:`fflib.study.analyses.authors.results`, with as many rows as one likes.

    Returns
    -------
    Figure
        A panel per data set; a point per run, and a bar at the mean of ours.
    """
    records = list(records)
    datasets = list(dict.fromkeys(record.experiment.dataset for record in records))
    models = by_model(records)
    figure, axes = plt.subplots(
        1, len(datasets), figsize=(style.WIDTH, 2.9), sharey=True, squeeze=False
    )
    rows = np.arange(len(models))
    for ax, dataset in zip(axes[0], datasets, strict=True):
        for row, (model, runs) in zip(rows, models.items(), strict=True):
            colour, marker = style.MODEL_COLOURS[model], style.MARKERS[model]
            ours = [r.metrics.accuracy for r in runs if r.experiment.dataset == dataset]
            theirs = authors[(authors["dataset"] == dataset) & (authors["model"] == model)]
            for values, shift, looks in (
                (ours, -0.17, {"ms": 6, "mew": 0, "alpha": 0.75, "color": colour}),
                (theirs["accuracy"], 0.17, {"ms": 4.5, "mfc": "none", "color": style.GREY}),
            ):
                ax.plot(values, row + shift + _jitter(len(values)), ls="", marker=marker, **looks)
            ax.plot([np.mean(ours)] * 2, row + np.array([-0.32, -0.02]), color=colour, lw=2)
        ax.set_title(wording.dataset_name(dataset))
        ax.set_xlabel("test accuracy")
        ax.xaxis.set_major_locator(MaxNLocator(5))
        ax.grid(axis="x", lw=0.5, color="0.9")
    axes[0, 0].set_yticks(rows, [wording.model_name(model) for model in models])
    axes[0, 0].set_ylabel("model")
    axes[0, 0].set_ylim(len(models) - 0.5, -0.5)
    handles = [
        Line2D([], [], ls="", marker="o", color=style.INK, label="our runs"),
        Line2D([], [], ls="", marker="|", ms=9, mew=2, color=style.INK, label="mean of our runs"),
    ]
    if len(authors):
        handles.append(
            Line2D([], [], ls="", marker="o", mfc="none", color=style.GREY, label="authors' runs")
        )
    figure.legend(handles=handles, loc="outside upper right", ncols=3)
    return figure


def _jitter(points: int) -> np.ndarray:
    """Spread points upwards and downwards, the same way each time."""
    return 0.1 * np.modf(np.arange(points) * 0.618)[0] - 0.05


def accuracy_by_cost(records: Iterable[Record]) -> Figure:
    """Test error while training, by epochs, by multiply-adds and by seconds.

    Parameters
    ----------
    records : iterable of Record
        Runs on one data set under one protocol.

    Returns
    -------
    Figure
        A line per run; a marker at the end of each layer's training, or of the network's.
    """
    costs = {
        "epochs": ("epochs, over all layers", 1),
        "multiply_adds": ("multiply-adds per image (10⁶)", 1e-6),
        "seconds": ("seconds of training", 1),
    }
    figure, axes = plt.subplots(1, 3, figsize=(style.WIDTH, 3.1), sharey=True)
    for model, runs in by_model(records).items():
        for number, record in enumerate(runs):
            curve = learning_curve(record)
            for ax, (cost, (_, scale)) in zip(axes, costs.items(), strict=True):
                ax.plot(
                    curve[cost] * scale,
                    1 - curve["accuracy"],
                    color=style.MODEL_COLOURS[model],
                    marker=style.MARKERS[model],
                    markevery=np.flatnonzero(curve["last"]).tolist(),
                    lw=1.2,
                    label=wording.model_name(model) if number == 0 else None,
                )
    for ax, (name, _) in zip(axes, costs.values(), strict=True):
        ax.set_xscale("log")
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 3)))
        ax.xaxis.set_major_formatter("{x:g}")
        ax.xaxis.set_minor_formatter(NullFormatter())
        ax.set_xlabel(name)
        ax.grid(axis="y", lw=0.5, color="0.9")
    axes[0].set_yscale("log")
    axes[0].yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes[0].yaxis.set_major_formatter("{x:g}")
    axes[0].yaxis.set_minor_formatter(NullFormatter())
    axes[0].set_ylabel("test error (1 − accuracy)")
    style.letter(axes)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper right", ncols=3)
    return figure
