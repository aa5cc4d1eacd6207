"""The ways to train a stack of layers.

Forward-Forward, layer by layer, each on what comes out of the one below; its objective
back-propagated through the whole stack (BP/FF); and plain back-propagation of the cross-entropy
(BP). Besides, two controls that are layer by layer as Forward-Forward is: one has a linear unit that
tells right from wrong labels in place of the goodness, the other classifies bare images. Each trains
several networks side by side as readily as one: they share the images and the configuration, and
differ in their initial weights, in the order of examples, in their negatives, and in the class that
is held out.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.optim import Adam

from fflib.goodness import ff_loss
from fflib.networks.dense import CHUNK
from fflib.training.device import Replay
from fflib.training.gradients import (
    HiddenBatch,
    HiddenPairs,
    ImageBatch,
    ImagePairs,
    layer_gradient,
)
from fflib.training.session import Task
from fflib.training.stack import StackedLayer

__all__ = [
    "TRAINERS",
    "backprop",
    "backprop_goodness",
    "forward_forward",
    "local_backprop",
    "local_contrast",
]

Batch = ImageBatch | HiddenBatch
Pairs = ImagePairs | HiddenPairs
Gradient = Callable[[int, slice, Tensor], tuple[Tensor, Tensor]]
"""From depth, runs and pre-activations to their gradient and each example's verdict."""


def forward_forward(task: Task) -> None:
    """Train each layer alone, by its own goodness."""
    activation = task.stack.networks[0].activation
    goodness, theta = task.objective

    def gradient(depth: int, runs: slice, z: Tensor) -> tuple[Tensor, Tensor]:
        return layer_gradient(z, activation, goodness, theta)

    _train_on_pairs(task, gradient, theta)


def local_contrast(task: Task) -> None:
    """Train each layer alone, by a linear unit on top that tells right labels from wrong ones.

    The loss is Forward-Forward's with that unit's output for a goodness; its bias is the threshold.
    """
    activation = task.stack.networks[0].activation

    def gradient(depth: int, runs: slice, z: Tensor) -> tuple[Tensor, Tensor]:
        head = task.stack.heads[depth]
        z = z.detach().requires_grad_()
        with torch.enable_grad():
            score = head(activation.value(z).flatten(1, 2), runs).view(z.shape[:-1])
            ff_loss(score[:, 0], score[:, 1], 0.0).sum().backward()
        head.spread_gradient(runs)
        assert z.grad is not None
        return z.grad, score.detach()

    _train_on_pairs(task, gradient, 0.0)


@torch.no_grad()
def _train_on_pairs(task: Task, gradient: Gradient, theta: float) -> None:
    """Train layers by their own loss on pairs of a right and a wrong label."""
    e, stack, network = task.experiment, task.stack, task.stack.networks[0]
    pairs_per_epoch = [len(kept) for kept in task.kept]

    def learn(depth: int, batch: Batch, runs: slice) -> tuple[Tensor, Tensor]:
        """Give a layer its gradient; its pre-activations and verdicts come back."""
        layer = stack.layers[depth]
        z = batch.preactivation(layer, runs)
        dz, verdict = gradient(depth, runs, z)
        layer.set_gradient(runs, *batch.gradient(dz))
        return z, verdict

    def one_layer(depth: int, pairs: Pairs, optimiser: Adam) -> Callable[[slice, Tensor], None]:
        def step(runs: slice, rows: Tensor) -> None:
            _, g = learn(depth, pairs.at(runs, rows), runs)
            optimiser.step()
            task.monitor.count(runs, ff_loss(g[:, 0], g[:, 1], theta), g, rows.shape[1])

        return Replay(step)

    def every_layer(pairs: Pairs, optimiser: Adam) -> Callable[[slice, Tensor], None]:
        def step(runs: slice, rows: Tensor) -> None:
            batch: Batch = pairs.at(runs, rows)
            verdicts = []
            for depth in range(e.layers):
                z, g = learn(depth, batch, runs)
                verdicts.append(g)
                below = network.layer_input(network.activation.value(z))
                batch = HiddenBatch(below.flatten(1, 2).to(task.products))
            optimiser.step()
            by_layer = torch.stack(verdicts)
            loss = ff_loss(by_layer[:, :, 0], by_layer[:, :, 1], theta).sum(0)
            task.monitor.count(runs, loss, by_layer.sum(0), rows.shape[1])

        return Replay(step)

    if e.order == "simultaneous":
        pairs, step = task.pairs(0, task.wrong(depth=e.layers)), None
        for epoch, optimiser, steps in task.epochs(None, stack.all_layers):
            if e.negatives != "fixed" and epoch > 1:
                pairs, step = task.pairs(0, task.wrong(depth=e.layers)), None
            step = step or every_layer(pairs, optimiser)
            for runs, rows in steps:
                step(runs, rows)
        task.monitor.require_learning(None, pairs_per_epoch)
        return
    wrong = task.wrong(depth=1)
    for depth in range(e.layers):
        pairs, step = task.pairs(depth, wrong), None
        for epoch, optimiser, steps in task.epochs(depth, stack.with_head(depth)):
            if e.negatives != "fixed" and epoch > 1:
                wrong = task.wrong(depth + 1)
                pairs, step = task.pairs(depth, wrong), None
            step = step or one_layer(depth, pairs, optimiser)
            for runs, rows in steps:
                step(runs, rows)
        task.monitor.require_learning(depth, pairs_per_epoch)


