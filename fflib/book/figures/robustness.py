"""The figure of how a conclusion depends on the rule for ensembles and on its threshold."""

from collections.abc import Iterable
from typing import Literal

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fflib import wording
from fflib.book.figures import style
from fflib.book.figures.scorecard import ANSWERS, answer_entries
from fflib.measures.robustness import THRESHOLDS, USUAL
from fflib.records.stores import Record
from fflib.statistics import mean_interval
from fflib.study.claims import Claim
from fflib.study.tables import by_choice

__all__ = ["answers", "conclusions"]

Quantity = Literal["overlap", "follows", "auroc"]

SYMBOLS = {"median-quantile": "quantile", "leave-one-out": "k", "kolmogorov-smirnov": "p"}
"""What the threshold of a rule is called."""


def conclusions(records: Iterable[Record], claim: Claim, quantity: Quantity) -> Figure:
    """Draw the estimate for a claim on ensembles of Forward-Forward under every rule, by the rule's threshold.

    The quantity is the claim's, see :class:`fflib.measures.robustness.Choice` and, for "auroc",
    :class:`fflib.measures.unseen.UnseenChoice`; the claim's bound and criterion are applied to
    every threshold.

    There is a row per data set and protocol and a column per rule. The mean over layers and runs
    stands with its interval, marked by what the interval says of the claim, without any further
    test; thin lines are single layers, the dotted one takes wrongly classified images in. Layers
    that have no ensembles at all have no overlap and are left out of means. The side on which the
    claim holds is shaded, the usual threshold is marked by a vertical line.
    """
    table = _values(records, claim, quantity)
    where = list(table.groupby(["dataset", "protocol"], sort=False).groups)
    height = 0.9 + 1.75 * len(where)
    figure, grid = style.axes_grid(len(where), len(THRESHOLDS), height, sharex="col", sharey=True)
    for row, (dataset, protocol) in zip(grid, where, strict=True):
        cell = table.query("dataset == @dataset and protocol == @protocol")
        for ax, rule in zip(row, THRESHOLDS, strict=True):
            _panel(ax, claim, cell[cell["rule"] == rule], rule)
        name = f"{wording.dataset_name(dataset)}\n{wording.protocol_name(protocol)}"
        row[0].set_ylabel(name)
    low, high = grid[0, 0].get_ylim()
    good = (claim.bound, high) if claim.above else (low, claim.bound)
    for ax in grid.ravel():
        ax.axhspan(*good, color=ANSWERS["holds"][0], alpha=0.1, lw=0)
        ax.set_ylim(low, high)
    for top, bottom, rule in zip(grid[0], grid[-1], THRESHOLDS, strict=True):
        top.set_title(wording.rule_name(rule))
        bottom.set_xlabel(f"threshold ({SYMBOLS[rule]})")
    figure.supylabel(claim.label, fontsize="medium")
    handles = _handles(int(table["layer"].max()), everything="images" in table)
    style.legend(figure, handles, "upper center", columns=4)
    return figure


def answers(records: Iterable[Record], claim: Claim, quantity: Quantity) -> pd.Series:
    """Return what each marker of :func:`conclusions` says of the claim: "holds", "fails" or "open".

    Answers stand by data set, protocol, rule and threshold. Where no layer of any run has ensembles
    there is no entry.
    """
    table = _measured(_values(records, claim, quantity))
    cell = ["dataset", "protocol", "rule", "threshold"]
    runs = table.groupby([*cell, "run"], sort=False)["value"].mean().dropna()
    return runs.groupby(cell, sort=False).agg(
        lambda v: claim.answer(mean_interval(v, claim.confidence))
    )


def _values(records: Iterable[Record], claim: Claim, quantity: Quantity) -> pd.DataFrame:
    """Return a row per run, layer, rule and threshold, with the claim's quantity as ``value``."""
    runs = [r for r in records if r.experiment.model == "ff"]
    table = by_choice(runs, "detection" if claim.unseen else "choices")
    if table.empty:
        raise ValueError(
            "no run of ff on record was measured at several thresholds: train them again"
        )
    table = table.rename(columns={quantity: "value"})
    if claim.test:  # overlap that is the same for all pairs follows nothing, as in the criterion
        table["value"] = table["value"].fillna(0.0)
    return table


def _measured(rows: pd.DataFrame) -> pd.DataFrame:
    """Those rows that the criterion is about."""
    return rows[rows["images"] == "correct"] if "images" in rows else rows


def _panel(ax: Axes, claim: Claim, rows: pd.DataFrame, rule: str) -> None:
    thresholds = list(THRESHOLDS[rule])
    measured = _measured(rows)
    layers = int(rows["layer"].max())
    for depth, colour in enumerate(style.layer_colours(layers), start=1):
        one = measured[measured["layer"] == depth].groupby("threshold")["value"].mean()
        ax.plot([thresholds.index(t) for t in one.index], one, color=colour, lw=0.9)
    if "images" in rows:
        everything = rows[rows["images"] == "all"].groupby("threshold")["value"].mean()
        ax.plot([thresholds.index(t) for t in everything.index], everything, ":", color=style.INK)
    runs = measured.groupby(["threshold", "run"])["value"].mean().dropna()
    for threshold, values in runs.groupby("threshold"):
        interval, x = mean_interval(values, claim.confidence), thresholds.index(threshold)
        colour, marker = ANSWERS[claim.answer(interval)]
        ax.plot([x, x], [interval.low, interval.high], color=colour)
        ax.plot(x, interval.mean, marker, color=colour, ms=6)
    style.bounds(ax.yaxis, claim.bound)
    ax.axvline(thresholds.index(USUAL[rule]), color=style.GREY, lw=1, zorder=0)
    ax.set_xticks(range(len(thresholds)), [f"{t:g}" for t in thresholds], fontsize=7, rotation=45)


def _handles(layers: int, *, everything: bool) -> list[Line2D]:
    names = zip(wording.layer_names(layers), style.layer_colours(layers), strict=True)
    single = [style.entry(name, colour, lw=0.9) for name, colour in names]
    dotted = [style.entry("all images", ls=":")] if everything else []
    return [*answer_entries(), *single, *dotted]
