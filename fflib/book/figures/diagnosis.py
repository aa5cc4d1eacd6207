"""The figure of what mistakes in the settings look like."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from fflib.book.figures import style
from fflib.book.figures.panels import shifts
from fflib.study.diagnosis import BALANCED, DENSE, Signature

__all__ = ["signatures"]

MARKS = "osv^Dp"


def signatures(found: Sequence[Signature]) -> Figure:
    """Draw accuracy, sparseness and balance of networks with a mistake in their settings.

    There is a row per mistake, a panel per measure, and a marker per layer. What counts as healthy
    is shaded; a network that failed to train has no markers.
    """
    rows = np.arange(len(found))
    figure, [axes] = style.axes_grid(1, 3, 0.9 + 0.38 * len(found), sharey=True)
    axes[0].plot([s.accuracy for s in found], rows, "o", color=style.INK)
    for row, signature in enumerate(found):
        if np.isnan(signature.accuracy):
            axes[0].text(0.05, row, "training failed", va="center", color=style.GREY)
        if np.isinf(signature.balance).any():
            axes[2].annotate("∞", (0.96, row), xycoords=("axes fraction", "data"), va="center")
    axes[0].set_xlim(0, 1.03)
    axes[0].set_title("accuracy")
    layers = max((len(s.hoyer) for s in found), default=0)
    looks = zip(shifts(layers), style.layer_colours(layers), MARKS, strict=False)
    for depth, (shift, colour, marker) in enumerate(looks):
        for ax, measure in zip(axes[1:], ("hoyer", "balance"), strict=True):
            values = [(getattr(s, measure) or (np.nan,) * layers)[depth] for s in found]
            at = rows + shift
            ax.plot(
                np.where(np.isinf(values), np.nan, values), at, marker, color=colour,
                label=f"layer {depth + 1}",
            )  # fmt: skip
    axes[1].axvspan(DENSE, 1, color=style.MODEL_COLOURS["ff"], alpha=0.1, lw=0)
    axes[1].set_xlim(0, 1.03)
    axes[1].set_title("Hoyer sparseness")
    axes[2].axvspan(*BALANCED, color=style.MODEL_COLOURS["ff"], alpha=0.1, lw=0)
    axes[2].set_xscale("log")
    axes[2].set_xticks([0.2, 0.5, 1, 2, 5], ["0.2", "0.5", "1", "2", "5"])
    axes[2].minorticks_off()
    axes[2].set_title("excitation / inhibition")
    style.name_rows(axes[0], [s.name for s in found])
    for ax in axes:
        ax.grid(axis="y", lw=0.5, color="0.9")
        ax.tick_params(axis="y", length=0)
    style.letter(axes)
    style.legend(figure, axes[1], columns=layers)
    return figure
