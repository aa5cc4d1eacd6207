"""Figures of sparse representations and of the ensembles in them."""

from collections.abc import Iterable, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from fflib import wording
from fflib.book.figures import style
from fflib.book.figures.panels import runs_by_layer, shifts, wall
from fflib.measures import sharing
from fflib.measures.ensembles import RULES
from fflib.presets import MODELS
from fflib.records.stores import Record
from fflib.study.claims import members

__all__ = [
    "activation_walls",
    "ensemble_rules",
    "ensemble_sizes",
    "sparseness",
    "sparseness_against_accuracy",
]


def by_model(records: Iterable[Record]) -> dict[str, list[Record]]:
    """Sort records by model, in the order in which the book speaks of them."""
    records = list(records)
    found = {model: [r for r in records if r.experiment.model == model] for model in style.MARKERS}
    return {model: runs for model, runs in found.items() if runs}


def activation_walls(records: Iterable[Record], classes: Sequence[str]) -> Figure:
    """Class mean activations, a panel for each layer and model.

    Parameters
    ----------
    records : iterable of Record
        One run of each model; the first where there are more.
    classes : sequence of str

    Returns
    -------
    Figure
        Brightness is relative to the layer's 99.5th percentile of class means.
    """
    runs = [found[0] for found in by_model(records).values()]
    layers = runs[0].experiment.layers
    figure, grid = plt.subplots(
        layers,
        len(runs),
        figsize=(style.WIDTH, 1.75 * layers),
        sharex=True,
        sharey=True,
        squeeze=False,
    )
    for column, record in zip(grid.T, runs, strict=True):
        means = record.arrays["mean"].astype(float)
        for ax, layer, name in zip(column, means, wording.layer_names(layers), strict=True):
            wall(ax, layer, classes, top=float(np.nanquantile(layer, 0.995)))
            ax.set_title(f"{wording.model_name(record.experiment.model)}, {name}")
    figure.supxlabel("units, sorted by preferred class", fontsize="medium")
    image = grid[0, 0].images[0]
    bar = figure.colorbar(image, ax=grid, shrink=0.4, ticks=[0, image.norm.vmax])
    bar.ax.set_yticklabels(["0", "high"])
    bar.set_label("class mean activation")
    return figure


def ensemble_sizes(
    records: Iterable[Record], classes: Sequence[str], rule: str = "median-quantile"
) -> Figure:
    """Number of units in each class's ensemble, a panel for each layer.

    Parameters
    ----------
    records : iterable of Record
    classes : sequence of str
    rule : str
        A name in :data:`fflib.measures.ensembles.RULES`.

    Returns
    -------
    Figure
        Means over the runs of a model.
    """
    models = by_model(records)
    layers = next(iter(models.values()))[0].experiment.layers
    figure, axes = plt.subplots(
        1, layers, figsize=(style.WIDTH, 3.4), sharex=True, sharey=True, squeeze=False
    )
    rows = np.arange(len(classes))
    for (model, runs), shift in zip(models.items(), shifts(len(models), 0.4), strict=True):
        sizes = np.mean([members(record, rule).sum(axis=-1) for record in runs], axis=0)
        for ax, layer in zip(axes[0], sizes, strict=True):
            ax.plot(
                layer,
                rows + shift,
                ls="",
                marker=style.MARKERS[model],
                color=style.MODEL_COLOURS[model],
                label=wording.model_name(model),
            )
    for ax, name in zip(axes[0], wording.layer_names(layers), strict=True):
        ax.set_title(name)
        ax.set_xlabel("units in the ensemble")
        ax.set_xlim(left=0)
        ax.set_yticks(rows, list(classes))
        ax.grid(axis="y", lw=0.5, color="0.9")
    axes[0, 0].invert_yaxis()
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper right", ncols=3)
    return figure


