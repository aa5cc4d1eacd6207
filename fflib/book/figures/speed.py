"""Figures of speed: ratios to a baseline, growth of cost, and the effect of the number format."""

from collections.abc import Iterable, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from fflib import wording
from fflib.book.figures import style
from fflib.book.figures.panels import shifts
from fflib.presets import MODELS
from fflib.records.stores import Record
from fflib.study.analyses.rounding import MEASURES, by_format, precision
from fflib.study.analyses.throughput import RATIOS, aims

__all__ = ["growth", "number_formats", "speedups"]

FORMATS = {"float32": ("float32", style.POSITIVE, "o"), "mixed": ("bfloat16 products", style.NEGATIVE, "D")}  # fmt: skip
AXES = {
    "hidden": "units per layer",
    "layers": "hidden layers",
    "images": "training images",
    "runs": "runs side by side",
}


def speedups(result: dict[str, Any]) -> Figure:
    """Draw how many times faster than the baseline training is, in both number formats.

    The result is that of :func:`fflib.bench.bench`. There is a row per speed-up: the median over
    repeats with its range, and the aim as an outlined star.
    """
    names = [n for n in RATIOS if n.startswith("speedup") and n in result["float32"]]
    figure, [[ax]] = style.axes_grid(1, 1, 0.9 + 0.42 * len(names))
    rows = np.arange(len(names))
    for (key, (label, colour, marker)), shift in zip(FORMATS.items(), shifts(2, 0.24), strict=True):
        spreads = [result[key][name] for name in names]
        middle = [spread["median"] for spread in spreads]
        ax.plot(middle, rows + shift, marker, color=colour, ms=7, label=label)
        for row, spread in zip(rows, spreads, strict=True):
            ax.plot([spread["min"], spread["max"]], [row + shift] * 2, color=colour)
    wanted = aims(result)
    ax.plot(
        [wanted.get(name, np.nan) for name in names],
        rows,
        "*",
        mfc="none",
        color=style.GREY,
        ms=11,
        label="what we set out for",
    )
    ax.axvline(1, color=style.INK, lw=1, ls="--")
    ax.set_xscale("log")
    _ticks(ax.xaxis, [0.5, 1, 2, 3, 4, 6, 10])
    ax.set_xlim(0.5, 14)
    ax.set_xlabel("times faster than the baseline")
    style.name_rows(ax, [RATIOS[name] for name in names])
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x", lw=0.5, color="0.9")
    figure.legend(loc="outside upper right", ncols=3)
    return figure


def growth(result: dict[str, Any]) -> Figure:
    """Draw seconds per epoch as width, depth, data and the number of runs grow.

    The result is that of :func:`fflib.bench.bench`. There is a panel per axis that was measured, both
    scales logarithmic; a line per model, and a dashed one for the baseline on FF, which trains one
    run at a time.
    """
    rows = pd.DataFrame(result["growth"], columns=["axis", "value", "model", "version", "seconds"])
    measured = [axis for axis in AXES if axis in set(rows["axis"])]
    if not measured:
        return plt.figure()
    lines = -(-len(measured) // 2)
    figure, grid = style.axes_grid(lines, 2, 0.7 + 2.4 * lines, sharey=True)
    axes, spare = np.split(grid.flatten(), [len(measured)])
    for ax in spare:
        ax.remove()
    for ax, axis in zip(axes, measured, strict=True):
        here, title = rows[rows["axis"] == axis], AXES[axis]
        for (version, model), points in here.groupby(["version", "model"], sort=False):
            looks, name = style.looks(model), wording.model_name(model)
            if version != "engine":
                looks |= {"color": style.GREY, "ls": "--", "mfc": "white"}
                name += ", baseline"
            ax.plot(points["value"], points["seconds"], label=name, **looks)
        ax.set(xscale="log", yscale="log", xlabel=title)
        _ticks(ax.xaxis, sorted(here["value"].unique()))
        _ticks(ax.yaxis, [0.5, 1, 2, 5, 10, 20])
        ax.grid(axis="y", lw=0.5, color="0.9")
    for first, *_ in grid:
        first.set_ylabel("seconds per epoch")
    shown = sorted(axes[0].lines, key=lambda line: "baseline" in line.get_label())
    style.legend(figure, shown, columns=len(shown))
    style.letter(axes)
    return figure


def number_formats(records: Iterable[Record]) -> Figure:
    """Draw how far mixed precision moves each run, beside how far seeds lie apart.

    The runs are those of :func:`fflib.study.analyses.rounding.precision`. There is a panel per
    measure and a row per model. Above, the seeds in float32 by their distance from their mean;
    below, each seed's run in mixed precision minus its run in float32. Both are in thousandths.
    """
    runs = precision(records)
    figure, [axes] = style.axes_grid(1, len(MEASURES), 2.7, sharey=True)
    for ax, (measure, title) in zip(axes, MEASURES.items(), strict=True):
        for row, model in enumerate(MODELS):
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
    style.name_rows(axes[0], [wording.model_name(model) for model in MODELS])
    axes[0].set_ylabel("model")
    style.legend(figure, axes[0], columns=2)
    return figure


def _ticks(axis: Axis, values: Sequence[float]) -> None:
    """Mark an axis at these values alone, with plain numbers."""
    plain = FuncFormatter(lambda value, _: f"{value:,g}".replace(",", " "))
    axis.set(major_locator=FixedLocator(values), minor_locator=NullLocator(), major_formatter=plain)
