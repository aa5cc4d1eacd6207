"""Figures of local losses on CIFAR-10: accuracy by compute, and what becomes of representations."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fflib.book.figures import style
from fflib.book.figures.panels import by_model, models_by_layer
from fflib.records.stores import Record
from fflib.study.analyses.cost import learning_curve
from fflib.study.analyses.local_losses import MEASURES, of_networks
from fflib.study.claims.measures import overlap_beyond_chance, probed
from fflib.study.plans.local_losses import LOSSES, losses

__all__ = ["accuracy_by_compute", "ensembles_by_layer", "representations_by_accuracy"]

CHANCE = 0.1
PANELS = ("hoyer", "beyond", "balance", "dimension")


def _looks(name: str) -> dict[str, Any]:
    model, _ = LOSSES[name]
    return style.looks(model)


def accuracy_by_compute(
    records: Iterable[Record], finals: Iterable[Record], begun: Iterable[Record] = ()
) -> Figure:
    """Draw what accuracy costs in multiply-adds for each training image.

    On the left the ladder of `records`, by networks of :func:`fflib.study.analyses.local_losses.of_networks`,
    numbered as in its table: means over runs, and the runs as dots; back-propagation by the same recipe is
    joined by a line. On the right, the `finals` while they are trained, and networks whose training has only
    `begun`, dotted.
    """
    figure, [axes] = style.axes_grid(1, 2, 3.6)
    steps = of_networks(records)
    _numbered(
        axes[0],
        steps.assign(multiply_adds=steps["multiply_adds"] / 1e9),
        "multiply_adds",
        "accuracy",
    )
    axes[0].set_title("one ingredient at a time")
    for record in finals:
        name = losses(record.experiment)
        curve = learning_curve(record)
        axes[1].plot(
            curve["multiply_adds"] / 1e9,
            curve["accuracy"],
            ms=4,
            label=name,
            **_looks(name),
        )
    for record in begun:
        curve = learning_curve(record)
        axes[1].plot(
            curve["multiply_adds"] / 1e9, curve["accuracy"], ms=4, mfc="white",
            label="FF, the network for a card", **style.looks("ff") | {"ls": ":"},
        )  # fmt: skip
    axes[1].set_title("while the last networks are trained")
    for ax in axes:
        style.log_scale(ax.xaxis)
        ax.set(xlabel="multiply-adds per image (10⁹)", ylabel="accuracy")
        ax.grid(lw=0.5, color="0.9")
    style.letter(axes)
    style.legend(figure, _once(axes[1]), "upper center", columns=2)
    return figure


def representations_by_accuracy(records: Iterable[Record], finals: Iterable[Record]) -> Figure:
    """Draw how sparse, specific, excited and high-dimensional networks are, by their accuracy.

    The networks of the ladder have the numbers of their table. Large markers are the `finals`. Means over
    layers and runs.
    """
    figure, grid = style.axes_grid(2, 2, 5.2, sharex=True)
    steps = of_networks(records)
    last = [(losses(r.experiment), of_networks([r])) for r in finals]
    for ax, measure in zip(grid.flat, PANELS, strict=True):
        _numbered(ax, steps, "accuracy", measure)
        for name, network in last:
            (point,) = network[["accuracy", measure]].to_numpy()
            ax.plot(*point, ls="", ms=10, mec="white", label=name, **_looks(name))
        ax.set_title(MEASURES[measure])
        ax.grid(lw=0.5, color="0.9")
        if measure in ("beyond", "balance"):
            ax.axhline(0, color=style.GREY, lw=1, ls=":")
    for ax in grid[-1]:
        ax.set_xlabel("accuracy")
    style.letter(grid.flat)
    style.legend(figure, _once(grid[0, 0]), "upper center", columns=2)
    return figure


def ensembles_by_layer(finals: Iterable[Record]) -> Figure:
    """Draw how specific the ensembles of each layer are, and how well a class can be read from them."""
    figure, [axes] = style.axes_grid(1, 2, 3.2)
    models = by_model(finals)
    models_by_layer(axes[0], models, overlap_beyond_chance)
    models_by_layer(axes[1], models, _read)
    axes[0].axhline(0, color=style.GREY, lw=1, ls=":")
    axes[0].set_title("Jaccard index of two classes, less chance")
    axes[1].axhline(CHANCE, color=style.GREY, lw=1, ls=":")
    axes[1].set_title("images whose class is read from ensembles")
    axes[1].set_ylim(0, 1)
    style.letter(axes)
    style.legend(figure, axes[0], "upper center", columns=2)
    return figure


def _read(record: Record) -> NDArray[np.float64]:
    return np.array(probed(record, "decoded_true", about="image-or-label"), dtype=float)


def _numbered(ax: Axes, runs: pd.DataFrame, x: str, y: str) -> None:
    """Draw networks as numbered points, each the mean over its runs."""
    means = runs.groupby(["network", "model"], sort=False)[[x, y]].mean()
    for model, points in means.groupby("model", sort=False):
        own = runs[runs["model"] == model]
        look = style.looks(str(model))
        ax.plot(own[x], own[y], ".", color=look["color"], ms=2.5, alpha=0.6)
        # The steps of the ladder lead somewhere in accuracy, and to and fro in all else.
        joined = "-" if y == "accuracy" or model != "ff" else ""
        ax.plot(points[x], points[y], ls=joined, lw=0.8, ms=5, **look)
    for number, (at_x, at_y) in enumerate(means.to_numpy(), start=1):
        side = 7 if number % 2 else -7  # steps that lie close together are neighbours, most often
        ax.annotate(
            str(number), (at_x, at_y), (side, 0), textcoords="offset points", ha="center", va="center", fontsize=8
        )  # fmt: skip


def _once(ax: Axes) -> Sequence[Any]:
    """Return one artist for every label of a panel."""
    handles, labels = ax.get_legend_handles_labels()
    return list(dict(zip(labels, handles, strict=True)).values())
