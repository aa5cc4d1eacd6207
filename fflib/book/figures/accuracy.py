"""Figures of accuracy and of its cost."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from fflib import wording
from fflib.book.figures import style
from fflib.book.figures.panels import by_model
from fflib.records.stores import Record
from fflib.study.analyses.cost import learning_curve
from fflib.study.evidence import by_dataset, where

__all__ = ["accuracies", "accuracy_by_cost"]


def accuracies(records: Iterable[Record], authors: pd.DataFrame) -> Figure:
    """Draw the test accuracy of every run beside the runs that the authors recorded.

    The latter come from :func:`fflib.study.analyses.authors.results`, with any number of rows.
    There is a panel per data set, a point per run, and a bar at the mean of ours.
    """
    records = list(records)
    datasets, models = by_dataset(records), by_model(records)
    figure, [axes] = style.axes_grid(1, len(datasets), 2.9, sharey=True)
    for ax, dataset in zip(axes, datasets, strict=True):
        for row, (model, runs) in enumerate(models.items()):
            colour, marker = style.MODEL_COLOURS[model], style.MARKERS[model]
            ours = [r.metrics.accuracy for r in where(runs, dataset=dataset)]
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
    style.name_rows(axes[0], [wording.model_name(model) for model in models])
    axes[0].set_ylabel("model")
    handles = [
        style.entry("our runs", ls="", marker="o"),
        style.entry("mean of our runs", ls="", marker="|", ms=9, mew=2),
    ]
    if len(authors):
        handles.append(style.entry("authors' runs", style.GREY, ls="", marker="o", mfc="none"))
    style.legend(figure, handles)
    return figure


def _jitter(points: int) -> np.ndarray:
    """Spread points upwards and downwards, the same way each time."""
    return 0.1 * np.modf(np.arange(points) * 0.618)[0] - 0.05


def accuracy_by_cost(records: Iterable[Record]) -> Figure:
    """Draw the test error while training, by epochs, by multiply-adds and by seconds.

    The runs are on one data set under one protocol. There is a line per run, with a marker at the
    end of each layer's training, or of the network's.
    """
    costs = {
        "epochs": ("by passes", "epochs, over all layers", 1),
        "multiply_adds": ("by products", "multiply-adds per image (10⁶)", 1e-6),
        "seconds": ("by time", "seconds of training", 1),
    }
    figure, [axes] = style.axes_grid(1, 3, 3.1, sharey=True)
    for model, runs in by_model(records).items():
        for number, record in enumerate(runs):
            curve = learning_curve(record)
            for ax, (cost, (*_, scale)) in zip(axes, costs.items(), strict=True):
                ax.plot(
                    curve[cost] * scale, 1 - curve["accuracy"], lw=1.2, **style.looks(model),
                    markevery=np.flatnonzero(curve["last"]).tolist(),
                    label=wording.model_name(model) if number == 0 else None,
                )  # fmt: skip
    for ax, (title, name, _) in zip(axes, costs.values(), strict=True):
        style.log_scale(ax.xaxis, (1, 3))
        ax.set_title(title)
        ax.set_xlabel(name)
        ax.grid(axis="y", lw=0.5, color="0.9")
    style.log_scale(axes[0].yaxis)
    axes[0].set_ylabel("test error (1 − accuracy)")
    style.letter(axes)
    style.legend(figure, axes[0])
    return figure
