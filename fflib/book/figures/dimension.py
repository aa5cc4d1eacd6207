"""Figures of intrinsic dimension: by layer, by scale, against ensembles, and where it is known."""

from collections.abc import Iterable, Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fflib import wording
from fflib.book.figures import style
from fflib.book.figures.panels import shifts
from fflib.measures.dimension import ORDERS, PARTS
from fflib.measures.manifolds import Recovery
from fflib.records.stores import Record
from fflib.study.analyses.dimension import ensemble_sizes, interval, of_all, of_classes

__all__ = ["against_size", "by_layer", "by_scale", "where_known"]


def _groups(records: Iterable[Record], field: str) -> dict[str, list[Record]]:
    found: dict[str, list[Record]] = {}
    for record in records:
        found.setdefault(getattr(record.experiment, field), []).append(record)
    return found


def by_layer(records: Iterable[Record]) -> Figure:
    """Dimension of the input and of every layer.

    Parameters
    ----------
    records : iterable of Record
        Runs with the probe "intrinsic-dimension".

    Returns
    -------
    Figure
        A row per data set; on the left the dimension of all images together, on the right that of a
        class, mean over classes. A line per model: means over runs with 95 % intervals.
    """
    datasets = _groups(records, "dataset")
    figure, grid = plt.subplots(
        len(datasets), 2, figsize=(style.WIDTH, 0.7 + 2.1 * len(datasets)),
        sharex=True, sharey="row", squeeze=False,
    )  # fmt: skip
    for row, (dataset, here) in zip(grid, datasets.items(), strict=True):
        models = _groups(here, "model")
        shown = [m for m in style.MODEL_COLOURS if m in models]
        for shift, model in zip(shifts(len(shown), 0.15), shown, strict=True):
            together = np.stack([of_all(r) for r in models[model]])
            apart = np.stack([_class_means(r) for r in models[model]])
            for ax, values in zip(row, (together, apart), strict=True):
                _line(ax, np.arange(values.shape[1]) + shift, values, model)
        row[0].set_ylabel(f"{wording.dataset_name(dataset)}\nintrinsic dimension")
        row[0].set_ylim(bottom=0)
    for ax, title in zip(grid[0], ("all images", "a class"), strict=True):
        ax.set_title(title)
    layers = next(iter(datasets.values()))[0].experiment.layers
    for ax in grid[-1]:
        ax.set_xticks(range(layers + 1), ["input", *wording.layer_names(layers)])
    style.letter(grid.ravel())
    figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside upper right", ncols=3)
    return figure


def _class_means(record: Record) -> np.ndarray:
    return np.array([interval(layer).mean for layer in of_classes(record)])


def _line(ax: Axes, x: np.ndarray, values: np.ndarray, model: str, ls: str = "-") -> None:
    """Means over runs, shape (run, point), with their intervals."""
    colour, marker = style.MODEL_COLOURS[model], style.MARKERS[model]
    found = [interval(column) for column in values.T]
    ax.plot(
        x,
        [f.mean for f in found],
        color=colour,
        marker=marker,
        ls=ls,
        label=wording.model_name(model),
    )
    for at, own in zip(x, found, strict=True):
        ax.plot([at, at], [own.low, own.high], color=colour, lw=1)


def against_size(records: Iterable[Record]) -> Figure:
    """Dimension of each class against the size of its ensemble.

    Parameters
    ----------
    records : iterable of Record
        Runs of one model with the probe "intrinsic-dimension".

    Returns
    -------
    Figure
        A row per data set, a column per hidden layer. The number of the class stands at the means
        over runs, with the 95 % interval of its dimension.
    """
    datasets = _groups(records, "dataset")
    layers = next(iter(datasets.values()))[0].experiment.layers
    figure, grid = plt.subplots(
        len(datasets), layers, figsize=(style.WIDTH, 0.6 + 2.1 * len(datasets)),
        sharey="row", squeeze=False,
    )  # fmt: skip
    for row, (dataset, here) in zip(grid, datasets.items(), strict=True):
        dimensions = np.stack([of_classes(r)[1:] for r in here])
        sizes = np.stack([ensemble_sizes(r) for r in here]).mean(axis=0)
        for depth, ax in enumerate(row):
            for label, size in enumerate(sizes[depth]):
                found = interval(dimensions[:, depth, label])
                ax.plot([size, size], [found.low, found.high], color=style.GREY, lw=1, zorder=1)
                ax.plot(size, found.mean, "o", color="white", ms=10, zorder=2)
                if np.isfinite(found.mean):
                    ax.text(
                        size, found.mean, str(label), ha="center", va="center", zorder=3,
                        color=style.MODEL_COLOURS[here[0].experiment.model], weight="bold",
                    )  # fmt: skip
            ax.margins(0.12)
        row[0].set_ylabel(f"{wording.dataset_name(dataset)}\nintrinsic dimension")
    for ax, name in zip(grid[0], wording.layer_names(layers), strict=True):
        ax.set_title(name)
    for ax in grid[-1]:
        ax.set_xlabel("units in the ensemble")
    style.letter(grid.ravel())
    return figure


