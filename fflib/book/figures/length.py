"""Figures of a long training: accuracy, and what layers are like."""

from collections.abc import Iterable

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fflib import wording
from fflib.book.figures import style
from fflib.records.stores import Record
from fflib.study.analyses.length import LAYER, along, stages

__all__ = ["accuracy_along", "layers_along"]


def accuracy_along(records: Iterable[Record]) -> Figure:
    """Draw validation accuracy, epoch by epoch of each stage: runs as thin lines, means as thick ones.

    There is a row per data set and a column per model; a colour per layer that learns, and black where
    all learn together. The axis is logarithmic.
    """
    table = stages(records).dropna(subset=["accuracy"])
    datasets, models = (list(table[name].unique()) for name in ("dataset", "model"))
    colours = style.layer_colours(int(table["layer"].max()))
    figure, grid = style.axes_grid(
        len(datasets), len(models), 1.0 + 1.9 * len(datasets), sharex="col", sharey="row"
    )
    for row, dataset in zip(grid, datasets, strict=True):
        for ax, model in zip(row, models, strict=True):
            here = table[(table["dataset"] == dataset) & (table["model"] == model)]
            for layer, stage in here.groupby("layer"):
                colour = colours[layer - 1] if layer else style.INK
                by_seed = stage.pivot_table("accuracy", "epoch", "seed")
                _runs_and_mean(
                    ax, by_seed, colour, f"layer {layer} learns" if layer else "all learn together"
                )
            ax.set_visible(not here.empty)
            ax.set_title(f"{wording.model_name(model)}, {wording.dataset_name(dataset)}")
            style.log_scale(ax.xaxis, (1,))
        # The first epochs of a network that knows nothing yet would flatten all that follows.
        highest = table.loc[table["dataset"] == dataset, "accuracy"].max()
        row[0].set_ylim(highest - 0.13, highest + 0.01)
        row[0].set_ylabel("validation accuracy")
    figure.supxlabel("epoch since the layer began to learn", fontsize="medium")
    entries = [style.entry(f"layer {n} learns", c, lw=1.8) for n, c in enumerate(colours, start=1)]
    style.legend(figure, [*entries, style.entry("all learn together", lw=1.8)], "upper center", 4)
    return figure


def layers_along(records: Iterable[Record]) -> Figure:
    """Draw what each layer is like while it learns: runs as thin lines, means as thick ones.

    There is a panel for each of :data:`fflib.study.analyses.length.LAYER`, and a colour per layer. The runs are of
    one model on one data set, have snapshots, and train one layer after the other. The axis is logarithmic.
    """
    table = along(records)
    colours = style.layer_colours(int(table["layer"].max()))
    figure, grid = style.axes_grid(2, 2, 4.8, sharex=True)
    for ax, (quantity, title) in zip(grid.flat, LAYER.items(), strict=True):
        for layer, stage in table.groupby("layer"):
            by_seed = stage.pivot_table(quantity, "epoch", "seed")
            _runs_and_mean(ax, by_seed, colours[layer - 1], f"layer {layer}")
        style.log_scale(ax.xaxis, (1,))
        ax.set_title(title)
    figure.supxlabel("epoch since the layer began to learn", fontsize="medium")
    style.letter(grid.flat)
    style.legend(figure, grid[0, 0], "upper center")
    return figure


def _runs_and_mean(ax: Axes, by_seed: pd.DataFrame, colour: str, label: str) -> None:
    """Draw a column per run as thin lines, and their mean as a thick one."""
    ax.plot(by_seed.index, by_seed, color=colour, lw=0.5, alpha=0.35)
    ax.plot(by_seed.index, by_seed.mean(axis=1), color=colour, lw=1.8, label=label)
