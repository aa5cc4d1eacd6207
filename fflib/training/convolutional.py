"""The ways to train a convolutional network, and the remedies proposed for deep Forward-Forward.

All layers learn in every step, each from its own loss. The remedies are options of the experiment:
a loss that compares a right label with a wrong one directly (``loss="symmetric"``); losses that
reach down into the layer below (``reach=2``); a pull of every channel's activity towards the mean
of its layer (``peer``); normalisation by layer or batch (``norm``); hard negatives (``negatives``);
goodness by location, by channel or by class (``scope``).
"""

from collections.abc import Callable, Sequence
from functools import partial, reduce

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fflib.experiment import ConvExperiment
from fflib.goodness import ff_loss
from fflib.networks.convolutional import ConvNetwork
from fflib.training.session import Session

__all__ = ["CONV_TRAINERS", "ConvStack", "descend", "peer_penalty", "symmetric_loss"]


Learn = Callable[[ConvNetwork, Tensor, Tensor, Tensor | None], tuple[Tensor, Tensor | None]]
"""From a network, images, their labels and wrong ones: gradients, loss and goodness of a step."""


class ConvStack:
    """Convolutional networks of one shape, whose steps are taken one network after the other.

    They are equal in everything but their weights and the labels they have seen.
    """

    def __init__(self, networks: Sequence[ConvNetwork]) -> None:
        self.networks = list(networks)

    @property
    def all_layers(self) -> list["ConvStack"]:
        """All that learns, in one piece."""
        return [self]

    @property
    def parameters(self) -> list[nn.Parameter]:
        """Weights, biases and learned labels of every run, which an optimiser updates."""
        return [parameter for network in self.networks for parameter in network.parameters()]

    def keep_signs(self) -> None:
        """Leave all weights as they are: none has to keep its sign."""

    def part(self) -> None:
        """Take the gradients away; every network has weights of its own already."""
        for parameter in self.parameters:
            parameter.grad = None


def symmetric_loss(positive: Tensor, negative: Tensor) -> Tensor:
    """Return the mean loss of pairs by the difference of their goodness: softplus(G⁻ - G⁺).

    The goodness is already multiplied by the sharpness of the difference.

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
    """Measure how unequal the channels of a layer are in their mean activity, relative to its mean.

    For maps of shape (n, channels, height, width) it is 0 where all are equally active; near the
    number of channels where one alone is.

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

    The losses are from maps whose graph is whole. The last is that of the last layer, which a
    single loss is as well. A loss trains ``reach`` layers: its own and those next below.
    """
    by_layer = network.parameters_by_layer
    for depth, loss in enumerate(losses, start=len(by_layer) - len(losses)):
        learning = [p for own in by_layer[max(0, depth + 1 - reach) : depth + 1] for p in own]
        # Unlike torch.autograd.grad, this lays gradients out in memory as their parameters are,
        # which the fused optimiser takes for granted.
        loss.backward(inputs=learning, retain_graph=depth < len(by_layer) - 1)


def _train(session: Session[ConvStack], learn: Learn) -> None:
    """Take a step of every run on each of its batches, for all epochs."""
    e, networks = session.experiment, session.stack.networks
    wrong = session.wrong(depth=e.layers) if networks[0].labelled else None
    for epoch, optimiser, steps in session.epochs(None, session.stack.all_layers):
        if wrong is not None and e.redraws and epoch > 1:
            wrong = session.wrong(depth=e.layers)
        for runs, rows in steps:
            optimiser.zero_grad()
            for run, own in zip(range(runs.start, runs.stop), rows, strict=True):
                shown = None if wrong is None else wrong[run, own]
                loss, g = learn(networks[run], session.pixels[own], session.labels[own], shown)
                session.monitor.count(slice(run, run + 1), loss[None], g, len(own))
            optimiser.step()


def _train_on_goodness(session: Session[ConvStack], together: bool) -> None:
    """Train by the goodness of each layer, or by the sum over all of them."""
    e = session.experiment
    assert isinstance(e, ConvExperiment)

    def learn(
        network: ConvNetwork, pixels: Tensor, labels: Tensor, wrong: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        shown = labels
        if wrong is not None:
            pixels, shown = pixels.repeat(2, 1), torch.cat([labels, wrong])
        maps = network(network.with_label(pixels, shown))
        by_layer = [network.goodness_of(h) for h in maps]
        if together:
            by_layer = [g if wrong is None else g.mean(1, keepdim=True) for g in by_layer]
            by_layer = [reduce(torch.add, by_layer)]
        found = [_of_classes(g, labels) if wrong is None else _of_pairs(e, g) for g in by_layer]
        losses = [loss for loss, _ in found]
        if e.peer:
            pulls = [e.peer * peer_penalty(h) for h in maps]
            pulls = [torch.stack(pulls).sum()] if together else pulls
            losses = [loss + pull for loss, pull in zip(losses, pulls, strict=True)]
        descend(network, losses, e.layers if together else e.reach)
        goodness = torch.stack([g.detach() for _, g in found]).sum(0)
        return reduce(torch.add, losses).detach(), goodness[None]

    _train(session, learn)
    session.monitor.require_learning(None, session.pairs_per_epoch)


def backprop(session: Session[ConvStack]) -> None:
    """Train all layers and the head together by cross-entropy on bare images (BP)."""

    def learn(
        network: ConvNetwork, pixels: Tensor, labels: Tensor, wrong: Tensor | None
    ) -> tuple[Tensor, None]:
        (head,) = network.heads
        maps = network(network.with_label(pixels, labels))
        loss = F.cross_entropy(head(maps[-1].flatten(1)), labels)
        loss.backward()
        return loss.detach(), None

    _train(session, learn)


CONV_TRAINERS: dict[str, Callable[[Session[ConvStack]], None]] = {
    "ff": partial(_train_on_goodness, together=False),
    "bp-ff": partial(_train_on_goodness, together=True),
    "bp": backprop,
}
"""Forward-Forward, whose layers each learn by their own goodness and by that of layers whose loss
reaches them; BP/FF, by the loss on the sum of the goodness; back-propagation."""