def by_scale(records: Iterable[Record]) -> Figure:
    """Dimension of all images against the scale at which it is seen.

    Parameters
    ----------
    records : iterable of Record
        Runs on one data set with the probe "intrinsic-dimension".

    Returns
    -------
    Figure
        A row per layer, the input included: TwoNN on all images and parts of them, and Gride by the
        order of the nearer neighbour. A line per model: means over runs with 95 % intervals.
    """
    models = _groups(records, "model")
    layers = next(iter(models.values()))[0].experiment.layers
    names = ["input", *wording.layer_names(layers)]
    figure, grid = plt.subplots(2, layers + 1, figsize=(style.WIDTH, 4.2), sharey=True)
    for row, (method, scales) in zip(grid, (("twonn", PARTS), ("gride", ORDERS)), strict=True):
        for model in (m for m in style.MODEL_COLOURS if m in models):
            values = np.stack(
                [[of_all(r, method=method, scale=s) for s in scales] for r in models[model]]
            )
            for depth, ax in enumerate(row):
                _line(ax, np.array(scales), values[:, :, depth], model)
        for ax in row:
            ax.set_xscale("log", base=2)
            ax.set_xticks(scales, [_part(s) if method == "twonn" else str(s) for s in scales])
    for ax, name in zip(grid[0], names, strict=True):
        ax.set_title(name)
    grid[0, 0].set_ylim(bottom=0)
    grid[0, 0].set_ylabel("TwoNN")
    grid[1, 0].set_ylabel("Gride")
    for row, said in zip(
        grid, ("share of the images", "order of the nearer neighbour"), strict=True
    ):
        row[1].set_xlabel(said, x=1.1)  # under all four
    figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside upper right", ncols=3)
    return figure


def _part(parts: int) -> str:
    return "1" if parts == 1 else f"1/{parts}"


def where_known(found: Iterable[Recovery], measured: Mapping[str, Iterable[float]]) -> Figure:
    """What estimators say of sparse data of known dimension, over what is true.

    Parameters
    ----------
    found : iterable of Recovery
        Of several shares of active units.
    measured : mapping of str to iterable of float
        By model, the sparseness of its layers: ticks at the bottom.

    Returns
    -------
    Figure
        A panel per shape: the estimate over the dimension of the manifold, against Hoyer
        sparseness. A colour per dimension; means over draws. A dotted line tells what the layer
        leaves of the dimension, where too few units are active.
    """
    rows = pd.DataFrame([vars(one) for one in found])
    shapes = list(dict.fromkeys(rows["shape"]))
    dimensions = sorted(set(rows["dimension"]))
    colours = dict(zip(dimensions, style.layer_colours(len(dimensions)), strict=True))
    figure, axes = plt.subplots(
        1, len(shapes), figsize=(style.WIDTH, 3.4), sharey=True, squeeze=False
    )
    for ax, shape in zip(axes[0], shapes, strict=True):
        ax.axhspan(0.85, 1.15, color=style.GREY, alpha=0.15, lw=0)
        ax.axhline(1, color=style.GREY, lw=0.8)
        for dimension, colour in colours.items():
            own = rows[(rows["shape"] == shape) & (rows["dimension"] == dimension)]
            means = own.groupby("active").mean(numeric_only=True).sort_values("hoyer")
            for column, looks in (("twonn", "o-"), ("gride", "s--"), ("left", ":")):
                ax.plot(means["hoyer"], means[column] / dimension, looks, color=colour, ms=4)
        for height, (model, sparse) in enumerate(measured.items()):
            ax.plot(
                list(sparse), np.full(len(list(sparse)), 0.1 + 0.07 * height),
                style.MARKERS[model], color=style.MODEL_COLOURS[model], ms=5,
            )  # fmt: skip
        ax.set_title(shape)
        ax.set_xlabel("Hoyer sparseness")
        ax.set_ylim(bottom=0)
    axes[0, 0].set_ylabel("estimate / dimension of the manifold")
    handles = [
        *(Line2D([], [], color=c, lw=4, label=f"dimension {d}") for d, c in colours.items()),
        Line2D([], [], color=style.INK, marker="o", ms=4, label="TwoNN"),
        Line2D([], [], color=style.INK, marker="s", ms=4, ls="--", label="Gride"),
        Line2D([], [], color=style.INK, ls=":", label="what is left"),
        *(
            Line2D([], [], color=style.MODEL_COLOURS[m], marker=style.MARKERS[m], ls="",
                   label=f"layers of {wording.model_name(m)}")
            for m in measured
        ),
    ]  # fmt: skip
    figure.legend(handles=handles, loc="outside right center")
    return figure
