"""The ways to train a convolutional network, and the remedies proposed for deep Forward-Forward.

All layers learn in every step, each from its own loss. The remedies are options of the experiment:
a loss that compares a right label with a wrong one directly (``loss="symmetric"``); losses that
reach down into the layer below (``reach=2``), or one loss for several layers (``block=2``); a pull of
every channel's activity towards the mean of its layer (``peer``); normalisation by layer or batch
(``norm``); hard negatives (``negatives``); goodness by location, by channel, by class or by a
projection (``scope``).
"""

from collections.abc import Callable, Sequence
from functools import reduce

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fflib.experiment import ConvExperiment, gradient_reach
from fflib.goodness import ff_loss
from fflib.networks.convolutional import ConvNetwork
from fflib.training.augmentation import augmented, draw
from fflib.training.session import Session

__all__ = ["CONV_TRAINERS", "ConvStack", "descend", "losses_of", "peer_penalty", "symmetric_loss"]


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


def losses_of(
    e: ConvExperiment, network: ConvNetwork, pixels: Tensor, labels: Tensor, wrong: Tensor | None
) -> tuple[list[Tensor], Tensor | None]:
    """Compute the losses of a batch, and the mean goodness of its right and wrong labels.

    There is a loss for each layer, or for each block of them; a single one of the last layer where
    a gradient goes through all. The goodness has shape (2, n), and is None for back-propagation.
    """
    shown = labels
    if wrong is not None:
        pixels, shown = pixels.repeat(2, 1), torch.cat([labels, wrong])
    maps = network(network.with_label(pixels, shown))[network.read]
    if e.model == "bp":
        (head,) = network.heads
        return [F.cross_entropy(head(maps[-1].flatten(1)), labels)], None
    together = e.model == "bp-ff"
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
    return losses, torch.stack([g.detach() for _, g in found]).sum(0)


def descend(network: ConvNetwork, losses: list[Tensor], reach: int) -> None:
    """Give each layer the gradients of its own loss and of those that reach down to it.

    The losses are from maps whose graph is whole: of each layer that has a say in a prediction, or
    a single one of the last layer. A loss trains ``reach`` layers: its own and those next below.
    """
    by_layer = network.parameters_by_layer
    depths = range(len(by_layer))[network.read][-len(losses) :]
    for depth, loss in zip(depths, losses, strict=True):
        learning = [p for own in by_layer[max(0, depth + 1 - reach) : depth + 1] for p in own]
        # Unlike torch.autograd.grad, this lays gradients out in memory as their parameters are,
        # which the fused optimiser takes for granted.
        loss.backward(inputs=learning, retain_graph=depth < len(by_layer) - 1)


def _train(session: Session[ConvStack]) -> None:
    """Take a step of every run on each of its batches, for all epochs."""
    e, networks = session.experiment, session.stack.networks
    assert isinstance(e, ConvExperiment)
    reach, device = gradient_reach(e), session.pixels.device
    wrong = session.wrong(depth=e.layers) if networks[0].labelled else None
    for epoch, optimiser, steps in session.epochs(None, session.stack.all_layers):
        if wrong is not None and e.redraws and epoch > 1:
            wrong = session.wrong(depth=e.layers)
        if e.augment:  # by the stream of orders, whose state a checkpoint holds
            drawn = [draw(len(session.labels), order).to(device) for order in session.orders]
        for runs, rows in steps:
            optimiser.zero_grad()
            for run, own in zip(range(runs.start, runs.stop), rows, strict=True):
                network, pixels, labels = networks[run], session.pixels[own], session.labels[own]
                if e.augment:
                    images, jitter = pixels.unflatten(1, network.shape), "jitter" in e.augment
                    pixels = augmented(images, drawn[run][own], jitter=jitter).flatten(1)
                shown = None if wrong is None else wrong[run, own]
                losses, g = losses_of(e, network, pixels, labels, shown)
                descend(network, losses, reach)
                loss = reduce(torch.add, losses).detach()[None]
                g = None if g is None else g[None]
                session.monitor.count(slice(run, run + 1), loss, g, len(own))
            optimiser.step()
            for average in session.averages[runs]:
                average.follow()


def _train_on_goodness(session: Session[ConvStack]) -> None:
    """Train by the goodness of each layer, or by the sum over all of them."""
    _train(session)
    session.monitor.require_learning(None, session.pairs_per_epoch)


CONV_TRAINERS: dict[str, Callable[[Session[ConvStack]], None]] = {
    "ff": _train_on_goodness,
    "bp-ff": _train_on_goodness,
    "bp": _train,
}
"""Forward-Forward, whose layers each learn by their own goodness and by that of layers whose loss
reaches them; BP/FF, by the loss on the sum of the goodness; back-propagation."""
