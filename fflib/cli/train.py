"""``fflib train``: one experiment, trained here and now."""

from typing import TYPE_CHECKING, Annotated, Any

from typer import Context, Option, echo

from fflib.cli.options import OnlyJson
from fflib.cli.output import duration, print_json, print_table, say_remarks

if TYPE_CHECKING:
    from fflib.training.run import Run

EXAMPLES = """
Every option left out takes its value from the protocol's preset. MNIST takes a few minutes on
two CPU cores; OMP_NUM_THREADS sets the number of threads.

\b
Examples:
  fflib train --dataset digits
  fflib train --model bp --dataset mnist --seed 1 --json > bp.json
  fflib train --protocol sigmoid-linf --theta 0.6 --epochs 12
  fflib train --dataset fashion-mnist --hold-out 5 --save
  fflib train --dataset cifar-10 --architecture conv --scope class
"""


def train(
    ctx: Context,
    device: Annotated[
        str, Option(help="auto takes the GPU if there is one; or cpu, cuda, mps.")
    ] = "auto",
    save: Annotated[
        bool, Option("--save", help="Measure everything and keep a record of the run.")
    ] = False,
    as_json: OnlyJson = False,
    quiet: Annotated[bool, Option("--quiet", help="Show no progress bar.")] = False,
) -> None:
    """Train one network and print what came of it.

    Accuracy, and by layer: accuracy of its goodness alone, Hoyer sparseness and share of silent
    images (both over correctly classified images), share of negative weights. The progress bar
    goes to stderr.
    """
    from fflib.experiment import Experiment
    from fflib.training.train import train

    experiment = Experiment(**ctx.obj)
    say_remarks([experiment])
    run = train(experiment, device=device, progress=not quiet)
    found = _findings(run)
    if save:
        from fflib.records.obtain import record_of
        from fflib.records.stores import own_store

        found["record"] = str(own_store().save(record_of(run)))
    if as_json:
        print_json(found)
    else:
        _print(run, found)


def _findings(run: "Run") -> dict[str, Any]:
    """Return the numbers that need no more than one pass over the evaluation images."""
    from dataclasses import asdict

    from fflib.measures import polarity, sparsity
    from fflib.records.schema import known
    from fflib.study.diagnosis import diagnose

    values = run.activations(run.experiment.evaluate_on).values
    return {
        "diagnosis": [str(finding) for finding in diagnose(run)],
        "accuracy": run.accuracy,
        "layer_accuracy": run.layer_accuracy,
        "hoyer": [known(sparsity.mean_hoyer(h)) for h in values],
        "silent": [known(sparsity.silent_fraction(h)) for h in values],
        "negative_weights": [polarity.negative_fraction(w) for w in run.network.weights],
        "remarks": list(run.data.remarks),
        **asdict(run.circumstances),
        "key": run.experiment.key,
        "experiment": run.experiment.model_dump(),
    }


def _print(run: "Run", found: dict[str, Any]) -> None:
    where = run.circumstances
    echo(
        f"{run.experiment}: accuracy {found['accuracy']:.4f}, trained in "
        f"{duration(where.seconds)} on {where.device} (threads: {where.threads}, {where.precision})"
    )
    columns = {
        "alone": found["layer_accuracy"] or [None] * run.experiment.layers,
        "Hoyer": found["hoyer"],
        "silent": found["silent"],
        "negative weights": found["negative_weights"],
    }
    rows = [
        [depth, *("-" if value is None else f"{value:.3f}" for value in row)]
        for depth, row in enumerate(zip(*columns.values(), strict=True), 1)
    ]
    print_table(["layer", *columns], rows)
    for finding in found["diagnosis"]:
        echo(finding)
    if "record" in found:
        echo(f"recorded in {found['record']}")
