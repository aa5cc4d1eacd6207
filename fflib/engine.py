"""The gradient of a Forward-Forward layer in closed form, and what feeds it.

Pairs are kept together: a tensor of shape (2, n, ...) holds the positive examples at index 0 and
their negatives at index 1. Nothing here knows about epochs or networks of several layers. Products
may come in a shorter format, under autocast; everything else is float32.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from fflib.activation import Activation
from fflib.goodness import Goodness, ff_loss

__all__ = ["HiddenPairs", "LabelledPairs", "layer_gradient"]


@dataclass
class LabelledPairs:
    """Input of the first layer: each image once, its true and its wrong label beside it.

    Parameters
    ----------
    image : Tensor, shape (n, inputs)
        Normalised images with a dark border.
    label : Tensor, shape (2, n, classes)
        Label pixels after normalisation: ``strength`` at the label, zero elsewhere.
    """

    image: Tensor
    label: Tensor

    def preactivation(self, layer: nn.Linear, rows: Tensor) -> Tensor:
        """Pre-activations of the pairs ``rows``, shape (2, len(rows), units); differentiable."""
        classes = self.label.shape[-1]
        image = layer(self.image[rows])
        return (image + self.label[:, rows] @ layer.weight[:, :classes].t()).float()

    def weight_gradient(self, dz: Tensor, rows: Tensor) -> Tensor:
        """Gradient of the weights, shape (units, inputs), from that of the pre-activations."""
        gradient = (dz.sum(0).t() @ self.image[rows]).float()
        label = self.label[:, rows].flatten(0, 1)
        gradient[:, : label.shape[-1]] += dz.flatten(0, 1).t() @ label
        return gradient


@dataclass
class HiddenPairs:
    """Input of a higher layer: the frozen, normalised output of the layer below.

    Parameters
    ----------
    below : Tensor, shape (2, n, inputs)
    """

    below: Tensor

    def preactivation(self, layer: nn.Linear, rows: Tensor) -> Tensor:
        """Pre-activations of the pairs ``rows``, shape (2, len(rows), units)."""
        return layer(self.below[:, rows]).float()

    def weight_gradient(self, dz: Tensor, rows: Tensor) -> Tensor:
        """Gradient of the weights, shape (units, inputs), from that of the pre-activations."""
        return (dz.flatten(0, 1).t() @ self.below[:, rows].flatten(0, 1)).float()


def layer_gradient(
    z: Tensor, activation: Activation, goodness: Goodness, theta: float
) -> tuple[Tensor, Tensor]:
    """Gradient of the Forward-Forward loss of one layer with respect to its pre-activations.

    With s = -1 for positive and +1 for negative examples, the loss is the mean of
    softplus(s (G - θ)), so dL/dz = s σ(s (G - θ)) / (2n) · dG/dh · dh/dz.

    Parameters
    ----------
    z : Tensor, shape (2, n, units)
        Pre-activations of the positive and the negative examples.
    activation, goodness : Activation, Goodness
        Where either leaves its derivative to autograd, so does this function.
    theta : float

    Returns
    -------
    dz : Tensor, shape (2, n, units)
    g : Tensor, shape (2, n)
        Goodness of each example.

    Examples
    --------
    >>> from fflib.activation import ACTIVATIONS
    >>> from fflib.goodness import GOODNESS
    >>> z = torch.tensor([[[3.0, 0.0]], [[0.0, 3.0]]])
    >>> layer_gradient(z, ACTIVATIONS["relu"], GOODNESS["l2"], theta=3.0)[0].abs().flatten()
    tensor([0.2500, 0.0000, 0.0000, 0.2500])
    """
    if activation.slope is None or goodness.gradient is None:
        z = z.detach().requires_grad_()
        with torch.enable_grad():
            g = goodness.value(activation.value(z))
            (dz,) = torch.autograd.grad(ff_loss(g[0], g[1], theta), z)
        return dz, g.detach()
    h = activation.value(z)
    g = goodness.value(h)
    sign = z.new_tensor([[-1.0], [1.0]])
    pull = sign * torch.sigmoid(sign * (g - theta)) / g.numel()
    dz = goodness.gradient(h, g) * activation.slope(z, h) * pull.unsqueeze(-1)
    return dz, g
