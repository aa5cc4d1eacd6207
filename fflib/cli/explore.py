"""``fflib explore``: what the panels of the book show and no record holds: images, and a network."""

from pathlib import Path
from typing import Annotated

from typer import Option, echo

from fflib.cli.output import duration, numbers, print_table

EXAMPLES = """
Trains the six networks again that the explorers of the book show, about two minutes each on one
core, and keeps the test images that excite each ensemble most. The last column says how far the
ensembles of the retrained network are those on record, by the Jaccard index layer by layer: 1 where
they are the same. Then trains the narrow network that readers can draw a digit for, and keeps it with
weights of eight bits; the last column of that table says how often it answers as it did before.
Files that are there are not made again.

\b
Examples:
  fflib explore               make those that are missing, in data/explorer and data/networks
  fflib explore --into mine
"""


def explore(
    into: Annotated[
        Path | None,
        Option(metavar="FOLDER", help="Where the files go, in place of the published ones."),
    ] = None,
) -> None:
    """Train what the panels of the book show again, and keep images and a network."""
    from fflib.book.explorers import drivers, quantised
    from fflib.records.stores import PUBLISHED
    from fflib.training.train import train

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

    folder, experiment = quantised.FOLDER if into is None else into, quantised.tried()
    if not (path := folder / f"{experiment.key}{quantised.SUFFIX}").exists():
        echo(f"training {experiment}", err=True)
        quantised.write(quantised.quantise(train(experiment, "cpu", progress=False)), folder)
    kept = quantised.read(path)
    took = duration(kept.provenance.circumstances.seconds)
    shares = [f"{kept.measured[name]:.2%}" for name in ("accuracy", "same")]
    print_table(
        ["network", "training", "accuracy", "answers as before"], [[experiment, took, *shares]]
    )
