"""``fflib sweep``: a grid of runs, here or on a Dask cluster."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, BadParameter, Option, echo

from fflib.cli.options import Jobs, OnlyJson, Retry
from fflib.cli.output import named, print_json, say_remarks, warn
from fflib.cli.running import end, expected_size, expected_time, follow, headline

if TYPE_CHECKING:
    from fflib.records.stores import Record
    from fflib.sweeps.plan import Estimate, Plan
    from fflib.sweeps.sweep import Outcome

EXAMPLES = """
A grid is a YAML file of an experiment's fields, whose lists are crossed. What is on record already
is not trained again, whoever trained it, so that the same command goes on where it was interrupted.
The page on sweeps in the book shows grids, clusters and what happens when things die.

\b
Examples:
  fflib sweep grid.yml --dry-run
  fflib sweep grid.yml --store mine --jobs 4
  fflib sweep grid.yml --scheduler tcp://login1:8786 --store shared
  fflib sweep --schema > grid.schema.json
"""


def sweep(
    grid: Annotated[
        Path | None, Argument(metavar="GRID.yml", help="Fields and their values.")
    ] = None,
    folder: Annotated[
        Path | None,
        Option(
            "--store",
            metavar="FOLDER",
            help="Where the records go, a folder that all workers see; $FFLIB_STORE by default.",
        ),
    ] = None,
    scheduler: Annotated[
        str | None,
        Option(
            metavar="ADDRESS", help="Of a Dask scheduler, tcp://… or tls://…, to use its workers."
        ),
    ] = None,
    jobs: Jobs = None,
    together: Annotated[
        int | None,
        Option(
            min=1,
            metavar="N",
            help="Train at most so many runs side by side that differ in seed and held-out class "
            "only; by default as many as fit on a CUDA device, and 1 elsewhere.",
        ),
    ] = None,
    retry: Retry = False,
    max_failures: Annotated[
        int | None, Option(min=0, metavar="N", help="Stop once more runs have failed.")
    ] = None,
    checkpoint: Annotated[
        float,
        Option(
            min=0,
            metavar="MINUTES",
            help="Keep the state of a longer run this often, to resume it.",
        ),
    ] = 5,
    dry_run: Annotated[bool, Option("--dry-run", help="Only say what it would take.")] = False,
    as_json: OnlyJson = False,
    show_schema: Annotated[
        bool, Option("--schema", help="Print the JSON Schema of a grid, for an editor.")
    ] = False,
) -> None:
    """Train every run of a grid, in worker processes here or on a Dask cluster.

    It says first what it will take, then a line for each run as it ends. Exit 1 if a run failed.
    """
    from fflib.sweeps.gridfile import read_grid, schema

    if show_schema:
        print_json(schema())
        return
    if grid is None:
        raise BadParameter("name a grid file, GRID.yml", param_hint="'GRID.yml'")
    from fflib.records import stores
    from fflib.sweeps.cluster import cores
    from fflib.sweeps.plan import costs, estimate, plan

    experiments = read_grid(grid)
    store = stores.own_store() if folder is None else stores.Store(folder)
    # Without a store of its own, a sweep need not do what is published.
    known = [store, stores.PUBLISHED] if folder is None else [store]
    planned = plan(experiments, *known, retry=retry)
    expected = estimate(planned.todo, costs(stores.PUBLISHED) | costs(store))
    warn(planned.damaged)
    say_remarks(planned.todo)
    echo(headline(planned, store), err=as_json)
    if planned.todo:
        workers = 1 if scheduler else min(jobs or cores(), len(planned.todo))
        echo(expected_time(len(planned.todo), expected, workers), err=as_json)
        echo(expected_size(expected), err=as_json)
    outcomes: list[Outcome] = []
    if not dry_run:
        options = {"jobs": jobs, "scheduler": scheduler, "max_failures": max_failures}
        options["together"] = together
        followed = follow(planned.todo, store, err=as_json, checkpoint=60 * checkpoint, **options)
        outcomes.extend(followed)
    if as_json:
        print_json(_found(planned, expected, outcomes))
    end(outcomes)


def _found(plan: "Plan", expected: "Estimate", outcomes: "list[Outcome]") -> dict[str, Any]:
    from fflib.records.schema import known

    return {
        **{"planned": len(plan), "recorded": len(plan.recorded), "known_to_fail": len(plan.failed)},
        **{"to_train": len(plan.todo), "seconds": expected.seconds, "unknown": expected.unknown},
        "bytes": known(expected.size),
        "trained": [_trained(o.record) for o in outcomes if o.record is not None],
        "failed": [named(o.experiment, error=o.error) for o in outcomes if o.record is None],
    }


def _trained(record: "Record") -> dict[str, Any]:
    seconds = record.provenance.circumstances.seconds
    return named(record.experiment, accuracy=record.metrics.accuracy, seconds=seconds)
