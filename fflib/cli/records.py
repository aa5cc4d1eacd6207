"""``fflib records``: what past runs left behind."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Exit, Option, Typer, echo

from fflib.cli.options import AsJson, Jobs
from fflib.cli.output import duration, named, numbers, print_json, print_table, warn

if TYPE_CHECKING:
    from fflib.records.stores import Record, Store
    from fflib.sweeps.retraining import Comparison

EXAMPLES = """
A record is one file: experiment, numbers by layer and class, learning curve, and which code,
machine and data made it. The published ones are in data/records, your own in data/own or where
the environment variable FFLIB_STORE says.

\b
Examples:
  fflib records list
  fflib records show 3f9a
  fflib records verify --json
  fflib records verify --retrain 3
"""

app = Typer(help="List, show and verify records.", no_args_is_help=True, epilog=EXAMPLES)
Folder = Annotated[
    Path | None, Option("--store", metavar="FOLDER", help="Another folder of records.")
]


def _stores(folder: Path | None) -> "list[Store]":
    from fflib.records import stores

    if folder is not None:
        return [stores.Store(folder)]
    return [stores.PUBLISHED, stores.own_store()]


@app.command("list")
def list_(folder: Folder = None, as_json: AsJson = False) -> None:
    """List the published records and your own."""
    records: dict[Path, Record] = {}
    for store in _stores(folder):
        found, faults = store.survey()
        records |= found
        warn(faults.values())
    if as_json:
        print_json([_as_dict(record, path) for path, record in records.items()])
        return
    header = ["key", "experiment", "images", "accuracy", "Hoyer by layer", "training", "store"]
    print_table(header, [_cells(record, path) for path, record in records.items()])


def _cells(record: "Record", path: Path) -> list[object]:
    e, metrics = record.experiment, record.metrics
    hoyer = numbers(layer.hoyer for layer in metrics.layers)
    took = duration(record.provenance.circumstances.seconds)
    return [e.key, e, e.evaluate_on, f"{metrics.accuracy:.4f}", hoyer, took, path.parent]


def _as_dict(record: "Record", path: Path) -> dict[str, Any]:
    from fflib.records.schema import known

    layers, provenance = record.metrics.layers, record.provenance
    return {
        **{"key": record.experiment.key, "experiment": record.experiment.model_dump()},
        "accuracy": record.metrics.accuracy,
        "hoyer": [known(layer.hoyer) for layer in layers],
        "negative_weights": [layer.negative_weights for layer in layers],
        **{"seconds": provenance.circumstances.seconds, "date": provenance.date.isoformat()},
        "path": str(path),
    }


@app.command()
def show(
    key: Annotated[str, Argument(help="The key of a record, or how it begins.")],
    folder: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Show what one record holds.

    That is the experiment and where its values come from, the numbers by layer, which code,
    machine and data made it, and the names of its arrays. With --json also the learning curve.
    """
    import json

    from fflib.errors import MissingRecord, RecordError
    from fflib.records.stores import Record

    # A record may be both published and one's own: the published one is shown.
    found = {p.stem: p for s in reversed(_stores(folder)) for p in s.with_prefix(key)}
    if not found:
        raise MissingRecord(f"no record has a key that begins with {key!r}: see fflib records list")
    if len(found) > 1:
        raise RecordError(
            f"the key must name one record, got {key!r}, which begins {', '.join(sorted(found))}"
        )
    (path,) = found.values()
    record = Record.from_file(path)
    if not as_json:
        _print(path, record)
        return
    content = json.loads(record.model_dump_json(exclude={"arrays"}, by_alias=True))
    arrays = {n: {"dtype": str(a.dtype), "shape": a.shape} for n, a in record.arrays.items()}
    print_json({"key": path.stem, "path": str(path)} | content | {"arrays": arrays})


def _print(path: Path, record: "Record") -> None:
    e, m, p = record.experiment, record.metrics, record.provenance
    echo(f"{e}\n{path}\n")
    fields = e.model_dump().items()
    print_table(
        ["field", "value", "origin"],
        [[name, "-" if value is None else value, e.origin(name)] for name, value in fields],
    )
    echo(f"\naccuracy {m.accuracy:.4f} ({m.correct} of {m.images} images)")
    shown = ("hoyer", "treves_rolls", "active_fraction", "silent_fraction", "negative_weights")
    layers = [
        [depth, *(f"{getattr(layer, name):.3f}" for name in shown)]
        for depth, layer in enumerate(m.layers, 1)
    ]
    print_table(["layer", *(name.replace("_", " ") for name in shown)], layers)
    echo("")
    c = p.circumstances
    where = f"{c.device}, {c.processor}, threads: {c.threads}, {c.precision}"
    rows = [
        ("trained in", duration(c.seconds)),
        ("on", where),
        ("ended", p.date.isoformat(timespec="seconds")),
        ("code", f"fflib {p.version}, commit {p.commit or 'unknown'}"),
        ("under", f"Python {p.python}, torch {p.torch}, {p.platform}"),
        *((f"MD5 of {name}", checksum) for name, checksum in p.data.items()),
        *((f"array {n}", f"{a.dtype} {a.shape}") for n, a in record.arrays.items()),
    ]
    print_table(["provenance", ""], rows)


