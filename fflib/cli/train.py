"""``fflib train``: one experiment, trained here and now."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from fflib.cli.output import duration, finite, print_json, print_table

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
    ctx: typer.Context,
    model: Annotated[
        str,
        typer.Option(
            metavar="ff|bp-ff|bp|local-bp|local-contrast",
            help="Forward-Forward; its loss back-propagated; plain back-propagation; two controls "
            "trained layer by layer.",
        ),
    ] = "ff",
    dataset: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="digits, mnist, fashion-mnist, cifar-10, or a folder of class folders.",
        ),
    ] = "mnist",
    protocol: Annotated[
        str,
        typer.Option(
            metavar="relu-l2|sigmoid-linf", help="The published configuration to start from."
        ),
    ] = "relu-l2",
    seed: Annotated[int, typer.Option(help="Decides weights, negatives and order.")] = 0,
    hold_out: Annotated[
        int | None, typer.Option(metavar="CLASS", help="A class to keep out of training.")
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(help="Passes over the images; for ff per layer.")
    ] = None,
    batch_size: Annotated[int | None, typer.Option(help="Images per step.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Of Adam.")] = None,
    schedule: Annotated[
        str | None, typer.Option(metavar="constant|cosine", help="Of the learning rate.")
    ] = None,
    hidden: Annotated[int | None, typer.Option(help="Units per layer.")] = None,
    layers: Annotated[int | None, typer.Option(help="Number of hidden layers.")] = None,
    activation: Annotated[
        str | None, typer.Option(metavar="NAME", help="relu, sigmoid, tanh or gelu.")
    ] = None,
    goodness: Annotated[
        str | None, typer.Option(metavar="NAME", help="l1, l2, linf or mean-square.")
    ] = None,
    norm: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="What each layer's input is scaled by: l1, l2, linf or none; conv: l2, layer, batch, none.",
        ),
    ] = None,
    theta: Annotated[
        float | None, typer.Option(help="Goodness that tells positive from negative.")
    ] = None,
    negatives: Annotated[
        str | None,
        typer.Option(metavar="fixed|resampled|hard", help="When and how wrong labels are drawn."),
    ] = None,
    label_gain: Annotated[
        float | None, typer.Option(help="Factor on the initial weights from label pixels.")
    ] = None,
    precision: Annotated[
        str | None, typer.Option(metavar="auto|float32|mixed", help="Number format.")
    ] = None,
    evaluate_on: Annotated[
        str | None,
        typer.Option(
            metavar="test|validation",
            help="With validation, a sixth of the training images is kept for it.",
        ),
    ] = None,
    order: Annotated[
        str | None,
        typer.Option(
            metavar="sequential|simultaneous", help="Layers one after another, or all in each step."
        ),
    ] = None,
    signs: Annotated[
        str | None,
        typer.Option(metavar="free|positive|dale", help="Which signs weights keep in training."),
    ] = None,
    probe: Annotated[
        str | None,
        typer.Option(
            metavar="weight-signs|intrinsic-dimension",
            help="With --save: what is measured besides.",
        ),
    ] = None,
    architecture: Annotated[
        str | None,
        typer.Option(metavar="dense|conv", help="Fully connected layers, or convolutions."),
    ] = None,
    label: Annotated[
        str | None,
        typer.Option(
            metavar="border|planes|wave|learned", help="conv: how an image carries its label."
        ),
    ] = None,
    scope: Annotated[
        str | None,
        typer.Option(
            metavar="layer|location|channel|class", help="conv: what a goodness is taken over."
        ),
    ] = None,
    loss: Annotated[
        str | None,
        typer.Option(
            metavar="threshold|symmetric", help="conv: symmetric compares pairs, without a theta."
        ),
    ] = None,
    peer: Annotated[
        float | None, typer.Option(help="conv: strength of the pull towards equal activity.")
    ] = None,
    reach: Annotated[
        int | None, typer.Option(help="conv: layers that the loss of one layer trains.")
    ] = None,
    snapshots: Annotated[
        int,
        typer.Option(
            metavar="N", help="With --save: measure N moments of each layer's training, at most."
        ),
    ] = 0,
    device: Annotated[
        str, typer.Option(help="auto takes the GPU if there is one; or cpu, cuda, mps.")
    ] = "auto",
    save: Annotated[
        bool, typer.Option("--save", help="Measure everything and keep a record of the run.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object and nothing else on stdout.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress bar.")] = False,
) -> None:
    """Train one network and print what came of it.

    Accuracy, and by layer: accuracy of its goodness alone, Hoyer sparseness and share of silent
    images (both over correctly classified images), share of negative weights. The progress bar
    goes to stderr.
    """
    from fflib.experiment import Experiment
    from fflib.training.train import train

    fields = {name: ctx.params[name] for name in Experiment.model_fields}
    given = {name: value for name, value in fields.items() if value is not None}
    if norm == "none":
        given["norm"] = None
    run = train(Experiment(**given), device=device, progress=not quiet)
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
    """The numbers that need no more than one pass over the evaluation images."""
    from dataclasses import asdict

    from fflib.measures import polarity, sparsity
    from fflib.study.diagnosis import diagnose

    values = run.activations(run.experiment.evaluate_on).values
    return {
        "diagnosis": [str(finding) for finding in diagnose(run)],
        "accuracy": run.accuracy,
        "layer_accuracy": run.layer_accuracy,
        "hoyer": [finite(sparsity.mean_hoyer(h)) for h in values],
        "silent": [finite(sparsity.silent_fraction(h)) for h in values],
        "negative_weights": [polarity.negative_fraction(w) for w in run.network.weights],
        **asdict(run.circumstances),
        "key": run.experiment.key,
        "experiment": run.experiment.model_dump(),
    }


def _print(run: "Run", found: dict[str, Any]) -> None:
    where = run.circumstances
    typer.echo(
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
        typer.echo(finding)
    if "record" in found:
        typer.echo(f"recorded in {found['record']}")
