"""Figures of what a network makes of a class that it was never trained on."""

from collections.abc import Iterable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fflib import wording
from fflib.book.figures import style
from fflib.book.figures.panels import by_model, matrix, runs_by_layer, shifts, wall
from fflib.measures.unseen import UnseenClass
from fflib.records.stores import Record
from fflib.study.claims import unseen_layers
from fflib.study.evidence import where

__all__ = ["activation_walls", "neighbours", "recognition", "responses"]

CARRIED = {
    "true": ("#56B4E9", "D"),
    "none": ("#332288", "s"),
    "predicted": (style.MODEL_COLOURS["ff"], "o"),
    "plain": (style.MODEL_COLOURS["bp"], "^"),
}
"""Colour and marker of each label that images may carry."""


def activation_walls(record: Record, classes: Sequence[str], carried: str) -> Figure:
    """Draw class mean activations of seen classes and, below them, of the unseen one.

    The run has a held-out class, whose images carry the label "true", "none", "predicted" or
    "plain". There is a panel per layer. Units that the unseen class drives more than any seen class
    does stand to the right of the others.
    """
    held = record.experiment.hold_out
    assert held is not None
    seen = [label for label in range(len(classes)) if label != held]
    profile = record.arrays[f"unseen/{carried}"].astype(float)
    rows = np.append(record.arrays["mean"][:, seen].astype(float), profile[:, None], axis=1)
    names = [*(classes[label] for label in seen), f"{classes[held]}, unseen"]
    figure, grid = style.axes_grid(len(rows), 1, 2 * len(rows), sharex=True)
    for ax, layer, name in zip(grid[:, 0], rows, wording.layer_names(len(rows)), strict=True):
        wall(ax, layer, names)
        ax.axhline(len(seen) - 0.5, color="white", lw=1.5)
        ax.set_title(name)
    grid[-1, 0].set_xlabel("units, sorted by preferred class")
    return figure


def responses(records: Iterable[Record], bound: float) -> Figure:
    """Draw the ensembles of unseen classes under every label they may carry, by layer.

    There are five panels: size of the ensemble, its stability with that of random groups of images
    dashed, Hoyer sparseness, largest overlap with a seen class, and AUROC, with the bound above
    which the unseen class counts as detected. A point per run.
    """
    panels = {
        "units in the ensemble": lambda layer: layer.size,
        "stability (dashed: chance)": lambda layer: layer.stability,
        "Hoyer sparseness": lambda layer: layer.hoyer,
        "overlap with the nearest": lambda layer: np.nan_to_num(layer.jaccard).max(),
        "AUROC": lambda layer: layer.auroc,
    }
    figure, grid = style.axes_grid(2, 3, 4.8, sharex=True)
    axes, corner = grid.ravel()[:-1], grid[-1, -1]
    conditions = [
        (model, carried, [_unseen(r)[carried] for r in runs])
        for model, runs in by_model(records).items()
        for carried in _unseen(runs[0])
    ]
    for (model, carried, runs), shift in zip(conditions, shifts(len(conditions)), strict=True):
        label, (colour, marker) = wording.label_name(carried), CARRIED[carried]
        looks = {"color": colour, "marker": marker, "shift": shift}
        for ax, quantity in zip(axes, panels.values(), strict=True):
            values = [[quantity(layer) for layer in layers] for layers in runs]
            runs_by_layer(ax, values, label=f"{wording.model_name(model)}, {label}", **looks)
        chance = np.mean([[layer.chance_stability for layer in layers] for layers in runs], axis=0)
        axes[1].plot(np.arange(1, len(chance) + 1) + shift, chance, color=colour, ls="--", lw=1)
    for ax, title in zip(axes, panels, strict=True):
        ax.set_title(title)
        ax.set_ylim(-0.04, 1.04)
        ax.tick_params(labelbottom=True)
    axes[0].autoscale(axis="y")
    axes[0].set_ylim(bottom=0)
    for ax in axes[:2]:
        ax.set_xlabel("")
    style.bounds(axes[-1].yaxis, bound, chance=0.5)
    corner.set_axis_off()
    corner.legend(*axes[0].get_legend_handles_labels(), loc="center", labelspacing=1)
    style.letter(axes)
    return figure


def recognition(records: Iterable[Record], classes: Sequence[str], bound: float) -> Figure:
    """Draw how well the ensemble of each unseen class distinguishes it from the seen ones.

    There is a panel per model and a row per held-out class: AUROC in each layer, and a stroke at
    the mean of the layers. Above the bound, drawn as a line, the class counts as detected.
    """
    models = by_model(records)
    held = _held_out(models)
    height = 1.5 + 0.22 * len(held)
    figure, [axes] = style.axes_grid(1, len(models), height, sharex=True, sharey=True)
    for ax, (model, runs) in zip(axes, models.items(), strict=True):
        for row, label in enumerate(held):
            for record in where(runs, hold_out=label):
                _by_layer(ax, unseen_layers(record), row)
        style.bounds(ax.xaxis, bound, chance=0.5)
        ax.set_title(_condition(model))
        ax.set_xlabel("AUROC")
        ax.set_yticks(range(len(held)), [classes[label] for label in held])
        ax.grid(axis="y", lw=0.5, color="0.9")
    axes[0].set_ylim(len(held) - 0.5, -0.5)
    axes[0].set_ylabel("held-out class")
    names = [*wording.layer_names(record.experiment.layers), "mean of the layers"]
    figure.legend(axes[0].lines[: len(names)], names, loc="outside upper right", ncols=4)
    return figure


def neighbours(records: Iterable[Record], classes: Sequence[str]) -> Figure:
    """Draw with which seen classes the ensemble of an unseen one overlaps.

    There is a matrix per model of Jaccard indices, averaged over layers and runs: a row per
    held-out class, a column per seen one.
    """
    models = by_model(records)
    held = _held_out(models)
    height = 1.2 + 0.17 * len(held)
    figure, [axes] = style.axes_grid(1, len(models), height, sharey=True)
    for ax, (model, runs) in zip(axes, models.items(), strict=True):
        overlaps = np.full((len(held), len(classes)), np.nan)
        for row, label in enumerate(held):
            here = where(runs, hold_out=label)
            if layers := [layer.jaccard for r in here for layer in unseen_layers(r)]:
                # Of two ensembles that are both empty, none overlaps.
                overlaps[row] = np.nan_to_num(layers).mean(axis=0)
                overlaps[row, label] = np.nan
        image = matrix(ax, overlaps, [classes[label] for label in held], classes, low=0, high=1)
        ax.set_title(_condition(model))
        ax.set_xlabel("seen class")
    axes[0].set_ylabel("held-out class")
    figure.colorbar(image, ax=axes, shrink=0.9, label="Jaccard index")
    return figure


def _unseen(record: Record) -> dict[str, list[UnseenClass]]:
    assert record.metrics.unseen is not None
    return record.metrics.unseen


def _held_out(models: dict[str, list[Record]]) -> list[int]:
    found = {r.experiment.hold_out for runs in models.values() for r in runs}
    return sorted(label for label in found if label is not None)


def _condition(model: str) -> str:
    label = wording.label_name("plain" if model == "bp" else "predicted")
    return f"{wording.model_name(model)}, {label}"


def _by_layer(ax: Axes, layers: list[UnseenClass], row: int) -> None:
    colours = style.layer_colours(len(layers))
    for layer, colour, marker in zip(layers, colours, "os^Dv", strict=False):
        ax.plot(layer.auroc, row, marker, color=colour)
    ax.plot(np.mean([layer.auroc for layer in layers]), row, "|", color=style.INK, ms=14, mew=2)