@app.command()
def verify(
    folder: Folder = None,
    as_json: AsJson = False,
    retrain: Annotated[
        int, Option(min=0, metavar="N", help="Also train N records again, drawn at random.")
    ] = 0,
    seed: Annotated[int, Option(min=0, help="Seed of the draw.")] = 0,
    jobs: Jobs = None,
) -> None:
    """Check every published record.

    Is it whole, under the right key, and of a grid or a search? Which runs of the grids have no
    record? Nothing is changed.

    With --retrain, some are trained again from scratch and compared: bit for bit where processor,
    threads and versions are those of the record, elsewhere within the spread of its other seeds.
    Of two and more, one at least is of Forward-Forward and one of back-propagation.

    Exit 1 if a record is damaged or disagrees with its retraining.
    """
    from fflib.study.plans.grids import planned

    store = _stores(folder)[0]
    checked = store.verify(planned())
    by_state = {name: getattr(checked, name) for name in ("intact", "orphaned", "missing")}
    if not as_json:
        for path, why in checked.damaged.items():
            echo(f"damaged   {path.name}: {why}")
        for name in ("orphaned", "missing"):
            for experiment in by_state[name]:
                echo(f"{name:<10}{experiment.key} {experiment}")
        for experiment, why in checked.failed.items():
            echo(f"failed    {experiment.key} {experiment}: {why}")
        by_state["failed"] = list(checked.failed)
        counts = [f"{len(experiments)} {name}" for name, experiments in by_state.items()]
        echo(f"{store.folder}: {len(checked.damaged)} damaged, {', '.join(counts)}")
    found = _retrain(store, retrain, seed, jobs, err=as_json) if retrain else []
    if as_json:
        print_json(
            {name: [named(e) for e in experiments] for name, experiments in by_state.items()}
            | {"damaged": [{"path": str(p), "why": why} for p, why in checked.damaged.items()]}
            | {"failed": [named(e, why=why) for e, why in checked.failed.items()]}
            | ({"retrained": [_compared(c) for c in found]} if retrain else {})
        )
    raise Exit(int(bool(checked.damaged) or any(c.agree is False for c in found)))


def _retrain(
    store: "Store", n: int, seed: int, jobs: int | None, *, err: bool
) -> "list[Comparison]":
    """Train a draw of records again, saying first what it will cost and then how each compares."""
    from tempfile import TemporaryDirectory

    from fflib.cli.running import expected_time
    from fflib.records.stores import Store
    from fflib.study.plans.grids import planned
    from fflib.sweeps.plan import costs, estimate
    from fflib.sweeps.retraining import compare, draw, retrain

    readable, _ = store.survey()
    wanted = set(planned())
    records = [r for r in readable.values() if r.experiment in wanted]
    drawn = draw(records, n, seed)
    echo(f"to train again, drawn from {len(records)} records with seed {seed}:", err=err)
    for record in drawn:
        echo(f"  {record.experiment.key} {record.experiment}", err=err)
    expected = estimate([r.experiment for r in drawn], costs(store))
    echo(expected_time(len(drawn), expected), err=err)
    found = []
    with TemporaryDirectory(prefix="fflib-") as folder:
        for record, outcome in retrain(drawn, Store(Path(folder)), jobs=jobs):
            comparison = compare(record, outcome, records, among=n)
            found.append(comparison)
            said = {True: "agrees", False: "DISAGREES", None: "not decidable"}[comparison.agree]
            e, how = record.experiment, f"{said} ({comparison.how}): {comparison}"
            echo(f"[{len(found)}/{n}] {e.key} {e}: {how}", err=err)
    return found


def _compared(comparison: "Comparison") -> dict[str, object]:
    from fflib.records.schema import known

    return named(
        comparison.record.experiment,
        **{name: getattr(comparison, name) for name in ("how", "agree", "why", "number")},
        difference=known(comparison.difference),
        allowance=known(comparison.allowance),
    )
