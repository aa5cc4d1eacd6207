"""Figures of dense and convolutional networks on CIFAR-10."""

from collections.abc import Iterable, Mapping

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from fflib.book.figures import style
from fflib.book.figures.panels import estimate
from fflib.records.stores import Record
from fflib.study.analyses.cifar10 import MEASURES, by_network, by_variant
from fflib.study.plans.cifar10 import VARIED

__all__ = ["networks", "variants"]


def networks(records: Iterable[Record]) -> Figure:
    """What dense and convolutional networks come to under each way of training.

    Parameters
    ----------
    records : iterable of Record
        Runs on test images.

    Returns
    -------
    Figure
        A panel per measure, a row per network: means over runs with 95 % intervals, and the runs
        as small dots.
    """
    table = by_network(records)
    models = dict(zip(table["network"], table["model"], strict=True))
    colours = {network: style.MODEL_COLOURS[model] for network, model in models.items()}
    markers = {network: style.MARKERS[model] for network, model in models.items()}
    return _rows(table, "network", MEASURES, colours, markers)


def variants(records: Iterable[Record]) -> Figure:
    """What single choices make of a convolutional Forward-Forward network.

    Parameters
    ----------
    records : iterable of Record

    Returns
    -------
    Figure
        A panel each for accuracy, sparseness and overlap, a row per choice; a dotted line continues
        the base that a choice departs from.
    """
    table = by_variant(records)
    measures = {name: MEASURES[name] for name in ("accuracy", "hoyer", "overlap")}
    names = [name for name in VARIED if name in set(table["variant"])]
    figure = _rows(
        table, "variant", measures, dict.fromkeys(names, style.MODEL_COLOURS["ff"]), {}, names
    )
    for base in ("base", "scope: class"):
        rows = [row for row, name in enumerate(names) if _base(name) == base]
        for ax, measure in zip(figure.axes, measures, strict=True):
            runs = table.loc[table["variant"] == base, measure]
            if len(runs):
                ends = [rows[0], rows[-1] + 0.3]
                ax.plot([runs.mean()] * 2, ends, ":", color=style.GREY, lw=1, zorder=0)
    return figure


def _base(name: str) -> str:
    return "scope: class" if name.startswith("scope: class") else "base"


def _rows(
    table: pd.DataFrame,
    column: str,
    measures: Mapping[str, str],
    colours: Mapping[str, str],
    markers: Mapping[str, str],
    names: Iterable[str] = (),
) -> Figure:
    names = list(names) or list(dict.fromkeys(table[column]))
    figure, axes = plt.subplots(
        1, len(measures), figsize=(style.WIDTH, 1.0 + 0.36 * len(names)), sharey=True
    )
    for ax, (measure, label) in zip(axes, measures.items(), strict=True):
        for row, name in enumerate(names):
            runs = table.loc[table[column] == name, measure]
            estimate(ax, runs, row, colour=colours[name], marker=markers.get(name, "o"))
        ax.set_xlabel(label, fontsize="small")
        ax.grid(axis="x", lw=0.5, color="0.9")
        ax.tick_params(axis="y", length=0)
        ax.locator_params(axis="x", nbins=3)
    axes[0].set_yticks(range(len(names)), names)
    axes[0].set_ylim(len(names) - 0.4, -0.6)
    style.letter(axes)
    return figure
