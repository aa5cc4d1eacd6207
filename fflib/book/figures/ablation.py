"""Figures of the ablation from back-propagation to Forward-Forward, an ingredient at a time."""

from collections.abc import Iterable

from matplotlib.figure import Figure

from fflib import wording
from fflib.book.figures import style
from fflib.book.figures.panels import estimate_rows
from fflib.records.stores import Record
from fflib.study.analyses.ablation import STEPS, runs_by_step

__all__ = ["by_step", "sparseness_by_rate"]

QUANTITIES = {
    "hoyer": "Hoyer\nsparseness",
    "overlap": "Jaccard index\nof two classes",
    "negative": "share of\nnegative weights",
    "accuracy": "accuracy",
}


def by_step(records: Iterable[Record]) -> Figure:
    """Draw the measures of every step of the ablation, from runs at one learning rate.

    There is a panel each for sparseness, overlap of ensembles, share of negative weights (means
    over layers) and accuracy, with a row per step. A marker is the mean over runs with its 95 %
    interval, small dots are runs; filled and hollow markers tell the data sets apart.
    """
    table = runs_by_step(records)
    names = [step.name for step in STEPS if step.name in set(table["step"])]
    datasets = list(dict.fromkeys(table["dataset"]))
    colours = {step.name: style.MODEL_COLOURS[step.fields["model"]] for step in STEPS}
    figure, [axes] = style.axes_grid(1, len(QUANTITIES), 0.9 + 0.42 * len(names), sharey=True)
    estimate_rows(
        axes, table, "step", names, QUANTITIES,
        lambda name, dataset: {"color": colours[name], "filled": dataset == datasets[0]},
    )  # fmt: skip
    for ax, label in zip(axes, QUANTITIES.values(), strict=True):
        ax.set_title(label, fontsize="small")
        ax.tick_params(axis="y", length=0)
    style.letter(axes)
    if len(datasets) > 1:
        fills = zip(map(wording.dataset_name, datasets), ("full", "none"), strict=True)
        style.legend(figure, [style.entry(n, ls="", marker="o", fillstyle=f) for n, f in fills])
    return figure


def sparseness_by_rate(records: Iterable[Record]) -> Figure:
    """Draw the sparseness of every step by learning rate, from the runs of a sweep.

    There is a panel per data set and a line per step: Hoyer sparseness averaged over the layers,
    mean over runs with the runs as points.
    """
    table = runs_by_step(records)
    datasets = list(dict.fromkeys(table["dataset"]))
    figure, [axes] = style.axes_grid(1, len(datasets), 3.4, sharey=True)
    dashes = {"local": (1, 1), "+ norm": (3, 1)}
    for ax, dataset in zip(axes, datasets, strict=True):
        here = table[table["dataset"] == dataset]
        for found in STEPS:
            runs = here[here["step"] == found.name]
            if runs.empty:
                continue
            looks = style.looks(found.fields["model"])
            averages = runs.groupby("learning_rate")["hoyer"].mean()
            line = dashes.get(found.name, (None, None))
            ax.plot(averages.index, averages, label=found.name, dashes=line, **looks)
            ax.plot(runs["learning_rate"], runs["hoyer"], ls="", ms=3, alpha=0.4, **looks)
        ax.set_xscale("log")
        rates = sorted(here["learning_rate"].unique())
        ax.set_xticks(rates, [f"{rate:g}" for rate in rates])
        ax.minorticks_off()
        ax.set_title(wording.dataset_name(dataset))
        ax.set_xlabel("learning rate")
        ax.grid(axis="y", lw=0.5, color="0.9")
    axes[0].set_ylabel("Hoyer sparseness, mean over layers")
    style.legend(figure, axes[0], "upper center", columns=len(STEPS))
    return figure
