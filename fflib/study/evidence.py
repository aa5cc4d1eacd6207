"""Which records a claim or a chapter rests on."""

from collections.abc import Iterable, Sequence
from itertools import product
from typing import Any, Literal

from fflib.errors import FflibError, unknown
from fflib.presets import MODELS, PROTOCOLS
from fflib.records.stores import PUBLISHED, Record, Store
from fflib.study.claims import CHECKS, CLAIMS, FIRST, QUESTIONS, Claim, Verdict, judge
from fflib.study.claims.judging import where
from fflib.study.plans.grids import DATASETS, JUDGED, planned

__all__ = [
    "by_dataset",
    "cells",
    "claim",
    "evidence",
    "first_edition",
    "on_record",
    "verdict",
    "where",
]

Source = Literal["records", "train"]


def by_dataset(records: Iterable[Record]) -> dict[str, list[Record]]:
    """Group records by data set, in the order in which the data sets appear."""
    found: dict[str, list[Record]] = {}
    for record in records:
        found.setdefault(record.experiment.dataset, []).append(record)
    return found


def claim(name: str, *, first: bool = False) -> Claim:
    """Look a claim up by its id, in the second edition of the criteria or in the first.

    Examples
    --------
    >>> claim("unseen").bound, claim("unseen", first=True).bound
    (0.5, 0.7)
    """
    known = {found.id: found for found in (FIRST if first else (*CLAIMS, *CHECKS, *QUESTIONS))}
    if name not in known:
        raise FflibError(unknown("claim", name, known))
    return known[name]


def on_record(
    claims: Iterable[Claim], store: Store = PUBLISHED, datasets: Sequence[str] | None = None
) -> list[Verdict]:
    """Judge claims by the runs of their grids.

    Only runs on `datasets` count; by default, those on all data sets do.
    """
    runs: dict[tuple[str, ...], list[Record]] = {}
    verdicts = []
    for found in claims:
        if found.grids not in runs:
            wanted = [e for e in planned(*found.grids) if datasets is None or e.dataset in datasets]
            runs[found.grids] = store.among(wanted)
        verdicts.append(judge(found, runs[found.grids]))
    return verdicts


def first_edition(
    store: Store = PUBLISHED, datasets: Sequence[str] | None = None
) -> dict[str, Verdict]:
    """Judge the claims of the first edition as they were, by the runs that they were judged by.

    :func:`fflib.study.claims.verdicts.in_first_words` says each verdict in its words.
    """
    return {v.claim.id: v for v in on_record(FIRST, store, datasets)}


def verdict(name: str, source: Source, records: Iterable[Record]) -> Verdict:
    """Judge one claim by what is published, or by the records of a live training.

    A chapter shows the records of its own choice; what is published of a claim is judged by all runs
    of its grids.
    """
    return on_record([claim(name)])[0] if source == "records" else judge(claim(name), records)


def cells(
    source: Source, dataset: str, protocol: str, protocols: Sequence[str] = PROTOCOLS
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the data sets and protocols that a chapter compares, its own first.

    From records a chapter compares everything that is published, its own `dataset` and `protocol`
    first, then the other published `protocols`; training live it stays with its own, as it does
    with a data set that is not published.

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
    """Return the records of every data set and protocol that a chapter compares, its own first.

    `source`, `dataset`, `protocol` and `protocols` are as in :func:`cells`; `models` and `hold_out`
    are crossed with one another, as in :func:`fflib.gather`. `seeds` are by default all that are
    published; where nothing is, and in training, two. `overrides` are fields of
    :class:`fflib.Experiment`; those that are None are left to the preset.

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
            for cell in product(datasets, compared)
            for e in planned(*JUDGED)
            if (e.dataset, e.protocol) == cell
            and e.model in models
            and e.hold_out in hold_out
            and all(getattr(e, name) == value for name, value in asked.items())
        )
        if published:
            return published
    from fflib.records.obtain import gather  # it trains: reading records needs no trainer

    return gather(
        source,
        models=models,
        datasets=datasets,
        protocols=compared,
        seeds=(0, 1) if seeds is None else seeds,
        hold_out=hold_out,
        **overrides,
    )
