"""``fflib reproduce``: train again what the published numbers come from."""

from collections.abc import Iterable, Iterator
from concurrent.futures import BrokenExecutor
from statistics import fmean
from typing import TYPE_CHECKING, Annotated

import typer

from fflib.cli.options import Into, Jobs
from fflib.cli.output import duration, numbers, print_table

if TYPE_CHECKING:
    from fflib.experiment import Experiment
    from fflib.records import Record, Store
    from fflib.sweep import Outcome

EXAMPLES = """
What is recorded already is not trained again, so that the same command goes on where it was
interrupted. To train what is published anew, name an empty folder: the runs go there and are
compared with the published ones at the end.

\b
Examples:
  fflib reproduce --dry-run
  fflib reproduce --grid main --into again
  fflib reproduce --grid unseen --into again --jobs 4
"""


def reproduce(
    grid: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="A grid in fflib.grids, such as main or unseen; may be given several times.",
        ),
    ] = None,
    into: Into = None,
    jobs: Jobs = None,
    retry: Annotated[
        bool, typer.Option("--retry", help="Train also what is on record as failing.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what it would cost.")
    ] = False,
) -> None:
    """Train again what the published numbers rest on.

    It says first what it will cost, then a line for each run as it ends. Exit 1 if a run failed.
    """
    from fflib import records
    from fflib.grids import planned

    experiments = planned(*grid or ())
    published = _readable(records.PUBLISHED)
    store = records.PUBLISHED if into is None else records.Store(into)
    recorded = published if into is None else _readable(store)
    failures = {} if retry else store.failures()
    todo = [e for e in experiments if e not in recorded and e not in failures]
    noted = sum(e in failures and e not in recorded for e in experiments)
    typer.echo(
        f"{len(experiments)} runs: {len(experiments) - len(todo) - noted} recorded in "
        f"{store.folder}, {f'{noted} known to fail, ' if noted else ''}{len(todo)} to train"
    )
    if todo:
        typer.echo(cost(todo, [*published.values(), *recorded.values()]))
    elif into is None:
        typer.echo("nothing to do; to train them all the same: fflib reproduce --into FOLDER")
    if dry_run:
        return
    for experiment in todo:
        store.forget_failure(experiment)
    failed = []
    for outcome in _train(todo, store, jobs):
        if outcome.record is None:
            failed.append(outcome)
        else:
            recorded[outcome.experiment] = outcome.record
    if into is not None:
        _compare(experiments, published, recorded)
    for outcome in failed:
        typer.echo(f"failed: {outcome.experiment}: {outcome.error}", err=True)
    raise typer.Exit(int(bool(failed)))


def _readable(store: "Store") -> "dict[Experiment, Record]":
    found, faults = store.survey()
    for fault in faults.values():
        typer.echo(f"warning: {fault}", err=True)
    return {record.experiment: record for record in found.values()}


def cost(todo: "Iterable[Experiment]", records: "Iterable[Record]") -> str:
    """Training time by the recorded runs that differ in nothing but seed and held-out class."""

    def kind(experiment: "Experiment") -> "Experiment":
        return experiment.model_copy(update={"seed": 0, "hold_out": None})

    taken: dict[Experiment, list[float]] = {}
    for record in records:
        seconds = record.provenance.circumstances.seconds
        taken.setdefault(kind(record.experiment), []).append(seconds)
    estimates = [taken.get(kind(e)) for e in todo]
    known = [fmean(seconds) for seconds in estimates if seconds]
    unknown = len(estimates) - len(known)
    if not known:
        return "training time: unknown, since no run of these kinds is recorded"
    rest = f"; unknown for {unknown} runs, of whose kind none is recorded" if unknown else ""
    return (
        f"training time: about {duration(sum(known))} one run after another, as long as the "
        f"recorded ones took{rest}"
    )


def _train(todo: "list[Experiment]", store: "Store", jobs: int | None) -> "Iterator[Outcome]":
    """Train with a line for each run; what is there already but cannot be read is set aside."""
    from fflib.errors import TrainingError
    from fflib.sweep import sweep

    for experiment in todo:
        if experiment in store:
            store.set_aside(store.path(experiment))
    done = 0
    try:
        for done, outcome in enumerate(sweep(todo, store, jobs=jobs) if todo else (), 1):
            typer.echo(f"[{done}/{len(todo)}] {outcome.experiment}: {_result(outcome)}")
            yield outcome
    except KeyboardInterrupt:
        typer.echo(
            f"interrupted: {done} of {len(todo)} runs are done and their records in "
            f"{store.folder}; the same command goes on from there",
            err=True,
        )
        raise typer.Exit(130) from None
    except BrokenExecutor:
        raise TrainingError(
            f"a worker process died after {done} of {len(todo)} runs, perhaps for want of "
            "memory: the same command goes on from there, with --jobs 1 if need be"
        ) from None


def _result(outcome: "Outcome") -> str:
    if outcome.record is None:
        return "failed"
    metrics = outcome.record.metrics
    return (
        f"accuracy {metrics.accuracy:.4f}, Hoyer {numbers(h.hoyer for h in metrics.layers)}, "
        f"{duration(outcome.record.provenance.circumstances.seconds)}"
    )


def _compare(
    experiments: "list[Experiment]",
    published: "dict[Experiment, Record]",
    recorded: "dict[Experiment, Record]",
) -> None:
    both = [e for e in experiments if e in published and e in recorded]
    rows = []
    for e in both:
        then, now = published[e].metrics, recorded[e].metrics
        sparseness = [
            new.hoyer - old.hoyer for new, old in zip(now.layers, then.layers, strict=True)
        ]
        rows.append(
            [
                e,
                f"{then.accuracy:.4f}",
                f"{now.accuracy:.4f}",
                f"{now.accuracy - then.accuracy:+.4f}",
                numbers(sparseness, "+.4f"),
            ]
        )
    if rows:
        header = ["experiment", "published", "here", "difference", "difference in Hoyer by layer"]
        print_table(header, rows)
    if alone := sum(e in recorded for e in experiments) - len(both):
        typer.echo(f"{alone} runs have no published record to compare with")
