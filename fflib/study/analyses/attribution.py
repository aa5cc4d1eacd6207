"""Whether ensembles follow the image or the label: numbers of the crossed design, run by run."""

from collections.abc import Iterable

import pandas as pd

from fflib import wording
from fflib.experiment import Experiment
from fflib.records.stores import Record
from fflib.study.tables import rows_of

__all__ = ["leading", "network_name", "of_image_or_label", "of_part"]

PARTS = {"image": "the image", "label": "the label", "agreement": "their agreement"}


def network_name(experiment: Experiment) -> str:
    """Name a network by its model, and say so where it was never trained or its activity is penalised.

    Examples
    --------
    >>> network_name(Experiment(model="bp-ff")), network_name(Experiment(model="bp", l1=0.001))
    ('BP/FF', 'BP, L1')
    """
    penalised = getattr(experiment, "l1", 0.0) > 0
    kind = ", untrained" if not experiment.epochs else ", L1" if penalised else ""
    return wording.model_name(experiment.model) + kind


def of_part(records: Iterable[Record], about: str) -> pd.DataFrame:
    """Return the rows of one part of the probe "attribution", those of trained networks first.

    Columns: ``dataset``, ``protocol``, ``model``, ``seed``, ``network`` (see :func:`network_name`),
    then those of the part that `about` names, see :func:`fflib.records.probes.attribution`. Runs
    without the probe have no rows.
    """
    return rows_of(
        sorted(records, key=lambda r: r.experiment.epochs == 0),
        lambda record: (
            {"network": network_name(record.experiment)} | row
            for row in record.metrics.probe or ()
            if row.get("about") == about
        ),
    )


def of_image_or_label(records: Iterable[Record]) -> pd.DataFrame:
    """Return one row per run and hidden layer, trained networks first.

    Columns are those of :func:`of_part` and :func:`fflib.records.attribution.image_or_label`, with
    ``blank`` as a share of the classes.
    """
    rows = of_part(records, "image-or-label")
    return rows if rows.empty else rows.assign(blank=rows["blank"] / rows["classes"])


def leading(rows: pd.DataFrame) -> str:
    """Say which of image, label and their agreement explains most of the ensembles of each layer.

    `rows` are those of :func:`of_image_or_label`, of one network on one data set.

    Examples
    --------
    >>> rows = {"layer": [1, 2], "image": [0.7, 0.2], "label": [0.1, 0.5], "agreement": [0.1, 0.2]}
    >>> leading(pd.DataFrame(rows))
    'the image in layer 1 (70%), the label in layer 2 (50%)'
    """
    means = rows.groupby("layer")[list(PARTS)].mean().dropna()
    return ", ".join(
        f"{PARTS[shares.idxmax()]} in layer {layer} ({shares.max():.0%})"
        for layer, shares in means.iterrows()
    )
