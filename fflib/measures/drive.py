r"""Measure the drive of units: what their inputs contribute, and what of it excites and inhibits.

A unit of a dense layer takes a contribution :math:`w_i x_i` from each of its inputs, and its bias b as
one more. Excitation E is the sum of the positive contributions, inhibition I that of the magnitudes
of the negative ones, and :math:`E - I = w \cdot x + b` is what goes into the activation function.

The sign of a weight is not that of its contribution, which is the product of two signs. Activations
of ReLU and sigmoid units are never negative, so that behind them the two agree. Pixels are
standardised: the background of an MNIST image is −0.42, and a positive weight from it inhibits.

Weights have shape (units, inputs), biases (units,), and inputs, as the layer receives them, (n,
inputs). No array of (image, unit, input) is needed: by its signs, a product is
:math:`\max(wx, 0) = w^+ x^+ + w^- x^-`, and sums over inputs are matrix products.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

__all__ = ["Contributions", "Drive", "contributions", "drive", "excitation", "kept_at_random"]

ROUNDING = 1e-12
"""A drive that varies by less, relative to its mean, is constant but for rounding."""


def excitation(inputs: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Return the sum of the positive contributions to each unit, shape (n, units).

    Inhibition is that of the opposite weights, ``excitation(inputs, -weight, -bias)``.

    Examples
    --------
    >>> inputs, weight = torch.tensor([[1.0, -2.0]]), torch.tensor([[3.0, 1.0]])
    >>> bias = torch.tensor([-1.0])
    >>> excitation(inputs, weight, bias), excitation(inputs, -weight, -bias)
    (tensor([[3.]]), tensor([[3.]]))
    """
    above = F.linear(inputs.clamp(min=0), weight.clamp(min=0), bias.clamp(min=0))
    return above + F.linear(inputs.clamp(max=0), weight.clamp(max=0))


@dataclass(frozen=True)
class Contributions:
    """How many contributions each unit takes over all images, those that are zero left out.

    Parameters
    ----------
    positive, negative : Tensor, shape (units,)
        Contributions of either sign, the bias on every image among them.
    disguised : Tensor, shape (units,)
        Negative contributions that come from a positive weight.
    """

    positive: Tensor
    negative: Tensor
    disguised: Tensor

    @property
    def negative_share(self) -> Tensor:
        """Share that is negative, shape (units,); nan for a unit without contributions."""
        return self.negative / (self.positive + self.negative)


def contributions(inputs: Tensor, weight: Tensor, bias: Tensor) -> Contributions:
    """Count the contributions to each unit by their sign.

    Counts are exact, as numbers in double precision.

    Examples
    --------
    >>> inputs, weight = torch.tensor([[1.0, -2.0, 0.0]]), torch.tensor([[3.0, 1.0, -4.0]])
    >>> found = contributions(inputs, weight, torch.tensor([-1.0]))
    >>> int(found.positive), int(found.negative), int(found.disguised)
    (1, 2, 1)
    """
    on, off = (inputs > 0).sum(0).double(), (inputs < 0).sum(0).double()  # images, by input
    excite, inhibit = (weight > 0).double(), (weight < 0).double()
    disguised = excite @ off
    return Contributions(
        positive=excite @ on + inhibit @ off + len(inputs) * (bias > 0),
        negative=inhibit @ on + disguised + len(inputs) * (bias < 0),
        disguised=disguised,
    )


@dataclass(frozen=True)
class Drive:
    """The drive of one layer on a set of images.

    Parameters
    ----------
    negative_weights : float
        Share of weights below zero, biases left out.
    negative_contributions : float
        Share of the contributions that are not zero, over units and images, that is negative.
    negative_drive : float
        Share of the summed magnitudes of all contributions that is negative.
    balance : float
        Mean of (E − I) / (E + I) over units and images: from −1, inhibition only, to 1.
    balance_sd : float
        Standard deviation over units of their mean balance.
    correlation : float
        Pearson's correlation of E with I over images, mean over units. A unit is left out where
        either is the same on all images.
    disguised : float
        Share of the negative contributions that comes from positive weights.
    bias : float
        Mean bias.
    """

    negative_weights: float
    negative_contributions: float
    negative_drive: float
    balance: float
    balance_sd: float
    correlation: float
    disguised: float
    bias: float


def drive(inputs: Tensor, weight: Tensor, bias: Tensor) -> Drive:
    """Measure the drive of a layer, in double precision; what is not defined is nan.

    Examples
    --------
    >>> inputs, weight = torch.tensor([[1.0, -2.0], [1.0, -1.0]]), torch.tensor([[3.0, 1.0]])
    >>> found = drive(inputs, weight, torch.tensor([-1.0]))
    >>> found.negative_weights, round(found.negative_contributions, 3), found.disguised
    (0.0, 0.667, 0.5)
    """
    x, w, b = (t.detach().double() for t in (inputs, weight, bias))
    counts = contributions(x, w, b)
    positive, negative = counts.positive.sum(), counts.negative.sum()
    excite, inhibit = excitation(x, w, b), excitation(x, -w, -b)
    balance = (excite - inhibit) / (excite + inhibit)
    by_unit = balance.nanmean(0)
    by_unit = by_unit[~by_unit.isnan()]
    return Drive(
        negative_weights=float((w < 0).double().mean()),
        negative_contributions=float(negative / (positive + negative)),
        negative_drive=float(inhibit.sum() / (excite.sum() + inhibit.sum())),
        balance=float(balance.nanmean()),
        balance_sd=float(by_unit.std(correction=0)) if len(by_unit) else float("nan"),
        correlation=float(_correlations(excite, inhibit).nanmean()),
        disguised=float(counts.disguised.sum() / negative),
        bias=float(b.mean()),
    )


def _correlations(x: Tensor, y: Tensor) -> Tensor:
    """Pearson's correlation of each column of x with that of y; nan where either is constant."""
    scaled = []
    for values in (x, y):
        centred = values - values.mean(0)
        spread = centred.square().sum(0).sqrt()
        varies = spread > ROUNDING * values.square().sum(0).sqrt()
        scaled.append(centred / torch.where(varies, spread, torch.nan))
    return (scaled[0] * scaled[1]).sum(0)


def kept_at_random(shares: Tensor, connections: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Choose at random the connections that each unit keeps when it loses a share of them.

    Shares have shape (units,), the result (units, connections); a share that is nan takes none.

    Examples
    --------
    >>> kept_at_random(torch.tensor([0.25, 1.0]), 4, np.random.default_rng(0)).sum(1).tolist()
    [3, 0]
    """
    lost = np.rint(np.nan_to_num(shares.cpu().numpy()) * connections)
    places = rng.random((len(shares), connections)).argsort(1)
    return places >= lost[:, None]
