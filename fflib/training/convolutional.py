"""The ways to train a convolutional network, and the remedies proposed for deep Forward-Forward.

All layers learn in every step, each from its own loss. The remedies are options of the experiment:
a loss that compares a right label with a wrong one directly (``loss="symmetric"``); losses that reach
down into the layer below (``reach=2``); a pull of every channel's activity towards the mean of its
layer (``peer``); normalisation by layer or batch (``norm``); hard negatives (``negatives``); goodness
by location, by channel or by class (``scope``).
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fflib.experiment import ConvExperiment
from fflib.goodness import ff_loss
from fflib.networks.convolutional import ConvNetwork
from fflib.training.session import Task

__all__ = ["CONV_TRAINERS", "Alone", "descend", "peer_penalty", "symmetric_loss"]


@dataclass
class Alone:
    """A network that is trained by itself, where others come in stacks.

    Parameters
    ----------
    network : ConvNetwork
    """

    network: ConvNetwork

    @property
    def networks(self) -> list[ConvNetwork]:
        """The network, as a list of one."""
        return [self.network]

    @property
    def all_layers(self) -> list["Alone"]:
        """All that is trained, as a list of one."""
        return [self]

    @property
    def parameters(self) -> list[nn.Parameter]:
        """All that an optimiser updates."""
        return list(self.network.parameters())

    def keep_signs(self) -> None:
        """No sign of a weight is kept."""

    def part(self) -> None:
        """The network has its weights to itself already."""
        for parameter in self.parameters:
            parameter.grad = None


def symmetric_loss(positive: Tensor, negative: Tensor) -> Tensor:
    """Loss of a pair by the difference of its goodness alone: softplus(G⁻ - G⁺), the mean.

    Parameters
    ----------
    positive, negative : Tensor, any shape
        Goodness, already multiplied by the sharpness of the difference.

    Returns
    -------
    Tensor, shape ()

    References
    ----------
    H.-C. Lee and J. Song, "SymBa: symmetric backpropagation-free contrastive learning with
    forward-forward algorithm for optimizing convergence", arXiv:2303.08418 (2023).

    Examples
    --------
    >>> float(symmetric_loss(torch.tensor([2.0]), torch.tensor([2.0])))
    0.693...
    """
    return F.softplus(negative - positive).mean()


def peer_penalty(maps: Tensor) -> Tensor:
    """How unequal the channels of a layer are in their mean activity, relative to its mean.

    Parameters
    ----------
    maps : Tensor, shape (n, channels, height, width)

    Returns
    -------
    Tensor, shape ()
        0 where all are equally active; near the number of channels where one alone is.

    References
    ----------
    G. Hinton, "The forward-forward algorithm: some preliminary investigations",
    arXiv:2212.13345 (2022), which has no channel stay silent or win always.

    Examples
    --------
    >>> float(peer_penalty(torch.ones(2, 3, 4, 4)))
    0.0
    """
    activity = maps.mean((0, 2, 3))
    relative = activity / activity.mean().abs().clamp_min(1e-6)
    return (relative - 1).square().mean()


def _of_pairs(e: ConvExperiment, goodness: Tensor) -> tuple[Tensor, Tensor]:
    """Loss of images with right labels, which come first, against the same with wrong ones."""
    positive, negative = goodness.chunk(2)
    if e.loss == "symmetric":
        loss = symmetric_loss(positive, negative)
    else:
        assert e.theta is not None
        loss = ff_loss(positive.flatten(), negative.flatten(), e.theta)
    return loss, torch.stack([positive.mean(1), negative.mean(1)])


def _of_classes(goodness: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Loss of bare images: the channels of the own class should have the highest goodness."""
    own = goodness.gather(1, labels[:, None]).squeeze(1)
    others = (goodness.sum(1) - own) / (goodness.shape[1] - 1)
    return F.cross_entropy(goodness, labels), torch.stack([own, others])


def descend(network: ConvNetwork, losses: list[Tensor], reach: int) -> None:
    """Give each layer the gradients of its own loss and of those that reach down to it.

    Parameters
    ----------
    network : ConvNetwork
    losses : list of Tensor, each of shape ()
        From maps whose graph is whole; the last is that of the last layer, which a single loss is
        as well.
    reach : int
        Layers that a loss trains: its own and those next below.
    """
    by_layer = network.parameters_by_layer
    for depth, loss in enumerate(losses, start=len(by_layer) - len(losses)):
        learning = [p for own in by_layer[max(0, depth + 1 - reach) : depth + 1] for p in own]
        # Unlike torch.autograd.grad, this lays gradients out in memory as their parameters are,
        # which the fused optimiser takes for granted.
        loss.backward(inputs=learning, retain_graph=depth < len(by_layer) - 1)


def _train_on_goodness(task: Task, together: bool) -> None:
    """Train by the goodness of each layer, or by the sum over all of them."""
    e, network = task.experiment, task.stack.networks[0]
    assert isinstance(network, ConvNetwork) and isinstance(e, ConvExperiment)
    wrong = task.wrong(depth=e.layers) if network.labelled else None
    for epoch, optimiser, steps in task.epochs(None, task.stack.all_layers):
        if wrong is not None and e.negatives != "fixed" and epoch > 1:
            wrong = task.wrong(depth=e.layers)
        for runs, (rows,) in steps:
            pixels, labels = task.pixels[rows], task.labels[rows]
            shown = labels
            if wrong is not None:
                pixels, shown = pixels.repeat(2, 1), torch.cat([labels, wrong[0, rows]])
            maps = network(network.with_label(pixels, shown))
            by_layer = [network.goodness_of(h) for h in maps]
            if together:
                by_layer = [sum(g if wrong is None else g.mean(1, keepdim=True) for g in by_layer)]
            told = [_of_classes(g, labels) if wrong is None else _of_pairs(e, g) for g in by_layer]
            losses = [loss for loss, _ in told]
            if e.peer:
                pulls = [e.peer * peer_penalty(h) for h in maps]
                pulls = [torch.stack(pulls).sum()] if together else pulls
                losses = [loss + pull for loss, pull in zip(losses, pulls, strict=True)]
            optimiser.zero_grad()
            descend(network, losses, e.layers if together else e.reach)
            optimiser.step()
            g = torch.stack([g.detach() for _, g in told]).sum(0)
            task.monitor.count(runs, sum(losses).detach()[None], g[None], len(rows))
    task.monitor.require_learning(None, [len(kept) for kept in task.kept])


def forward_forward(task: Task) -> None:
    """Train each layer by its own goodness, and by that of layers whose loss reaches it."""
    _train_on_goodness(task, together=False)


def backprop_goodness(task: Task) -> None:
    """Train all layers together by the loss on the sum of their goodness (BP/FF)."""
    _train_on_goodness(task, together=True)


def backprop(task: Task) -> None:
    """Train all layers and the head together by cross-entropy on bare images (BP)."""
    network = task.stack.networks[0]
    assert isinstance(network, ConvNetwork)
    (head,) = network.heads
    for _, optimiser, steps in task.epochs(None, task.stack.all_layers):
        for runs, (rows,) in steps:
            labels = task.labels[rows]
            maps = network(network.with_label(task.pixels[rows], labels))
            loss = F.cross_entropy(head(maps[-1].flatten(1)), labels)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            task.monitor.count(runs, loss.detach()[None], None, len(rows))


CONV_TRAINERS: dict[str, Callable[[Task], None]] = {
    "ff": forward_forward,
    "bp-ff": backprop_goodness,
    "bp": backprop,
}
