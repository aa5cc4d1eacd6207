"""The ways to train a stack of layers.

Forward-Forward, layer by layer, each on what comes out of the one below; the loss on the sum of the
goodness, back-propagated through the whole stack (BP/FF); and plain back-propagation of the
cross-entropy (BP). Two controls go layer by layer as Forward-Forward does: one has a linear unit in
place of the goodness, which scores right labels against wrong ones; the other classifies bare
images. :mod:`fflib.training.plain` shows the first three in their simplest form.

Each trains several networks side by side as readily as one: they share the images and the
configuration, and differ in their initial weights, in the order of examples, in their negatives,
and in the class that is held out.
"""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from fflib.experiment import DenseExperiment
from fflib.goodness import ff_loss
from fflib.training.adam import Adam
from fflib.training.device import Replay
from fflib.training.gradients import (
    HiddenBatch,
    HiddenPairs,
    ImageBatch,
    ImagePairs,
    hidden_gradient,
    layer_gradient,
    loss_gradient,
)
from fflib.training.session import Session
from fflib.training.stack import Stack, StackedLayer

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
"""From depth, runs and pre-activations to their gradient and the score of each example."""
Step = Callable[[Pairs, Adam, slice, Tensor], None]
"""Takes a step of some runs on the given rows of the pairs."""


def forward_forward(session: Session[Stack]) -> None:
    """Train each layer alone, by its own goodness."""
    activation = session.stack.networks[0].activation
    goodness, theta = session.objective

    def gradient(depth: int, runs: slice, z: Tensor) -> tuple[Tensor, Tensor]:
        return layer_gradient(z, activation, goodness, theta)

    _train_by_layer(session, gradient, theta)


def local_contrast(session: Session[Stack]) -> None:
    """Train each layer alone, by a linear unit on top that scores right labels above wrong ones.

    The loss is Forward-Forward's, with the output of that unit in place of the goodness; its bias
    is the threshold.
    """
    activation = session.stack.networks[0].activation

    def gradient(depth: int, runs: slice, z: Tensor) -> tuple[Tensor, Tensor]:
        head = session.stack.heads[depth]
        z = z.detach().requires_grad_()
        with torch.enable_grad():
            score = head(activation.value(z).flatten(1, 2), runs).view(z.shape[:-1])
            ff_loss(score[:, 0], score[:, 1], 0.0).sum().backward()
        head.spread_gradient(runs)
        assert z.grad is not None
        return z.grad, score.detach()

    _train_by_layer(session, gradient, 0.0)


@torch.no_grad()
def _train_by_layer(session: Session[Stack], gradient: Gradient, theta: float) -> None:
    """Train layers by their own loss on pairs of a right and a wrong label."""
    e, stack, network = session.experiment, session.stack, session.stack.networks[0]

    def learn(depth: int, batch: Batch, runs: slice, z: Tensor) -> Tensor:
        """Give a layer its gradient, which overwrites pre-activations; return the examples' scores."""
        dz, scores = gradient(depth, runs, z)
        batch.teach(stack.layers[depth], runs, dz)
        return scores

    def one_layer(depth: int, pairs: Pairs, optimiser: Adam, runs: slice, rows: Tensor) -> None:
        batch = pairs.at(runs, rows)
        g = learn(depth, batch, runs, batch.preactivation(stack.layers[depth], runs))
        optimiser.step()
        session.monitor.count(runs, ff_loss(g[:, 0], g[:, 1], theta), g, rows.shape[1])

    def every_layer(pairs: Pairs, optimiser: Adam, runs: slice, rows: Tensor) -> None:
        batch: Batch = pairs.at(runs, rows)
        scores = []
        for depth in range(e.layers):
            z = batch.preactivation(stack.layers[depth], runs)
            below = network.layer_input(network.activation.value(z))
            scores.append(learn(depth, batch, runs, z))
            batch = HiddenBatch(below.flatten(1, 2).to(session.products))
        optimiser.step()
        by_layer = torch.stack(scores)
        loss = ff_loss(by_layer[:, :, 0], by_layer[:, :, 1], theta).sum(0)
        session.monitor.count(runs, loss, by_layer.sum(0), rows.shape[1])

    if e.order == "simultaneous":
        _train_on_pairs(session, None, stack.all_layers, session.wrong(e.layers), every_layer)
        return
    wrong = session.wrong(depth=1)
    for depth in range(e.layers):
        step = partial(one_layer, depth)
        wrong = _train_on_pairs(session, depth, stack.with_head(depth), wrong, step)


def _train_on_pairs(
    session: Session[Stack],
    depth: int | None,
    layers: list[StackedLayer],
    wrong: Tensor,
    step: Step,
) -> Tensor:
    """Train layers on pairs of a right and a wrong label; return the last wrong labels."""
    # Layer `depth` learns, from 0, or all layers together. The wrong labels, shape (runs, n), are
    # those of the first epoch; later ones are drawn as the experiment says.
    e, place = session.experiment, depth or 0
    pairs, take = session.pairs(place, wrong), None
    for epoch, optimiser, steps in session.epochs(depth, layers):
        if e.redraws and epoch > 1:
            wrong = session.wrong(e.layers if depth is None else depth + 1)
            old, pairs = pairs, session.pairs(place, wrong, pairs)
            take = take if pairs is old else None
        take = take or Replay(partial(step, pairs, optimiser))
        for runs, rows in steps:
            take(runs, rows)
    session.monitor.require_learning(depth, session.pairs_per_epoch)
    return wrong


