"""Figures of what happens when weights are changed by their sign."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fflib import wording
from fflib.book.figures import style
from fflib.book.figures.panels import means
from fflib.measures.interventions import DOSES, EVERYWHERE, OPERATIONS
from fflib.records.stores import Record
from fflib.study.tables import by_probe

__all__ = ["by_dose", "by_operation", "by_place"]

LOOKS = {
    "negative": (style.NEGATIVE, "v", "negative weights"),
    "random": (style.GREY, "o", "as many at random"),
    "positive": (style.POSITIVE, "^", "positive weights, as much in sum"),
}

DONE = {"zero": "set to zero", "halve": "halved", "flip": "sign flipped"}

QUANTITIES = {
    "accuracy": "accuracy",
    "hoyer": "Hoyer sparseness",
    "identity": "identity of ensembles",
    "selectivity": "class selectivity",
}


SET_TO_ZERO = ("accuracy", "hoyer", "identity")
"""What the main figure shows."""


def by_dose(records: Iterable[Record]) -> Figure:
    """Draw the effect of setting weights to zero everywhere, by the share of negative weights.

    The runs are of one model on one data set, with the probe "weight-signs". There is a panel each
    for accuracy, sparseness and identity of ensembles. A line per kind of weights shows means over
    runs with 95 % intervals.
    """
    table = by_probe(records)
    here = table[(table["place"] == EVERYWHERE) & (table["operation"] == "zero")]
    figure, [axes] = style.axes_grid(1, len(SET_TO_ZERO), 2.9)
    for ax, quantity in zip(axes, SET_TO_ZERO, strict=True):
        _line_by_dose(ax, here, quantity)
        ax.set_title(QUANTITIES[quantity])
        ax.set_xlabel("share set to zero")
        ax.set_ylim(bottom=0)
    style.letter(axes)
    style.legend(figure, axes[0], "upper center")
    return figure


def _line_by_dose(ax: Axes, table: pd.DataFrame, quantity: str) -> None:
    means(ax, table, "dose", quantity, "target", LOOKS, order=DOSES, dodge=0.15)
    ax.set_xticks(range(len(DOSES)), [f"{dose:g}" for dose in DOSES])


def by_operation(records: Iterable[Record]) -> Figure:
    """Draw the effect of every change of weights everywhere, by the share of negative weights.

    The runs are of one model on one data set, with the probe "weight-signs". There is a column per
    operation, and a row each for accuracy, sparseness, identity of ensembles and selectivity. A
    line per kind of weights shows means over runs with 95 % intervals.
    """
    table = by_probe(records)
    table = table[table["place"] == EVERYWHERE]
    figure, grid = style.axes_grid(len(QUANTITIES), len(OPERATIONS), 6.4, sharex=True, sharey="row")
    for column, operation in zip(grid.T, OPERATIONS, strict=True):
        here = table[table["operation"] == operation]
        for ax, quantity in zip(column, QUANTITIES, strict=True):
            _line_by_dose(ax, here, quantity)
        column[0].set_title(DONE[operation])
        column[-1].set_xlabel("dose")
    for ax, label in zip(grid[:, 0], QUANTITIES.values(), strict=True):
        ax.set_ylabel(label.replace(" ", "\n", 1))
    style.legend(figure, grid[0, 0], "upper center")
    return figure


def by_place(records: Iterable[Record], quantity: str = "accuracy") -> Figure:
    """Draw the effect of setting a layer's negative weights to zero, beside the controls.

    The runs have the probe "weight-signs"; the quantity is a number in
    :class:`fflib.measures.interventions.Effect`. There is a row per data set and a column per
    model: the change against the untouched network by the layer that was changed, means over runs
    with 95 % intervals.
    """
    table = by_probe(records)
    table = table[table["operation"] == "zero"]
    run = ["dataset", "model", "seed", "target", "place"]
    untouched = table[table["dose"] == 0].set_index(run)[quantity]
    changed = table[table["dose"] == max(DOSES)].set_index(run)[quantity]
    difference = (changed - untouched).rename("change").reset_index()
    datasets = list(dict.fromkeys(difference["dataset"]))
    models = [m for m in style.MODEL_COLOURS if m in set(difference["model"])]
    places = sorted(difference["place"].unique(), key=lambda place: place or np.inf)
    height = 0.8 + 2 * len(datasets)
    figure, grid = style.axes_grid(len(datasets), len(models), height, sharex=True, sharey=True)
    for row, dataset in zip(grid, datasets, strict=True):
        for ax, model in zip(row, models, strict=True):
            here = difference[(difference["dataset"] == dataset) & (difference["model"] == model)]
            means(
                ax, here, "place", "change", "target", LOOKS, order=places, dodge=0.4,
                linestyles="none",
            )  # fmt: skip
            ax.axhline(0, color=style.GREY, lw=0.8, zorder=0)
        row[0].set_ylabel(f"{wording.dataset_name(dataset)}\nchange in {QUANTITIES[quantity]}")
    for ax, model in zip(grid[0], models, strict=True):
        ax.set_title(wording.model_name(model))
    for ax in grid[-1]:
        ax.set_xticks(range(len(places)), [f"layer {p}" if p else "all" for p in places])
    style.legend(figure, grid[0, 0], "upper center")
    return figure
