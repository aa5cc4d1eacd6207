"""The small figures of the landing page: for every claim, a picture of what it is about."""

from collections.abc import Callable, Iterable, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from fflib import wording
from fflib.book.figures import style
from fflib.book.figures.panels import matrix
from fflib.book.figures.sparsity import by_model
from fflib.measures import sharing
from fflib.records.stores import Record
from fflib.study.claims import Verdict, members, unseen_layers
from fflib.study.evidence import where
from fflib.wording import minus

__all__ = ["at_a_glance"]


MODELS = ("ff", "bp")
"""The model that the claims are about, and its control."""

Runs = dict[str, list[Record]]


def at_a_glance(
    verdicts: Iterable[Verdict], records: Iterable[Record], protocol: str = "relu-l2"
) -> Figure:
    """A small panel for every claim that shows what it is about, with its verdict.

    Parameters
    ----------
    verdicts : iterable of Verdict
    records : iterable of Record
        The runs that the verdicts rest on.
    protocol : str
        The panels are drawn from the runs under this one; the numbers in their titles are over
        all runs of all cells.

    Returns
    -------
    Figure
        For a claim on accuracy, that of FF and BP; on sparseness, Hoyer's by layer; on specific
        ensembles, the overlap of any two classes; on shared units, that overlap against how alike
        classes look; on weights, the share of negative ones by layer; on unseen classes, how well they are told by
        layer. A claim that has no picture of its own shows the numbers of its cells. Points are
        runs, lines means; a panel without runs is empty.
    """
    verdicts, records = list(verdicts), list(records)
    columns = 3
    rows = -(-len(verdicts) // columns)
    figure, grid = plt.subplots(rows, columns, figsize=(style.WIDTH, 2.65 * rows), squeeze=False)
    for ax in grid.ravel()[len(verdicts) :]:
        ax.set_axis_off()
    for ax, verdict in zip(grid.ravel(), verdicts, strict=False):
        claim, interval = verdict.claim, verdict.interval
        runs = [
            r for r in where(records, protocol=protocol)
            if (r.experiment.hold_out is not None) == claim.unseen
        ]  # fmt: skip
        said = minus(f"{interval:.2f}, n = {interval.n}") if interval.n else "no runs"
        ax.set_title(f"{claim.title}\n", fontsize="small", weight="bold", loc="left")
        ax.text(
            0, 1.03, f"{verdict.verdict}: {said}", transform=ax.transAxes, fontsize="x-small",
            color=style.INK,
        )  # fmt: skip
        ax.tick_params(labelsize="x-small")
        draw = PICTURES.get(claim.id, _cells) if runs and verdict.cells else _cells
        draw(ax, by_model(runs), verdict)
        for label in (ax.xaxis.label, ax.yaxis.label):
            label.set_fontsize("x-small")
    handles = [
        Line2D(
            [], [], color=style.MODEL_COLOURS[model], marker=style.MARKERS[model],
            label=wording.model_name(model),
        )
        for model in MODELS
    ]  # fmt: skip
    figure.legend(handles=handles, loc="outside upper right", ncols=len(handles))
    return figure


def _models(runs: Runs) -> Iterable[tuple[str, list[Record], str, str]]:
    for model in MODELS:
        if model in runs:
            yield model, runs[model], style.MODEL_COLOURS[model], style.MARKERS[model]


def _accuracy(ax: Axes, runs: Runs, verdict: Verdict) -> None:
    datasets = list(dict.fromkeys(r.experiment.dataset for found in runs.values() for r in found))
    for shift, (_, found, colour, marker) in zip((-0.12, 0.12), _models(runs), strict=False):
        for row, dataset in enumerate(datasets):
            values = [r.metrics.accuracy for r in where(found, dataset=dataset)]
            places = np.full(len(values), row + shift)
            ax.plot(values, places, ls="", marker=marker, color=colour, ms=4, alpha=0.6)
    names = [wording.dataset_name(dataset).replace("-MNIST", "") for dataset in datasets]
    ax.set_yticks(range(len(datasets)), names, rotation=90, va="center")
    ax.set_ylim(len(datasets) - 0.5, -0.5)
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel("test accuracy")


def _by_layer(
    ax: Axes, runs: Runs, measure: Callable[[Record], Sequence[float]], label: str
) -> None:
    for _, found, colour, marker in _models(runs):
        values = np.array([measure(record) for record in found])
        depth = np.arange(1, values.shape[1] + 1)
        points = np.broadcast_to(depth, values.shape)
        ax.plot(points.ravel(), values.ravel(), ls="", marker=marker, color=colour, ms=2.5, alpha=0.35)  # fmt: skip
        ax.plot(depth, np.nanmean(values, axis=0), color=colour, marker=marker, ms=4)
        ax.set_xticks(depth)
    ax.set_xlabel("hidden layer")
    ax.set_ylabel(label)


def _sparse(ax: Axes, runs: Runs, verdict: Verdict) -> None:
    _by_layer(ax, runs, lambda r: [layer.hoyer for layer in r.metrics.layers], "Hoyer sparseness")
    ax.set_ylim(0, 1.04)


def _overlaps(found: Sequence[Record]) -> NDArray[np.float64]:
    """Jaccard index of two classes, averaged over runs and layers."""
    return np.mean([np.nan_to_num(sharing.jaccard(members(r))).mean(axis=0) for r in found], axis=0)


def _specific(ax: Axes, runs: Runs, verdict: Verdict) -> None:
    found = where(runs["ff"], dataset=runs["ff"][0].experiment.dataset)
    overlaps = _overlaps(found)
    np.fill_diagonal(overlaps, 1)
    image = matrix(ax, overlaps, [""] * len(overlaps), [""] * len(overlaps), low=0, high=1)
    # Shorter than the matrix, whose title reaches above it.
    bar = ax.figure.colorbar(image, ax=ax, shrink=0.6, ticks=[0, verdict.claim.bound, 1])
    bar.ax.tick_params(labelsize="x-small")
    bar.set_label("overlap in FF (Jaccard)", fontsize="x-small")
    ax.set_xlabel("class")
    ax.set_ylabel("class")


def _shared(ax: Axes, runs: Runs, verdict: Verdict) -> None:
    for (dataset, found), fill in zip(_by_dataset(runs["ff"]), (True, False, False), strict=False):
        similarity = found[0].arrays["similarity"]
        pairs = np.triu_indices(len(similarity), 1)
        colour = style.MODEL_COLOURS["ff"]
        ax.plot(
            similarity[pairs], _overlaps(found)[pairs], ls="", marker=style.MARKERS["ff"], ms=3.5,
            color=colour, mfc=colour if fill else "white", label=wording.dataset_name(dataset),
        )  # fmt: skip
    ax.set_xlabel("likeness of two classes")
    ax.set_ylabel("overlap of their ensembles")
    ax.set_ylim(bottom=0)
    ax.legend(fontsize="xx-small", handletextpad=0.1, borderpad=0.1)


def _by_dataset(found: Sequence[Record]) -> list[tuple[str, list[Record]]]:
    datasets = dict.fromkeys(r.experiment.dataset for r in found)
    return [(dataset, where(found, dataset=dataset)) for dataset in datasets]


def _unseen(ax: Axes, runs: Runs, verdict: Verdict) -> None:
    _by_layer(ax, runs, lambda r: [layer.auroc for layer in unseen_layers(r)], "AUROC")
    ax.axhline(0.5, color=style.GREY, lw=1, ls=":")
    ax.axhline(verdict.claim.bound, color=style.INK, lw=1, ls="--")


def _negative(ax: Axes, runs: Runs, verdict: Verdict) -> None:
    label = "share of negative weights"
    _by_layer(ax, runs, lambda r: [layer.negative_weights for layer in r.metrics.layers], label)
    ax.axhline(0.5, color=style.GREY, lw=1, ls=":")
    ax.axhline(verdict.claim.bound, color=style.INK, lw=1, ls="--")


def _cells(ax: Axes, runs: Runs, verdict: Verdict) -> None:
    for row, cell in enumerate(verdict.cells):
        ax.plot(cell.values, np.full(len(cell.values), row), ".", color=style.GREY)
        ax.plot(cell.interval.mean, row, "o", color=style.INK)
    ax.axvline(verdict.claim.bound, color=style.INK, lw=1, ls="--")
    ax.set_yticks([])
    ax.set_ylabel("cell")
    ax.set_xlabel(verdict.claim.label)


PICTURES: dict[str, Callable[[Axes, Runs, Verdict], None]] = {
    "accuracy": _accuracy,
    "sparse": _sparse,
    "specific": _specific,
    "shared": _shared,
    "negative": _negative,
    "unseen": _unseen,
}
