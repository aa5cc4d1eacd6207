"""What a claim chapter rests on: the records it speaks of, and the tables made from them."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from itertools import product
from typing import Any, Literal

import pandas as pd

from fflib import wording
from fflib.errors import FflibError, unknown
from fflib.experiment import Experiment
from fflib.presets import MODELS, PROTOCOLS
from fflib.records.obtain import gather
from fflib.records.stores import PUBLISHED, Record, Store
from fflib.statistics import holm
from fflib.study.claims import CHECKS, CLAIMS, QUESTIONS, Claim, Verdict, judge
from fflib.study.plans.grids import DATASETS, JUDGED, planned

__all__ = [
    "by_choice",
    "by_layer",
    "by_probe",
    "cells",
    "claim",
    "evidence",
    "links_table",
    "on_record",
    "settings",
    "verdict_table",
    "where",
]

Source = Literal["records", "train"]


def claim(name: str) -> Claim:
    """Look a claim up by its id.

    Examples
    --------
    >>> claim("negative").bound
    0.55
    """
    known = {found.id: found for found in (*CLAIMS, *CHECKS, *QUESTIONS)}
    if name not in known:
        raise FflibError(unknown("claim", name, known))
    return known[name]


def on_record(
    claims: Iterable[Claim], store: Store = PUBLISHED, datasets: Sequence[str] | None = None
) -> list[Verdict]:
    """Judge claims by the runs of their grids.

    Parameters
    ----------
    claims : iterable of Claim
    store : Store
        The published one by default.
    datasets : sequence of str, optional
        Whose runs count; those of all data sets by default.

    Returns
    -------
    list of Verdict
    """
    runs: dict[tuple[str, ...], list[Record]] = {}
    verdicts = []
    for found in claims:
        if found.grids not in runs:
            wanted = [e for e in planned(*found.grids) if datasets is None or e.dataset in datasets]
            runs[found.grids] = store.among(wanted)
        verdicts.append(judge(found, runs[found.grids]))
    return verdicts


def cells(
    source: Source, dataset: str, protocol: str, protocols: Sequence[str] = PROTOCOLS
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Data sets and protocols that a chapter compares, its own first.

    Parameters
    ----------
    source : {"records", "train"}
        From records a chapter compares everything that is published; training live it stays with
        its own data set and protocol, as it does with a data set that is not published.
    dataset, protocol : str
        The chapter's own.
    protocols : sequence of str
        Those that are published.

    Returns
    -------
    datasets, protocols : tuple of str

    Examples
    --------
    >>> cells("records", "fashion-mnist", "relu-l2")
    (('fashion-mnist', 'mnist'), ('relu-l2', 'sigmoid-linf'))
    >>> cells("train", "digits", "relu-l2")
    (('digits',), ('relu-l2',))
    """
    if source == "train" or dataset not in DATASETS:
        return (dataset,), (protocol,)
    return (
        tuple(dict.fromkeys((dataset, *DATASETS))),
        tuple(dict.fromkeys((protocol, *protocols))),
    )


def evidence(
    source: Source,
    dataset: str,
    protocol: str,
    *,
    models: Sequence[str] = MODELS,
    seeds: Iterable[int] | None = None,
    protocols: Sequence[str] = PROTOCOLS,
    hold_out: Sequence[int | None] = (None,),
    **overrides: Any,
) -> list[Record]:
    """Records of every data set and protocol that a chapter compares, its own first.

    Parameters
    ----------
    source, dataset, protocol, protocols
        As in :func:`cells`.
    models, hold_out
        Crossed with one another, as in :func:`fflib.gather`.
    seeds : iterable of int, optional
        By default all that are published; where nothing is, and in training, two.
    **overrides
        Fields of :class:`fflib.Experiment`; those that are None are left to the preset.

    Returns
    -------
    list of Record

    Raises
    ------
    MissingRecord
        A record is wanted from the store and is not there.
    """
    datasets, compared = cells(source, dataset, protocol, protocols)
    if source == "records" and seeds is None:
        asked = {name: value for name, value in overrides.items() if value is not None}
        published = PUBLISHED.among(
            e
            for where in product(datasets, compared)
            for e in planned(*JUDGED)
            if (e.dataset, e.protocol) == where
            and e.model in models
            and e.hold_out in hold_out
            and all(getattr(e, name) == value for name, value in asked.items())
        )
        if published:
            return published
    return gather(
        source,
        models=models,
        datasets=datasets,
        protocols=compared,
        seeds=(0, 1) if seeds is None else seeds,
        hold_out=hold_out,
        **overrides,
    )


def where(records: Iterable[Record], **fields: Any) -> list[Record]:
    """Keep the records whose experiment has these values.

    Parameters
    ----------
    records : iterable of Record
    **fields
        Fields of :class:`fflib.Experiment`.

    Examples
    --------
    >>> where([], model="ff", dataset="mnist")
    []
    """
    return [
        record
        for record in records
        if all(getattr(record.experiment, name) == value for name, value in fields.items())
    ]