def backprop_goodness(task: Task) -> None:
    """Train all layers together by the loss on the sum of their goodness (BP/FF)."""
    e, network = task.experiment, task.stack.networks[0]
    goodness, theta = task.objective
    first, *rest = task.stack.layers

    def stepper(pairs: Pairs, optimiser: Adam) -> Callable[[slice, Tensor], None]:
        def step(runs: slice, rows: Tensor) -> None:
            h = network.activation.value(pairs.at(runs, rows).preactivation(first, runs))
            g = goodness(h)
            for layer in rest:
                x = network.layer_input(h).flatten(1, 2).to(task.products)
                h = network.activation.value(layer(x, runs).float().view_as(h))
                g = g + goodness(h)
            loss = ff_loss(g[:, 0], g[:, 1], theta)
            _descend(loss, task.stack.all_layers, runs, optimiser)
            task.monitor.count(runs, loss.detach(), g.detach(), rows.shape[1])

        return Replay(step)

    pairs, step = task.pairs(0, task.wrong(depth=e.layers)), None
    for epoch, optimiser, steps in task.epochs(None, task.stack.all_layers):
        if e.negatives != "fixed" and epoch > 1:
            pairs, step = task.pairs(0, task.wrong(depth=e.layers)), None
        step = step or stepper(pairs, optimiser)
        for runs, rows in steps:
            step(runs, rows)
    task.monitor.require_learning(None, [len(kept) for kept in task.kept])


def backprop(task: Task) -> None:
    """Train all layers and the head together by cross-entropy on bare images (BP)."""
    (head,) = task.stack.heads
    _classify(task, None, [task.pixels.to(task.products)], [*task.stack.layers, head])


def local_backprop(task: Task) -> None:
    """Train each layer alone, by a linear classifier on top of it, on bare images."""
    network = task.stack.networks[0]
    inputs = [network.layer_input(task.pixels).to(task.products)]
    for depth, (layer, head) in enumerate(zip(task.stack.layers, task.stack.heads, strict=True)):
        _classify(task, depth, inputs, [layer, head])
        inputs = [_above(task, layer, inputs[run % len(inputs)], run) for run in range(task.runs)]


def _classify(
    task: Task, depth: int | None, inputs: list[Tensor], layers: list[StackedLayer]
) -> None:
    """Train layers, the last of which tells the class, by cross-entropy.

    ``inputs`` are of shape (n, inputs): one for all runs, or one for each.
    """
    activation = task.stack.networks[0].activation
    *hidden, head = layers
    step: Callable[[slice, Tensor], None] | None = None

    def stepper(optimiser: Adam) -> Callable[[slice, Tensor], None]:
        def step(runs: slice, rows: Tensor) -> None:
            if len(inputs) == 1:
                x = inputs[0].index_select(0, rows.flatten()).unflatten(0, rows.shape)
            else:
                own = zip(inputs[runs], rows, strict=True)
                x = torch.stack([below.index_select(0, row) for below, row in own])
            for layer in hidden:
                x = activation.value(layer(x, runs).float()).to(task.products)
            logits = head(x, runs).float()
            label = task.labels.index_select(0, rows.flatten())
            loss = F.cross_entropy(logits.flatten(0, 1), label, reduction="none")
            loss = loss.view(rows.shape).mean(1)
            _descend(loss, layers, runs, optimiser)
            task.monitor.count(runs, loss.detach(), None, rows.shape[1])

        return Replay(step)

    for _, optimiser, steps in task.epochs(depth, layers):
        step = step or stepper(optimiser)
        for runs, rows in steps:
            step(runs, rows)


@torch.no_grad()
def _above(task: Task, layer: StackedLayer, below: Tensor, run: int) -> Tensor:
    """What the next layer of a run receives, shape (n, units), in product format."""
    network, only = task.stack.networks[run], slice(run, run + 1)
    chunks = [
        network.layer_input(network.activation.value(layer(x[None], only)[0].float()))
        for x in below.split(CHUNK)
    ]
    return torch.cat(chunks).to(task.products)


def _descend(loss: Tensor, layers: list[StackedLayer], runs: slice, optimiser: Adam) -> None:
    """Take a step down the losses of some runs, shape (runs,), by back-propagation."""
    loss.sum().backward()
    for layer in layers:
        layer.spread_gradient(runs)
    optimiser.step()


TRAINERS: dict[str, Callable[[Task], None]] = {
    "ff": forward_forward,
    "bp-ff": backprop_goodness,
    "bp": backprop,
    "local-bp": local_backprop,
    "local-contrast": local_contrast,
}
