"""``fflib verdict``: from a folder of images to a page that says what the claims come to on them."""

import shlex
from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Context, Exit, Option, echo

from fflib.cli.options import OnlyJson
from fflib.cli.output import print_json, print_table, say_remarks

EXAMPLES = """
FOLDER holds a folder of images for each class, at least 20 of each, or such folders in train/ and
test/. Images that are larger than 32 pixels, or not all of one size, are brought to 28×28 pixels,
from the largest square around their middle. What was decided in reading them is said first. Trains Forward-Forward, BP/FF and BP on them, several seeds of each and of an untrained network, and
again with each class left out in turn; judges the claims of the paper by their fixed criteria; and writes one page with verdicts,
intervals, figures and a few of the images, which needs nothing but itself. For 200 images in four
classes it takes a minute or two on two cores. Records are kept in $FFLIB_STORE, else in data/own: a
second call trains only what is missing, wherever the folder is by then, or all of it where images
have changed. A training that fails
is reported on the page; the exit code is 1 if all of a model with all classes do.

\b
Examples:
  fflib verdict photographs
  fflib verdict photographs --size 20 --output report --seeds 10
"""


def verdict(
    ctx: Context,
    folder: Annotated[Path, Argument(metavar="FOLDER", help="A folder of class folders.")],
    output: Annotated[
        Path | None,
        Option(
            metavar="DIR",
            help="Where index.html goes: a folder with nothing else in it. By default verdict, or "
            "beside FOLDER where that would be in it.",
        ),
    ] = None,
    seeds: Annotated[int, Option(min=1, help="Runs of each model.")] = 5,
    size: Annotated[
        int | None,
        Option(min=4, metavar="PIXELS", help="Bring images to squares with sides of so many."),
    ] = None,
    groups: Annotated[
        str | None,
        Option(metavar="PATTERN", help="What in names of files says which belong together."),
    ] = None,
    hidden: Annotated[int | None, Option(help="Units per layer.")] = None,
    epochs: Annotated[int | None, Option(help="Passes over the images; for ff per layer.")] = None,
    as_json: OnlyJson = False,
) -> None:
    """Train on a folder of your own images, and write what the claims come to as a page."""
    import matplotlib as mpl

    from fflib.book.report.page import page_folder, write
    from fflib.book.report.plan import examine, experiments, pictures
    from fflib.book.report.sections import word
    from fflib.cli.running import follow, headline
    from fflib.presets import MODELS
    from fflib.records.stores import own_store
    from fflib.study.claims import scorecard
    from fflib.study.evidence import where
    from fflib.sweeps.plan import plan

    mpl.use("Agg")
    output = page_folder(folder, output)
    data = examine(folder, size, groups)
    names = ("size", "groups", "hidden", "epochs")
    fields = {name: v for name in names if (v := ctx.params[name]) is not None}
    planned = experiments(folder, seeds, **fields)
    say_remarks(planned)
    store = own_store()
    order = plan(planned, store, retry=True)
    echo(headline(order, store), err=True)
    failures = {
        outcome.experiment: outcome.error or ""
        for outcome in follow(order.todo, store, err=True)
        if outcome.record is None
    }
    failures |= store.failures(planned)  # of another command at work on them, too
    records = store.among(planned)
    echo("writing the page", err=True)
    given = {"seeds": seeds} | fields
    options = [part for name, value in given.items() for part in (f"--{name}", str(value))]
    for e, reason in failures.items():
        echo(f"failed: {e}: {reason}", err=True)
    path = write(
        records,
        output,
        failures=failures,
        on_file=lambda e: pictures(store.load(e), store),
        command=shlex.join(["fflib", "verdict", folder.resolve().name, *options]),
    )
    found: list[Any] = scorecard(records)
    if as_json:
        facts = {
            "page": str(path),
            "classes": list(data.classes),
            "images": {"train": len(data.train), "test": len(data.test)},
            "remarks": list(data.remarks),
            "records": [record.experiment.key for record in records],
            "failures": {e.key: reason for e, reason in failures.items()},
            "verdicts": [v.as_dict() for v in found],
        }
        print_json(facts)
    else:
        rows = [
            [v.claim.id, word(v), len(v.cells), v.estimates or "-", v.back_propagation_too or "-"]
            for v in found
        ]
        columns = ["claim", "verdict", "cells", "estimates", "does back-propagation do it too?"]
        print_table(columns, rows)
        echo(f"The page is {path}")
    if {r.experiment.model for r in where(records, hold_out=None, untrained=False)} != set(MODELS):
        raise Exit(1)
