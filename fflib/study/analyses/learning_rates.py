"""The sweep over learning rates and epochs: its runs, and the tables made from them."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from fflib import wording
from fflib.experiment import crossed
from fflib.measures.robustness import USUAL
from fflib.presets import MODELS
from fflib.records.obtain import attempt
from fflib.records.stores import PUBLISHED, Record
from fflib.statistics import mean_interval
from fflib.study.analyses.matched_accuracy import BOUND, SETTING, Matched, by_setting
from fflib.study.evidence import Source, claim
from fflib.study.plans.grids import SWEPT_EPOCHS, SWEPT_RATES, planned
from fflib.study.tables import by_choice, intervals, named
from fflib.wording import minus

__all__ = [
    "ANSWERS",
    "best_settings",
    "matched_table",
    "spans",
    "sparse_control",
    "survivors",
    "swept",
    "ties",
]

ANSWERS = {
    "survives": "survives",
    "vanishes": "vanishes",
    "open": "is open",
    "no match": "has no match",
}
"""What a sentence says of a difference, by :attr:`fflib.study.analyses.matched_accuracy.Matched.answer`."""


GROUP = ["data set", "model"]

SHOWN = {"accuracy": "accuracy", "hoyer": "sparseness", "hoyer 1": "in layer 1"}
"""Columns that a table of best settings shows, and what it calls them."""


def swept(
    source: Source,
    dataset: str,
    *,
    seeds: Iterable[int] | None = None,
    epochs: int | Sequence[int] | None = None,
    rates: Sequence[float] | None = None,
) -> list[Record]:
    """Return the runs of the sweep over learning rates and epochs, on validation images.

    From records, these are runs on all data sets that are published, the given one first, and by
    default of all seeds; in training, only on the given one, and by default of the first two seeds.
    `rates` hold for every model; by default each has those around which it learns. Runs in which a
    layer learns nothing are left out: training refuses to go on with it.

    Examples
    --------
    >>> len(swept("records", "mnist", seeds=[0], epochs=12, rates=[0.001]))
    6
    """
    lengths = [epochs] if isinstance(epochs, int) else list(epochs or SWEPT_EPOCHS)
    by_model = {model: SWEPT_RATES[model] if rates is None else tuple(rates) for model in MODELS}
    if source == "records":
        chosen = None if seeds is None else set(seeds)
        own_first = sorted(planned("learning-rate"), key=lambda e: e.dataset != dataset)
        return PUBLISHED.among(
            e
            for e in own_first
            if (chosen is None or e.seed in chosen)
            and e.epochs in lengths
            and e.learning_rate in by_model[e.model]
        )
    seeds = (0, 1) if seeds is None else list(seeds)
    experiments = [
        experiment
        for model in MODELS
        for experiment in crossed(
            {"epochs": lengths, "seed": seeds, "learning_rate": by_model[model]},
            model=model,
            dataset=dataset,
            evaluate_on="validation",
        )
    ]
    return attempt(experiments)[0]


def best_settings(records: Iterable[Record]) -> pd.DataFrame:
    """Show the most accurate setting of every model, and how sparse it is there.

    The table has a row per data set and model: learning rate and epochs of its best setting, and
    means with intervals over runs: accuracy, Hoyer sparseness averaged over the layers, and in the
    first. `records` are runs of a sweep.
    """
    by_cell = named(by_setting(records)).groupby(GROUP, sort=False)
    best = pd.concat([_at_best(runs) for _, runs in by_cell])[[*GROUP, *SETTING, *SHOWN]]
    table = intervals(best, [*GROUP, *SETTING]).map("{:.3f}".format).reset_index(SETTING)
    table["learning_rate"] = table["learning_rate"].map("{:g}".format)
    return table.rename(columns={"learning_rate": "learning rate", **SHOWN})


def _at_best(runs: pd.DataFrame) -> pd.DataFrame:
    rate, epochs = runs.groupby(SETTING)["accuracy"].mean().idxmax()
    return runs[(runs["learning_rate"] == rate) & (runs["epochs"] == epochs)]


def spans(records: Iterable[Record]) -> pd.DataFrame:
    """Show how far learning rate and epochs move a model's sparseness.

    The table has a row per data set and model: ``settings`` that lie no further below the model's
    best accuracy than the claim "accuracy" allows, and the ``lowest`` and the ``highest`` mean
    Hoyer sparseness among them. `records` are runs of a sweep.
    """
    runs = named(by_setting(records))
    means = runs.groupby([*GROUP, *SETTING], sort=False)[["accuracy", "hoyer"]].mean()
    best = means["accuracy"].groupby(GROUP, sort=False).transform("max")
    learned = means[means["accuracy"] >= best + claim("accuracy").bound]
    return _span(learned["hoyer"])


def ties(records: Iterable[Record]) -> pd.DataFrame:
    """Show how sparse a model would be at settings that may be as good as its best.

    Such a setting is not surely less accurate than the best: the 95 % interval of the difference, paired by
    seed, reaches zero. The table has the columns of :func:`spans`. `records` are runs of a sweep.
    """
    every = by_setting(records)
    if every.empty:
        return every
    found = {}
    for cell, runs in named(every).groupby(GROUP, sort=False):
        accuracy = runs.pivot_table("accuracy", "seed", SETTING)
        best = accuracy[accuracy.mean().idxmax()]
        lost = accuracy.rsub(best, axis=0)
        as_good = [s for s in lost if not mean_interval(lost[s].dropna()).low > 0]
        found[cell] = runs.groupby(SETTING)["hoyer"].mean()[as_good]
    return _span(pd.concat(found, names=GROUP))


def _span(sparseness: "pd.Series[float]") -> pd.DataFrame:
    """Count the settings of each data set and model, and find the least and the most sparse."""
    by_cell = sparseness.groupby(GROUP, sort=False)
    return by_cell.agg(settings="size", lowest="min", highest="max")


def matched_table(comparisons: Iterable[Matched]) -> pd.DataFrame:
    """Show every comparison of two settings at matched accuracy.

    The table has a row per comparison and matched setting of the control: the difference in
    sparseness with its interval over pairs of runs, and whether it is surely above the bound.
    """
    rows = [
        {
            "data set": wording.dataset_name(found.dataset),
            "compared": f"{wording.model_name(found.model)} − {wording.model_name(found.control)}",
            "epochs": epochs,
            "learning rate": f"{rate:g}",
            "difference in sparseness": minus(f"{interval:.3f}"),
            "more than the bound": "yes"
            if interval.low > BOUND
            else "no"
            if interval.high < BOUND
            else "open",
        }
        for found in comparisons
        for (rate, epochs), interval in sorted(
            found.differences.items(), key=lambda item: item[0][::-1]
        )
    ]
    names = ["data set", "compared", "epochs", "learning rate"]
    columns = [*names, "difference in sparseness", "more than the bound"]
    return pd.DataFrame(rows, columns=columns).set_index(names)


def sparse_control(records: Iterable[Record], comparisons: Iterable[Matched]) -> pd.DataFrame:
    """Show how sparse the control is where it is compared, and whether its ensembles are specific.

    The table has a row per comparison and matched setting of the control: means over runs of
    accuracy and of Hoyer sparseness; the ``overlap`` of two classes' ensembles, which is the
    quantity of the claim "specific" in the first edition of the criteria (median–quantile rule, averaged over pairs and layers, on
    correctly classified validation images), with an interval of that claim's confidence; what it
    says of the claim; and units in an ensemble, layer by layer. `records` are runs of a sweep.
    """
    runs, specific, rule = list(records), claim("specific", first=True), "median-quantile"
    fields = ["dataset", "model", *SETTING]
    means = by_setting(runs).groupby(fields)[["accuracy", "hoyer"]].mean()
    choices = by_choice(runs, fields=fields)
    usual = (choices["rule"] == rule) & np.isclose(choices["threshold"], USUAL[rule])
    choices = choices[usual & (choices["images"] == "correct")]
    by_run = choices.groupby([*fields, "run"])["overlap"].mean().groupby(fields)
    overlap = by_run.agg(mean_interval, confidence=specific.confidence)
    sizes = choices.groupby([*fields, "layer"])["size"].mean()
    rows = []
    for found in comparisons:
        for setting in sorted(found.differences, key=lambda setting: setting[::-1]):
            cell = (found.dataset, found.control, *setting)
            rows.append(
                {
                    "data set": wording.dataset_name(found.dataset),
                    "epochs": setting[1],
                    "learning rate": f"{setting[0]:g}",
                    "accuracy": means.loc[cell, "accuracy"],
                    "sparseness": means.loc[cell, "hoyer"],
                    "overlap": f"{overlap[cell]:.3f}",
                    "specific": specific.answer(overlap[cell]),
                    "units by layer": " / ".join(f"{size:.0f}" for size in sizes[cell]),
                }
            )
    names = ["data set", "epochs", "learning rate"]
    return pd.DataFrame(rows).drop_duplicates(names).set_index(names) if rows else pd.DataFrame()


def survivors(comparisons: Iterable[Matched]) -> str:
    """Say in one sentence what is left of a difference in sparseness over all comparisons.

    Examples
    --------
    >>> survivors([])
    'Nothing was compared.'
    """
    found = list(comparisons)
    names = " and ".join(dict.fromkeys(wording.model_name(one.model) for one in found))
    control = " and ".join(dict.fromkeys(wording.model_name(one.control) for one in found))
    outcomes = {one.answer for one in found}
    if not found:
        return "Nothing was compared."
    if outcomes == {"vanishes"}:
        return (
            f"At matched accuracy nothing is left of a difference in sparseness between {names} on one "
            f"side and {control} on the other: on every data set {control} has a learning rate at "
            f"which it classifies as well, and the difference is surely less than the {BOUND:g} that "
            "counts."
        )
    if outcomes <= {"survives", "no match"} and "survives" in outcomes:
        return (
            f"The difference in sparseness survives: wherever {control} classifies as well, {names} "
            "is sparser."
        )
    each = "; ".join(
        f"{wording.model_name(one.model)} on {wording.dataset_name(one.dataset)}: {ANSWERS[one.answer]}"
        for one in found
    )
    return (
        f"The difference from {control} in sparseness does not come out alike everywhere ({each})."
    )
