"""The same training in the usual style: autograd, float32, and a data loader.

It is what the engine is measured against, so it is written as one would write it: clear, without
waste that a careful author would notice, and without any of the engine's own shortcuts.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from fflib.data import Dataset, place_label, wrong_labels
from fflib.experiment import Experiment

__all__ = ["Plain", "train_plainly"]


def unit(x: Tensor) -> Tensor:
    """Scale each example to unit length."""
    return x / (x.norm(dim=1, keepdim=True) + 1e-8)


@dataclass
class Plain:
    """A network trained by the baseline.

    Parameters
    ----------
    layers : list of nn.Linear
        Hidden layers, and for BP the head.
    data : Dataset
    labelled : bool
        Whether images carry a label on their border.
    seconds : float
        Time spent training.
    """

    layers: list[nn.Linear]
    data: Dataset
    labelled: bool
    seconds: float = 0.0

    def predict(self, pixels: Tensor) -> Tensor:
        """The most likely class of each image, shape (n,), trying one label after the other."""
        with torch.no_grad():
            if not self.labelled:
                return self.head(pixels).argmax(1)
            classes = len(self.data.classes)
            goodness = []
            for label in range(classes):
                x = place_label(pixels, torch.full((len(pixels),), label), classes, self.data.lit)
                goodness.append(torch.stack([h.norm(dim=1) for h in self.hidden(x)]))
            return torch.stack(goodness, 2).softmax(2).sum(0).argmax(1)

    def hidden(self, x: Tensor) -> list[Tensor]:
        """Activations of every layer for labelled images."""
        activations = []
        for layer in self.layers:
            x = torch.relu(layer(unit(x)))
            activations.append(x)
        return activations

    def head(self, x: Tensor) -> Tensor:
        """Logits for bare images."""
        for layer in self.layers[:-1]:
            x = torch.relu(layer(x))
        return self.layers[-1](x)


def train_plainly(experiment: Experiment, data: Dataset) -> Plain:
    """Train FF, BP/FF or BP under ``relu-l2`` in the usual style, on the CPU.

    Parameters
    ----------
    experiment : Experiment
        Its schedule is taken as constant and its negatives as fixed.
    data : Dataset

    Returns
    -------
    Plain
    """
    e = experiment
    torch.manual_seed(e.seed)
    widths = [data.inputs, *[e.hidden] * e.layers]
    layers = [nn.Linear(*pair) for pair in pairwise(widths)]
    if e.model == "bp":
        layers.append(nn.Linear(e.hidden, len(data.classes)))
    plain = Plain(layers, data, e.model != "bp")
    pixels, labels = data.pixels("train"), data.train.labels
    classes = len(data.classes)
    if plain.labelled:
        wrong = wrong_labels(labels, range(classes), torch.Generator().manual_seed(e.seed))
        inputs = [place_label(pixels, y, classes, data.lit) for y in (labels, wrong)]
    else:
        inputs = [pixels, labels]
    started = time.perf_counter()
    match e.model:
        case "ff":
            for layer in layers:
                _descend(e, inputs, layer.parameters(), lambda p, n, own=layer: _ff_loss(
                    [torch.relu(own(unit(x))).norm(dim=1) for x in (p, n)], e.theta
                ))  # fmt: skip
                with torch.no_grad():
                    inputs = [torch.relu(layer(unit(x))) for x in inputs]
        case "bp-ff":
            _descend(e, inputs, nn.ModuleList(layers).parameters(), lambda p, n: _ff_loss(
                [sum(h.norm(dim=1) for h in plain.hidden(x)) for x in (p, n)], e.theta
            ))  # fmt: skip
        case _:
            _descend(e, inputs, nn.ModuleList(layers).parameters(),
                     lambda x, y: F.cross_entropy(plain.head(x), y))  # fmt: skip
    plain.seconds = time.perf_counter() - started
    return plain


def _ff_loss(goodness: list, theta: float | None) -> Tensor:
    positive, negative = goodness
    return 0.5 * (F.softplus(theta - positive).mean() + F.softplus(negative - theta).mean())


def _descend(
    e: Experiment,
    inputs: list[Tensor],
    parameters: Iterator[nn.Parameter],
    loss_of: Callable[..., Tensor],
) -> None:
    loader = DataLoader(TensorDataset(*inputs), batch_size=e.batch_size, shuffle=True)
    optimiser = torch.optim.Adam(parameters, lr=e.learning_rate)
    for _ in range(e.epochs):
        for batch in loader:
            optimiser.zero_grad()
            loss_of(*batch).backward()
            optimiser.step()
