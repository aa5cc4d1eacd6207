"""Figures of speed: times faster than a baseline, growth of cost, and what a number format moves."""

from collections.abc import Iterable
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from fflib import wording
from fflib.book.figures import style
from fflib.book.figures.panels import shifts
from fflib.presets import MODELS
from fflib.records.stores import Record
from fflib.study.analyses.throughput import MEASURES, RATIOS, by_format, precision

__all__ = ["growth", "number_formats", "speedups"]

FORMATS = {"float32": ("float32", style.POSITIVE, "o"), "mixed": ("bfloat16 products", style.NEGATIVE, "D")}  # fmt: skip
AXES = {"hidden": "units per layer", "layers": "hidden layers", "images": "training images"}


def speedups(result: dict[str, Any]) -> Figure:
    """Times faster than the baseline, in both number formats.

    Parameters
    ----------
    result : dict
        From :func:`fflib.bench.bench`.

    Returns
    -------
    Figure
        A row per speed-up: the median over repeats with its range, and the aim as an outlined star.
    """
    names = [name for name in RATIOS if name.startswith("speedup")]
    figure, ax = plt.subplots(figsize=(style.WIDTH, 0.9 + 0.42 * len(names)))
    rows = np.arange(len(names))
    for (key, (label, colour, marker)), shift in zip(FORMATS.items(), shifts(2, 0.24), strict=True):
        spreads = [result[key][name] for name in names]
        middle = [spread["median"] for spread in spreads]
        ax.plot(middle, rows + shift, marker, color=colour, ms=7, label=label)
        for row, spread in zip(rows, spreads, strict=True):
            ax.plot([spread["min"], spread["max"]], [row + shift] * 2, color=colour)
    aims = [RATIOS[name][1] for name in names]
    ax.plot(aims, rows, "*", mfc="none", color=style.GREY, ms=11, label="what we set out for")
    ax.axvline(1, color=style.INK, lw=1, ls="--")
    ax.set_xscale("log")
    ticks = FixedLocator([0.5, 1, 2, 3, 4, 6, 10])
    ax.xaxis.set(major_locator=ticks, minor_locator=NullLocator(), major_formatter=_plain())
    ax.set_xlim(0.5, 14)
    ax.set_xlabel("times faster than the baseline")
    ax.set_yticks(rows, [RATIOS[name][0] for name in names])
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x", lw=0.5, color="0.9")
    figure.legend(loc="outside upper right", ncols=3)
    return figure


def growth(result: dict[str, Any]) -> Figure:
    """Seconds per epoch as width, depth and data grow.

    Parameters
    ----------
    result : dict
        From :func:`fflib.bench.bench`.

    Returns
    -------
    Figure
        A panel per axis, both scales logarithmic; a line per model, and a dashed one for the
        baseline on FF.
    """
    rows = pd.DataFrame(result["growth"])
    figure, axes = plt.subplots(1, len(AXES), figsize=(style.WIDTH, 3.1), sharey=True)
    for ax, (axis, title) in zip(axes, AXES.items(), strict=True):
        for (version, model), points in rows[rows["axis"] == axis].groupby(
            ["version", "model"], sort=False
        ):
            engine = version == "engine"
            ax.plot(
                points["value"],
                points["seconds"],
                color=style.MODEL_COLOURS[model] if engine else style.GREY,
                marker=style.MARKERS[model],
                ls="-" if engine else "--",
                mfc=None if engine else "white",
                label=wording.model_name(model) + ("" if engine else ", baseline"),
            )
        values = sorted(rows.loc[rows["axis"] == axis, "value"].unique())
        ax.set(xscale="log", yscale="log", xlabel=title)
        ax.xaxis.set(
            major_locator=FixedLocator(values),
            minor_locator=NullLocator(),
            major_formatter=_plain(),
        )
        ax.yaxis.set(
            major_locator=FixedLocator([0.5, 1, 2, 5, 10, 20]),
            minor_locator=NullLocator(),
            major_formatter=_plain(),
        )
        ax.grid(axis="y", lw=0.5, color="0.9")
    axes[0].set_ylabel("seconds per epoch")
    handles, labels = axes[0].get_legend_handles_labels()
    order = sorted(range(len(labels)), key=lambda i: ("baseline" in labels[i], i))
    figure.legend(
        [handles[i] for i in order], [labels[i] for i in order],
        loc="outside upper right", ncols=len(labels),
    )  # fmt: skip
    style.letter(axes)
    return figure


def number_formats(records: Iterable[Record]) -> Figure:
    """How far mixed precision moves each run, beside how far seeds lie apart.

    Parameters
    ----------
    records : iterable of Record
        As in :func:`fflib.study.analyses.throughput.precision`.

    Returns
    -------
    Figure
        A panel per measure, a row per model. Above, the seeds in float32 by their distance from
        their mean; below, each seed's run in mixed precision minus its run in float32. Both in
        thousandths.
    """
    runs = precision(records)
    figure, axes = plt.subplots(1, len(MEASURES), figsize=(style.WIDTH, 2.7), sharey=True)
    rows = np.arange(len(MODELS))
    for ax, (measure, title) in zip(axes, MEASURES.items(), strict=True):
        for row, model in zip(rows, MODELS, strict=True):
            own = by_format(runs, model, measure)
            apart = 1000 * (own["float32"] - own["float32"].mean())
            moved = 1000 * (own["mixed"] - own["float32"])
            for values, shift, colour, marker, label in (
                (apart, -0.16, style.GREY, "o", "a seed, from the mean of seeds"),
                (moved, 0.16, style.NEGATIVE, "D", "mixed minus float32, same seed"),
            ):
                ax.plot(
                    values, np.full(len(values), row + shift), marker, color=colour, alpha=0.7,
                    mew=0, ms=6, label=label if row == 0 else None,
                )  # fmt: skip
        ax.axvline(0, color=style.INK, lw=1, ls="--")
        ax.set_xlabel(title.replace(", ", ",\n") + " × 1000")
        reach = 1.15 * max(map(abs, ax.get_xlim()))
        ax.set_xlim(-reach, reach)
        ax.locator_params(axis="x", nbins=3, symmetric=True)
        ax.grid(axis="x", lw=0.5, color="0.9")
    axes[0].set_yticks(rows, [wording.model_name(model) for model in MODELS])
    axes[0].set_ylim(len(MODELS) - 0.5, -0.5)
    axes[0].set_ylabel("model")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper right", ncols=2)
    return figure


def _plain() -> FuncFormatter:
    return FuncFormatter(lambda value, _: f"{value:,g}".replace(",", " "))
