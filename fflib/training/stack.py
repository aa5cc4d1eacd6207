"""Networks of one shape side by side, so that one product serves them all."""

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from fflib.networks.base import LayeredNetwork
from fflib.networks.dense import Network
from fflib.networks.signs import keep

__all__ = ["Learner", "Networks", "Stack", "StackedLayer"]


class Learner(Protocol):
    """What learns: a layer of several networks, or networks as a whole."""

    @property
    def parameters(self) -> list[nn.Parameter]:
        """All that an optimiser updates."""

    def keep_signs(self) -> None:
        """Set weights that have crossed to the wrong side of zero to zero."""


class Networks(Protocol):
    """Networks of one configuration, one per run.

    A :class:`Stack`, or a :class:`fflib.training.convolutional.ConvStack`.
    """

    @property
    def networks(self) -> Sequence[LayeredNetwork]:
        """The networks, in the order of the runs."""

    @property
    def all_layers(self) -> Sequence[Learner]:
        """All that learns."""

    def part(self) -> None:
        """Give every network weights of its own again, without gradients."""


class _Product(torch.autograd.Function):
    """Pre-activations ``x @ weight.mT + bias``, with gradients laid out as the weights are.

    Autograd would find the gradient of the transposed weights and copy it back row by row.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        weight = weight.to(x.dtype)
        ctx.save_for_backward(x, weight)
        return torch.baddbmm(bias.to(x.dtype), x, weight.mT)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor, Tensor]:
        (dz,) = gradients
        x, weight = ctx.saved_tensors
        dx = torch.bmm(dz, weight) if ctx.needs_input_grad[0] else None
        dw = torch.bmm(dz.mT, x).float()
        return dx, dw, dz.sum(1, keepdim=True, dtype=torch.float32)


class StackedLayer:
    """The same layer of several networks, whose parameters become views of one tensor.

    Parameters
    ----------
    layers : sequence of nn.Linear
        One per run, of one shape.

    Attributes
    ----------
    weight : Tensor, shape (runs, units, inputs)
    bias : Tensor, shape (runs, 1, units)
    signs : Tensor, shape (runs, 1, inputs), or None
        The sign that the weights of a column keep, where there is such a rule.

    Examples
    --------
    >>> layers = [nn.Linear(4, 3), nn.Linear(4, 3)]
    >>> stacked = StackedLayer(layers)
    >>> with torch.no_grad():
    ...     stacked.weight[1] = 0
    >>> bool(layers[1].weight.any())
    False
    """

    def __init__(
        self, layers: Sequence[nn.Linear], signs: Sequence[Tensor | None] = (None,)
    ) -> None:
        self.layers = list(layers)
        own = [sign for sign in signs if sign is not None]
        # On the device now: a step that is recorded there must not fetch anything.
        device = layers[0].weight.device
        self.signs = torch.stack(own).unsqueeze(1).to(device) if own else None
        self.weight = torch.stack([layer.weight.detach() for layer in layers]).requires_grad_()
        self.bias = torch.stack([layer.bias.detach()[None] for layer in layers]).requires_grad_()
        for run, layer in enumerate(layers):
            layer.weight.data, layer.bias.data = self.weight.data[run], self.bias.data[run, 0]

    @property
    def parameters(self) -> list[nn.Parameter]:
        """Weights and biases of every run, which an optimiser updates."""
        return [parameter for layer in self.layers for parameter in layer.parameters()]

    def __call__(self, x: Tensor, runs: slice, inputs: Tensor | None = None) -> Tensor:
        """Pre-activations of some runs, shape (runs, n, units), for ``x`` (runs, n, inputs).

        Where ``x`` holds but some inputs, since the others are zero, their places are given. The
        product is computed in the number format of ``x`` and comes in it too.
        """
        weight, bias = self.of(runs)
        if inputs is not None:
            weight = weight.gather(2, inputs.expand(*weight.shape[:2], -1))
        return _Product.apply(x, weight, bias)

    def input_gradient(self, dz: Tensor, runs: slice, products: torch.dtype) -> Tensor:
        """Return the gradient of the inputs, (runs, n, inputs), from that of pre-activations."""
        return torch.bmm(dz.to(products), self.of(runs)[0].to(products)).float()

    def of(self, runs: slice) -> tuple[Tensor, Tensor]:
        """Weight and bias of some runs."""
        if len(self.layers[runs]) == len(self.layers):
            return self.weight, self.bias  # autograd then copies no gradient
        return self.weight[runs], self.bias[runs]

    def set_gradient(
        self, runs: slice, weight: Tensor, bias: Tensor, inputs: Tensor | None = None
    ) -> None:
        """Give each of some runs its gradient, and none to the others: they then stay put.

        The gradient of the weights has shape (runs, units, inputs), that of the bias (runs, units).
        Where the former has columns for some inputs only, whose places are given, that of the
        others is zero.
        """
        if inputs is not None:
            whole = weight.new_zeros(*weight.shape[:2], self.weight.shape[2])
            weight = whole.scatter_(2, inputs.expand_as(weight), weight)
        for layer in self.layers:
            layer.weight.grad = layer.bias.grad = None
        for layer, dw, db in zip(self.layers[runs], weight, bias, strict=True):
            layer.weight.grad, layer.bias.grad = dw, db

    def spread_gradient(self, runs: slice) -> None:
        """Give each of some runs its part of what autograd has found for the stacked tensors."""
        assert self.weight.grad is not None
        assert self.bias.grad is not None
        self.set_gradient(runs, self.weight.grad[runs], self.bias.grad[runs, 0])
        self.weight.grad = self.bias.grad = None

    def keep_signs(self) -> None:
        """Set weights that have crossed to the wrong side of zero to zero."""
        if self.signs is not None:
            keep(self.weight, self.signs)


class Stack:
    """Networks of one shape, layer by layer.

    They are equal in everything but their weights and the labels they have seen.
    """

    def __init__(self, networks: Sequence[Network]) -> None:
        self.networks = list(networks)
        self.layers = [
            StackedLayer(layers, signs)
            for layers, signs in zip(
                zip(*(n.layers for n in networks), strict=True),
                zip(*(n.signs for n in networks), strict=True),
                strict=True,
            )
        ]
        self.heads = [
            StackedLayer(heads) for heads in zip(*(n.heads for n in networks), strict=True)
        ]

    @property
    def all_layers(self) -> list[StackedLayer]:
        """The hidden layers, then the heads."""
        return [*self.layers, *self.heads]

    def with_head(self, depth: int) -> list[StackedLayer]:
        """Return a hidden layer, and the head on top of it where it has one."""
        return [self.layers[depth], *self.heads[depth : depth + 1]]

    def part(self) -> None:
        """Give every network weights of its own again."""
        for layer in self.all_layers:
            for parameter in layer.parameters:
                parameter.data, parameter.grad = parameter.data.clone(), None
