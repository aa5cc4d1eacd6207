"""Figures of how ensembles form along training."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from fflib import wording
from fflib.book.figures import style
from fflib.book.figures.panels import by_model, colour_key, matrix
from fflib.measures.timeline import SILENT, by_chance, kept
from fflib.records.schema import unpack
from fflib.records.stores import Record
from fflib.statistics import mean_interval
from fflib.study.analyses.timeline import moments
from fflib.study.claims.timeline import EARLY, timelines

__all__ = [
    "MEMBERS", "classes_over_time", "membership_wall", "stills", "timeline", "transitions",
]  # fmt: skip

QUANTITIES = {
    "alone": "accuracy",
    "identity": "identity\nwith the end",
    "hoyer": "Hoyer\nsparseness",
    "size": "units in an\nensemble",
    "selectivity": "class\nselectivity",
    "negative": "negative\nweights",
}

MOMENTS = ("before", "a tenth", "the end")
"""The moments of a layer's training that stills show."""

NOT_YET, LEAVING, MEMBER = "#d4d4d4", "#E69F00", "#0072B2"
MEMBERS = {
    "member now and at the end": MEMBER,
    "member now, not at the end": LEAVING,
    "member at the end only": NOT_YET,
}
"""Colours of units, by what they mean."""


def timeline(records: Iterable[Record]) -> Figure:
    """Draw the whole of training, snapshot by snapshot, layer by layer, from runs on one data set.

    There is a column per model, as wide as it has stages; a row per quantity; a line per layer:
    means over runs with 95 % intervals. The accuracy of the layers up to the one that learns is a
    dashed line, that of each layer by itself the others. Within a stage the axis is logarithmic.
    """
    table = moments(records)
    models = [m for m in style.MODEL_COLOURS if m in set(table["model"])]
    stages = [sorted(table.loc[table["model"] == m, "learns"].unique()) for m in models]
    widths = [len(s) + 0.6 for s in stages]
    figure, grid = style.axes_grid(
        len(QUANTITIES), len(models), 8.2, sharex="col", sharey="row", width_ratios=widths
    )
    colours = style.layer_colours(int(table["layer"].max()))
    for column, model, learning in zip(grid.T, models, stages, strict=True):
        runs = table[table["model"] == model]
        runs = runs.assign(at=_place(runs, learning))
        for ax, quantity in zip(column, QUANTITIES, strict=True):
            if quantity == "alone":
                _line(ax, runs[runs["layer"] == 1], "accuracy", style.INK, "together", ls="--")
            for depth, colour in enumerate(colours, start=1):
                _line(ax, runs[runs["layer"] == depth], quantity, colour, f"layer {depth}")
        column[0].set_title(wording.model_name(model))
    for row in grid:  # intervals of few runs are wide, and must not hide what the means do
        means = np.concatenate([line.get_ydata() for ax in row for line in ax.lines])
        margin = 0.06 * max(float(np.ptp(means)), 0.01)
        row[0].set_ylim(means.min() - margin, means.max() + margin)
    for column, model, learning in zip(grid.T, models, stages, strict=True):
        _mark_stages(column, learning, colours, table[table["model"] == model])
    for ax, label in zip(grid[:, 0], QUANTITIES.values(), strict=True):
        ax.set_ylabel(label)
    figure.supxlabel("training steps since the layer began to learn", fontsize="medium")
    style.legend(figure, grid[0, 0], "upper center", columns=len(colours) + 1)
    return figure


def _place(runs: pd.DataFrame, stages: Sequence[int]) -> "pd.Series[float]":
    """Where a moment stands: stages side by side, logarithmic within each."""
    last = runs.groupby(["seed", "learns"])["step"].transform("max")
    return runs["learns"].map(stages.index) + np.log1p(runs["step"]) / np.log1p(last)