@torch.no_grad()
def backprop_goodness(session: Session[Stack]) -> None:
    """Train all layers together by the loss on the sum of their goodness (BP/FF)."""
    e, network, layers = session.experiment, session.stack.networks[0], session.stack.all_layers
    activation, (goodness, theta) = network.activation, session.objective
    assert e.norm is not None
    gradient = partial(hidden_gradient, goodness=goodness, norm=e.norm)

    def step(pairs: Pairs, optimiser: Adam, runs: slice, rows: Tensor) -> None:
        batch: Batch = pairs.at(runs, rows)
        passed = []
        for layer in layers:
            z = batch.preactivation(layer, runs)
            h = activation.over(z)
            passed.append((layer, batch, z, h, goodness.value(h)))
            if layer is not layers[-1]:
                batch = HiddenBatch(network.layer_input(h).flatten(1, 2).to(session.products))
        g = torch.stack([own for *_, own in passed]).sum(0)
        pull, du = loss_gradient(g, theta), None
        for layer, batch, z, h, own in reversed(passed):
            dz = activation.pull_back(gradient(h, own, pull, du), z, h)
            batch.teach(layer, runs, dz)
            if layer is not layers[0]:
                du = layer.input_gradient(dz.flatten(1, 2), runs, session.products).view_as(h)
        optimiser.step()
        session.monitor.count(runs, ff_loss(g[:, 0], g[:, 1], theta), g, rows.shape[1])

    _train_on_pairs(session, None, layers, session.wrong(e.layers), step)


def backprop(session: Session[Stack]) -> None:
    """Train all layers and the head together by cross-entropy on bare images (BP)."""
    (head,) = session.stack.heads
    layers, inputs = [*session.stack.layers, head], [session.pixels.to(session.products)]
    assert isinstance(session.experiment, DenseExperiment)
    _classify(session, None, inputs, layers, session.experiment.l1)


def local_backprop(session: Session[Stack]) -> None:
    """Train each layer alone, by a linear classifier on top of it, on bare images."""
    network = session.stack.networks[0]
    inputs = [network.layer_input(session.pixels).to(session.products)]
    for depth, (layer, head) in enumerate(
        zip(session.stack.layers, session.stack.heads, strict=True)
    ):
        _classify(session, depth, inputs, [layer, head])
        inputs = [
            _above(session, layer, inputs[run % len(inputs)], run) for run in range(session.runs)
        ]


def _classify(
    session: Session[Stack],
    depth: int | None,
    inputs: list[Tensor],
    layers: list[StackedLayer],
    l1: float = 0.0,
) -> None:
    """Train layers, the last of which has an output for each class, by cross-entropy.

    ``inputs`` are of shape (n, inputs): one for all runs, or one for each. ``l1`` is the weight of
    a penalty, the activity of all hidden units summed for each image.
    """
    activation = session.stack.networks[0].activation
    *hidden, head = layers
    take: Replay | None = None

    def step(optimiser: Adam, runs: slice, rows: Tensor) -> None:
        if len(inputs) == 1:
            x = inputs[0].index_select(0, rows.flatten()).unflatten(0, rows.shape)
        else:
            own = zip(inputs[runs], rows, strict=True)
            x = torch.stack([below.index_select(0, row) for below, row in own])
        active = []
        for layer in hidden:
            active.append(activation.value(layer(x, runs).float()))
            x = active[-1].to(session.products)
        logits = head(x, runs).float()
        label = session.labels.index_select(0, rows.flatten())
        loss = F.cross_entropy(logits.flatten(0, 1), label, reduction="none")
        loss = loss.view(rows.shape).mean(1)
        if l1:
            loss = loss + l1 * torch.stack([h.abs().sum(2).mean(1) for h in active]).sum(0)
        _descend(loss, layers, runs, optimiser)
        session.monitor.count(runs, loss.detach(), None, rows.shape[1])

    for _, optimiser, steps in session.epochs(depth, layers):
        take = take or Replay(partial(step, optimiser))
        for runs, rows in steps:
            take(runs, rows)


@torch.no_grad()
def _above(session: Session[Stack], layer: StackedLayer, below: Tensor, run: int) -> Tensor:
    """Compute what the next layer of a run receives, shape (n, units), in product format."""
    network, only = session.stack.networks[run], slice(run, run + 1)
    chunks = [
        network.layer_input(network.activation.over(layer(x[None], only)[0].float()))
        for x in below.split(network.at_once)
    ]
    return torch.cat(chunks).to(session.products)


def _descend(loss: Tensor, layers: list[StackedLayer], runs: slice, optimiser: Adam) -> None:
    """Take a step down the losses of some runs, shape (runs,), by back-propagation."""
    loss.sum().backward()
    for layer in layers:
        layer.spread_gradient(runs)
    optimiser.step()


TRAINERS: dict[str, Callable[[Session[Stack]], None]] = {
    "ff": forward_forward,
    "bp-ff": backprop_goodness,
    "bp": backprop,
    "local-bp": local_backprop,
    "local-contrast": local_contrast,
}
