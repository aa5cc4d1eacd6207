"""Figures of whether ensembles follow the image or the label it carries."""

from collections.abc import Callable, Iterable
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fflib import wording
from fflib.book.figures import style
from fflib.book.figures.panels import means, shifts
from fflib.records.stores import Record
from fflib.statistics import mean_interval
from fflib.study.analyses.attribution import of_image_or_label

__all__ = ["decoded", "shares"]

PARTS = {
    "image": (style.IMAGE, "", "image"),
    "label": (style.LABEL, "///", "label"),
    "agreement": (style.AGREEMENT, "...", "their agreement"),
    "rest": ("#DDDDDD", "", "rest"),
}
SHOWN = {
    "decoded_true": (style.INK, "o", "image with its own label: read as both"),
    "decoded_none": (style.IMAGE, "s", "image without a label: as the image"),
    "wrong_to_image": (style.IMAGE, "X", "image with a wrong label: as the image"),
    "wrong_to_label": (style.LABEL, "X", "image with a wrong label: as the label"),
    "noise": (style.LABEL, "D", "noise with a label: as the label"),
    "blank": (style.LABEL, "^", "black image with a label: as the label"),
}


def shares(records: Iterable[Record], of: str = "") -> Figure:
    """Draw what image, label and their agreement explain of ensembles, layer by layer.

    The runs are of one protocol, with the probe "attribution". There is a row per data set and a
    column per network. Bars are means over runs of the shares, on top of one another; the stroke at
    the upper end of each, but of the rest, is its 95 % interval. With `of` ``"activity_"``, the shares
    are those of activity.
    """
    return _by_network(records, "share explained", partial(_bars, of=of), columns=4)


def decoded(records: Iterable[Record]) -> Figure:
    """Draw as what images are read off the ensembles of each layer, by the label they carry.

    The runs are of one protocol, with the probe "attribution". There is a row per data set and a
    column per network: shares of images, means over runs with 95 % intervals. The dotted line is
    chance.
    """
    return _by_network(records, "share of images", _lines, columns=2)


def _by_network(
    records: Iterable[Record], said: str, draw: Callable[[Axes, pd.DataFrame], None], columns: int
) -> Figure:
    """Draw a panel for each data set, in rows, and network, in columns, from its part of the table."""
    table = of_image_or_label(records)
    datasets, networks = (list(dict.fromkeys(table[name])) for name in ("dataset", "network"))
    height = 1 + 2 * len(datasets)
    figure, grid = style.axes_grid(len(datasets), len(networks), height, sharex=True, sharey=True)
    for ax, (dataset, network) in zip(grid.ravel(), product(datasets, networks), strict=True):
        here = table[(table["dataset"] == dataset) & (table["network"] == network)]
        if here.empty:
            ax.set_axis_off()
        else:
            draw(ax, here)
    for ax, network in zip(grid[0], networks, strict=True):
        ax.set_title(network)
    for row, dataset in zip(grid, datasets, strict=True):
        row[0].set_ylabel(f"{wording.dataset_name(dataset)}\n{said}")
    for ax in grid[-1]:
        ax.set_xlabel("hidden layer")
    layers = sorted(table["layer"].unique())
    grid[0, 0].set(xticks=layers, xlim=(0.5, layers[-1] + 0.5), ylim=(-0.04, 1.04))
    style.legend(figure, grid[0, 0], "upper center", columns=columns)
    return figure


def _bars(ax: Axes, here: pd.DataFrame, of: str) -> None:
    top = pd.Series(0.0, index=sorted(here["layer"].unique()))
    for shift, (part, look) in zip(shifts(len(PARTS), 0.4), PARTS.items(), strict=True):
        colour, hatch, name = look
        runs = here.dropna(subset=of + part).groupby("layer")[of + part]
        height = runs.mean().reindex(top.index, fill_value=0)
        ax.bar(
            top.index, height, 0.75, top, color=colour, hatch=hatch, edgecolor="white", lw=0,
            label=name,
        )  # fmt: skip
        for layer, interval in runs.agg(mean_interval).items() if part != "rest" else ():
            ends = top[layer] + np.array([interval.low, interval.high])
            ax.plot([layer + shift] * 2, ends, color=style.INK, lw=1.2)
        top += height


def _lines(ax: Axes, here: pd.DataFrame) -> None:
    runs = here.melt("layer", list(SHOWN), "shown", "share")
    options: dict[str, Any] = {
        "native_scale": True,
        "dodge": 0.25,
        "linestyles": ["-", "-", "--", "--", ":", ":"],
    }
    means(ax, runs, "layer", "share", "shown", SHOWN, **options)
    ax.axhline(1 / here["classes"].iloc[0], color=style.GREY, lw=1, ls=":")
