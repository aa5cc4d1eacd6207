"""Dense and convolutional networks on CIFAR-10: tables of the second open question."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pandas as pd

from fflib import wording
from fflib.presets import MODELS
from fflib.records.obtain import attempt
from fflib.records.stores import Record
from fflib.statistics import Interval, mean_interval
from fflib.study.analyses.cost import TAKEN, taken
from fflib.study.claims.quantities import accuracy, hoyer, members, overlap
from fflib.study.plans.cifar10 import convolutional, dense, variant, variants
from fflib.study.tables import by_run, intervals

__all__ = [
    "MEASURES",
    "answer",
    "by_network",
    "by_variant",
    "kind_and_model",
    "networks_table",
    "rates_table",
    "train_networks",
    "train_variants",
]

MEASURES = {
    "accuracy": "accuracy",
    "hoyer": "Hoyer\nsparseness",
    "size": "share of units in\nan ensemble",
    "overlap": "Jaccard index\nof two classes",
}
"""What networks are compared by: columns of :func:`by_network`, as they are written."""

_BY_RUN: dict[str, Callable[[Record], Any]] = {
    "accuracy": accuracy,
    "hoyer": hoyer,
    "overlap": overlap,
    "seconds": TAKEN["seconds"],
}
_KINDS = {"dense": "dense", "conv": "convolutional"}


def kind_and_model(record: Record) -> str:
    """Name a network as tables and figures do: by its kind and what trained it."""
    e = record.experiment
    return f"{_KINDS[e.architecture]}, {wording.model_name(e.model)}"


def by_network(records: Iterable[Record]) -> pd.DataFrame:
    """Return one row per run.

    Columns: ``network``, ``model``, ``seed``, ``accuracy``; as means over the layers ``hoyer``,
    ``size`` (share of units in a class's ensemble by the median-quantile rule) and ``overlap``
    (Jaccard index of the ensembles of two classes); and the numbers of
    :data:`fflib.study.analyses.cost.TAKEN`. `records` are runs on test images.
    """
    measures = {
        "network": kind_and_model,
        **_BY_RUN,
        "size": lambda r: members(r).mean(),
        **TAKEN,
    }
    return by_run(records, ["model", "seed"], measures)


def networks_table(records: Iterable[Record]) -> pd.DataFrame:
    """Show what every network achieves, and what it costs.

    The table has a row per network: measures as means over runs with half the width of their 95 %
    intervals; the layers that a gradient crosses; weights in millions, multiply-adds per training image in 10⁹ and seconds of training.
    `records` are runs on test images.
    """
    runs = by_network(records).drop(columns=["model", "seed"])
    table = intervals(runs, ["network"])
    shown = {
        label.replace("\n", " "): table[name].map(Interval.give_or_take)
        for name, label in MEASURES.items()
    }
    return pd.DataFrame(shown | taken(table.map(lambda interval: interval.mean)))


def by_variant(records: Iterable[Record]) -> pd.DataFrame:
    """Return one row per convolutional run, by the choice that sets it apart.

    Columns: ``variant`` (a name in :data:`fflib.study.plans.cifar10.VARIED`), ``seed``,
    ``accuracy``; as means over the layers ``hoyer`` and ``overlap``; ``seconds`` of training.
    """
    measures = {"variant": lambda r: variant(r.experiment), **_BY_RUN}
    return by_run(records, ["seed"], measures)


def rates_table(searched: Iterable[Record]) -> pd.DataFrame:
    """Show the validation accuracy of every learning rate tried, a row per network."""
    measures = {
        "network": kind_and_model,
        "rate": lambda r: r.experiment.learning_rate,
        "accuracy": accuracy,
    }
    rows = by_run(searched, (), measures)
    table = rows.pivot_table("accuracy", "network", "rate", sort=False).sort_index(axis="columns")
    table.columns = table.columns.map("{:g}".format)
    return table.map(lambda value: "" if np.isnan(value) else f"{value:.3f}")


def train_networks(
    dataset: str,
    seeds: Iterable[int],
    *,
    hidden: int,
    channels: int,
    layers: int,
    epochs: int,
    protocol: str = "relu-l2",
) -> list[Record]:
    """Train all six networks in any size and return their records, without those that fail to learn.

    `hidden` counts the units of a dense layer, `channels` the channels of a convolution.
    """
    shared = {"dataset": dataset, "protocol": protocol, "layers": layers, "epochs": epochs}
    tried = [
        make(model, seed=seed, hidden=width, batch_size=32, learning_rate=0.003, **shared)
        for seed in seeds
        for make, width in ((dense, hidden), (convolutional, channels))
        for model in MODELS
    ]
    return attempt(tried)[0]


def train_variants(dataset: str, seeds: Iterable[int], **training: Any) -> list[Record]:
    """Train every choice and return the records, without those that fail to learn."""
    return attempt(variants(dataset, seeds, **training))[0]


def answer(records: Iterable[Record], varied: Iterable[Record]) -> str:
    """Say in a few sentences whether it scales, and what it takes.

    `records` are runs on test images, `varied` short runs of the choices compared.
    """
    table = by_network(records)
    said = []
    for kind in dict.fromkeys(table["network"].str.partition(",")[0]):
        here = table[table["network"].str.startswith(kind)]
        each = " and ".join(
            f"{mean_interval(runs['accuracy']):.3f} with {wording.model_name(model)}"
            for model, runs in here.groupby("model", sort=False)
        )
        said.append(f"A {kind} network classifies {each}.")
    means = by_variant(varied).groupby("variant", sort=False)["accuracy"].mean()
    best, worst = means.idxmax(), means.idxmin()
    said.append(
        f"Of {len(means)} networks compared in short runs, which differ in a choice or two, the most "
        f"accurate ({means[best]:.2f}) is “{best}” and the least ({means[worst]:.2f}) “{worst}”."
    )
    return " ".join(said)
