"""Figures of how Forward-Forward learns, drawn from one run."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike

from fflib import wording
from fflib.book.figures import style

__all__ = ["examples", "goodness_by_epoch", "goodness_by_label", "goodness_histograms"]

EXAMPLES = {"positive": (style.POSITIVE, "-"), "negative": (style.NEGATIVE, "--")}
"""Colour and line of both kinds of examples."""


def examples(
    positive: ArrayLike,
    negative: ArrayLike,
    labels: Sequence[int],
    wrong: Sequence[int],
    shape: Sequence[int],
    classes: int,
) -> Figure:
    """Draw images with their true label on the border above, and with a wrong one below.

    Both kinds of images have shape (n, pixels), and each carries one of `labels` or of `wrong` in
    its first pixels, as many as there are `classes`. Over each image these are repeated, enlarged.
    The `shape` of an image is (height, width) or (channels, height, width).
    """
    height = 2 * style.WIDTH / len(labels) + 1.3
    figure, grid = style.axes_grid(4, len(labels), height, height_ratios=[1, classes] * 2)
    kinds = (
        ("positive", style.POSITIVE, np.asarray(positive), labels, grid[:2]),
        ("negative", style.NEGATIVE, np.asarray(negative), wrong, grid[2:]),
    )
    for name, colour, images, carried, (strips, axes) in kinds:
        for strip, ax, pixels, label in zip(strips, axes, images, carried, strict=True):
            image(strip, pixels[:classes], (1, classes))
            strip.set_title(f"label {label}", color=colour, fontsize="small", loc="center")
            strip.spines[:].set_color(colour)
            image(ax, pixels, shape)
            ax.add_patch(Rectangle((-0.5, -0.5), classes, 1, fill=False, ec=colour))
        axes[0].set_ylabel(name, color=colour)
    return figure


def image(ax: Axes, pixels: ArrayLike, shape: Sequence[int]) -> None:
    """Show one image, dark on light if it is grey; (height, width) or (channels, height, width).

    Pixels may be standardised: the range of values is stretched to that of the colours.
    """
    values = np.asarray(pixels, dtype=float).reshape(shape)
    values = (values - values.min()) / max(np.ptp(values), np.finfo(float).tiny)
    picture = values if values.ndim == 2 else np.moveaxis(values, 0, -1)
    ax.imshow(picture, cmap="gray_r", interpolation="none")
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set(visible=True, color="0.8")


def goodness_by_epoch(curve: Iterable[Mapping[str, Any]], theta: float) -> Figure:
    """Draw the mean goodness of positive and negative training examples, epoch by epoch.

    The curve is that of :class:`fflib.Run`, of a model that has goodness; the threshold is drawn as
    a line. There is a panel per layer, or a single one where all layers learn together.
    """
    rows = list(curve)
    layers = sorted({row["layer"] for row in rows}, key=lambda layer: layer or 0)
    figure, [axes] = style.axes_grid(1, len(layers), 2.7, sharex=True, sharey=True)
    for ax, layer in zip(axes, layers, strict=True):
        own = [row for row in rows if row["layer"] == layer]
        epochs = [row["epoch"] for row in own]
        series = {which: [row[which] for row in own] for which in EXAMPLES}
        ax.fill_between(epochs, *series.values(), color="0.93", lw=0)
        for which, (colour, line) in EXAMPLES.items():
            ax.plot(epochs, series[which], color=colour, ls=line, label=f"{which} examples")
        ax.axhline(theta, color=style.GREY, lw=1, ls=":", label="threshold θ")
        ax.set_title("all layers together" if layer is None else f"layer {layer + 1}")
        ax.set_xlabel("epoch")
        ax.xaxis.get_major_locator().set_params(integer=True)
    axes[0].set_ylabel("mean goodness")
    style.legend(figure, axes[0])
    return figure


def goodness_histograms(positive: ArrayLike, negative: ArrayLike, theta: float) -> Figure:
    """Draw the distribution of goodness over examples.

    That of positive and of negative ones has shape (example, layer). The threshold is drawn as a
    line. There is a panel per layer, all in the same bins.
    """
    both = [np.asarray(values, dtype=float).T for values in (positive, negative)]
    bins = np.histogram_bin_edges(np.concatenate(both, axis=None), bins=40)
    names = wording.layer_names(len(both[0]))
    figure, [axes] = style.axes_grid(1, len(names), 2.7, sharex=True, sharey=True)
    for ax, name, *values in zip(axes, names, *both, strict=True):
        for (which, (colour, line)), found in zip(EXAMPLES.items(), values, strict=True):
            counts, _ = np.histogram(found, bins)
            label = f"{which} examples"
            ax.stairs(counts, bins, fill=True, color=colour, alpha=0.25)
            ax.stairs(counts, bins, color=colour, ls=line, lw=1.5, label=label)
        ax.axvline(theta, color=style.GREY, lw=1, ls=":", label="threshold θ")
        ax.set_title(name)
        ax.set_xlabel("goodness")
    axes[0].set_ylabel("test images")
    style.legend(figure, axes[0])
    return figure


def goodness_by_label(
    pixels: ArrayLike,
    shape: Sequence[int],
    goodness: ArrayLike,
    scores: ArrayLike,
    labels: Sequence[int],
    truth: int,
) -> Figure:
    """Draw the goodness of each layer, and the score that decides, for an image under every label.

    Goodness has shape (layer, label), for the labels that were tried. In each panel the label with
    the highest value is filled; the row of the true label is shaded.
    """
    panels = [*np.asarray(goodness, dtype=float), np.asarray(scores, dtype=float)]
    names = [*wording.layer_names(len(panels) - 1), "together"]
    widths = [1.15, *[1] * len(panels)]
    figure, [axes] = style.axes_grid(1, len(panels) + 1, 3.0, width_ratios=widths)
    image(axes[0], pixels, shape)
    axes[0].set_title(f"true label {truth}")
    rows = np.arange(len(labels))
    for ax, name, values in zip(axes[1:], names, panels, strict=True):
        ax.axhspan(*np.add(list(labels).index(truth), (-0.5, 0.5)), color="0.92", lw=0)
        best = values == values.max()
        colour = style.INK if name == "together" else style.MODEL_COLOURS["ff"]
        ax.grid(axis="y", lw=0.5, color="0.9")
        ax.plot(values, rows, "o", color=colour, mfc="white")
        ax.plot(values[best], rows[best], "o", color=colour, ms=7)
        ax.set_title(name)
        style.name_rows(ax, [str(label) for label in labels])
        ax.tick_params(axis="y", length=0, labelleft=ax is axes[1])
        ax.margins(x=0.12)
        ax.set_xlabel("score" if name == "together" else "goodness")
    axes[1].set_ylabel("label tried")
    return figure
