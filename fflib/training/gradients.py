"""The gradient of the Forward-Forward loss in closed form, and what feeds a layer.

Networks of one configuration may be trained side by side, so every tensor here begins with a
dimension of runs. Pairs are kept together in the next one: positive examples at index 0, their
negatives at index 1. Nothing here knows about epochs. Products come in the number format of
the inputs; everything else is float32.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from fflib.activation import Activation
from fflib.goodness import GOODNESS, Goodness
from fflib.training.stack import StackedLayer

__all__ = ["HiddenPairs", "ImagePairs", "hidden_gradient", "layer_gradient", "loss_gradient"]

# Leaving out silent inputs copies the weights to and fro, which takes as long as the products of all
# inputs with so many examples.
COPIES = 256


@dataclass
class ImagePairs:
    """Input of the first layer: each image once, and the labels that make pairs of it.

    An image and its copies under other labels share all of the first layer's product but the
    label's part, which is computed apart.

    Parameters
    ----------
    image : Tensor, shape (n, inputs)
        Normalised images with a dark border, the same for all runs.
    label : Tensor, shape (runs, 2, n, classes)
        Label pixels after normalisation: their strength at the label, zero elsewhere.
    """

    image: Tensor
    label: Tensor

    def at(self, runs: slice, rows: Tensor) -> "ImageBatch":
        """Pairs of some runs; ``rows``, shape (runs, batch), says which for each of them."""
        image = self.image.index_select(0, rows.flatten()).unflatten(0, rows.shape)
        return ImageBatch(image, _select(self.label, runs, rows))


@dataclass
class HiddenPairs:
    """Input of a higher layer: the frozen, normalised output of the layer below.

    Parameters
    ----------
    below : Tensor, shape (runs, 2, n, inputs)
        Of the units below that are ``awake``, by default of all.
    awake : Tensor, shape (inputs,), optional
        Places of units below. The others are silent in every example, so that their weights are of
        no matter and get no gradient.
    """

    below: Tensor
    awake: Tensor | None = None

    def at(self, runs: slice, rows: Tensor) -> "HiddenBatch":
        """Pairs of some runs; ``rows``, shape (runs, batch), says which for each of them."""
        return HiddenBatch(_select(self.below, runs, rows).flatten(1, 2), self.awake)

    def without_silent(self, active: Tensor, examples: int) -> "HiddenPairs":
        """Leave out units below that are silent; ``active``, shape (inputs,), says which are not.

        That takes time and saves products, which pays where a step has many ``examples`` and a fair
        part of the units is silent.

        Examples
        --------
        >>> pairs = HiddenPairs(torch.tensor([[[[0.0, 1.0, 2.0]], [[0.0, 3.0, 0.0]]]]))
        >>> active = torch.tensor([False, True, True])
        >>> pairs.without_silent(active, examples=1024).below.shape
        torch.Size([1, 2, 1, 2])
        >>> pairs.without_silent(active, examples=64) is pairs
        True
        """
        silent = 1 - float(active.float().mean())
        if silent * examples < COPIES:
            return self
        awake = active.nonzero().squeeze(1)
        # Of columns, gathering is several times as fast as selecting.
        return HiddenPairs(self.below.gather(3, awake.expand(*self.below.shape[:3], -1)), awake)


@dataclass
class ImageBatch:
    """A batch of :class:`ImagePairs`: images, shape (runs, batch, inputs), and their labels."""

    image: Tensor
    label: Tensor

    def preactivation(self, layer: StackedLayer, runs: slice) -> Tensor:
        """Pre-activations, shape (runs, 2, batch, units)."""
        image = layer(self.image, runs)
        z = torch.stack([image, image], 1)
        label_weight = layer.of(runs)[0][..., : self.label.shape[-1]].to(z.dtype)
        z.flatten(0, 1).baddbmm_(
            self.label.flatten(0, 1), label_weight.mT.repeat_interleave(2, dim=0)
        )
        return z.float()

    def gradient(self, dz: Tensor) -> tuple[Tensor, Tensor]:
        """Gradients of the weights and the bias of each run from that of the pre-activations."""
        both = dz.sum(1)
        weight = torch.bmm(both.to(self.image.dtype).mT, self.image).float()
        label = torch.bmm(dz.flatten(1, 2).mT, self.label.flatten(1, 2).float())
        weight[..., : label.shape[-1]] += label
        return weight, both.sum(1)

    def teach(self, layer: StackedLayer, runs: slice, dz: Tensor) -> None:
        """Give a layer the :meth:`gradient` that belongs to one of its pre-activations."""
        layer.set_gradient(runs, *self.gradient(dz))


@dataclass
class HiddenBatch:
    """A batch of :class:`HiddenPairs`, shape (runs, 2 * batch, inputs), positives first."""

    below: Tensor
    awake: Tensor | None = None

    def preactivation(self, layer: StackedLayer, runs: slice) -> Tensor:
        """Pre-activations, shape (runs, 2, batch, units)."""
        return layer(self.below, runs, self.awake).unflatten(1, (2, -1)).float()

    def gradient(self, dz: Tensor) -> tuple[Tensor, Tensor]:
        """Gradients of the weights and the bias of each run from that of the pre-activations.

        That of the weights has a column for each input in :attr:`awake`.
        """
        dz = dz.flatten(1, 2)
        weight = torch.bmm(dz.to(self.below.dtype).mT, self.below).float()
        return weight, dz.sum(1)

    def teach(self, layer: StackedLayer, runs: slice, dz: Tensor) -> None:
        """Give a layer the :meth:`gradient` that belongs to one of its pre-activations."""
        layer.set_gradient(runs, *self.gradient(dz), self.awake)


def _select(values: Tensor, runs: slice, rows: Tensor) -> Tensor:
    """Take ``rows``, shape (runs, batch), of ``values``, shape (all runs, 2, n, ...)."""
    count, pair, n = values.shape[:3]
    first = torch.arange(count * pair, device=rows.device).view(count, pair, 1)[runs] * n
    places = first + rows.unsqueeze(1)
    return values.flatten(0, 2).index_select(0, places.flatten()).unflatten(0, places.shape)


def loss_gradient(g: Tensor, theta: float) -> Tensor:
    """Return the gradient of the Forward-Forward loss with respect to goodness, shape (..., 2, n).

    With s = -1 for positive and +1 for negative examples, the loss is the mean of softplus(s (G - θ)),
    and its derivative s σ(s (G - θ)) / (2n).

    Examples
    --------
    >>> loss_gradient(torch.tensor([[3.0], [3.0]]), theta=3.0)
    tensor([[-0.2500],
            [ 0.2500]])
    """
    sign = torch.linspace(-1, 1, 2, device=g.device).unsqueeze(-1)
    return sign * torch.sigmoid(sign * (g - theta)) / (2 * g.shape[-1])


def layer_gradient(
    z: Tensor, activation: Activation, goodness: Goodness, theta: float
) -> tuple[Tensor, Tensor]:
    """Return the gradient of one layer's Forward-Forward loss, and the goodness of each example.

    The gradient is with respect to the pre-activations. Both have shape (..., 2, n, units), the
    goodness (..., 2, n). The pre-activations may be overwritten.

    Examples
    --------
    >>> from fflib.activation import ACTIVATIONS
    >>> z = torch.tensor([[[3.0, 0.0]], [[0.0, 3.0]]])
    >>> layer_gradient(z, ACTIVATIONS["relu"], GOODNESS["l2"], theta=3.0)[0].abs().flatten()
    tensor([0.2500, 0.0000, 0.0000, 0.2500])
    """
    h = activation.over(z)
    g = goodness.value(h)
    pull = loss_gradient(g, theta)
    if goodness.factor is not None and activation.rectifies:
        return h.mul_(goodness.factor(h, g, pull).unsqueeze(-1)), g
    return activation.pull_back(goodness.pulled(h, g, pull), z, h), g


def hidden_gradient(
    h: Tensor, g: Tensor, pull: Tensor, du: Tensor | None, goodness: Goodness, norm: str
) -> Tensor:
    """Return the gradient of activations, which a loss sees by their goodness and by their direction.

    The direction u = h / ‖h‖ feeds the layer above, if there is one, which sends its gradient du
    back. So

        dL/dh = pull · dG/dh + du / ‖h‖ - (du · h) / ‖h‖² · d‖h‖/dh.

    Activations and gradients have shape (..., units), the goodness and its pull (...).

    Examples
    --------
    >>> h, du = torch.tensor([[3.0, 4.0]]), torch.tensor([[0.0, 5.0]])
    >>> hidden_gradient(h, torch.tensor([5.0]), torch.zeros(1), du, GOODNESS["l2"], "l2")
    tensor([[-0.4800,  0.3600]])
    """
    if du is None:
        return goodness.pulled(h, g, pull)
    length = GOODNESS[norm]
    found = g if length is goodness else length.value(h)
    unit = found.clamp_min(torch.finfo(h.dtype).tiny)
    radial = torch.linalg.vecdot(du, h) / unit / unit  # the square of a small number may be zero
    if length is goodness:
        dh = goodness.pulled(h, g, pull - radial)
    else:
        dh = goodness.pulled(h, g, pull).sub_(length.pulled(h, found, radial))
    return dh.addcdiv_(du, unit.unsqueeze(-1))
