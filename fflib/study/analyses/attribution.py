"""Whether ensembles follow the image or the label: numbers of the crossed design, run by run."""

from collections.abc import Iterable

import pandas as pd

from fflib import wording
from fflib.experiment import Experiment
from fflib.records.stores import Record
from fflib.study.tables import rows_of

__all__ = ["followed", "leading", "network_name", "of_image_or_label", "of_part"]

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
    >>> rows["rest"] = [0.1, 0.1]
    >>> leading(pd.DataFrame(rows))
    'the image in layer 1 (70%), the label in layer 2 (50%)'
    """
    means = rows.groupby("layer")[[*PARTS, "rest"]].mean().dropna()
    said = []
    for layer, shares in means.iterrows():
        most = shares[list(PARTS)].idxmax()
        rest = ", the rest being larger" if shares["rest"] > shares[most] else ""
        said.append(f"{PARTS[most]} in layer {layer} ({shares[most]:.0%}{rest})")
    return ", ".join(said)


def followed(rows: pd.DataFrame) -> str:
    """Say in a sentence what the ensembles of a model follow most, over layers and data sets.

    `rows` are those of :func:`of_image_or_label`, of one network.

    Examples
    --------
    >>> rows = {"dataset": ["mnist"] * 2, "layer": [1, 2], "network": ["FF"] * 2}
    >>> rows |= {"image": [0.2, 0.1], "label": [0.6, 0.2], "agreement": [0.1, 0.5]}
    >>> followed(pd.DataFrame(rows).iloc[:1])
    'What ensembles of Forward-Forward follow most is the label, in every layer.'
    """
    means = rows.groupby(["dataset", "layer"])[list(PARTS)].mean().dropna()
    most = means.idxmax(axis=1)
    if most.empty:
        return ""
    first, n = most.mode()[0], len(most)
    name = PARTS[first].replace("their agreement", "the agreement of image and label")
    count, by_image = (most == first).sum(), (most == "image").sum()
    image = f", and the image by itself in {by_image or 'none'}" if first != "image" else ""
    where = ", in every layer" if count == n else f" in {count} of {n} layers{image}"
    meaning = " They stand for an image with its own label, not for what the image shows."
    network = rows["network"].iloc[0].replace("FF", "Forward-Forward")
    said = f"What ensembles of {network} follow most is {name}{where}."
    return said + (meaning if first == "agreement" else "")
