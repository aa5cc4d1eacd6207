"""``fflib explore``: the images that drive the ensembles of published runs."""

from pathlib import Path
from typing import Annotated

from typer import Option, echo

from fflib.cli.output import duration, numbers, print_table

EXAMPLES = """
Trains the six networks again that the explorers of the book show, about two minutes each on one
core, and keeps the test images that excite each ensemble most. The last column says how far the
ensembles of the retrained network are those on record, by the Jaccard index layer by layer: 1 where
they are the same. Files that are there are not made again.

\b
Examples:
  fflib explore               make those that are missing, in data/explorer
  fflib explore --into mine
"""


def explore(
    into: Annotated[
        Path | None,
        Option(metavar="FOLDER", help="Where the files go, in place of the published ones."),
    ] = None,
) -> None:
    """Train the runs of the explorers again, and keep the images that drive their ensembles."""
    from fflib.book.explorers import drivers
    from fflib.records.stores import PUBLISHED

    folder = drivers.FOLDER if into is None else into
    rows = []
    for experiment in drivers.explored():
        record = PUBLISHED.load(experiment)
        if not (path := folder / f"{experiment.key}{drivers.SUFFIX}").exists():
            echo(f"training {experiment}", err=True)
            drivers.write(drivers.retrain(record), folder)
        found = drivers.read(path)
        took = duration(found.provenance.circumstances.seconds)
        rows.append([experiment, len(found.images), took, numbers(found.agreement(record))])
    print_table(["run", "images", "training", "ensembles as on record"], rows)
