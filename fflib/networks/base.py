"""What dense and convolutional networks have in common: layers that are read out one by one."""

from collections.abc import Iterator, Sequence
from copy import copy, deepcopy
from typing import Self

import torch
from torch import Tensor, nn

from fflib.activation import ACTIVATIONS
from fflib.goodness import GOODNESS

__all__ = ["CHUNK", "NO_LABEL", "LayeredNetwork"]

NO_LABEL = -1
CHUNK = 1000  # examples held at once: bounds memory, and stays within reach of fast memory


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
    silent : Tensor of bool, shape (layers, units), or None
        Units whose activation is zero whatever their input, see :meth:`silenced`.
    """

    at_once = CHUNK
    labelled: bool
    reads_every_layer: bool
    layers: Sequence[nn.Linear | nn.Conv2d]

    def __init__(
        self, classes: int, activation: str, goodness: str | None, seen: Sequence[int] | None
    ) -> None:
        super().__init__()
        self.classes = classes
        self.products = torch.float32
        self.silent: Tensor | None = None
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
        other.silent = units.to(self.device)
        return other

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

    @torch.no_grad()
    def activations(self, pixels: Tensor, labels: Tensor) -> list[Tensor]:
        """Compute the activations of every layer, shape (n, units), for images that carry labels.

        The pixels, shape (n, inputs), are standardised and without a label; the labels, shape (n,),
        are placed on them, where ``NO_LABEL`` (-1) leaves an image without one. The result is on
        the CPU, first hidden layer first.
        """
        chunks = [
            [h.cpu() for h in self.respond(x.to(self.device), y.to(self.device))]
            for x, y in zip(pixels.split(CHUNK), labels.split(CHUNK), strict=True)
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

        The softmax over labels of each layer's score, see :meth:`layer_scores`, summed over layers
        (the authors' code). A plain network has one score, that of its head.
        """
        return self.layer_scores(pixels, depth).softmax(-1).sum(1)

    def predict(self, pixels: Tensor, depth: int | None = None) -> Tensor:
        """Return the most likely class of each image, shape (n,), on the CPU."""
        scores = self.label_scores(pixels, depth)
        return torch.tensor(self.seen)[scores.argmax(-1).cpu()]
