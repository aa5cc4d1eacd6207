"""How much sparser networks with the objective of Forward-Forward are than BP, by other measures and by layer."""

from collections.abc import Iterable
from dataclasses import replace

import pandas as pd

from fflib import wording
from fflib.records.stores import Record
from fflib.statistics import mean_interval
from fflib.study.analyses.attribution import network_name
from fflib.study.claims import Verdict, judge
from fflib.study.claims.quantities import hoyer
from fflib.study.tables import by_layer

__all__ = ["MEASURES", "against_bp", "plainly"]

MEASURES = {"hoyer": "plain", "hoyer_all": "plain, all images", "hoyer_above_rest": "above rest"}
"""Fields of :class:`fflib.records.schema.LayerMetrics`, and what tables call them."""


def against_bp(records: Iterable[Record]) -> pd.DataFrame:
    """Show by how much FF and BP/FF are sparser than BP with the same seed, layer by layer.

    The table has a row per data set, difference and measure of :data:`MEASURES`, and a column per layer: the mean
    over seeds with its 95 % interval. Untrained and penalised networks are left out.
    """
    trained = [r for r in records if network_name(r.experiment) in ("FF", "BP/FF", "BP")]
    runs = by_layer(trained).melt(
        ["dataset", "model", "seed", "layer"], list(MEASURES), "sparseness by"
    )
    by_model = runs.pivot_table(
        "value", ["dataset", "sparseness by", "layer", "seed"], "model", sort=False
    )
    differences = pd.concat(
        {
            f"{wording.model_name(model)} − BP": by_model[model] - by_model["bp"]
            for model in ("ff", "bp-ff")
        },
        names=["difference"],
    )
    place = ["dataset", "difference", "sparseness by", "layer"]
    shown = differences.groupby(place, sort=False).agg(
        lambda runs: wording.minus(f"{mean_interval(runs):.2f}")
    )
    table = shown.unstack("layer", sort=False).add_prefix("layer ")
    return table.rename(wording.dataset_name, level="dataset").rename(
        MEASURES, level="sparseness by"
    )


def plainly(verdict: Verdict) -> Verdict:
    """Judge a claim on sparseness by Hoyer's measure as it is, and not above rest, by the same runs."""
    return judge(replace(verdict.claim, measure=hoyer), verdict.records)
