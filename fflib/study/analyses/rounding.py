"""What rounding moves: runs that differ in nothing but the number format of their matrix products."""

from collections.abc import Iterable
from itertools import combinations

import pandas as pd

from fflib import wording
from fflib.measures.sharing import overlap
from fflib.presets import MODELS
from fflib.records.stores import Record
from fflib.statistics import mean_interval, paired_interval
from fflib.study.claims.quantities import accuracy, hoyer, members, negative
from fflib.study.tables import by_run

__all__ = ["MEASURES", "by_format", "precision", "precision_table", "same_units"]

MEASURES = {
    "accuracy": "test accuracy",
    "hoyer": "Hoyer sparseness, mean of layers",
    "negative": "share of negative weights, mean of layers",
}
"""What a number format might move."""


def precision(records: Iterable[Record]) -> pd.DataFrame:
    """Return what runs measured that differ in number format only.

    The table has a row per run: ``model``, ``seed``, ``precision``, and the keys of
    :data:`MEASURES`. `records` are runs with ``precision`` "float32" and "mixed".
    """
    measures = {"accuracy": accuracy, "hoyer": hoyer, "negative": negative}
    rows = by_run(records, ["model", "seed", "precision"], measures)
    return rows.sort_values("seed", ignore_index=True)


def by_format(runs: pd.DataFrame, model: str, measure: str) -> pd.DataFrame:
    """Return one measure of one model, a row per seed and a column per number format.

    `runs` come from :func:`precision`; `measure` is a key of :data:`MEASURES`.
    """
    own = runs[runs["model"] == model]
    return own.pivot(index="seed", columns="precision", values=measure)


def precision_table(records: Iterable[Record]) -> pd.DataFrame:
    """Show whether mixed precision moves a result by more than another seed does.

    The table has a row per measure and model: the mean in float32; the standard deviation of its
    seeds; the mean over seeds of mixed minus float32 with its 95 % interval; and that mean in
    standard deviations. `records` are as in :func:`precision`.
    """
    runs = precision(records)
    table = {}
    for measure, title in MEASURES.items():
        for model in MODELS:
            own = by_format(runs, model, measure)
            moved = paired_interval(own["mixed"], own["float32"])
            spread = own["float32"].std()
            table[title, wording.model_name(model)] = {
                "float32": f"{own['float32'].mean():.4f}",
                "spread of seeds": f"{spread:.4f}",
                "mixed minus float32": f"{moved:+.4f}",
                "in spreads": f"{moved.mean / spread:+.2f}",
            }
    return pd.DataFrame.from_dict(table, orient="index").rename_axis(["measure", "model"])


def same_units(records: Iterable[Record]) -> pd.DataFrame:
    """Show whether ensembles have the same units in networks that differ in rounding or in seed only.

    The table has a row for each model, once for pairs of runs of one seed in different number formats, and
    once for pairs in one format of different seeds; and a column per layer: the Jaccard index of the
    ensembles (median–quantile rule), all classes together. It is the mean over pairs, with its 95 % interval
    where pairs are independent of each other. `records` are as in :func:`precision`.
    """
    runs = {(r.experiment.model, r.experiment.precision, r.experiment.seed): r for r in records}
    table = {}
    for model in dict.fromkeys(model for model, _, _ in runs):
        exact, rounded = (
            {s: members(r) for (m, f, s), r in runs.items() if (m, f) == (model, form)}
            for form in ("float32", "mixed")
        )
        pairs = {
            "rounding": [(exact[s], rounded[s]) for s in exact if s in rounded],
            "seed": list(combinations(exact.values(), 2)),
        }
        for differ, found in pairs.items():
            same = pd.DataFrame(
                overlap(one.reshape(len(one), -1), other.reshape(len(other), -1))
                for one, other in found
            )
            independent = differ == "rounding"
            shown = same.agg(mean_interval, scale="share") if independent else same.mean()
            table[wording.model_name(model), differ] = shown.map("{:.2f}".format)
    frame = pd.DataFrame.from_dict(table, orient="index").rename_axis(["model", "runs differ in"])
    return frame.set_axis(wording.layer_names(frame.shape[1]), axis="columns")
