"""Activation functions by name, each with the slope that the closed-form layer gradient needs."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["ACTIVATIONS", "Activation"]


@dataclass(frozen=True)
class Activation:
    """An elementwise non-linearity of a hidden layer.

    Parameters
    ----------
    value : callable
        Maps the pre-activation ``z``, any shape, to the activation ``h`` of the same shape.
    slope : callable or None
        Maps ``(z, h)`` to the derivative dh/dz. ``None`` leaves the derivative to autograd:
        slower, but a new activation then takes one function.
    bounded : bool
        Whether ``|h|`` never exceeds 1, which bounds the goodness a layer can reach.

    Examples
    --------
    >>> import torch
    >>> ACTIVATIONS["relu"].value(torch.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """

    value: Callable[[Tensor], Tensor]
    slope: Callable[[Tensor, Tensor], Tensor] | None = None
    bounded: bool = False


def _gelu_slope(z: Tensor, h: Tensor) -> Tensor:
    normal_cdf = torch.special.ndtr(z)
    normal_pdf = torch.exp(-0.5 * z.square()) / (2 * torch.pi) ** 0.5
    return normal_cdf + z * normal_pdf


ACTIVATIONS: dict[str, Activation] = {
    "relu": Activation(torch.relu, lambda z, h: (h > 0).to(h.dtype)),
    "sigmoid": Activation(torch.sigmoid, lambda z, h: h * (1 - h), bounded=True),
    "tanh": Activation(torch.tanh, lambda z, h: 1 - h.square(), bounded=True),
    "gelu": Activation(F.gelu, _gelu_slope),
}
