"""What negative weights do: tables of what is left without them (the paper's third check)."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from fflib import wording
from fflib.experiment import DenseExperiment
from fflib.measures.interventions import DOSES, EVERYWHERE
from fflib.measures.sharing import mean_overlap
from fflib.records.stores import Record
from fflib.statistics import mean_interval
from fflib.study.claims import hoyer, members
from fflib.study.tables import by_probe

__all__ = ["by_signs", "without"]


def by_signs(records: Iterable[Record]) -> pd.DataFrame:
    """Networks trained under a rule for the signs of their weights, beside free ones.

    Parameters
    ----------
    records : iterable of Record

    Returns
    -------
    DataFrame
        A row per data set, model and rule: accuracy, Hoyer sparseness and overlap of ensembles
        (means over the layers), each with its 95 % interval over runs, and the number of runs.
    """
    rows = pd.DataFrame(
        {
            "data set": wording.dataset_name(r.experiment.dataset),
            "model": wording.model_name(r.experiment.model),
            "signs": r.experiment.signs,
            "accuracy": r.metrics.accuracy,
            "Hoyer": hoyer(r),
            "overlap": np.nanmean(mean_overlap(members(r))),
        }
        for r in records
        if isinstance(r.experiment, DenseExperiment)
    )
    groups = rows.groupby(["data set", "model", "signs"], sort=False)
    table = groups.agg(lambda values: f"{mean_interval(values):.3f}")
    return table.assign(runs=groups.size())


def without(records: Iterable[Record], model: str = "ff") -> pd.DataFrame:
    """What a network is like with all negative weights set to zero, and with the controls.

    Parameters
    ----------
    records : iterable of Record
        Runs on one data set, with the probe "weight-signs".
    model : str

    Returns
    -------
    DataFrame
        A row for the untouched network and for each kind of weights that were removed from all
        layers; means over runs of the numbers in
        :class:`fflib.measures.interventions.Effect`.
    """
    rows = by_probe(r for r in records if r.experiment.model == model)
    rows = rows[(rows["operation"] == "zero") & (rows["place"] == EVERYWHERE)]
    untouched = rows[rows["dose"] == 0].assign(target="untouched")
    removed = rows[rows["dose"] == max(DOSES)]
    numbers = ["accuracy", "hoyer", "identity", "selectivity"]
    return pd.concat([untouched, removed]).groupby("target", sort=False)[numbers].mean()
