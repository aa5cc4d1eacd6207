"""From an experiment to its record: found where it has been run before, trained where not."""

import os
from collections.abc import Iterable
from typing import Any, Literal

from tqdm.auto import tqdm

from fflib.errors import ExperimentError, MissingRecord, TrainingError, unknown
from fflib.experiment import Experiment, crossed
from fflib.records.curves import thinned
from fflib.records.measure import provenance, summarise
from fflib.records.stores import Record, find, own_store
from fflib.training.run import Run
from fflib.training.train import train

__all__ = ["attempt", "gather", "obtain", "record_of"]


def record_of(run: Run) -> Record:
    """Measure a run and make its record.

    A run on validation data without a probe serves to choose hyper-parameters: its record keeps the
    numbers but none of the arrays that figures are made of.
    """
    search = run.experiment.evaluate_on == "validation" and not run.experiment.probe
    metrics, arrays = summarise(run, ["median-quantile"]) if search else summarise(run)
    return Record(
        experiment=run.experiment,
        metrics=metrics,
        curve=thinned(run.curve),
        provenance=provenance(run),
        arrays={} if search else arrays,
    )


def obtain(experiment: Experiment, *, device: str = "auto", progress: bool = True) -> Record:
    """Find the record of an experiment, or train it and store its record.

    Where training is needed, `device` and `progress` are those of :func:`fflib.train`. Records made
    here go to ``$FFLIB_STORE``, else to ``data/own``.

    Raises
    ------
    RecordError
        The record is damaged; it has been set aside, so that the next call trains again.
    """
    try:
        return find(experiment)
    except MissingRecord:
        record = record_of(train(experiment, device=device, progress=progress))
        own_store().save(record)
        return record


def gather(
    source: Literal["records", "train"],
    *,
    models: Iterable[str],
    datasets: Iterable[str],
    protocols: Iterable[str] = ("relu-l2",),
    seeds: Iterable[int] = (0,),
    hold_out: Iterable[int | None] = (None,),
    tolerant: bool = False,
    **overrides: Any,
) -> list[Record]:
    """Find or train the records of all combinations of what is given.

    The source says whether to look records up only, or to train those that are missing. Runs whose
    training fails are left out if `tolerant`; otherwise the first one is an error. ``overrides``
    are fields of :class:`fflib.Experiment`; those that are None are left to the preset.

    Raises
    ------
    TrainingError
        A training fails, unless that is tolerated.
    ExperimentError
        The source is unknown, or a combination is not possible.
    MissingRecord
        A record is wanted from the store and is not there.
    """
    if source not in ("records", "train"):
        raise ExperimentError(unknown("source", source, ["records", "train"]))
    given = {name: value for name, value in overrides.items() if value is not None}
    axes = {"dataset": datasets, "protocol": protocols, "hold_out": hold_out, "seed": seeds}
    experiments = crossed(axes | {"model": models}, **given)
    if tolerant:
        return attempt(experiments, source)[0]
    return [find(e) if source == "records" else obtain(e) for e in experiments]


def attempt(
    experiments: Iterable[Experiment], source: Literal["records", "train"] = "train"
) -> tuple[list[Record], dict[Experiment, str]]:
    """Find or train records; return them, and why training failed, by experiment.

    The source is that of :func:`gather`. Where runs are trained, there is a bar over all of them;
    ``TQDM_DISABLE=1`` silences it. A record that is wanted from the store and is not there is
    a ``MissingRecord``.
    """
    records, failures = [], {}
    # In a notebook tqdm itself ignores the variable.
    silent = os.environ.get("TQDM_DISABLE", "0") not in ("", "0")
    hidden = silent or source == "records"
    for e in tqdm(list(experiments), desc="runs", unit="run", leave=False, disable=hidden):
        try:
            found = find(e) if source == "records" else obtain(e, progress=False)
            records.append(found)
        except TrainingError as error:
            failures[e] = str(error)
    return records, failures
