"""The network: a stack of dense layers that can be read out layer by layer.

The same stack serves all models. Forward-Forward (FF) and BP/FF networks take an image with a label
on its border, normalise the input of every layer and predict by trying every label. A plain
back-propagation (BP) network takes the bare image and ends in a linear head. The controls trained
layer by layer have a linear head on every layer: over the classes on bare images, or a single unit
that takes the place of the goodness on labelled ones.
"""

from collections.abc import Sequence
from copy import copy, deepcopy
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fflib.activation import ACTIVATIONS
from fflib.data import place_label
from fflib.goodness import GOODNESS, NORMS, normalise
from fflib.networks.signs import column_signs, impose

__all__ = ["NO_LABEL", "Activations", "Network"]

NO_LABEL = -1
CHUNK = 1000  # examples held at once: bounds memory, and stays within reach of fast memory


@dataclass(frozen=True)
class Activations:
    """What a network's units did on a set of images.

    Parameters
    ----------
    values : list of Tensor, each of shape (n, units)
        Activations, first hidden layer first, on the CPU.
    labels : Tensor, shape (n,)
        The class of each image.
    """

    values: list[Tensor]
    labels: Tensor


class Network(nn.Module):
    """A stack of dense layers, with or without labels in its input.

    Parameters
    ----------
    inputs, hidden, layers : int
        Pixels per image, units per hidden layer, number of hidden layers.
    classes : int
        Number of labels.
    activation : str
        A name in :data:`fflib.activation.ACTIVATIONS`.
    goodness : str or None
        A name in :data:`fflib.goodness.GOODNESS`; ``None`` makes a network with linear heads.
    heads : {"last", "every"}
        Where heads stand: on the last layer or on every one.
    labelled : bool, optional
        Whether the network sees images with a label, which it judges by one number a layer; else a
        head tells the class. By default where it has a goodness.
    norm : str or None
        The norm that the input of every layer is scaled to; ``None`` leaves inputs as they are.
    lit : float
        Value of a lit label pixel.
    seen : sequence of int, optional
        Labels the network may predict; all of them by default.
    signs : {"free", "positive", "dale"}
        Which signs weights keep in training, see :func:`fflib.networks.signs.column_signs`.
    label_gain : float
        Factor on the initial weights from label pixels. Under a maximum norm a label is one
        pixel against hundreds, and the unit that wins an image is at first the same for every
        label; two classes that share it may never part. A gain of about 10 gives the label an
        equal say.

    Attributes
    ----------
    products : torch.dtype
        Number format of the products when labels are tried; float32 unless training sets another.
        Activations are always computed in float32.
    reads_every_layer : bool
        Whether every layer has a say of its own in what is predicted.
    silent : Tensor of bool, shape (layers, units), or None
        Units whose activation is zero whatever their input, see :meth:`silenced`.

    Examples
    --------
    >>> import torch
    >>> network = Network(16, 8, 2, classes=3, goodness="l2", norm="l2")
    >>> [tuple(h.shape) for h in network.activations(torch.rand(5, 16), torch.zeros(5).long())]
    [(5, 8), (5, 8)]
    >>> network.label_scores(torch.rand(5, 16)).shape
    torch.Size([5, 3])
    """

    def __init__(
        self,
        inputs: int,
        hidden: int,
        layers: int,
        classes: int,
        *,
        activation: str = "relu",
        goodness: str | None = None,
        heads: Literal["last", "every"] = "last",
        labelled: bool | None = None,
        norm: str | None = None,
        lit: float = 1.0,
        seen: Sequence[int] | None = None,
        label_gain: float = 1.0,
        signs: str = "free",
    ) -> None:
        super().__init__()
        self.classes, self.lit, self.norm = classes, lit, norm
        self.products = torch.float32
        self.silent: Tensor | None = None
        self.activation = ACTIVATIONS[activation]
        self.goodness = GOODNESS[goodness] if goodness else None
        self.labelled = goodness is not None if labelled is None else labelled
        self.reads_every_layer = goodness is not None or heads == "every"
        self.seen = list(range(classes)) if seen is None else list(seen)
        widths = [inputs, *[hidden] * layers]
        # To a type checker, a module list is a module list and not a list of layers.
        self.layers: list[nn.Linear] = nn.ModuleList(  # type: ignore[assignment]
            map(nn.Linear, widths[:-1], widths[1:])
        )
        with torch.no_grad():
            self.layers[0].weight[:, :classes] *= label_gain
        count = 0 if goodness else layers if heads == "every" else 1
        width = 1 if self.labelled else classes
        self.heads: list[nn.Linear] = nn.ModuleList(  # type: ignore[assignment]
            nn.Linear(hidden, width) for _ in range(count)
        )
        self.signs = column_signs(signs, self.layers)
        for layer, sign in zip(self.layers, self.signs, strict=True):
            if sign is not None:
                impose(layer.weight, sign)

    @property
    def weights(self) -> list[Tensor]:
        """Weight matrices of the hidden layers, each of shape (units, inputs), on the CPU."""
        return [layer.weight.detach().cpu() for layer in self.layers]

    @property
    def connections(self) -> list[Tensor]:
        """Weight from each unit of the layer below to each unit, shape (units, units below)."""
        return self.weights

    def silenced(self, units: Tensor) -> "Network":
        """The same network with some units silent: they add no goodness and are not heard above.

        Parameters
        ----------
        units : Tensor of bool, shape (layers, units)

        Returns
        -------
        Network
            It shares its weights with this one, which stays as it is.

        Examples
        --------
        >>> network = Network(4, 2, 1, classes=2, activation="sigmoid")
        >>> network.silenced(torch.tensor([[True, False]])).forward(torch.ones(1, 4))[0][0, 0]
        tensor(0., grad_fn=<SelectBackward0>)
        """
        other = copy(self)
        other.silent = units.to(self.layers[0].weight.device)
        return other

    def with_weights(self, weights: Sequence[Tensor]) -> "Network":
        """A network with other weights in its hidden layers, and all else alike.

        Parameters
        ----------
        weights : sequence of Tensor, each of shape (units, inputs)

        Returns
        -------
        Network
            It shares nothing with this one, which stays as it is.

        Examples
        --------
        >>> network = Network(4, 2, 1, classes=2)
        >>> changed = network.with_weights([torch.zeros(2, 4)])
        >>> bool(changed.weights[0].any()), bool(network.weights[0].any())
        (False, True)
        """
        other = deepcopy(self)
        with torch.no_grad():
            for layer, weight in zip(other.layers, weights, strict=True):
                layer.weight.copy_(weight)
        return other

    def _respond(self, z: Tensor, depth: int) -> Tensor:
        """Activations of a layer from its pre-activations, shape (..., units)."""
        h = self.activation.value(z)
        return h if self.silent is None else h.masked_fill(self.silent[depth], 0)

    def layer_input(self, x: Tensor) -> Tensor:
        """Scale what a layer receives, shape (..., units), to unit norm where the model does."""
        return normalise(x, self.norm) if self.norm else x

    def with_label(self, pixels: Tensor, labels: Tensor) -> Tensor:
        """Place ``labels``, shape (n,), on the border of ``pixels``, shape (n, inputs).

        A network without labels in its input gets the pixels back unchanged.
        """
        if not self.labelled:
            return pixels
        return place_label(pixels, labels, self.classes, self.lit)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Activations of every layer, each (n, units), for inputs (n, inputs) labels included."""
        hidden = []
        for depth, layer in enumerate(self.layers):
            x = self._respond(layer(self.layer_input(x)), depth)
            hidden.append(x)
        return hidden

    @torch.no_grad()
    def activations(self, pixels: Tensor, labels: Tensor) -> list[Tensor]:
        """Activations of every layer for images that carry the given labels.

        Parameters
        ----------
        pixels : Tensor, shape (n, inputs)
            Standardised pixels, without a label.
        labels : Tensor, shape (n,)
            Labels to place; ``NO_LABEL`` (-1) leaves the border dark.

        Returns
        -------
        list of Tensor, each of shape (n, units)
            On the CPU, first hidden layer first.
        """
        device = self.layers[0].weight.device
        chunks = [
            [h.cpu() for h in self(self.with_label(x.to(device), y.to(device)))]
            for x, y in zip(pixels.split(CHUNK), labels.split(CHUNK), strict=True)
        ]
        return [torch.cat(layer) for layer in zip(*chunks, strict=True)]

    def image_and_strength(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Split the first layer's input into an image part and the strength of its label pixel.

        Copies of one image under different labels differ in which border pixel is lit and in
        nothing else, their norm included. So ``image @ W.T + strength * W[:, label]`` is the first
        layer's product for any label, and the image's share of it is computed once.

        Parameters
        ----------
        pixels : Tensor, shape (n, inputs)

        Returns
        -------
        image : Tensor, shape (n, inputs)
            Normalised, with a dark border.
        strength : Tensor, shape (n, 1)
            Normalised value of a lit label pixel.
        """
        nobody = torch.full((len(pixels),), NO_LABEL, device=pixels.device)
        dark = self.with_label(pixels, nobody)
        lit = dark.new_full((len(dark), 1), self.lit)
        if self.norm is None:
            return dark, lit
        # The norm of the whole is the norm of its parts' norms; the copy may be overwritten.
        order = NORMS[self.norm]
        parts = torch.cat([torch.linalg.vector_norm(dark, order, -1, keepdim=True), lit], 1)
        length = torch.linalg.vector_norm(parts, order, -1, keepdim=True)
        return dark.div_(length), lit.div_(length)

    def verdict(self, h: Tensor, depth: int) -> Tensor:
        """How right a layer finds the label: its goodness, or what its head says in its place.

        Parameters
        ----------
        h : Tensor, shape (..., units)
            Activations of layer ``depth``, counted from 0, of a network that sees labels.

        Returns
        -------
        Tensor, shape (...)
        """
        if self.goodness is not None:
            return self.goodness.value(h)
        return self.heads[depth](h).squeeze(-1)

    @torch.no_grad()
    def layer_scores(self, pixels: Tensor, depth: int | None = None) -> Tensor:
        """How strongly each layer holds each seen label to be true.

        Parameters
        ----------
        pixels : Tensor, shape (n, inputs)
        depth : int, optional
            Use only the first ``depth`` layers, for a network still being trained.

        Returns
        -------
        Tensor, shape (n, depth, seen labels)
            On the network's device. Of a network with labels its :meth:`verdict` under every
            label; else the logits of its heads, of which a plain network has one.
        """
        device = self.layers[0].weight.device
        if self.labelled:
            chunks = pixels.split(max(1, CHUNK // len(self.seen)))
            return torch.cat([self._try_labels(x.to(device), depth) for x in chunks])
        chunks = []
        for x in pixels.split(CHUNK):
            hidden = self(x.to(device))[-len(self.heads) :]
            logits = [head(h) for head, h in zip(self.heads, hidden, strict=True)][:depth]
            chunks.append(torch.stack(logits, 1))
        return torch.cat(chunks)[..., self.seen]

    def _try_labels(self, pixels: Tensor, depth: int | None) -> Tensor:
        """Verdict of the first ``depth`` layers under every seen label."""
        label = self.layers[0].weight.t()[self.seen]
        first, *rest = [
            (layer.weight.to(self.products), layer.bias.to(self.products))
            for layer in self.layers[:depth]
        ]
        image, strength = self.image_and_strength(pixels)
        shared = F.linear(image.to(self.products), *first).float()
        h = self._respond(shared[:, None] + strength[:, None] * label, 0)
        verdicts = [self.verdict(h, 0)]
        for above, layer in enumerate(rest, start=1):
            z = F.linear(self.layer_input(h).to(self.products), *layer).float()
            h = self._respond(z, above)
            verdicts.append(self.verdict(h, above))
        return torch.stack(verdicts, 1)

    @torch.no_grad()
    def label_scores(self, pixels: Tensor, depth: int | None = None) -> Tensor:
        """How strongly the network holds each seen label to be true.

        The softmax over labels of each layer's score, summed over layers (the authors' code). A
        plain network has one score, that of its head.

        Parameters
        ----------
        pixels : Tensor, shape (n, inputs)
        depth : int, optional
            Use only the first ``depth`` layers.

        Returns
        -------
        Tensor, shape (n, seen labels)
        """
        return self.layer_scores(pixels, depth).softmax(-1).sum(1)

    def predict(self, pixels: Tensor, depth: int | None = None) -> Tensor:
        """The most likely class of each image, shape (n,), on the CPU."""
        scores = self.label_scores(pixels, depth)
        return torch.tensor(self.seen)[scores.argmax(-1).cpu()]
