"""The small figures of the landing page: for every claim, a picture of what it is about."""

from collections.abc import Callable, Iterable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fflib import wording
from fflib.book.figures import style
from fflib.book.figures.panels import by_model, on_layers, runs_by_layer
from fflib.measures import sharing
from fflib.records.stores import Record
from fflib.study.claims import Verdict
from fflib.study.claims.quantities import first_ensembles
from fflib.study.evidence import by_dataset, where

__all__ = ["at_a_glance"]


MODELS = ("ff", "bp")
"""The model that the claims are about, and its control."""

Runs = dict[str, list[Record]]


def at_a_glance(
    verdicts: Iterable[Verdict], records: Iterable[Record], protocol: str = "relu-l2"
) -> Figure:
    """Draw a small panel for every claim that shows what it is about, with its verdict.

    The panels are drawn from the runs under this protocol, among those that the verdicts rest on;
    the numbers in their titles are the least and the greatest estimate over all cells. Points are runs, lines means; a
    panel without runs is empty.

    A claim on accuracy is shown by that of FF and BP; on sparseness, by Hoyer's above rest, by layer;
    on shared units, by their number against how alike classes look; a claim about layers, by what it
    measures in each. A claim that has no picture of its own shows the numbers of its cells.
    """
    verdicts, records = list(verdicts), list(records)
    columns = 3
    rows = -(-len(verdicts) // columns)
    figure, grid = style.axes_grid(rows, columns, 2.65 * rows)
    for ax in grid.ravel()[len(verdicts) :]:
        ax.set_axis_off()
    for ax, verdict in zip(grid.ravel(), verdicts, strict=False):
        claim = verdict.claim
        runs = [
            r for r in where(records, protocol=protocol, untrained=False, regularised=False)
            if (r.experiment.hold_out is not None) == claim.unseen
        ]  # fmt: skip
        said = verdict.estimates or "no runs"
        ax.set_title(f"{claim.title}\n", fontsize="small", weight="bold", loc="left")
        ax.text(
            0, 1.03, f"{verdict.verdict}: {said}", transform=ax.transAxes, fontsize="x-small",
            color=style.INK,
        )  # fmt: skip
        ax.tick_params(labelsize="x-small")
        draw = _layers if claim.by_layer else PICTURES.get(claim.id, _cells)
        if not (runs and verdict.cells):
            draw = _cells
        draw(ax, by_model(runs), verdict)
        for label in (ax.xaxis.label, ax.yaxis.label):
            label.set_fontsize("x-small")
    handles = [style.entry(wording.model_name(m), **style.looks(m)) for m in MODELS]
    style.legend(figure, handles)
    return figure


def _shown(runs: Runs) -> dict[str, list[Record]]:
    return {model: runs[model] for model in MODELS if model in runs}


def _accuracy(ax: Axes, runs: Runs, verdict: Verdict) -> None:
    datasets = list(by_dataset(r for found in runs.values() for r in found))
    for shift, (model, found) in zip((-0.12, 0.12), _shown(runs).items(), strict=False):
        for row, dataset in enumerate(datasets):
            values = [r.metrics.accuracy for r in where(found, dataset=dataset)]
            places = np.full(len(values), row + shift)
            ax.plot(values, places, ls="", ms=4, alpha=0.6, **style.looks(model))
    names = [wording.dataset_name(dataset).replace("-MNIST", "") for dataset in datasets]
    ax.set_yticks(range(len(datasets)), names, rotation=90, va="center")
    ax.set_ylim(len(datasets) - 0.5, -0.5)
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel("test accuracy")


def _layers(ax: Axes, runs: Runs, verdict: Verdict) -> None:
    claim = verdict.claim
    for model, found in _shown(runs).items():
        if values := [v for record in found if (v := claim.measure(record)) is not None]:
            runs_by_layer(ax, np.array(values), sizes=(4, 2.5), **style.looks(model))
    style.bounds(ax.yaxis, claim.bound)
    ax.set_ylabel(claim.label)


def _sparse(ax: Axes, runs: Runs, verdict: Verdict) -> None:
    for model, found in _shown(runs).items():
        values = [on_layers(record, "hoyer_above_rest") for record in found]
        runs_by_layer(ax, values, sizes=(4, 2.5), **style.looks(model))
    ax.set_ylabel("Hoyer above rest")
    ax.set_ylim(0, 1.04)


def _shared(ax: Axes, runs: Runs, verdict: Verdict) -> None:
    for number, (dataset, found) in enumerate(by_dataset(runs["ff"]).items()):
        similarity = found[0].arrays["similarity"]
        pairs = np.triu_indices(len(similarity), 1)
        shared = np.mean([sharing.shared_units(first_ensembles(r)) for r in found], axis=0)
        looks = style.looks("ff") | ({"mfc": "white"} if number else {})
        name = wording.dataset_name(dataset)
        ax.plot(similarity[pairs], shared[pairs], ls="", ms=3.5, label=name, **looks)
    ax.set_xlabel("likeness of two classes")
    ax.set_ylabel("units in both ensembles")
    ax.set_ylim(bottom=0)
    ax.legend(fontsize="x-small", handletextpad=0.1, borderpad=0.1)


def _cells(ax: Axes, runs: Runs, verdict: Verdict) -> None:
    for row, cell in enumerate(verdict.cells):
        ax.plot(cell.values, np.full(len(cell.values), row), ".", color=style.GREY)
        ax.plot(cell.interval.mean, row, "o", color=style.INK)
    style.bounds(ax.xaxis, verdict.claim.bound)
    ax.set_yticks([])
    ax.set_ylabel("cell")
    ax.set_xlabel(verdict.claim.label)


PICTURES: dict[str, Callable[[Axes, Runs, Verdict], None]] = {
    "accuracy": _accuracy,
    "sparse": _sparse,
    "shared": _shared,
}
