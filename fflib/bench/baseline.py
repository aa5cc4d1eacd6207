"""The baseline: networks trained by :mod:`fflib.training.plain`, in float32."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from fflib.activation import ACTIVATIONS
from fflib.data import Dataset, wrong_labels
from fflib.experiment import Experiment
from fflib.goodness import NORMS
from fflib.training import plain

__all__ = ["Plain", "train_plainly", "untrained"]

MODULES = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid}
CPU = torch.device("cpu")


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
        """Return the most likely class of each image, shape (n,), trying one label after another.

        The result is on the CPU.
        """
        first = self.network[0]
        assert isinstance(first, nn.Linear)
        pixels = pixels.to(first.weight.device)
        if isinstance(self.network, nn.Sequential):
            with torch.no_grad():
                return self.network(pixels).argmax(1).cpu()
        return plain.predict(self.network, pixels, len(self.data.classes), self.data.lit).cpu()


def untrained(
    experiment: Experiment, data: Dataset, device: torch.device = CPU
) -> list[plain.Layer] | nn.Sequential:
    """Return a network for a published protocol, with weights from torch's own random stream."""
    e = experiment
    shapes = list(pairwise([data.inputs, *[e.hidden] * e.layers]))
    if e.model == "bp":
        hidden = [part for shape in shapes for part in (nn.Linear(*shape), MODULES[e.activation]())]
        return nn.Sequential(*hidden, nn.Linear(e.hidden, len(data.classes))).to(device)
    f, p = ACTIVATIONS[e.activation].value, NORMS[e.norm or ""]
    return [plain.Layer(*shape, f, p).to(device) for shape in shapes]


def train_plainly(
    experiment: Experiment, data: Dataset, device: torch.device = CPU, *, resident: bool = False
) -> Plain:
    """Train FF, BP/FF or BP by the code that one reads first.

    The schedule is taken as constant and the negatives as fixed. Examples come from a data loader
    on the CPU, batch by batch; or they are ``resident``, and lie on the device as a whole.
    """
    e = experiment
    torch.manual_seed(e.seed)
    network = untrained(e, data, device)
    pixels, labels, classes = data.pixels("train"), data.train.labels, len(data.classes)
    wrong = wrong_labels(labels, range(classes), torch.Generator().manual_seed(e.seed))
    place = device if resident else CPU
    examples = [pixels, labels]
    if e.model != "bp":
        examples = [plain.with_label(pixels, y, classes, data.lit) for y in (labels, wrong)]
    first, second = (x.to(place) for x in examples)
    training = e.model_dump(include={"epochs", "batch_size", "learning_rate"})
    training["loader"] = _resident if resident else partial(_loaded, device)
    started = time.perf_counter()
    if isinstance(network, nn.Sequential):
        plain.train_bp(network, first, second, **training)
    else:
        assert e.theta is not None
        # Forward-Forward as plain.train_ff has it, with examples that may lie elsewhere.
        for stack in [network] if e.model == "bp-ff" else [[layer] for layer in network]:
            plain.train_bp_ff(stack, first, second, e.theta, **training)
            if e.model == "ff":
                with torch.no_grad():
                    first, second = (stack[0](x.to(device)).to(place) for x in (first, second))
    if device.type != "cpu":
        torch.accelerator.synchronize(device)
    return Plain(network, data, time.perf_counter() - started)


def _resident(
    examples: TensorDataset, batch_size: int, shuffle: bool
) -> Iterator[Sequence[Tensor]]:
    """Yield batches of examples that lie on one device as a whole, in random order."""
    assert shuffle
    order = torch.randperm(len(examples), device=examples.tensors[0].device)
    for rows in order.split(batch_size):
        yield examples[rows]


def _loaded(
    device: torch.device, examples: TensorDataset, batch_size: int, shuffle: bool
) -> Iterator[Sequence[Tensor]]:
    """Yield batches from a data loader, and move them to a device."""
    for batch in DataLoader(examples, batch_size, shuffle=shuffle):
        yield [x.to(device) for x in batch]
