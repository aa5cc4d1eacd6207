"""``fflib bench``: how fast training is here, beside a plain baseline and the machine's limit."""

from typing import Annotated

from typer import Option, echo

from fflib.cli.output import print_json, print_table

EXAMPLES = """
Everything is measured in one go, versions in turn, so that ratios are fair even where a machine's
speed drifts. Leave the machine alone meanwhile: the whole takes twenty minutes on two cores,
--quick some minutes.

\b
Examples:
  fflib bench --quick
  fflib bench --json > bench.json
  fflib bench --device cuda
"""


def bench(
    quick: Annotated[
        bool, Option("--quick", help="Fewer epochs, one repeat, a lower accuracy.")
    ] = False,
    device: Annotated[
        str, Option(metavar="NAME", help="Measure there: cpu, cuda, mps, or auto.")
    ] = "cpu",
    as_json: Annotated[bool, Option("--json", help="Print one object with every figure.")] = False,
) -> None:
    """Measure how much faster fflib trains than a plain baseline."""
    from fflib.bench import bench as measure
    from fflib.bench import planned
    from fflib.study.analyses.throughput import ratios

    plan = planned(device, quick=quick)
    result = measure(plan, lambda line: echo(line, err=True), device=device)
    if as_json:
        print_json(result)
        return
    machine = result["machine"]
    echo(f"{machine['processor']}, {machine['threads']} threads, torch {machine['torch']}")
    echo(f"trained here in {result['precision']} by default\n")
    table = ratios(result)
    print_table(
        ["times faster than the baseline", *table.columns],
        [[title, *row] for title, row in zip(table.index, table.to_numpy(), strict=True)],
    )
    echo()
    reached = result["accuracy"]
    rows = [
        [name, _range(spread), f"{reached[name]:.4f}"]
        for name, spread in result["seconds"].items()
        if name in reached
    ]
    print_table(["measured", "seconds", "test accuracy"], rows)


def _range(spread: dict[str, float]) -> str:
    return f"{spread['median']:.2f} ({spread['min']:.2f} to {spread['max']:.2f})"
