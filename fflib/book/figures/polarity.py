"""Figures of the signs of weights."""

from collections.abc import Iterable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fflib import wording
from fflib.book.figures import style
from fflib.book.figures.panels import by_model, models_by_layer, shifts
from fflib.records.stores import Record
from fflib.study.evidence import where

__all__ = ["excitation", "negative_shares", "positive_links", "weight_histograms"]


def weight_histograms(records: Iterable[Record]) -> Figure:
    """Draw the distribution of the weights, a row for each model and a column for each layer.

    The first run of each model is drawn. Numbers of weights are on a logarithmic scale; each panel
    states the share below zero. A bin that holds weights of both signs is grey.
    """
    models = {model: runs[0] for model, runs in by_model(records).items()}
    layers = max(record.experiment.layers for record in models.values())
    figure, grid = style.axes_grid(len(models), layers, 1.6 * len(models), sharey=True)
    for axes, (model, record) in zip(grid, models.items(), strict=True):
        axes[0].set_ylabel(f"{wording.model_name(model)}\nweights per bin")
        histograms = record.arrays["weights"], record.arrays["weight_edges"]
        for ax, layer, counts, edges in zip(axes, record.metrics.layers, *histograms, strict=True):
            wholly_negative = int((edges[1:] <= 0).sum())
            partly_negative = int((edges[:-1] < 0).sum())
            for colour, start, stop in (
                (style.NEGATIVE, 0, wholly_negative),
                (style.GREY, wholly_negative, partly_negative),
                (style.POSITIVE, partly_negative, len(counts)),
            ):
                if start < stop:
                    bins = edges[start : stop + 1]
                    ax.stairs(counts[start:stop], bins, baseline=0.5, fill=True, color=colour)
            style.log_scale(ax.yaxis, (1,))
            ax.text(
                0.02, 0.97, f"{layer.negative_weights:.0%} < 0", transform=ax.transAxes,
                color=style.NEGATIVE, va="top", weight="bold",
            )  # fmt: skip
    for ax, name in zip(grid[0], wording.layer_names(layers), strict=True):
        ax.set_title(name)
    for ax in grid[-1]:
        ax.set_xlabel("weight")
    return figure


def negative_shares(records: Iterable[Record], bound: float) -> Figure:
    """Draw the share of negative weights by layer, a panel for each data set and protocol.

    Points are runs, lines their means. The bound is the share that counts as dominance.
    """
    figure, axes = _panels_by_cell(records, "negative_weights")
    for ax in axes:
        style.bounds(ax.yaxis, bound, chance=0.5)
    axes[0].set_ylabel("share of negative weights")
    return figure


def excitation(records: Iterable[Record]) -> Figure:
    """Draw the ratio of positive to negative weights by layer, a panel per data set and protocol.

    It is the sum of positive over the sum of negative weights, on a logarithmic scale, with a line
    where the two balance.
    """
    figure, axes = _panels_by_cell(records, "excitation")
    for ax in axes:
        ax.axhline(1, color=style.GREY, lw=1, ls=":")
        style.log_scale(ax.yaxis)
    axes[0].set_ylabel("excitation / inhibition")
    return figure


def _panels_by_cell(records: Iterable[Record], quantity: str) -> tuple[Figure, list[Axes]]:
    records = list(records)
    cells = dict.fromkeys((r.experiment.dataset, r.experiment.protocol) for r in records)
    width = min(style.WIDTH, 2 + 2 * len(cells))
    figure, [axes] = style.axes_grid(1, len(cells), 3.1, width, sharex=True, sharey=True)
    for ax, (dataset, protocol) in zip(axes, cells, strict=True):
        models_by_layer(ax, by_model(where(records, dataset=dataset, protocol=protocol)), quantity)
        ax.set_title(f"{wording.dataset_name(dataset)}\n{wording.protocol_name(protocol)}")
    style.legend(figure, axes[0])
    return figure, list(axes)


def positive_links(records: Iterable[Record]) -> Figure:
    """Draw how often a weight is positive between ensembles of different classes and of the same.

    The runs are on one data set under one protocol. There is a panel per pair of successive layers
    and a line per run: it rises where positive weights favour pairs of units that serve a common
    class.
    """
    models = by_model(records)
    layers = max(len(r.metrics.layers) for runs in models.values() for r in runs)
    figure, [axes] = style.axes_grid(1, layers - 1, 3.1, sharex=True, sharey=True)
    for depth, ax in enumerate(axes, start=1):
        for (model, runs), shift in zip(models.items(), shifts(len(models), 0.1), strict=True):
            for number, record in enumerate(runs):
                links = record.metrics.layers[depth].links
                assert links is not None
                ends = [links["different_class"], links["same_class"]]
                label = wording.model_name(model) if number == 0 else None
                ax.plot(np.arange(2) + shift, ends, label=label, lw=1.2, **style.looks(model))
        ax.set_xticks([0, 1], ["different classes", "a common class"])
        ax.set_xlim(-0.3, 1.3)
        ax.set_ylim(0, 1)
        ax.set_xlabel("what the two units serve")
        ax.set_title(f"from layer {depth} to layer {depth + 1}")
    axes[0].set_ylabel("share of positive weights")
    style.legend(figure, axes[0])
    return figure
