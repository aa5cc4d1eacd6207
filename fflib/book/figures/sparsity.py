"""Figures of sparse representations and of the ensembles in them."""

from collections.abc import Iterable, Sequence
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fflib import wording
from fflib.book.figures import style
from fflib.book.figures.panels import by_model, models_by_layer, shifts, wall
from fflib.measures import sharing
from fflib.measures.ensembles import RULES
from fflib.presets import MODELS
from fflib.records.stores import Record
from fflib.study.claims import members
from fflib.study.evidence import where

__all__ = [
    "activation_walls", "ensemble_rules", "ensemble_sizes", "sparseness",
    "sparseness_against_accuracy",
]  # fmt: skip


def activation_walls(records: Iterable[Record], classes: Sequence[str]) -> Figure:
    """Draw class mean activations, a panel for each layer and model.

    The first run of each model is drawn. Brightness is relative to the layer's 99.5th percentile of
    class means.
    """
    runs = [found[0] for found in by_model(records).values()]
    layers = runs[0].experiment.layers
    figure, grid = style.axes_grid(layers, len(runs), 1.75 * layers, sharex=True, sharey=True)
    for column, record in zip(grid.T, runs, strict=True):
        names = wording.layer_names(layers)
        for ax, layer, name in zip(column, record.arrays["mean"], names, strict=True):
            wall(ax, layer, classes)
            ax.set_title(f"{wording.model_name(record.experiment.model)}, {name}")
    figure.supxlabel("units, sorted by preferred class", fontsize="medium")
    image = grid[0, 0].images[0]
    bar = figure.colorbar(image, ax=grid, shrink=0.4, ticks=[0, image.norm.vmax])
    bar.ax.set_yticklabels(["0", "high"])
    bar.set_label("class mean activation")
    return figure


def ensemble_sizes(records: Iterable[Record], classes: Sequence[str]) -> Figure:
    """Draw the number of units in each class's ensemble, a panel for each layer.

    Markers are means over the runs of a model.
    """
    models = by_model(records)
    layers = next(iter(models.values()))[0].experiment.layers
    figure, [axes] = style.axes_grid(1, layers, 3.4, sharex=True, sharey=True)
    rows = np.arange(len(classes))
    for (model, runs), shift in zip(models.items(), shifts(len(models), 0.4), strict=True):
        sizes = np.mean([members(record).sum(axis=-1) for record in runs], axis=0)
        for ax, layer in zip(axes, sizes, strict=True):
            name = wording.model_name(model)
            ax.plot(layer, rows + shift, ls="", label=name, **style.looks(model))
    for ax, name in zip(axes, wording.layer_names(layers), strict=True):
        ax.set_title(name)
        ax.set_xlabel("units in the ensemble")
        ax.set_xlim(left=0)
        ax.set_yticks(rows, list(classes))
        ax.grid(axis="y", lw=0.5, color="0.9")
    axes[0].invert_yaxis()
    style.legend(figure, axes[0])
    return figure


def sparseness(records: Iterable[Record]) -> Figure:
    """Draw Hoyer sparseness by layer, as it stands and above rest, with the share of silent images.

    Four panels: correctly classified images, all images, activity above each unit's resting level,
    and images on which the layer is silent.
    """
    panels = {
        "hoyer": "correctly classified",
        "hoyer_all": "all images",
        "hoyer_above_rest": "above resting level",
        "silent_fraction": "silent images",
    }
    models = by_model(records)
    figure, [axes] = style.axes_grid(1, len(panels), 2.9, sharey=True)
    for ax, (quantity, title) in zip(axes, panels.items(), strict=True):
        models_by_layer(ax, models, quantity)
        ax.set_title(title)
        ax.set_ylim(-0.04, 1.04)
    axes[0].set_ylabel("Hoyer sparseness")
    axes[-1].tick_params(labelleft=True)
    axes[-1].set_ylabel("share of images")
    style.letter(axes)
    style.legend(figure, axes[0])
    return figure


def ensemble_rules(records: Iterable[Record], bound: float) -> Figure:
    """Draw size and overlap of ensembles by layer under every rule.

    The mean over classes stands above, the mean over pairs of classes below. Under the bound, drawn
    as a line, ensembles count as specific.
    """
    models = by_model(records)
    figure, grid = style.axes_grid(2, len(RULES), 4.6, sharex=True, sharey="row")
    for column, rule in zip(grid.T, RULES, strict=True):
        models_by_layer(column[0], models, partial(_mean_size, rule=rule))
        models_by_layer(column[1], models, partial(_mean_overlap, rule=rule))
        column[0].set_title(wording.rule_name(rule))
        column[0].set_xlabel("")
        style.bounds(column[1].yaxis, bound)
    grid[0, 0].set_ylabel("units per ensemble")
    grid[0, 0].set_yscale("symlog", linthresh=1)  # an ensemble may be empty
    grid[0, 0].set_ylim(0, 1000)
    grid[0, 0].yaxis.set_major_formatter("{x:g}")
    grid[1, 0].set_ylabel("overlap of two classes\n(Jaccard index)")
    grid[1, 0].set_ylim(-0.04, 1.04)
    style.letter(grid.ravel())
    style.legend(figure, grid[0, 0])
    return figure


def _mean_size(record: Record, rule: str) -> NDArray[np.float64]:
    return members(record, rule).sum(axis=-1).mean(axis=-1)


def _mean_overlap(record: Record, rule: str) -> NDArray[np.float64]:
    return sharing.mean_overlap(members(record, rule))


def sparseness_against_accuracy(records: Iterable[Record], recorded: pd.DataFrame) -> Figure:
    """Draw first-layer sparseness against accuracy, of our runs and of those of the authors.

    Our runs under the authors' protocol, relu-l2, are drawn; theirs come from
    :func:`fflib.study.analyses.authors.results`. There is a panel for each data set that they
    recorded.
    """
    datasets = list(dict.fromkeys(recorded["dataset"]))
    ours = where(records, protocol="relu-l2")
    figure, [axes] = style.axes_grid(1, len(datasets), 3.6, sharey=True)
    for ax, dataset in zip(axes, datasets, strict=True):
        for model in MODELS:
            looks, name = style.looks(model) | {"ls": ""}, wording.model_name(model)
            rows = recorded[(recorded["dataset"] == dataset) & (recorded["model"] == model)]
            label = f"{name}, the authors"
            ax.plot(rows["accuracy"], rows["s1"], mfc="none", alpha=0.7, label=label, **looks)
            runs = where(ours, dataset=dataset, model=model)
            x = [r.metrics.accuracy for r in runs]
            y = [r.metrics.layers[0].hoyer for r in runs]
            ax.plot(x, y, ms=9, mec="black", label=f"{name}, ours", **looks)
        ax.set_title(wording.dataset_name(dataset))
        ax.set_xlabel("test accuracy")
        ax.set_ylim(-0.04, 1.04)
    axes[0].set_ylabel("Hoyer sparseness, layer 1")
    style.letter(axes)
    style.legend(figure, axes[0], "upper center")
    return figure
