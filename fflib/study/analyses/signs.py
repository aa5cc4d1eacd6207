"""What negative weights do: tables of what is left without them (the paper's third check)."""

from collections.abc import Iterable

import pandas as pd

from fflib.measures.interventions import DOSES, EVERYWHERE
from fflib.records.stores import Record
from fflib.study.claims.quantities import accuracy, hoyer, overlap
from fflib.study.tables import against, by_probe, by_run, intervals, named

__all__ = ["by_signs", "lost", "without"]


def by_signs(records: Iterable[Record]) -> pd.DataFrame:
    """Show networks trained under a rule for the signs of their weights, beside free ones.

    The table has a row per data set, model and rule: accuracy, Hoyer sparseness and overlap of
    ensembles (means over the layers), each with its 95 % interval over runs, and the number of
    runs.
    """
    measures = {"accuracy": accuracy, "Hoyer": hoyer, "overlap": overlap}
    rows = named(by_run(records, ["dataset", "model", "signs"], measures))
    table = intervals(rows, ["data set", "model", "signs"])
    runs = table["accuracy"].map(lambda interval: interval.n)
    return table.map("{:.3f}".format).assign(runs=runs)


def without(records: Iterable[Record], model: str = "ff") -> pd.DataFrame:
    """Show a network with all negative weights set to zero, and with the controls.

    The table has a row for the untouched network and for each kind of weights that were removed
    from all layers; means over runs of the numbers in :class:`fflib.measures.interventions.Effect`.
    `records` are runs on one data set, with the probe "weight-signs".
    """
    numbers = ["accuracy", "hoyer", "identity", "selectivity"]
    return _zeroed(records, model).groupby("target", sort=False)[numbers].mean()


def lost(records: Iterable[Record], model: str = "ff") -> pd.DataFrame:
    """Show what a network loses with all weights of a kind: the untouched one less what is left.

    The table has a row per data set and kind of weights that were removed from all layers: accuracy
    and Hoyer sparseness that are lost, each with its 95 % interval over runs, in which a run is
    compared with itself. `records` are runs with the probe "weight-signs".
    """
    rows = _zeroed(records, model)[["dataset", "seed", "target", "accuracy", "hoyer"]]
    rows = named(against(rows, "target", "untouched", ["accuracy", "hoyer"]))
    rows = rows[rows["target"] != "untouched"].drop(columns="seed")
    rows[["accuracy", "hoyer"]] *= -1
    return intervals(rows, ["data set", "target"])


def _zeroed(records: Iterable[Record], model: str) -> pd.DataFrame:
    """Rows of networks with all weights of a kind set to zero, and of the untouched ones."""
    rows = by_probe(r for r in records if r.experiment.model == model)
    rows = rows[(rows["operation"] == "zero") & (rows["place"] == EVERYWHERE)]
    untouched = rows[(rows["dose"] == 0) & (rows["target"] == "negative")]
    return pd.concat([untouched.assign(target="untouched"), rows[rows["dose"] == max(DOSES)]])
