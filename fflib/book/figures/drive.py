"""Figures of what drives units, and of networks without a part of that drive."""

from collections.abc import Iterable

import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fflib.book.figures import style
from fflib.book.figures.panels import means
from fflib.records.stores import Record
from fflib.study.analyses.attribution import of_part
from fflib.study.analyses.drive import removed

__all__ = ["signs", "without"]

SHARES = {
    "negative_weights": (style.GREY, "o", "weights"),
    "negative_contributions": (style.NEGATIVE, "v", "contributions"),
    "negative_drive": (style.INK, "s", "drive, by size"),
}

REMOVED = {
    "none": (style.INK, "o", "untouched"),
    "negative": (style.NEGATIVE, "v", "without negative drive"),
    "random": (style.GREY, "s", "without as many connections at random"),
    "positive": (style.POSITIVE, "^", "without positive drive"),
}


def signs(records: Iterable[Record]) -> Figure:
    """Draw which share is negative of weights, of contributions and of drive, and the balance.

    The runs are on one data set under one protocol, with the probe "attribution". There is a column
    per network: above, the shares by layer; below, the balance (E − I) / (E + I) of excitation and
    inhibition. Means over runs with 95 % intervals; dotted, as much of either sign.
    """
    table = of_part(records, "drive")
    figure, grid, parts = _columns(table, "row")
    for (upper, lower), here in zip(grid.T, parts, strict=True):
        shares = here.melt(["seed", "layer"], list(SHARES), "of", "share")
        means(upper, shares, "layer", "share", "of", SHARES, dodge=0.2)
        means(lower, here.assign(of="balance"), "layer", "balance", "of", BALANCE)
        upper.axhline(0.5, color=style.GREY, lw=1, ls=":")
        upper.set_ylim(0, 1)
        lower.axhline(0, color=style.GREY, lw=1, ls=":")
        lower.set_xlabel("hidden layer")
    grid[0, 0].set_ylabel("negative share of")
    grid[1, 0].set_ylabel("balance")
    style.legend(figure, grid[0, 0], "upper center")
    return figure


BALANCE = {"balance": (style.INK, "D", "balance")}


def without(records: Iterable[Record]) -> Figure:
    """Draw accuracy and sparseness of networks without a part of their drive.

    The runs are on one data set under one protocol, with the probe "attribution". There is a column
    per network: above, accuracy, with a dashed line for the untouched network; below, sparseness by
    layer, where nothing is drawn for a layer that is silent. Means over runs with 95 % intervals.
    """
    records = list(records)
    by_run = removed(records)
    by_layer = of_part(records, "drive-removed").astype({"hoyer": float})
    figure, grid, parts = _columns(by_layer, "row", sharex=False)
    for (upper, lower), here in zip(grid.T, parts, strict=True):
        runs = by_run[by_run["network"] == here["network"].iloc[0]]
        means(upper, runs, "removed", "accuracy", "removed", REMOVED, order=list(REMOVED))
        untouched = runs.loc[runs["removed"] == "none", "accuracy"].mean()
        upper.axhline(untouched, color=style.INK, lw=1, ls="--", zorder=0)
        upper.set_ylim(0, 1)
        upper.set_xticks([])
        known = here.dropna(subset="hoyer")
        means(lower, known, "layer", "hoyer", "removed", REMOVED, dodge=0.25)
        lower.set_xlabel("hidden layer")
    grid[0, 0].set_ylabel("accuracy")
    grid[1, 0].set_ylabel("sparseness")
    style.legend(figure, grid[0, 0], "upper center", columns=2)
    return figure


def _columns(
    table: pd.DataFrame, sharey: str, **options: bool
) -> tuple[Figure, NDArray, list[pd.DataFrame]]:
    """Lay out two panels for each network, and return the part of the table about it, too."""
    networks = list(dict.fromkeys(table["network"]))
    figure, grid = style.axes_grid(2, len(networks), 4.6, sharey=sharey, **options)
    for ax, network in zip(grid[0], networks, strict=True):
        ax.set_title(network)
    return figure, grid, [table[table["network"] == network] for network in networks]
