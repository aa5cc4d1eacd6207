"""A figure of which layer of which network represents images like which."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from fflib.book.figures import style
from fflib.book.figures.panels import matrix, on_colour

__all__ = ["alike"]


def alike(table: pd.DataFrame, measure: str) -> Figure:
    """Draw how alike layers of networks are to one another, to the pixels and to the labels.

    The table is that of :func:`fflib.study.analyses.similarity.alike`, `measure` its name. Numbers stand on
    the diagonal, which is how alike the same layer of two runs is, and at the largest of each row beside
    it.
    """
    values = table.to_numpy(dtype=float)
    figure, [[ax]] = style.axes_grid(1, 1, 0.42 * len(table) + 1.4)
    image = matrix(ax, values, list(table.index), list(table.columns), low=0, high=1)
    beside = np.where(np.eye(len(table), dtype=bool), -np.inf, np.nan_to_num(values, nan=-np.inf))
    for row, column in enumerate(beside.argmax(axis=1)):
        for place in {row, column}:
            value = values[row, place]
            if np.isfinite(value):
                colour = "white" if value < 0.5 else "black"
                on_colour(ax, place, row, f"{value:.2f}", colour, size=7)
    for edge in _edges(list(table.index)):
        ax.axhline(edge, color="white", lw=2)
        ax.axvline(edge, color="white", lw=2)
    figure.colorbar(image, ax=ax, shrink=0.8, label=measure)
    return figure


def _edges(names: list[str]) -> list[float]:
    """Return the places between two models."""
    models = [name.rpartition(" ")[0] for name in names]
    return [i - 0.5 for i in range(1, len(models)) if models[i] != models[i - 1]]
