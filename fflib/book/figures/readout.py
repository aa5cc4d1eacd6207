"""The figure of the readout of ensembles, and of what silencing and cutting cost."""

from collections.abc import Iterable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fflib import wording
from fflib.book.figures import style
from fflib.book.figures.panels import by_model, runs_by_layer, shifts
from fflib.measures.readout import own_and_others
from fflib.records.stores import Record

__all__ = ["readout"]


def readout(records: Iterable[Record]) -> Figure:
    """Draw what can be read off ensembles, what silencing one costs, and what cutting the rest costs.

    The runs are of one data set and protocol; those without a readout on record are left out. The
    panels show the accuracy of reading the class of images without a label off each layer's
    ensembles; the accuracy that a class loses with its own ensemble (solid) and, on average, with
    another class's (dashed); the accuracy of the network intact, without the units in no ensemble,
    and without equally many at random. A point is a run.
    """
    models = by_model(r for r in records if r.metrics.readout is not None)
    figure, [axes] = style.axes_grid(1, 3, 3.2)
    for (model, runs), shift in zip(models.items(), shifts(len(models), 0.16), strict=True):
        look = style.looks(model)
        values = [r.metrics.readout.unlabelled for r in runs if r.metrics.readout]
        name = wording.model_name(model)
        runs_by_layer(axes[0], values, label=name, shift=shift, **look)
        lost = [own_and_others(r.arrays["damage/ensembles"]) for r in runs]
        runs_by_layer(axes[1], [own for own, _ in lost], shift=shift, **look)
        others = np.mean([other for _, other in lost], axis=0)
        axes[1].plot(np.arange(1, len(others) + 1), others, "--", color=look["color"], lw=1)
        _cuts(axes[2], runs, shift, **look)
    for ax, title in zip(axes, ("reading them", "silencing one", "cutting the rest"), strict=True):
        ax.set_title(title)
        ax.set_ylim(-0.06, 1.04)
    axes[0].set_ylabel("accuracy")
    axes[1].set_ylabel("accuracy lost")
    axes[2].set_ylabel("accuracy")
    style.letter(axes)
    style.legend(figure, axes[0])
    return figure


def _cuts(ax: Axes, runs: list[Record], shift: float, *, color: str, marker: str) -> None:
    cuts = [r.metrics.readout.cut for r in runs if r.metrics.readout]
    values = np.array([[cut.intact, cut.without, cut.random] for cut in cuts])
    places = np.broadcast_to(np.arange(3) + shift, values.shape)
    ax.plot(places[0], values.mean(axis=0), ls="", marker=marker, color=color, ms=7)
    ax.plot(places.ravel(), values.ravel(), ls="", marker=marker, color=color, ms=3.5, alpha=0.45)
    ax.set_xticks(range(3), ["intact", "without\nthe rest", "random\ncut"])
    ax.set_xlim(-0.5, 2.5)
