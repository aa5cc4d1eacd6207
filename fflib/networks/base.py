"""What dense and convolutional networks have in common: layers that are read out one by one."""

from collections.abc import Callable, Iterator, Sequence
from copy import copy, deepcopy
from typing import Self

import torch
from torch import Tensor, nn

from fflib.activation import ACTIVATIONS
from fflib.goodness import GOODNESS

__all__ = ["CHUNK", "NO_LABEL", "LayeredNetwork", "examples_at_once", "together"]

NO_LABEL = -1
CHUNK = 1000  # examples held at once by a CPU: bounds memory, and stays within its fast memory
CHUNK_OF_A_CARD = 65536  # so many that launching the work takes no time beside it


def examples_at_once(device: torch.device, numbers: int) -> int:
    """Say how many examples are computed at once, each of which takes so many float32 numbers.

    On a CPU as many as stay within its fast memory, whatever they take; on a CUDA device tens of
    thousands, as far as half of its free memory goes.

    Examples
    --------
    >>> examples_at_once(torch.device("cpu"), 784)
    1000
    """
    if device.type != "cuda":
        return CHUNK
    free, _ = torch.cuda.mem_get_info(device)
    free += torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return max(CHUNK, min(CHUNK_OF_A_CARD, free // (2 * 4 * numbers)))


class LayeredNetwork(nn.Module):
    """A stack of layers, each of which may have its own part in a prediction.

    Parameters
    ----------
    classes : int
        Number of labels.
    activation : str
        A name in :data:`fflib.activation.ACTIVATIONS`.
    goodness : str or None
        A name in :data:`fflib.goodness.GOODNESS`.
    seen : sequence of int, optional
        Labels the network may predict; all of them by default.

    Attributes
    ----------
    products : torch.dtype
        Number format of the matrix products; float32 unless training sets another.
    silent : list of Tensor of bool, shape (units,), or None
        Units whose activation is zero whatever their input, see :meth:`silenced`, layer by layer;
        None where a layer has none.
    read : slice
        Which of the layers that are scored have a say in a prediction.
    """

    labelled: bool
    reads_every_layer: bool
    layers: Sequence[nn.Linear | nn.Conv2d]

    def __init__(
        self, classes: int, activation: str, goodness: str | None, seen: Sequence[int] | None
    ) -> None:
        super().__init__()
        self.classes = classes
        self.products = torch.float32
        self.silent: list[Tensor | None] | None = None
        self.read = slice(None)
        self.activation = ACTIVATIONS[activation]
        self.goodness = GOODNESS[goodness] if goodness else None
        self.seen = list(range(classes)) if seen is None else list(seen)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.layers[0].weight.device

    @property
    def weights(self) -> list[Tensor]:
        """Weight matrices of the layers, each of shape (units, inputs), on the CPU.

        The inputs of a convolution are those of one location.
        """
        return [layer.weight.detach().flatten(1).cpu() for layer in self.layers]

    def silenced(self, units: Tensor) -> Self:
        """Return the same network with some units silent: they add no goodness and feed no layer.

        The units are given as bool of shape (layers, units). The result shares its weights with
        this network, which stays as it is.

        Examples
        --------
        >>> from fflib.networks.dense import Network
        >>> network = Network(4, 2, 1, classes=2, activation="sigmoid")
        >>> network.silenced(torch.tensor([[True, False]])).forward(torch.ones(1, 4))[0][0, 0]
        tensor(0., grad_fn=<SelectBackward0>)
        """
        other = copy(self)
        other.silent = [row.to(self.device) if row.any() else None for row in units.cpu()]
        return other

    def without(self, pixels: Tensor, scores: Tensor) -> Callable[[Tensor], Tensor]:
        """Return a function from units to be silenced to the predicted class of images, shape (n,).

        The units are given as in :meth:`silenced`. The pixels are as in :meth:`layer_scores`, and
        the scores those that it returns for them. A network may spare what silencing leaves alike.
        """
        return lambda units: self.silenced(units).predict(pixels)

    def with_weights(self, weights: Sequence[Tensor]) -> Self:
        """Return a network with other weights, each of shape (units, inputs), and all else alike.

        It shares nothing with this network, which stays as it is.

        Examples
        --------
        >>> from fflib.networks.dense import Network
        >>> network = Network(4, 2, 1, classes=2)
        >>> changed = network.with_weights([torch.zeros(2, 4)])
        >>> bool(changed.weights[0].any()), bool(network.weights[0].any())
        (False, True)
        """
        other = deepcopy(self)
        with torch.no_grad():
            for layer, weight in zip(other.layers, weights, strict=True):
                layer.weight.copy_(weight.view_as(layer.weight))
        return other

    @property
    def numbers(self) -> int:
        """Numbers that an example takes while it is computed, all copies of the widest layer."""
        raise NotImplementedError

    @property
    def at_once(self) -> int:
        """How many images are scored at once."""
        return examples_at_once(self.device, self.numbers)

    @torch.no_grad()
    def activations(self, pixels: Tensor, labels: Tensor) -> list[Tensor]:
        """Compute the activations of every layer, shape (n, units), for images that carry labels.

        The pixels, shape (n, inputs), are standardised and without a label; the labels, shape (n,),
        are placed on them, where ``NO_LABEL`` (-1) leaves an image without one. The result is on
        the CPU, first hidden layer first.
        """
        size = examples_at_once(self.device, self.numbers)
        chunks = [
            [h.cpu() for h in self.respond(x.to(self.device), y.to(self.device))]
            for x, y in zip(pixels.split(size), labels.split(size), strict=True)
        ]
        return [torch.cat(layer) for layer in zip(*chunks, strict=True)]

    def respond(self, pixels: Tensor, labels: Tensor) -> Iterator[Tensor]:
        """Yield the activation of every layer's units, shape (n, units), on the device."""
        raise NotImplementedError

    @torch.no_grad()
    def layer_scores(self, pixels: Tensor, depth: int | None = None) -> Tensor:
        """Score every label that the network may predict, layer by layer: (n, depth, seen labels).

        The pixels have shape (n, inputs). Only the first ``depth`` layers are used, for a network
        still being trained; all by default. The scores are on the network's device. For a network
        that sees labels, a score is the goodness of a layer under a label, or the output of the
        head in its place; else it is a logit of a head, of which a plain network has one, or the
        goodness of the units of a class.
        """
        chunks = pixels.split(self.at_once)
        return torch.cat([self.score(x.to(self.device), depth) for x in chunks])

    def score(self, pixels: Tensor, depth: int | None) -> Tensor:
        """Return the scores of :meth:`layer_scores` for so few images that all are held at once."""
        raise NotImplementedError

    @torch.no_grad()
    def label_scores(self, pixels: Tensor, depth: int | None = None) -> Tensor:
        """Score every label that the network may predict, shape (n, seen labels).

        It is what the scores of :meth:`layer_scores` say :func:`~fflib.networks.base.together`. A
        plain network has one layer of them, those of its head.
        """
        return together(self.layer_scores(pixels, depth)[:, self.read])

    def predict(self, pixels: Tensor, depth: int | None = None) -> Tensor:
        """Return the most likely class of each image, shape (n,), on the CPU."""
        return self.choose(self.layer_scores(pixels, depth))

    def choose(self, scores: Tensor) -> Tensor:
        """Return the most likely class by scores of layers, shape (n, layers, seen labels)."""
        return torch.tensor(self.seen)[together(scores[:, self.read]).argmax(-1).cpu()]


def together(scores: Tensor) -> Tensor:
    """Return what layers say together, by their scores of shape (n, layers, labels).

    It is the softmax over labels, summed over layers (the authors' code); shape (n, labels).

    Examples
    --------
    >>> together(torch.tensor([[[0.0, 0.0], [9.0, 9.0]]]))
    tensor([[1., 1.]])
    """
    return scores.softmax(-1).sum(1)
