"""Weights that keep their sign: all are positive, or all that leave a unit have one sign.

By Dale's principle a neuron excites all its targets or inhibits all of them. Networks that are held
to a sign in training show what weights of the other sign were for.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

__all__ = ["column_signs", "impose", "keep"]


def column_signs(signs: str, layers: Sequence[nn.Linear]) -> list[Tensor | None]:
    """Draw the sign of every column of every weight matrix, from torch's own stream.

    Under "free" there is no rule; under "positive" every weight is positive; under "dale" all
    weights that leave a hidden unit have one sign, drawn with equal chances. Pixels are no units,
    so that the first layer is free under "dale". There is +1 or -1 for each input of a layer, None
    for a layer without a rule.

    Examples
    --------
    >>> column_signs("positive", [nn.Linear(3, 2)])
    [tensor([1., 1., 1.])]
    >>> column_signs("dale", [nn.Linear(3, 2)])
    [None]
    """
    if signs == "free":
        return [None for _ in layers]
    if signs == "positive":
        return [torch.ones(layer.in_features) for layer in layers]
    return [None, *(torch.randint(2, (layer.in_features,)) * 2.0 - 1 for layer in layers[1:])]


@torch.no_grad()
def impose(weight: Tensor, signs: Tensor) -> None:
    """Turn weights, shape (..., units, inputs), to their signs and keep their magnitudes.

    Examples
    --------
    >>> weight = torch.tensor([[0.5, -0.2]])
    >>> impose(weight, torch.tensor([-1.0, 1.0]))
    >>> weight
    tensor([[-0.5000,  0.2000]])
    """
    weight.abs_().mul_(signs)


@torch.no_grad()
def keep(weight: Tensor, signs: Tensor) -> None:
    """Set weights that have crossed zero to zero: the nearest ones that obey the rule.

    Examples
    --------
    >>> weight = torch.tensor([[0.5, -0.2]])
    >>> keep(weight, torch.tensor([1.0, 1.0]))
    >>> weight
    tensor([[0.5000, 0.0000]])
    """
    weight.mul_(signs).clamp_(min=0).mul_(signs)
