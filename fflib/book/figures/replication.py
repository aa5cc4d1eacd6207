"""The figure of the authors' rows against what one further run of ours should come to."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fflib import wording
from fflib.book.figures import style
from fflib.book.figures.scorecard import ANSWERS
from fflib.study.analyses.replication import NAMES, QUANTITIES
from fflib.study.claims.judging import Answer

__all__ = ["rows_met"]


def rows_met(rows: pd.DataFrame) -> Figure:
    """Every retrained row of the authors' record beside our runs of the same settings.

    Parameters
    ----------
    rows : DataFrame
        From :func:`fflib.study.analyses.replication.retrained_rows`.

    Returns
    -------
    Figure
        A panel per quantity, a line per setting. Dots: our runs. Bar: where one further run of
        ours should lie. Blue circle: theirs, met; orange cross: theirs, missed; grey diamond:
        theirs, where ours are too few to tell.
    """
    settings = list(dict.fromkeys(_names(rows)))
    figure, axes = plt.subplots(
        1, len(QUANTITIES), figsize=(style.WIDTH, 0.9 + 0.42 * len(settings)), sharey=True
    )
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
    axes[0].set_yticks(range(len(settings)), settings, fontsize="small")
    axes[0].set_ylim(len(settings) - 0.5, -0.5)
    handles = [
        Line2D([], [], color=style.INK, marker=".", ls="", label="our runs"),
        Line2D([], [], color="0.8", lw=5, label="a further run of ours"),
    ]
    named: dict[Answer, str] = {"holds": "theirs, met", "fails": "theirs, missed"}
    for answer, label in named.items():
        colour, marker = ANSWERS[answer]
        handles.append(Line2D([], [], color=colour, marker=marker, ls="", label=label))
    figure.legend(handles=handles, loc="outside upper right", ncols=len(handles))
    return figure


def _names(rows: pd.DataFrame) -> list[str]:
    return [
        f"{wording.dataset_name(row.dataset)}, {wording.model_name(row.model)}\n"
        f"{row.epochs:g} epochs, batch {row.batch:g}, {row.lr:g}"
        for row in rows.itertuples()
    ]
