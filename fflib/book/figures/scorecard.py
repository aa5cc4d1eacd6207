"""The figure of the scorecard: the estimate for every claim, against its criterion."""

import textwrap
from collections.abc import Iterable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fflib import wording
from fflib.book.figures import style
from fflib.study.claims.judging import Answer, Cell, Verdict

__all__ = ["ANSWERS", "answer_entries", "estimates"]

ANSWERS: dict[Answer, tuple[str, str]] = {
    "holds": ("#0072B2", "o"),
    "open": (style.GREY, "D"),
    "fails": ("#D55E00", "X"),
}
"""Colour and marker of what a cell says of a claim."""


def estimates(verdicts: Iterable[Verdict], columns: int = 2) -> Figure:
    """Draw the estimate for each claim and cell, with intervals over runs, against the bounds.

    There is a panel per claim, `columns` side by side, and a row per data set and protocol: the
    mean over runs with its interval and, small, the runs themselves. The side of the bound on which
    the claim holds is shaded.
    """
    verdicts = list(verdicts)
    names = list(dict.fromkeys(_name(cell) for v in verdicts for cell in v.cells)) or ["no runs"]
    rows = -(-len(verdicts) // columns)
    height = 0.5 + rows * (0.9 + 0.24 * len(names))
    width = style.WIDTH * min(1, (1 + columns) / 3)
    figure, grid = style.axes_grid(rows, columns, height, width, sharey=True)
    for ax in grid.ravel()[len(verdicts) :]:
        ax.set_axis_off()
    for ax, verdict in zip(grid.ravel(), verdicts, strict=False):
        _panel(ax, verdict, names)
    style.legend(figure, answer_entries())
    return figure


def answer_entries() -> list[Line2D]:
    """Return the entries of a legend that explains :data:`ANSWERS`."""
    return [style.entry(a, colour, marker=marker) for a, (colour, marker) in ANSWERS.items()]


def _panel(ax: Axes, verdict: Verdict, names: list[str]) -> None:
    claim = verdict.claim
    numbers = [claim.bound]
    for cell in verdict.cells:
        colour, marker = ANSWERS[cell.answer]
        row, interval = names.index(_name(cell)), cell.interval
        ax.plot([interval.low, interval.high], [row, row], color=colour)
        ax.plot(interval.mean, row, marker, color=colour, ms=7)
        ax.plot(cell.values, np.full(len(cell.values), row + 0.3), ".", color=style.GREY, ms=4)
        numbers += [interval.low, interval.high, *cell.values]
    low, high = np.nanmin(numbers), np.nanmax(numbers)
    margin = 0.15 * (high - low) or 0.1
    ax.set_xlim(low - margin, high + margin)
    good = (claim.bound, high + margin) if claim.above else (low - margin, claim.bound)
    ax.axvspan(*good, color=ANSWERS["holds"][0], alpha=0.1, lw=0)
    style.bounds(ax.xaxis, claim.bound)
    ax.set_title(claim.title)
    ax.set_xlabel(textwrap.fill(claim.label, 36))  # as wide as a panel
    style.name_rows(ax, names)
    ax.tick_params(axis="y", length=0)


def _name(cell: Cell) -> str:
    return f"{wording.dataset_name(cell.dataset)}; {wording.protocol_name(cell.protocol)}"