def sparseness(records: Iterable[Record]) -> Figure:
    """Hoyer sparseness by layer, as it stands and above rest, with the share of silent images.

    Parameters
    ----------
    records : iterable of Record

    Returns
    -------
    Figure
        Four panels: correctly classified images, all images, activity above each unit's resting
        level, and images on which the layer is silent.
    """
    panels = {
        "hoyer": "correctly classified",
        "hoyer_all": "all images",
        "hoyer_above_rest": "above resting level",
        "silent_fraction": "silent images",
    }
    models = by_model(records)
    figure, axes = plt.subplots(1, len(panels), figsize=(style.WIDTH, 2.9), sharey=True)
    for ax, (quantity, title) in zip(axes, panels.items(), strict=True):
        for (model, runs), shift in zip(models.items(), shifts(len(models), 0.16), strict=True):
            runs_by_layer(
                ax,
                [[getattr(layer, quantity) for layer in r.metrics.layers] for r in runs],
                colour=style.MODEL_COLOURS[model],
                marker=style.MARKERS[model],
                label=wording.model_name(model),
                shift=shift,
            )
        ax.set_title(title)
        ax.set_ylim(-0.04, 1.04)
    axes[0].set_ylabel("Hoyer sparseness")
    axes[-1].tick_params(labelleft=True)
    axes[-1].set_ylabel("share of images")
    style.letter(axes)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper right", ncols=3)
    return figure


def ensemble_rules(records: Iterable[Record], bound: float) -> Figure:
    """Size and overlap of ensembles by layer under every rule.

    Parameters
    ----------
    records : iterable of Record
    bound : float
        Overlap below which ensembles count as specific, drawn as a line.

    Returns
    -------
    Figure
        Mean over classes above, mean over pairs of classes below.
    """
    models = by_model(records)
    figure, grid = plt.subplots(
        2, len(RULES), figsize=(style.WIDTH, 4.6), sharex=True, sharey="row"
    )
    for column, rule in zip(grid.T, RULES, strict=True):
        for (model, runs), shift in zip(models.items(), shifts(len(models), 0.16), strict=True):
            found = [members(record, rule) for record in runs]
            sizes = [layers.sum(axis=-1).mean(axis=-1) for layers in found]
            overlaps = [sharing.mean_overlap(layers) for layers in found]
            for ax, values in zip(column, (sizes, overlaps), strict=True):
                runs_by_layer(
                    ax,
                    values,
                    colour=style.MODEL_COLOURS[model],
                    marker=style.MARKERS[model],
                    label=wording.model_name(model),
                    shift=shift,
                )
        column[0].set_title(wording.rule_name(rule))
        column[0].set_xlabel("")
        column[1].axhline(bound, color=style.INK, lw=1, ls="--")
    grid[0, 0].set_ylabel("units per ensemble")
    grid[0, 0].set_yscale("symlog", linthresh=1)  # an ensemble may be empty
    grid[0, 0].set_ylim(0, 1000)
    grid[0, 0].yaxis.set_major_formatter("{x:g}")
    grid[1, 0].set_ylabel("overlap of two classes\n(Jaccard index)")
    grid[1, 0].set_ylim(-0.04, 1.04)
    style.letter(grid.ravel())
    figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside upper right", ncols=3)
    return figure


def sparseness_against_accuracy(records: Iterable[Record], recorded: pd.DataFrame) -> Figure:
    """First-layer sparseness against accuracy, of our runs and of those the authors recorded.

    Parameters
    ----------
    records : iterable of Record
        Those under the authors' protocol, relu-l2, are drawn.
    recorded : DataFrame
        The authors' runs, see :func:`fflib.study.analyses.authors.results`.

    Returns
    -------
    Figure
        A panel for each data set that the authors recorded.
    """
    datasets = list(dict.fromkeys(recorded["dataset"]))
    ours = [r for r in records if r.experiment.protocol == "relu-l2"]
    figure, axes = plt.subplots(
        1, len(datasets), figsize=(style.WIDTH, 3.6), sharey=True, squeeze=False
    )
    for ax, dataset in zip(axes[0], datasets, strict=True):
        for model in MODELS:
            marker = style.MARKERS[model]
            colour, name = style.MODEL_COLOURS[model], wording.model_name(model)
            rows = recorded[(recorded["dataset"] == dataset) & (recorded["model"] == model)]
            ax.plot(rows["accuracy"], rows["s1"], marker, color=colour, mfc="none", alpha=0.7)
            ax.lines[-1].set_label(f"{name}, the authors")
            runs = [
                r for r in ours if (r.experiment.dataset, r.experiment.model) == (dataset, model)
            ]
            ax.plot(
                [r.metrics.accuracy for r in runs],
                [r.metrics.layers[0].hoyer for r in runs],
                marker,
                color=colour,
                ms=9,
                mec="black",
                label=f"{name}, ours",
            )
        ax.set_title(wording.dataset_name(dataset))
        ax.set_xlabel("test accuracy")
        ax.set_ylim(-0.04, 1.04)
    axes[0, 0].set_ylabel("Hoyer sparseness, layer 1")
    style.letter(axes[0])
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return figure
