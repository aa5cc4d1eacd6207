"""``fflib reproduce``: train again what the published numbers come from."""

from typing import TYPE_CHECKING, Annotated

from typer import Option, echo

from fflib.cli.options import Into, Jobs, Retry
from fflib.cli.output import numbers, print_table, warn
from fflib.cli.running import end, expected_time, follow, headline

if TYPE_CHECKING:
    from fflib.experiment import Experiment
    from fflib.records.stores import Record, Store

EXAMPLES = """
What is recorded already is not trained again, so that the same command goes on where it was
interrupted. To train again what is published, name an empty folder: the runs go there and are
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
        Option(
            metavar="NAME",
            help="A grid in fflib.study.plans.grids, such as main or unseen; may be given several times.",
        ),
    ] = None,
    into: Into = None,
    jobs: Jobs = None,
    retry: Retry = False,
    dry_run: Annotated[bool, Option("--dry-run", help="Only say what it would cost.")] = False,
) -> None:
    """Train again what the published numbers rest on.

    It says first what it will cost, then a line for each run as it ends. Exit 1 if a run failed.
    """
    from fflib.records import stores
    from fflib.study.plans.grids import planned as planned_for
    from fflib.sweeps.plan import costs, estimate, plan

    experiments = planned_for(*grid or ())
    store = stores.PUBLISHED if into is None else stores.Store(into)
    planned = plan(experiments, store, retry=retry)
    warn(planned.damaged)
    echo(headline(planned, store))
    if planned.todo:
        known = costs(stores.PUBLISHED) | costs(store)
        echo(expected_time(len(planned.todo), estimate(planned.todo, known)))
    elif into is None:
        echo("nothing to do; to train them all the same: fflib reproduce --into FOLDER")
    if dry_run:
        return
    outcomes = list(follow(planned.todo, store, jobs=jobs))
    if into is not None:
        _compare(experiments, _whole(stores.PUBLISHED), _whole(store))
    end(outcomes)


def _whole(store: "Store") -> "dict[Experiment, Record]":
    found, _ = store.survey()
    return {record.experiment: record for record in found.values()}


def _compare(
    experiments: "list[Experiment]",
    published: "dict[Experiment, Record]",
    recorded: "dict[Experiment, Record]",
) -> None:
    both = [e for e in experiments if e in published and e in recorded]
    rows = []
    for e in both:
        then, now = published[e].metrics, recorded[e].metrics
        layers = zip(now.layers, then.layers, strict=True)
        hoyer = numbers((new.hoyer - old.hoyer for new, old in layers), "+.4f")
        accuracies = f"{then.accuracy:.4f}", f"{now.accuracy:.4f}"
        rows.append([e, *accuracies, f"{now.accuracy - then.accuracy:+.4f}", hoyer])
    if rows:
        header = ["experiment", "published", "here", "difference", "difference in Hoyer by layer"]
        print_table(header, rows)
    if alone := sum(e in recorded for e in experiments) - len(both):
        echo(f"{alone} runs have no published record to compare with")
