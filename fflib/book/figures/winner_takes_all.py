"""A figure of the search for settings under which every layer of the winner-takes-all protocol learns."""

from collections.abc import Iterable

from matplotlib.figure import Figure

from fflib import wording
from fflib.book.figures import style
from fflib.records.stores import Record
from fflib.study.analyses.winner_takes_all import tried
from fflib.study.plans.winner_takes_all import ASKED

__all__ = ["search"]


def search(records: Iterable[Record]) -> Figure:
    """Draw the accuracy of the network and of each layer under every setting that was tried.

    There is a panel per data set and a row per setting. Large markers are means over seeds, small dots runs, and a
    grey line joins the weakest layer with the best. The dashed line is what is asked of the network.
    """
    table = tried(records)
    datasets = list(table["dataset"].unique())
    changed = list(table["changed"].cat.categories)
    colours = [style.INK, *style.layer_colours(int(table["layer"].max()))]
    figure, [axes] = style.axes_grid(1, len(datasets), 1.2 + 0.3 * len(changed), sharey=True)
    for ax, dataset in zip(axes, datasets, strict=True):
        here = table[table["dataset"] == dataset]
        mean = here.groupby(["changed", "layer"], observed=True)["accuracy"].mean().unstack()
        rows = [changed.index(name) for name in mean.index]
        ax.hlines(rows, mean.min(axis=1), mean.max(axis=1), color=style.GREY, lw=1, zorder=0)
        for layer, colour in enumerate(colours):
            runs = here[here["layer"] == layer]
            ax.plot(runs["accuracy"], runs["changed"].cat.codes + 0.2, ".", color=colour, ms=2.5)
            ax.plot(mean[layer], rows, "o" if layer else "D", color=colour, ms=5)
        if dataset in ASKED:
            style.bounds(ax.xaxis, ASKED[dataset][0])
        ax.set(title=wording.dataset_name(dataset), xlabel="validation accuracy")
        ax.grid(axis="x", lw=0.5, color="0.9")
        ax.locator_params(axis="x", nbins=4)
    style.name_rows(axes[0], changed)
    names = ["all layers together", *wording.layer_names(len(colours) - 1)]
    marks = ["D", *"o" * (len(colours) - 1)]
    looks = zip(names, colours, marks, strict=True)
    style.legend(figure, [style.entry(n, c, marker=m, ls="", ms=5) for n, c, m in looks], columns=4)
    return figure