def _line(
    ax: Axes, runs: pd.DataFrame, quantity: str, colour: str, label: str, ls: str = "-"
) -> None:
    known = runs.dropna(subset=[quantity])
    for number, (_, stage) in enumerate(known.groupby("learns")):
        groups = stage.groupby("at")[quantity]
        label = label if not number else ""
        values = (v for _, v in groups)
        _band(ax, list(groups.groups), values, color=colour, ls=ls, lw=1.3, label=label)


def _band(ax: Axes, x: ArrayLike, runs: Iterable[ArrayLike], **looks: Any) -> None:
    """Draw means over runs as a line within a band, their 95 % intervals."""
    found = [mean_interval(values) for values in runs]
    ax.plot(x, [i.mean for i in found], **looks)
    low, high = [i.low for i in found], [i.high for i in found]
    ax.fill_between(x, low, high, color=looks["color"], alpha=0.18, lw=0)


def _mark_stages(
    axes: NDArray[Any], stages: Sequence[int], colours: Sequence[str], runs: pd.DataFrame
) -> None:
    last = int(runs["step"].max())
    # The end of a stage has no room for a number where the next one begins.
    steps = [step for step in (0, 10, 100, 1000) if step < last / (8 if len(stages) > 1 else 1)]
    ticks = [number + np.log1p(s) / np.log1p(last) for number in range(len(stages)) for s in steps]
    for ax in axes:
        for number, learns in enumerate(stages):
            colour = colours[learns - 1] if learns else style.GREY
            ax.axvspan(number, number + 1, color=colour, alpha=0.07, lw=0, zorder=0)
            if number:
                ax.axvline(number, color="white", lw=2, zorder=1)
        ax.set_xticks(ticks, [f"{s:g}" for s in steps] * len(stages), fontsize="small")
        ax.set_xlim(0, len(stages))
    for number, learns in enumerate(stages):
        if learns:
            axes[0].annotate(
                f"layer {learns} learns", (number + 0.97, 1.02), xycoords=("data", "axes fraction"),
                color=colours[learns - 1], fontsize="small", ha="right", va="bottom",
            )  # fmt: skip


def classes_over_time(records: Iterable[Record]) -> Figure:
    """Draw the share of units that prefer the class they will prefer at the end.

    The runs are on one data set. There is a panel per model, and a line per layer over the steps
    since it began to learn: means over runs with 95 % intervals. Dotted: the share by chance; a
    vertical line stands at a tenth.
    """
    models = by_model(records)
    figure, [axes] = style.axes_grid(1, len(models), 2.8, sharey=True)
    for ax, (model, runs) in zip(axes, models.items(), strict=True):
        colours = style.layer_colours(runs[0].experiment.layers)
        for depth, layer in enumerate(zip(*map(timelines, runs), strict=True)):
            step, colour = layer[0].step, colours[depth]
            at, label = np.log1p(step), f"layer {depth + 1}"
            share = np.array([[kept(p, h.preferred[-1]) for p in h.preferred] for h in layer])
            chance = [[by_chance(p, h.preferred[-1]) for p in h.preferred] for h in layer]
            _band(ax, at, share.T, color=colour, label=label)
            ax.plot(at, np.mean(chance, axis=0), ":", color=colour, lw=1)
        ax.axvline(np.log1p(EARLY * step[-1]), color=style.GREY, lw=0.8)
        ticks = [s for s in (0, 10, 100, 1000) if s <= step[-1]]
        ax.set_xticks(np.log1p(ticks), [f"{s:g}" for s in ticks])
        ax.set_title(wording.model_name(model))
        ax.set_ylim(0, 1.02)
    axes[0].set_ylabel("units that prefer\ntheir last class")
    figure.supxlabel("training steps since the layer began to learn", fontsize="medium")
    style.legend(figure, axes[0], "upper center", columns=len(colours))
    return figure


