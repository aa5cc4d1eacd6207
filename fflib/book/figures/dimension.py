"""Figures of intrinsic dimension: by layer, by scale, against ensembles, and where it is known."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fflib import wording
from fflib.book.figures import style
from fflib.book.figures.panels import by_model, means
from fflib.measures.dimension import ORDERS, PARTS
from fflib.measures.manifolds import Recovery
from fflib.records.stores import Record
from fflib.statistics import known_interval
from fflib.study.analyses.dimension import ensemble_sizes, of_all, of_classes
from fflib.study.evidence import by_dataset

__all__ = ["against_size", "by_layer", "by_scale", "where_known"]


def by_layer(records: Iterable[Record]) -> Figure:
    """Draw the dimension of the input and of every layer.

    The runs have the probe "intrinsic-dimension". There is a row per data set: on the left the
    dimension of all images together, on the right that of a class, mean over classes. A line per
    model shows means over runs with 95 % intervals.
    """
    datasets = by_dataset(records)
    height = 0.7 + 2.1 * len(datasets)
    figure, grid = style.axes_grid(len(datasets), 2, height, sharex=True, sharey="row")
    for row, (dataset, here) in zip(grid, datasets.items(), strict=True):
        measured = (("all images", of_all), ("a class", _class_means))
        for ax, (what, read) in zip(row, measured, strict=True):
            _lines(ax, here, read, dodge=0.15 if len(by_model(here)) > 1 else False)
            ax.set_title(f"{wording.dataset_name(dataset)}, {what}")
        row[0].set_ylabel("intrinsic dimension")
        row[0].set_ylim(bottom=0)
    layers = next(iter(datasets.values()))[0].experiment.layers
    for ax in grid[-1]:
        ax.set_xticks(range(layers + 1), ["input", *wording.layer_names(layers)])
    style.letter(grid.ravel())
    style.legend(figure, grid[0, 0])
    return figure


def _class_means(record: Record) -> NDArray[np.float64]:
    return np.array([known_interval(layer).mean for layer in of_classes(record)])


def _lines(
    ax: Axes, records: Iterable[Record], read: Callable[[Record], Iterable[float]], **options: Any
) -> None:
    """Draw a line per model: means over runs of what `read` gives, at 0, 1, ..., with intervals."""
    rows = [
        {"model": r.experiment.model, "place": place, "value": value}
        for r in records
        for place, value in enumerate(read(r))
    ]
    table = pd.DataFrame(rows).replace([np.inf, -np.inf], np.nan)
    looks = {
        model: (style.MODEL_COLOURS[model], style.MARKERS[model], wording.model_name(model))
        for model in style.MODEL_COLOURS
    }
    means(ax, table, "place", "value", "model", looks, native_scale=True, **options)


def against_size(records: Iterable[Record]) -> Figure:
    """Draw the dimension of each class against the size of its ensemble.

    The runs are of one model, with the probe "intrinsic-dimension". There is a row per data set and
    a column per hidden layer. The number of the class stands at the means over runs, with the 95 %
    interval of its dimension.
    """
    datasets = by_dataset(records)
    layers = next(iter(datasets.values()))[0].experiment.layers
    names = wording.layer_names(layers)
    height = 0.6 + 2.1 * len(datasets)
    figure, grid = style.axes_grid(len(datasets), layers, height, sharey="row")
    for row, (dataset, here) in zip(grid, datasets.items(), strict=True):
        dimensions = np.stack([of_classes(r)[1:] for r in here])
        sizes = np.stack([ensemble_sizes(r) for r in here]).mean(axis=0)
        for depth, ax in enumerate(row):
            for label, size in enumerate(sizes[depth]):
                found = known_interval(dimensions[:, depth, label])
                ax.plot([size, size], [found.low, found.high], color=style.GREY, lw=1, zorder=1)
                ax.plot(size, found.mean, "o", color="white", ms=10, zorder=2)
                if np.isfinite(found.mean):
                    ax.text(
                        size, found.mean, str(label), ha="center", va="center", zorder=3,
                        color=style.MODEL_COLOURS[here[0].experiment.model], weight="bold",
                    )  # fmt: skip
            ax.margins(0.12)
            ax.set_title(f"{wording.dataset_name(dataset)}, {names[depth]}")
        row[0].set_ylabel("intrinsic dimension")
    for ax in grid[-1]:
        ax.set_xlabel("units in the ensemble")
    style.letter(grid.ravel())
    return figure


def by_scale(records: Iterable[Record]) -> Figure:
    """Draw the dimension of all images against the scale at which it is measured.

    The runs are on one data set, with the probe "intrinsic-dimension". There is a column per layer,
    the input included. TwoNN, above, is measured on all images and on parts of them; Gride, below,
    by the order of the nearer neighbour. A line per model shows means over runs with 95 %
    intervals.
    """
    records = list(records)
    layers = records[0].experiment.layers
    names = ["input", *wording.layer_names(layers)]
    figure, grid = style.axes_grid(2, layers + 1, 4.2, sharey=True)
    for row, (method, scales) in zip(grid, (("twonn", PARTS), ("gride", ORDERS)), strict=True):
        for depth, ax in enumerate(row):
            _lines(ax, records, partial(_at_scales, method=method, scales=scales, depth=depth))
            names_of_scales = [f"1/{s}" if method == "twonn" and s > 1 else str(s) for s in scales]
            ax.set_xticks(range(len(scales)), names_of_scales)
    for ax, name in zip(grid[0], names, strict=True):
        ax.set_title(name)
    grid[0, 0].set_ylim(bottom=0)
    grid[0, 0].set_ylabel("TwoNN")
    grid[1, 0].set_ylabel("Gride")
    for row, said in zip(
        grid, ("share of the images", "order of the nearer neighbour"), strict=True
    ):
        row[1].set_xlabel(said, x=1.1)  # under all four
    style.legend(figure, grid[0, 0])
    return figure


def _at_scales(record: Record, method: str, scales: Iterable[int], depth: int) -> list[float]:
    return [of_all(record, method=method, scale=scale)[depth] for scale in scales]


def where_known(found: Iterable[Recovery], measured: Mapping[str, Iterable[float]]) -> Figure:
    """Draw estimates for sparse data of known dimension, divided by the true dimension.

    `found` covers several shares of active units; `measured` gives the sparseness of each model's
    layers, drawn as markers at the bottom. There is a panel per shape: the estimate over the
    dimension of the manifold, against Hoyer sparseness. There is a colour per dimension, with means
    over draws. A dotted line shows what the layer leaves of the dimension, where too few units are
    active.
    """
    rows = pd.DataFrame([vars(one) for one in found])
    shapes = list(dict.fromkeys(rows["shape"]))
    dimensions = sorted(set(rows["dimension"]))
    colours = dict(zip(dimensions, style.layer_colours(len(dimensions)), strict=True))
    figure, [axes] = style.axes_grid(1, len(shapes), 3.4, sharey=True)
    for ax, shape in zip(axes, shapes, strict=True):
        ax.axhspan(0.85, 1.15, color=style.GREY, alpha=0.15, lw=0)
        ax.axhline(1, color=style.GREY, lw=0.8)
        for dimension, colour in colours.items():
            own = rows[(rows["shape"] == shape) & (rows["dimension"] == dimension)]
            averages = own.groupby("active").mean(numeric_only=True).sort_values("hoyer")
            for column, looks in (("twonn", "o-"), ("gride", "s--"), ("left", ":")):
                ax.plot(averages["hoyer"], averages[column] / dimension, looks, color=colour, ms=4)
        for height, (model, sparse) in enumerate(measured.items()):
            sparse = list(sparse)
            level = np.full(len(sparse), 0.1 + 0.07 * height)
            ax.plot(sparse, level, ls="", ms=5, **style.looks(model))
        ax.set_title(shape)
        ax.set_xlabel("Hoyer sparseness")
        ax.set_ylim(bottom=0)
    axes[0].set_ylabel("estimate / dimension of the manifold")
    handles = [
        *(style.entry(f"dimension {d}", colour, lw=4) for d, colour in colours.items()),
        style.entry("TwoNN", marker="o", ms=4),
        style.entry("Gride", marker="s", ms=4, ls="--"),
        style.entry("what is left", ls=":"),
        *(
            style.entry(f"layers of {wording.model_name(m)}", ls="", **style.looks(m))
            for m in measured
        ),
    ]
    style.legend(figure, handles, "right center", columns=1)
    return figure
