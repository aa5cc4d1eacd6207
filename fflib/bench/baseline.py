"""The baseline: networks trained by :mod:`fflib.training.plain`, in float32 and on the CPU."""

import time
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from fflib.activation import ACTIVATIONS
from fflib.data import Dataset, wrong_labels
from fflib.experiment import Experiment
from fflib.goodness import NORMS
from fflib.training import plain

__all__ = ["Plain", "train_plainly", "untrained"]

MODULES = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid}


@dataclass
class Plain:
    """A network trained by the baseline: layers that see labels, or one for images without labels.

    Its seconds are those spent training.
    """

    network: list[plain.Layer] | nn.Sequential
    data: Dataset
    seconds: float = 0.0

    @property
    def accuracy(self) -> float:
        """Share of test images that get their own label."""
        right = self.predict(self.data.pixels("test")) == self.data.test.labels
        return float(right.double().mean())

    def predict(self, pixels: Tensor) -> Tensor:
        """Return the most likely class of each image, shape (n,), trying one label after another."""
        if isinstance(self.network, nn.Sequential):
            with torch.no_grad():
                return self.network(pixels).argmax(1)
        return plain.predict(self.network, pixels, len(self.data.classes), self.data.lit)


def untrained(experiment: Experiment, data: Dataset) -> list[plain.Layer] | nn.Sequential:
    """Return a network for a published protocol, with weights from torch's own random stream."""
    e = experiment
    shapes = list(pairwise([data.inputs, *[e.hidden] * e.layers]))
    if e.model == "bp":
        hidden = [part for shape in shapes for part in (nn.Linear(*shape), MODULES[e.activation]())]
        return nn.Sequential(*hidden, nn.Linear(e.hidden, len(data.classes)))
    f, p = ACTIVATIONS[e.activation].value, NORMS[e.norm or ""]
    return [plain.Layer(*shape, f, p) for shape in shapes]


def train_plainly(experiment: Experiment, data: Dataset) -> Plain:
    """Train FF, BP/FF or BP by the code that one reads first.

    The schedule is taken as constant and the negatives as fixed.
    """
    e = experiment
    torch.manual_seed(e.seed)
    network = untrained(e, data)
    pixels, labels, classes = data.pixels("train"), data.train.labels, len(data.classes)
    wrong = wrong_labels(labels, range(classes), torch.Generator().manual_seed(e.seed))
    positive, negative = (plain.with_label(pixels, y, classes, data.lit) for y in (labels, wrong))
    training = e.model_dump(include={"epochs", "batch_size", "learning_rate"})
    started = time.perf_counter()
    if isinstance(network, nn.Sequential):
        plain.train_bp(network, pixels, labels, **training)
    else:
        assert e.theta is not None
        train = plain.train_ff if e.model == "ff" else plain.train_bp_ff
        train(network, positive, negative, e.theta, **training)
    return Plain(network, data, time.perf_counter() - started)
