"""A figure of whether unseen classes form ensembles of their own or borrow those of seen classes."""

from collections.abc import Iterable

from matplotlib.figure import Figure

from fflib.book.figures import style
from fflib.book.figures.panels import runs_by_layer, shifts
from fflib.records.stores import Record
from fflib.study.analyses.borrowing import by_class

__all__ = ["own_or_borrowed"]

SHARES = {
    "own": ("in no seen class's ensemble", "#0072B2", "o"),
    "own_by_chance": ("the same by chance", style.GREY, "x"),
}
AUROCS = {
    "auroc": ("its own ensemble", "#0072B2", "o"),
    "borrowed_auroc": ("a seen class's ensemble", "#D55E00", "s"),
    "linear_auroc": ("linear probe", style.GREY, "D"),
}


def own_or_borrowed(records: Iterable[Record], rule: str = "median-quantile") -> Figure:
    """Draw what unseen classes have of their own, and what tells them from seen classes, by layer.

    The runs are on one data set, with a held-out class and the probe "attribution". There is a column per
    network: above, the share of the unseen class's ensemble that is in no seen class's, beside chance;
    below, the AUROC of unseen against seen images. A point is a held-out class, a line the mean over them.
    """
    table = by_class(records).query("rule == @rule")
    networks = dict(list(table.groupby("network", sort=False)))
    figure, grid = style.axes_grid(2, len(networks), 4.8, sharex=True, sharey="row")
    for column, (network, rows) in zip(grid.T, networks.items(), strict=True):
        for ax, numbers in zip(column, (SHARES, AUROCS), strict=True):
            for (name, look), shift in zip(numbers.items(), shifts(len(numbers), 0.2), strict=True):
                label, colour, marker = look
                values = rows.pivot(index="hold_out", columns="layer", values=name)
                runs_by_layer(ax, values, color=colour, marker=marker, label=label, shift=shift)
            ax.set_ylim(-0.04, 1.04)
        column[0].set_title(network)
        column[0].set_xlabel("")
        column[1].axhline(0.5, color=style.GREY, lw=1, ls=":")
    grid[0, 0].set_ylabel("share of the ensemble")
    grid[1, 0].set_ylabel("AUROC")
    style.legend(figure, grid[0, 0], "upper center", 2)
    style.legend(figure, grid[1, 0], "lower center")
    return figure