def by_layer(records: Iterable[Record]) -> pd.DataFrame:
    """One row per run and hidden layer.

    Returns
    -------
    DataFrame
        ``dataset``, ``protocol``, ``model``, ``seed``, ``layer`` (counted from 1), then the fields
        of :class:`fflib.records.measure.LayerMetrics`; what is known of ``links`` stands in columns of its
        own, ``links.odds_ratio`` and so on.
    """
    return pd.DataFrame(
        {
            **record.experiment.model_dump(include={"dataset", "protocol", "model", "seed"}),
            "layer": depth,
            **metrics.model_dump(exclude={"links"}),
            **{f"links.{name}": value for name, value in (metrics.links or {}).items()},
        }
        for record in records
        for depth, metrics in enumerate(record.metrics.layers, start=1)
    )


def by_choice(
    records: Iterable[Record], among: Literal["choices", "told"] = "choices"
) -> pd.DataFrame:
    """One row per run, hidden layer, rule and threshold.

    Parameters
    ----------
    records : iterable of Record
    among : {"choices", "told"}
        The field of :class:`fflib.records.measure.Metrics` to take: ensembles of the seen classes, or what
        those of a held-out class tell.

    Returns
    -------
    DataFrame
        ``dataset``, ``protocol``, ``model``, ``seed``, ``run`` (the record's key), ``layer``
        (counted from 1), then the fields of :class:`fflib.measures.robustness.Choice` or of
        :class:`fflib.measures.unseen.UnseenChoice`. Runs without such numbers have no rows.
    """
    rows = []
    for record in records:
        e = record.experiment
        run = e.model_dump(include={"dataset", "protocol", "model", "seed"}) | {"run": e.key}
        for choice in getattr(record.metrics, among) or ():
            fields = asdict(choice)
            by_layer = {name: v for name, v in fields.items() if isinstance(v, tuple)}
            rows += [
                run | {"layer": depth + 1} | fields | {n: v[depth] for n, v in by_layer.items()}
                for depth in range(e.layers)
            ]
    return pd.DataFrame(rows)


def by_probe(records: Iterable[Record]) -> pd.DataFrame:
    """One row per run and line of what its probe found.

    Parameters
    ----------
    records : iterable of Record

    Returns
    -------
    DataFrame
        ``dataset``, ``protocol``, ``model``, ``seed``, then the columns of the probe, see
        :mod:`fflib.records.probes`. Runs without a probe have no rows.
    """
    return pd.DataFrame(
        r.experiment.model_dump(include={"dataset", "protocol", "model", "seed"}) | row
        for r in records
        for row in r.metrics.probe or ()
    )


def links_table(records: Iterable[Record]) -> pd.DataFrame:
    """Whether positive weights link same-class ensembles of successive layers.

    Parameters
    ----------
    records : iterable of Record

    Returns
    -------
    DataFrame
        A row per data set, protocol, model and pair of layers. Share of positive weights between
        units with and without a common class and their odds ratio, as means over runs; ``p``, the
        largest of the runs' p-values, corrected by Holm for all tests behind the table.
    """
    rows = by_layer(records).query("layer > 1")
    table = pd.DataFrame(
        {
            "data set": rows["dataset"].map(wording.dataset_name),
            "protocol": rows["protocol"].map(wording.protocol_name),
            "model": rows["model"].map(wording.model_name),
            "layers": [f"{layer - 1} to {layer}" for layer in rows["layer"]],
            "common class": rows["links.same_class"],
            "different classes": rows["links.different_class"],
            "odds ratio": rows["links.odds_ratio"],
            "p": holm(rows["links.p_value"]),
        }
    )
    cells = table.groupby(["data set", "protocol", "model", "layers"], sort=False)
    return cells.mean(numeric_only=True).assign(p=cells["p"].max())


def settings(
    experiments: Iterable[Experiment],
    fields: Sequence[str] = (
        "epochs",
        "batch_size",
        "learning_rate",
        "schedule",
        "theta",
        "label_gain",
    ),
) -> pd.DataFrame:
    """The settings of experiments and where each came from.

    Parameters
    ----------
    experiments : iterable of Experiment
    fields : sequence of str

    Returns
    -------
    DataFrame
        A row per data set, protocol and field; a column per model, with entries such as
        "0.01 (validation search)". A field that has no meaning for a model is left blank.
    """
    table: dict[tuple[str, str, str], dict[str, str]] = {}
    for e in experiments:
        names = wording.dataset_name(e.dataset), wording.protocol_name(e.protocol)
        for field in fields:
            value = getattr(e, field)
            said = "" if value is None else f"{value} ({e.origin(field)})"
            row = table.setdefault((*names, field.replace("_", " ")), {})
            row[wording.model_name(e.model)] = said
    frame = pd.DataFrame.from_dict(table, orient="index")
    return frame.rename_axis(["data set", "protocol", "setting"])


def verdict_table(verdict: Verdict) -> pd.DataFrame:
    """What a claim comes to in each cell.

    Parameters
    ----------
    verdict : Verdict

    Returns
    -------
    DataFrame
        A row per data set and protocol: the mean over runs with its interval, the number of runs,
        and whether the claim holds.
    """
    rows = [
        {
            "data set": wording.dataset_name(cell.dataset),
            "protocol": wording.protocol_name(cell.protocol),
            "mean and interval": f"{cell.interval:.3f}",
            "runs": cell.interval.n,
            "claim": cell.answer,
        }
        for cell in verdict.cells
    ]
    table = pd.DataFrame(rows, columns=["data set", "protocol", "mean and interval", "runs", "claim"])  # fmt: skip
    return table.set_index(["data set", "protocol"])
