"""Forward-Forward (FF), BP/FF and back-propagation (BP) in plain PyTorch: the code to read first.

An image carries a label in its first pixels, one pixel for each class. With the true label it is a
*positive* example, with a wrong label a *negative* one. A layer turns its input x into activations
h, whose norm is the layer's goodness G::

    h = f(W x̂ + b)        x̂ = x / ‖x‖ₚ        G = ‖h‖ₚ

The input is scaled to unit norm; otherwise a layer could copy the goodness of the layer below, and
learn nothing. The loss asks for a goodness above a threshold θ on positive examples (+) and below it
on negative examples (-), on average::

    L(G⁺, G⁻) = ½ ⟨softplus(θ - G⁺)⟩ + ½ ⟨softplus(G⁻ - θ)⟩

- FF trains one layer after the other. Layer l descends L(Gₗ⁺, Gₗ⁻), and no gradient leaves it.
- BP/FF trains all layers at once. They descend L(Σₗ Gₗ⁺, Σₗ Gₗ⁻) by back-propagation.
- BP trains all layers of a usual network by cross-entropy, on images without labels.

FF and BP/FF try every label, and predict the one with the largest sum of softmax(Gₗ) over layers.
The protocol ``relu-l2`` has f = relu and p = 2; ``sigmoid-linf`` has f = sigmoid and p = ∞. The
trainers that the book uses, :mod:`fflib.training.trainers`, are faster and take the same steps.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

__all__ = ["Layer", "ff_loss", "goodness", "predict", "train_bp", "train_bp_ff", "train_ff"]


class Layer(nn.Linear):
    """A layer with activation function ``f``, whose input is scaled to unit ``p``-norm."""

    def __init__(
        self, inputs: int, units: int, f: Callable[[Tensor], Tensor] = torch.relu, p: float = 2
    ) -> None:
        super().__init__(inputs, units)
        self.f, self.p = f, p

    def forward(self, x: Tensor) -> Tensor:
        """Return the activations, shape (n, units), for inputs ``x``, shape (n, inputs)."""
        return self.f(super().forward(F.normalize(x, self.p)))


def goodness(layers: Sequence[Layer], x: Tensor) -> Tensor:
    """Return the goodness of every layer, shape (layers, n), for labelled images ``x``."""
    found = []
    for layer in layers:
        x = layer(x)
        found.append(x.norm(layer.p, dim=1))
    return torch.stack(found)


def ff_loss(positive: Tensor, negative: Tensor, theta: float) -> Tensor:
    """Return the loss of the goodness of positive and of negative examples, shape (n,) each."""
    return 0.5 * (F.softplus(theta - positive).mean() + F.softplus(negative - theta).mean())


# The keyword arguments ``training`` are those of ``descend``.
def train_ff(
    layers: Sequence[Layer], positive: Tensor, negative: Tensor, theta: float, **training: Any
) -> None:
    """Train each layer as a stack of its own, on the activations of the finished layers below."""
    for layer in layers:
        train_bp_ff([layer], positive, negative, theta, **training)
        with torch.no_grad():
            positive, negative = layer(positive), layer(negative)


def train_bp_ff(
    layers: Sequence[Layer], positive: Tensor, negative: Tensor, theta: float, **training: Any
) -> None:
    """Train the layers of a stack together, by the sum of their goodness."""

    def loss(positive: Tensor, negative: Tensor) -> Tensor:
        return ff_loss(goodness(layers, positive).sum(0), goodness(layers, negative).sum(0), theta)

    descend(loss, nn.ModuleList(layers), positive, negative, **training)


def train_bp(network: nn.Module, images: Tensor, labels: Tensor, **training: Any) -> None:
    """Train a network, such as an ``nn.Sequential``, by the cross-entropy of the true labels."""
    descend(lambda x, y: F.cross_entropy(network(x), y), network, images, labels, **training)


def descend(
    loss: Callable[[Tensor, Tensor], Tensor],
    network: nn.Module,
    *examples: Tensor,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    loader: Callable[..., Iterable[Sequence[Tensor]]] = DataLoader,
) -> None:
    """Take a step of Adam down the loss of every batch, in a new order of examples each epoch."""
    optimiser = torch.optim.Adam(network.parameters(), learning_rate)
    for _ in range(epochs):
        for batch in loader(TensorDataset(*examples), batch_size, shuffle=True):
            optimiser.zero_grad()
            loss(*batch).backward()
            optimiser.step()


def with_label(images: Tensor, labels: Tensor, classes: int, lit: float) -> Tensor:
    """Write labels, shape (n,), into images, shape (n, inputs): one pixel of value ``lit`` each."""
    return torch.cat([lit * F.one_hot(labels, classes), images[:, classes:]], dim=1)


@torch.no_grad()
def predict(layers: Sequence[Layer], images: Tensor, classes: int, lit: float) -> Tensor:
    """Return the most likely label of each image, shape (n,)."""
    by_label = []
    for label in range(classes):
        labels = torch.full((len(images),), label, device=images.device)
        by_label.append(goodness(layers, with_label(images, labels, classes, lit)))
    return torch.stack(by_label, dim=-1).softmax(-1).sum(0).argmax(-1)
