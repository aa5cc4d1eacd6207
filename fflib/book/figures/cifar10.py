"""Figures of dense and convolutional networks on CIFAR-10."""

from collections.abc import Callable, Iterable, Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from fflib.book.figures import style
from fflib.book.figures.panels import estimate_rows
from fflib.records.stores import Record
from fflib.study.analyses.cifar10 import MEASURES, by_network, by_variant
from fflib.study.plans.cifar10 import SECOND_BASE, VARIED

__all__ = ["networks", "variants"]


def networks(records: Iterable[Record]) -> Figure:
    """Draw the measures of dense and convolutional networks under each way of training.

    There is a panel per measure and a row per network: means over runs on test images with 95 %
    intervals, and the runs as small dots.
    """
    table = by_network(records)
    models = dict(zip(table["network"], table["model"], strict=True))
    return _rows(
        table, "network", MEASURES, list(models), lambda name, _: style.looks(models[name])
    )


def variants(records: Iterable[Record]) -> Figure:
    """Draw the effect of single choices on a convolutional Forward-Forward network.

    There is a panel each for accuracy, sparseness and overlap, and a row per choice; a dotted line
    continues the base from which a choice departs.
    """
    table = by_variant(records)
    measures = {name: MEASURES[name] for name in ("accuracy", "hoyer", "overlap")}
    names = [name for name in VARIED if name in set(table["variant"])]
    figure = _rows(table, "variant", measures, names, lambda *_: style.looks("ff"))
    for base in ("base", SECOND_BASE):
        own = [(VARIED[n].get("scope") == "class") == (base == SECOND_BASE) for n in names]
        rows = np.flatnonzero(own)
        for ax, measure in zip(figure.axes, measures, strict=True):
            runs = table.loc[table["variant"] == base, measure]
            if len(runs):
                ends = [rows[0], rows[-1] + 0.3]
                ax.plot([runs.mean()] * 2, ends, ":", color=style.GREY, lw=1, zorder=0)
    return figure


def _rows(
    table: pd.DataFrame,
    column: str,
    measures: Mapping[str, str],
    names: list[str],
    looks: Callable[[str, str], dict[str, str]],
) -> Figure:
    figure, [axes] = style.axes_grid(1, len(measures), 1.0 + 0.36 * len(names), sharey=True)
    estimate_rows(axes, table.assign(dataset="cifar-10"), column, names, measures, looks)
    axes[0].set_ylim(len(names) - 0.4, -0.6)
    for ax, label in zip(axes, measures.values(), strict=True):
        ax.set_title(label, fontsize="small")
        ax.locator_params(axis="x", nbins=3)
        ax.tick_params(axis="y", length=0)
    style.letter(axes)
    return figure
