"""Which records a claim or a chapter rests on."""

from collections.abc import Iterable, Sequence
from itertools import product
from typing import Any, Literal

from fflib.errors import FflibError, unknown
from fflib.presets import MODELS, PROTOCOLS
from fflib.records.stores import PUBLISHED, Record, Store
from fflib.study.claims import CHECKS, CLAIMS, QUESTIONS, Claim, Verdict, judge
from fflib.study.claims.judging import where
from fflib.study.plans.grids import DATASETS, JUDGED, planned

__all__ = ["cells", "claim", "evidence", "on_record", "where"]

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
    """Return the data sets and protocols that a chapter compares, its own first.

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
    """Return the records of every data set and protocol that a chapter compares, its own first.

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
            for cell in product(datasets, compared)
            for e in planned(*JUDGED)
            if (e.dataset, e.protocol) == cell
            and e.model in models
            and e.hold_out in hold_out
            and all(getattr(e, name) == value for name, value in asked.items())
        )
        if published:
            return published
    from fflib.records.obtain import gather  # it trains: reading records needs no engine

    return gather(
        source,
        models=models,
        datasets=datasets,
        protocols=compared,
        seeds=(0, 1) if seeds is None else seeds,
        hold_out=hold_out,
        **overrides,
    )
