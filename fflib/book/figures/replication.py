"""The figure of the authors' rows against the prediction for one further run of ours."""

import pandas as pd
from matplotlib.figure import Figure

from fflib import wording
from fflib.book.figures import style
from fflib.book.figures.scorecard import ANSWERS
from fflib.study.analyses.replication import NAMES, QUANTITIES
from fflib.study.claims.claim import Answer

__all__ = ["rows_met"]


def rows_met(rows: pd.DataFrame) -> Figure:
    """Draw every retrained row of the authors' record beside our runs of the same settings.

    The rows come from :func:`fflib.study.analyses.replication.retrained_rows`. There is a panel per
    quantity and a line per setting. Dots: our runs. Bar: where one further run of ours should lie.
    Blue circle: theirs, met; orange cross: theirs, missed; grey diamond: theirs, where ours are too
    few to tell.
    """
    settings = list(dict.fromkeys(_names(rows)))
    figure, [axes] = style.axes_grid(1, len(QUANTITIES), 0.9 + 0.42 * len(settings), sharey=True)
    for ax, quantity in zip(axes, QUANTITIES, strict=True):
        panel = rows[rows["quantity"] == quantity]
        for place, row in enumerate(panel.itertuples()):
            answer: Answer = "open" if row.met is None else "holds" if row.met else "fails"
            colour, marker = ANSWERS[answer]
            if row.met is not None:
                ends = [row.predicted.low, row.predicted.high]
                ax.plot(ends, [place] * 2, color="0.8", lw=5, solid_capstyle="butt")
            ax.plot(row.ours, [place] * len(row.ours), ".", color=style.INK, ms=4, zorder=5)
            ax.plot(row.theirs, place, marker, color=colour, ms=7, alpha=0.85)
        ax.set_title(NAMES[quantity].replace("sparseness, ", ""))
        ax.set_xlabel("accuracy" if quantity == "accuracy" else "Hoyer")
        ax.grid(axis="y", lw=0.5, color="0.93")
    style.name_rows(axes[0], settings, fontsize="small")
    named: dict[Answer, str] = {"holds": "theirs, met", "fails": "theirs, missed"}
    handles = [
        style.entry("our runs", marker=".", ls=""),
        style.entry("a further run of ours", "0.8", lw=5),
        *(
            style.entry(label, ANSWERS[answer][0], marker=ANSWERS[answer][1], ls="")
            for answer, label in named.items()
        ),
    ]
    style.legend(figure, handles, columns=len(handles))
    return figure


def _names(rows: pd.DataFrame) -> list[str]:
    return [
        f"{wording.dataset_name(row.dataset)}, {wording.model_name(row.model)}\n"
        f"{row.epochs:g} epochs, batch {row.batch:g}, {row.lr:g}"
        for row in rows.itertuples()
    ]
