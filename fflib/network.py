"""The network: a stack of dense layers that can be read out layer by layer.

The same stack serves all three models. Forward-Forward (FF) and BP/FF networks take an image with
a label on its border, normalise the input of every layer and predict by trying every label. A
plain back-propagation (BP) network takes the bare image and ends in a linear head.
"""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fflib.activation import ACTIVATIONS
from fflib.data import place_label
from fflib.errors import FflibError
from fflib.goodness import GOODNESS, NORMS, normalise

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
        A name in :data:`fflib.goodness.GOODNESS`; ``None`` makes a plain network with a linear
        head over the classes, which sees images without labels.
    norm : str or None
        The norm that the input of every layer is scaled to; ``None`` leaves inputs as they are.
    lit : float
        Value of a lit label pixel.
    seen : sequence of int, optional
        Labels the network may predict; all of them by default.
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
        norm: str | None = None,
        lit: float = 1.0,
        seen: Sequence[int] | None = None,
        label_gain: float = 1.0,
    ) -> None:
        super().__init__()
        self.classes, self.lit, self.norm = classes, lit, norm
        self.products = torch.float32
        self.silent: Tensor | None = None
        self.activation = ACTIVATIONS[activation]
        self.goodness = GOODNESS[goodness] if goodness else None
        self.seen = list(range(classes)) if seen is None else list(seen)
        widths = [inputs, *[hidden] * layers]
        # To a type checker, a module list is a module list and not a list of layers.
        self.layers: list[nn.Linear] = nn.ModuleList(  # type: ignore[assignment]
            map(nn.Linear, widths[:-1], widths[1:])
        )
        with torch.no_grad():
            self.layers[0].weight[:, :classes] *= label_gain
        self.head = None if goodness else nn.Linear(hidden, classes)

    @property
    def weights(self) -> list[Tensor]:
        """Weight matrices of the hidden layers, each of shape (units, inputs), on the CPU."""
        return [layer.weight.detach().cpu() for layer in self.layers]

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

    def _respond(self, z: Tensor, depth: int) -> Tensor:
        """Activations of a layer from its pre-activations, shape (..., units)."""
        h = self.activation.value(z)
        return h if self.silent is None else h.masked_fill(self.silent[depth], 0)

    def layer_input(self, x: Tensor) -> Tensor:
        """Scale what a layer receives, shape (..., units), to unit norm where the model does."""
        return normalise(x, self.norm) if self.norm else x

    def labelled(self, pixels: Tensor, labels: Tensor) -> Tensor:
        """Place ``labels``, shape (n,), on the border of ``pixels``, shape (n, inputs).

        A plain network has no label in its input and gets the pixels back unchanged.
        """
        if self.goodness is None:
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
            [h.cpu() for h in self(self.labelled(x.to(device), y.to(device)))]
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
        dark = self.labelled(pixels, nobody)
        lit = dark.new_full((len(dark), 1), self.lit)
        if self.norm is None:
            return dark, lit
        # The norm of the whole is the norm of its parts' norms; the copy may be overwritten.
        order = NORMS[self.norm]
        parts = torch.cat([torch.linalg.vector_norm(dark, order, -1, keepdim=True), lit], 1)
        length = torch.linalg.vector_norm(parts, order, -1, keepdim=True)
        return dark.div_(length), lit.div_(length)

    @torch.no_grad()
    def label_goodness(self, pixels: Tensor, depth: int | None = None) -> Tensor:
        """Goodness of every layer under every seen label.

        Parameters
        ----------
        pixels : Tensor, shape (n, inputs)
        depth : int, optional
            Use only the first ``depth`` layers, for a network still being trained.

        Returns
        -------
        Tensor, shape (n, depth, seen labels)
            On the network's device.

        Raises
        ------
        FflibError
            The network is a plain one and has no goodness.
        """
        if self.goodness is None:
            raise FflibError(
                "goodness belongs to FF and BP/FF networks, got a plain one with a head: "
                "use label_scores"
            )
        label = self.layers[0].weight.t()[self.seen]
        first, *rest = [
            (layer.weight.to(self.products), layer.bias.to(self.products))
            for layer in self.layers[:depth]
        ]
        results = []
        for x in pixels.split(max(1, CHUNK // len(self.seen))):
            image, strength = self.image_and_strength(x.to(label.device))
            shared = F.linear(image.to(self.products), *first).float()
            h = self._respond(shared[:, None] + strength[:, None] * label, 0)
            goodness = [self.goodness.value(h)]
            for above, layer in enumerate(rest, start=1):
                z = F.linear(self.layer_input(h).to(self.products), *layer).float()
                h = self._respond(z, above)
                goodness.append(self.goodness.value(h))
            results.append(torch.stack(goodness, 1))
        return torch.cat(results)

    @torch.no_grad()
    def label_scores(self, pixels: Tensor, depth: int | None = None) -> Tensor:
        """How strongly the network holds each seen label to be true.

        FF and BP/FF: softmax over labels of each layer's goodness, summed over layers (the
        authors' code). BP: the softmax of the head.

        Parameters
        ----------
        pixels : Tensor, shape (n, inputs)
        depth : int, optional
            Use only the first ``depth`` layers of a labelled network.

        Returns
        -------
        Tensor, shape (n, seen labels)
        """
        if self.head is None:
            return self.label_goodness(pixels, depth).softmax(-1).sum(1)
        device = self.head.weight.device
        chunks = [self.head(self(x.to(device))[-1]) for x in pixels.split(CHUNK)]
        return torch.cat(chunks)[:, self.seen].softmax(-1)

    def predict(self, pixels: Tensor, depth: int | None = None) -> Tensor:
        """The most likely class of each image, shape (n,), on the CPU."""
        scores = self.label_scores(pixels, depth)
        return torch.tensor(self.seen)[scores.argmax(-1).cpu()]
