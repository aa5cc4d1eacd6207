"""Goodness of a layer, normalisation between layers, and the Forward-Forward loss.

A layer's goodness is one number per example. Forward-Forward raises it on positive examples (an
image with its true label) and lowers it on negative ones (the same image with a wrong label).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["GOODNESS", "NORMS", "Goodness", "ff_loss", "normalise"]


@dataclass(frozen=True)
class Goodness:
    """A goodness function G(h) of a layer's activations.

    Parameters
    ----------
    value : callable
        Maps activations, shape (..., units), to goodness, shape (...).
    gradient : callable or None
        Maps ``(h, g, pull)`` to ``pull`` times dG/dh, shape (..., units), where ``g`` and
        ``pull`` have shape (...). ``None`` leaves it to autograd: slower, but a new goodness
        then takes one function.
    ceiling : callable
        Maps the number of units to the largest goodness that activations within [-1, 1] can
        reach; a threshold at or above it can never be met.

    Examples
    --------
    >>> import torch
    >>> GOODNESS["l2"].value(torch.tensor([[3.0, 4.0]]))
    tensor([5.])
    """

    value: Callable[[Tensor], Tensor]
    gradient: Callable[[Tensor, Tensor, Tensor], Tensor] | None = None
    ceiling: Callable[[int], float] = lambda units: math.inf

    def __call__(self, h: Tensor) -> Tensor:
        """Goodness of activations, shape (..., units), differentiable by the closed form."""
        return self.value(h) if self.gradient is None else _Value.apply(h, self)


class _Value(torch.autograd.Function):
    """Goodness with its closed gradient: one pass over memory where autograd takes several."""

    @staticmethod
    def forward(ctx: Any, h: Tensor, goodness: Goodness) -> Tensor:
        g = goodness.value(h)
        ctx.save_for_backward(h, g)
        ctx.goodness = goodness
        return g

    @staticmethod
    def backward(ctx: Any, *pulls: Tensor) -> tuple[Tensor, None]:
        return ctx.goodness.gradient(*ctx.saved_tensors, *pulls), None


def _norm(order: float) -> Callable[[Tensor], Tensor]:
    return lambda h: torch.linalg.vector_norm(h, ord=order, dim=-1)


def _l1_gradient(h: Tensor, g: Tensor, pull: Tensor) -> Tensor:
    return h.sign().mul_(pull.unsqueeze(-1))


def _l2_gradient(h: Tensor, g: Tensor, pull: Tensor) -> Tensor:
    # A silent layer has no direction to grow in; its gradient is taken as zero, as autograd does.
    return h * (pull / g.clamp_min(torch.finfo(h.dtype).tiny)).unsqueeze(-1)


def _linf_gradient(h: Tensor, g: Tensor, pull: Tensor) -> Tensor:
    largest = h.abs() == g.unsqueeze(-1)
    return h.sign().mul_(largest).mul_((pull / largest.sum(-1)).unsqueeze(-1))


def _mean_square_gradient(h: Tensor, g: Tensor, pull: Tensor) -> Tensor:
    return h * (2 / h.shape[-1] * pull).unsqueeze(-1)


GOODNESS: dict[str, Goodness] = {
    "l1": Goodness(_norm(1), _l1_gradient, ceiling=float),
    "l2": Goodness(_norm(2), _l2_gradient, ceiling=math.sqrt),
    "linf": Goodness(_norm(math.inf), _linf_gradient, ceiling=lambda units: 1.0),
    "mean-square": Goodness(
        lambda h: h.square().mean(-1), _mean_square_gradient, ceiling=lambda units: 1.0
    ),
}

NORMS: dict[str, float] = {"l1": 1.0, "l2": 2.0, "linf": math.inf}


def normalise(x: Tensor, norm: str) -> Tensor:
    """Scale each example to unit norm, so that a layer sees a direction and no goodness.

    Parameters
    ----------
    x : Tensor, shape (..., units)
        Pixels or the activations of the layer below.
    norm : {"l1", "l2", "linf"}
        Which norm becomes 1. A silent example stays silent.

    Returns
    -------
    Tensor, shape (..., units)

    Examples
    --------
    >>> import torch
    >>> normalise(torch.tensor([[3.0, 4.0], [0.0, 0.0]]), "l2")
    tensor([[0.6000, 0.8000],
            [0.0000, 0.0000]])
    """
    return _Direction.apply(x, norm)


class _Direction(torch.autograd.Function):
    """Normalisation u = x / ‖x‖, whose gradient loses its part along ∇‖x‖."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, norm: str) -> Tensor:
        length = torch.linalg.vector_norm(x, ord=NORMS[norm], dim=-1, keepdim=True)
        length = length.clamp_min(torch.finfo(x.dtype).tiny)
        u = x / length
        ctx.save_for_backward(u, length)
        ctx.gradient = GOODNESS[norm].gradient
        return u

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (du,) = gradients
        u, length = ctx.saved_tensors
        along = torch.linalg.vecdot(du, u)
        radial = ctx.gradient(u, torch.ones_like(along), along / length.squeeze(-1))
        return du.div(length).sub_(radial), None


def ff_loss(positive: Tensor, negative: Tensor, theta: float) -> Tensor:
    """Forward-Forward loss: softplus(θ - G⁺) and softplus(G⁻ - θ), averaged over all examples.

    Parameters
    ----------
    positive, negative : Tensor, shape (..., n)
        Goodness of n positive and n negative examples.
    theta : float
        Threshold θ that separates the two.

    Returns
    -------
    Tensor, shape (...)
        The loss in nats; log 2 where every goodness sits on the threshold.

    Examples
    --------
    >>> import torch
    >>> float(ff_loss(torch.tensor([3.0]), torch.tensor([3.0]), theta=3.0))
    0.693...
    """
    return 0.5 * (F.softplus(theta - positive).mean(-1) + F.softplus(negative - theta).mean(-1))
