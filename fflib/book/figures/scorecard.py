"""The figure of the scorecard: the estimate for every claim, against its criterion and its rivals."""

import textwrap
from collections.abc import Iterable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fflib import wording
from fflib.book.figures import style
from fflib.study.claims.claim import Answer
from fflib.study.claims.verdicts import Cell, Verdict

__all__ = ["ANSWERS", "answer_entries", "estimates"]

ANSWERS: dict[Answer, tuple[str, str]] = {
    "holds": ("#0072B2", "o"),
    "open": (style.GREY, "D"),
    "fails": ("#D55E00", "X"),
}
"""Colour and marker of what a cell says of a claim."""

LAYERS_APART = 0.28
"""Of a row, where each layer is a cell."""


def estimates(verdicts: Iterable[Verdict], columns: int = 2) -> Figure:
    """Draw the estimate for each claim and cell, with intervals over runs, against bound and rivals.

    There is a panel per claim that runs bear on, `columns` side by side, and a row per data set and
    protocol: the mean over runs with its interval and, small, the runs themselves; from the first
    layer down to the last where each layer is a cell. Strokes are what rivals come to. The side of the
    bound on which the claim holds is shaded.
    """
    verdicts = list(verdicts)
    verdicts = [v for v in verdicts if v.cells] or verdicts
    names = list(dict.fromkeys(_row(cell) for v in verdicts for cell in v.cells)) or ["no runs"]
    rows = -(-len(verdicts) // columns)
    layered = any(cell.layer for v in verdicts for cell in v.cells)
    height = 0.5 + rows * (0.9 + (0.45 if layered else 0.24) * len(names))
    width = style.WIDTH * min(1, (1 + columns) / 3)
    figure, grid = style.axes_grid(rows, columns, height, width, sharey=True)
    for ax in grid.ravel()[len(verdicts) :]:
        ax.set_axis_off()
    for ax, verdict in zip(grid.ravel(), verdicts, strict=False):
        _panel(ax, verdict, names)
    rivals = dict.fromkeys(r.name for v in verdicts for c in v.cells for r in c.rivals)
    strokes = [
        style.entry(wording.rival_name(r), _colour(r), marker="|", ls="", ms=9) for r in rivals
    ]
    style.legend(figure, [*answer_entries(), *strokes])
    return figure


def answer_entries() -> list[Line2D]:
    """Return the entries of a legend that explains :data:`ANSWERS`."""
    return [style.entry(a, colour, marker=marker) for a, (colour, marker) in ANSWERS.items()]


def _panel(ax: Axes, verdict: Verdict, names: list[str]) -> None:
    claim = verdict.claim
    numbers = [claim.bound]
    middle = (max((cell.layer or 1 for cell in verdict.cells), default=1) + 1) / 2
    for cell in verdict.cells:
        colour, marker = ANSWERS[cell.answer]
        row = float(names.index(_row(cell)))
        if cell.layer:
            row += LAYERS_APART * (cell.layer - middle)
        interval, below = cell.interval, row + (LAYERS_APART / 2 if cell.layer else 0.3)
        ax.plot([interval.low, interval.high], [row, row], color=colour)
        ax.plot(interval.mean, row, marker, color=colour, ms=7)
        ax.plot(cell.values, np.full(len(cell.values), below), ".", color=style.GREY, ms=4)
        # As the rival would stand in the place of the claim's own runs.
        others = {r.name: interval.mean - r.difference.mean for r in cell.rivals}
        for name, value in others.items():
            ax.plot(value, row, "|", color=_colour(name), ms=9, mew=1.5)
        numbers += [interval.low, interval.high, *cell.values, *others.values()]
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


def _colour(rival: str) -> str:
    return style.MODEL_COLOURS.get(rival, style.INK if rival == "bp-l1" else style.GREY)


def _row(cell: Cell) -> str:
    return f"{wording.dataset_name(cell.dataset)}; {wording.protocol_name(cell.protocol)}"
