"""Figures of units that the ensembles of two classes share."""

from collections.abc import Iterable, Sequence
from functools import partial

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from fflib import wording
from fflib.book.figures import style
from fflib.book.figures.panels import by_model, matrix, models_by_layer
from fflib.measures import sharing
from fflib.measures.ensembles import RULES
from fflib.records.stores import Record
from fflib.statistics import mantel
from fflib.study.claims import members
from fflib.study.claims.measures import MEANING, shared_with_likeness
from fflib.study.claims.quantities import first_ensembles
from fflib.wording import minus

__all__ = [
    "correlations",
    "overlap_against_similarity",
    "overlap_matrices",
    "shared_units",
    "units_against_similarity",
]

NAMED = 3  # pairs of classes


def overlap_matrices(record: Record, classes: Sequence[str]) -> Figure:
    """Draw how alike classes look, and how much their ensembles overlap in every layer.

    A matrix of correlations of mean images is followed by one of Jaccard indices per layer, whose
    title names the largest; the diagonal, where a class meets itself, is blank. All layers have one
    scale, which ends at their largest overlap. That of the correlations is for values on both sides
    of zero only where there are such.
    """
    layers = wording.layer_names(record.experiment.layers)
    overlaps = [_blank_diagonal(layer) for layer in sharing.jaccard(members(record))]
    most = max(np.nan_to_num(overlaps).max(), 0.01)
    columns = -(-(1 + len(layers)) // 2)
    figure, grid = style.axes_grid(2, columns, 6.4, sharex=True, sharey=True)
    axes = grid.ravel()
    alike = _blank_diagonal(record.arrays["similarity"])
    signed = np.nanmin(alike) < 0
    look = matrix(
        axes[0], alike, classes, classes, low=-1 if signed else 0, high=1,
        cmap=style.SIGNED_MAP if signed else style.OVERLAP_MAP,
    )  # fmt: skip
    figure.colorbar(look, ax=axes[0], shrink=0.8, label="correlation of mean images")
    axes[0].set_title("how alike classes look")
    for ax, layer, name in zip(axes[1:], overlaps, layers, strict=False):
        image = matrix(ax, layer, classes, classes, low=0, high=most)
        figure.colorbar(image, ax=ax, shrink=0.8, label="Jaccard index of ensembles")
        ax.set_title(f"shared units, {name}: at most {np.nan_to_num(layer).max():.2f}")
    for ax in axes[1 + len(layers) :]:
        ax.set_visible(False)
    style.letter(axes)
    return figure


def overlap_against_similarity(record: Record, classes: Sequence[str]) -> Figure:
    """Draw the overlap of the ensembles of two classes against how alike the classes look.

    There is a panel per layer and a point per pair, with the correlation and its Mantel p-value.
    The three pairs that overlap most are circled and named.
    """
    similarity = record.arrays["similarity"].astype(float)
    overlaps = np.nan_to_num(sharing.jaccard(members(record)))
    pairs = np.triu_indices(len(classes), 1)
    top = max(overlaps[:, *pairs].max(), 0.01)
    figure, [axes] = style.axes_grid(1, len(overlaps), 3.4, sharex=True, sharey=True)
    colour = style.MODEL_COLOURS[record.experiment.model]
    for ax, layer, name in zip(axes, overlaps, wording.layer_names(len(overlaps)), strict=True):
        x, y = similarity[pairs], layer[pairs]
        most = [pair for pair in np.argsort(-y)[:NAMED] if y[pair] > 0]
        ax.plot(x, y, ls="", marker="o", color=colour, alpha=0.5)
        ax.plot(x[most], y[most], ls="", marker="o", color=style.INK, ms=6, mfc="none")
        names = [f"{classes[pairs[0][pair]]}–{classes[pairs[1][pair]]}" for pair in most]
        ax.text(0.03, 0.99, "\n".join(names), transform=ax.transAxes, va="top", fontsize="small")
        test = mantel(similarity, layer)
        said = minus(f"r = {test.correlation:.2f}, p = {test.p_value:.2g}")
        ax.set_title(f"{name}: {'all equal' if np.isnan(test.correlation) else said}")
        # The names stand above the points.
        ax.set_ylim(-0.04 * top, top * (1.15 + 0.12 * NAMED))
        ax.set_xlabel("correlation of mean images")
    axes[0].set_ylabel("overlap of ensembles\n(Jaccard index)")
    return figure


def shared_units(panels: Iterable[tuple[str, ArrayLike, Sequence[str]]]) -> Figure:
    """Draw numbers of shared units, with the sizes of the ensembles on the diagonal.

    A panel is a title, numbers of shape (class, class) and names of the classes. Of these matrices,
    side by side, only the lower triangle is drawn, since they are symmetric.
    """
    panels = list(panels)
    figure, [axes] = style.axes_grid(1, len(panels), 3.9)
    for ax, (title, numbers, classes) in zip(axes, panels, strict=True):
        counts = np.asarray(numbers, dtype=float)
        lower = np.where(np.tri(len(counts), dtype=bool), counts, np.nan)
        matrix(ax, lower, classes, classes, low=0, high=float(counts.max()), numbers=".0f")
        ax.set_title(title)
    style.letter(axes)
    return figure


def units_against_similarity(records: Iterable[Record]) -> Figure:
    """Draw how many units of the first layer two classes share against how alike they look, as claims count them.

    There is a panel per model and a point per pair of classes, the mean over runs; filled where both are
    of one kind, such as shoes. The runs are on one data set.
    """
    models = by_model(records)
    figure, [axes] = style.axes_grid(1, len(models), 3.2, sharex=True)
    for ax, (model, runs) in zip(axes, models.items(), strict=True):
        similarity = runs[0].arrays["similarity"].astype(float)
        shared = np.mean([sharing.shared_units(first_ensembles(run)) for run in runs], axis=0)
        kinds = MEANING.get(runs[0].experiment.dataset, np.arange(len(similarity)))
        pairs = np.triu_indices(len(similarity), 1)
        x, y, alike = similarity[pairs], shared[pairs], kinds[pairs[0]] == kinds[pairs[1]]
        colour = style.MODEL_COLOURS[model]
        for chosen, face, name in (
            (alike, colour, "of one kind"),
            (~alike, "none", "of two kinds"),
        ):
            ax.plot(x[chosen], y[chosen], ls="", marker="o", color=colour, mfc=face, label=name)
        r = np.mean([shared_with_likeness(run) for run in runs])
        ax.set_title(minus(f"{wording.model_name(model)}: mean r = {r:.2f}"))
        ax.set_ylim(bottom=min(-0.5, -0.04 * y.max()))
        ax.set_xlabel("correlation of mean images")
    axes[0].set_ylabel("units shared in layer 1")
    style.letter(axes)
    if alike.any():
        style.legend(figure, axes[0], "upper center")
    return figure


def correlations(records: Iterable[Record], bound: float) -> Figure:
    """Draw the correlation of overlap with visual similarity by layer, under every rule.

    There is a panel per rule and a point per run. Above the bound, drawn as a line, overlap counts
    as following similarity.
    """
    models = by_model(records)
    figure, [axes] = style.axes_grid(1, len(RULES), 3, sharex=True, sharey=True)
    for ax, rule in zip(axes, RULES, strict=True):
        models_by_layer(ax, models, partial(_follows, rule=rule))
        style.bounds(ax.yaxis, bound)
        ax.set_title(wording.rule_name(rule))
    axes[0].set_ylabel("correlation of overlap\nwith visual similarity")
    style.letter(axes)
    style.legend(figure, axes[0])
    return figure


def _follows(record: Record, rule: str) -> np.ndarray:
    return sharing.follows_similarity(members(record, rule), record.arrays["similarity"])


def _blank_diagonal(matrix: np.ndarray) -> np.ndarray:
    return np.where(np.eye(len(matrix), dtype=bool), np.nan, matrix)
