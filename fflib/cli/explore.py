"""``fflib explore``: what the panels of the book show and no record holds: images, and a network."""

from pathlib import Path
from typing import Annotated

from typer import Option, echo

from fflib.cli.output import duration, print_table

EXAMPLES = """
Trains the six networks that the explorers of the book show, about two minutes each on one core, and
keeps the record of each and the test images that excite its ensembles most. On another processor a
network has other ensembles, so that both are made together. Then trains the narrow network that
readers can draw a digit for, and keeps it with weights of eight bits; the last column of that table says how often it answers as it did before.
Files that are there are not made again.

\b
Examples:
  fflib explore               make those that are missing, in the folder data
  fflib explore --into mine
"""


def explore(
    into: Annotated[
        Path | None,
        Option(metavar="FOLDER", help="Where the files go, in place of the folder data."),
    ] = None,
) -> None:
    """Train what the panels of the book show, and keep records, images and a network."""
    from fflib.book.explorers import drivers, quantised
    from fflib.data.published import download_folder
    from fflib.records.obtain import record_of
    from fflib.records.stores import Store
    from fflib.training.train import train

    root = into or download_folder()
    folder, store = root / "explorer", Store(root / "records")
    rows = []
    for experiment in drivers.explored():
        if not (path := folder / f"{experiment.key}{drivers.SUFFIX}").exists():
            echo(f"training {experiment}", err=True)
            run = train(experiment, "cpu", progress=False)
            store.save(record_of(run))
            drivers.write(drivers.drivers_of(run), folder)
        found = drivers.read(path)
        took = duration(found.provenance.circumstances.seconds)
        rows.append([experiment, len(found.images), took])
    print_table(["run", "images", "training"], rows)

    folder, experiment = root / "networks", quantised.tried()
    if not (path := folder / f"{experiment.key}{quantised.SUFFIX}").exists():
        echo(f"training {experiment}", err=True)
        quantised.write(quantised.quantise(train(experiment, "cpu", progress=False)), folder)
    kept = quantised.read(path)
    took = duration(kept.provenance.circumstances.seconds)
    shares = [f"{kept.measured[name]:.2%}" for name in ("accuracy", "same")]
    print_table(
        ["network", "training", "accuracy", "answers as before"], [[experiment, took, *shares]]
    )