def transitions(records: Iterable[Record], names: Sequence[str]) -> Figure:
    """Draw from which class to which units move between a tenth of their training and its end.

    The runs are of one model on one data set. There is a panel per layer. Rows: the class preferred
    at a tenth; columns: at the end; the last of each is none. Colours are shares of a row, over the
    units of all runs; a row without units is blank.
    """
    layers = list(zip(*map(timelines, records), strict=True))
    figure, [axes] = style.axes_grid(1, len(layers), 2.9, sharey=True)
    labels = [*names, "none"]
    for depth, (ax, runs) in enumerate(zip(axes, layers, strict=True), start=1):
        counts = np.zeros((len(labels), len(labels)))
        for layer in runs:
            preferred = np.stack([layer.early, layer.preferred[-1]]).astype(np.intp)
            preferred[preferred == SILENT] = len(names)
            np.add.at(counts, tuple(preferred), 1)
        total = counts.sum(axis=1, keepdims=True)
        share = np.divide(counts, total, out=np.full(counts.shape, np.nan), where=total > 0)
        image = matrix(ax, share, labels, labels, low=0, high=1)
        ax.set_title(f"layer {depth}")
        ax.set_xlabel("class at the end")
        ax.tick_params(axis="x", labelrotation=90)
    axes[0].set_ylabel("class at a tenth")
    figure.colorbar(image, ax=axes, shrink=0.7, label="share of the row")
    return figure


def membership(record: Record, units: int) -> tuple[NDArray[np.bool_], NDArray[np.intp]]:
    """Return membership along training of a part of the units, sorted by their last class.

    Of each layer, at most so many `units` are shown, evenly drawn. The first array is boolean, of
    shape (snapshot, layer, class, unit); the second, of shape (layer, unit), says which units these
    are.
    """
    hidden = record.experiment.hidden
    members = unpack(record.arrays["snapshots/ensembles"], hidden)
    last = record.arrays["snapshots/preferred"][-1]
    some = np.arange(0, hidden, -(-hidden // units))
    shown = np.stack([some[np.argsort(layer[some], kind="stable")] for layer in last])
    return np.take_along_axis(members, shown[None, :, None, :], axis=-1), shown


def membership_wall(
    ax: Axes, now: NDArray[np.bool_], end: NDArray[np.bool_], names: Sequence[str], title: str
) -> None:
    """Draw membership now and at the end of training, both of shape (class, unit).

    There is a row per class and a column per unit.
    """
    colours = ListedColormap(["none", NOT_YET, LEAVING, MEMBER])
    kinds = 2 * now + end
    ax.imshow(kinds, aspect="auto", interpolation="none", cmap=colours, vmin=0, vmax=3)
    ax.set_title(title, fontsize="small")
    ax.set_xticks([])
    ax.set_yticks(range(len(names)), list(names), fontsize=7)
    ax.tick_params(length=0)


def stills(record: Record, names: Sequence[str], units: int = 196) -> Figure:
    """Draw three moments of each layer: before its training, a tenth into it, and at its end.

    The run has snapshots; of a layer, at most so many `units` are shown. There is a row of panels
    per moment and a column per layer. In a panel there is a row per class and a column per unit,
    sorted by the class that it prefers at the end.
    """
    members, _ = membership(record, units)
    learns = [row["learns"] for row in record.metrics.timeline or () if row["layer"] == 1]
    layers = members.shape[1]
    figure, grid = style.axes_grid(3, layers, 4.8, sharey=True)
    for depth, layer in enumerate(timelines(record)):
        own = [i for i, stage in enumerate(learns) if stage in (None, depth + 1)]
        for ax, said, moment in zip(
            grid[:, depth], MOMENTS, (0, layer.early_moment, -1), strict=True
        ):
            now, end = members[own[moment], depth], members[-1, depth]
            head = f"layer {depth + 1}\n" if ax is grid[0, depth] else ""
            membership_wall(ax, now, end, names, f"{head}step {layer.step[moment]:,}: {said}")
    figure.supxlabel("units, by the class that they prefer at the end", fontsize="medium")
    figure.supylabel("class", fontsize="medium")
    colour_key(figure, MEMBERS)
    return figure
