"""The network: a stack of dense layers that can be read out layer by layer.

The same stack serves all models. Forward-Forward (FF) and BP/FF networks take an image with a label
on its border, normalise the input of every layer and predict by trying every label. A plain
back-propagation (BP) network takes the bare image and ends in a linear head. The controls trained
layer by layer have a linear head on every layer: over the classes on bare images, or a single unit
that takes the place of the goodness on labelled ones.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from typing import Literal, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fflib.data import place_label
from fflib.goodness import NORMS, normalise, vector_norm
from fflib.measures.drive import excitation
from fflib.networks.base import NO_LABEL, LayeredNetwork
from fflib.networks.signs import column_signs, impose

__all__ = ["NO_LABEL", "Network"]


class Network(LayeredNetwork):
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
        head chooses the class. By default where it has a goodness.
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
    drive_sign : {0, 1, -1}
        The sign of the contributions that units take, see :meth:`one_signed`; 0 for all.

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
        super().__init__(classes, activation, goodness, seen)
        self.lit, self.norm, self.drive_sign = lit, norm, 0
        self.labelled = goodness is not None if labelled is None else labelled
        self.reads_every_layer = goodness is not None or heads == "every"
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
    def numbers(self) -> int:
        """Numbers that an example takes while it is computed, all copies of the widest layer."""
        return 8 * max(max(layer.weight.shape) for layer in self.layers)

    @property
    def at_once(self) -> int:
        """How many images are scored at once, each under every label where it carries one."""
        return max(1, super().at_once // (len(self.seen) if self.labelled else 1))

    @property
    def connections(self) -> list[Tensor]:
        """Weight from each unit of the layer below to each unit, shape (units, units below)."""
        return self.weights

    def one_signed(self, sign: Literal[1, -1]) -> Self:
        """Return the same network with units that take contributions of one sign only.

        A contribution is a weight times an input, or the bias; those of the other sign count as
        zero, in every layer. The result shares its weights with this network, which stays as it is.

        Examples
        --------
        >>> network = Network(4, 2, 1, classes=2)
        >>> x = -torch.ones(1, 4)
        >>> bool((network.one_signed(1)(x)[0] >= network(x)[0]).all())
        True
        """
        other = copy(self)
        other.drive_sign = sign
        return other

    def _drive(self, x: Tensor, layer: nn.Linear) -> Tensor:
        """Pre-activations of a layer, shape (..., units), from its input, in the format of that."""
        weight, bias = layer.weight.to(x.dtype), layer.bias.to(x.dtype)
        if self.drive_sign == 0:
            return F.linear(x, weight, bias)
        return self.drive_sign * excitation(x, self.drive_sign * weight, self.drive_sign * bias)

    def _silence(self, h: Tensor, depth: int) -> Tensor:
        """Set the silenced units of a layer to zero, in activations of shape (..., units)."""
        silent = self.silent[depth] if self.silent else None
        return h if silent is None else h.masked_fill(silent, 0)

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
        """Compute activations of every layer, each (n, units), for inputs (n, inputs) with labels."""
        hidden = []
        for depth, layer in enumerate(self.layers):
            z = self._drive(self.layer_input(x), layer)
            x = self._silence(self.activation.over(z), depth)
            hidden.append(x)
        return hidden

    def respond(self, pixels: Tensor, labels: Tensor) -> Iterator[Tensor]:
        """Yield the activations of every layer, shape (n, units), for images with their labels."""
        yield from self(self.with_label(pixels, labels))

    def image_and_strength(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Split the first layer's input into an image part and the strength of its label pixel.

        Copies of one image under different labels differ in which border pixel is lit and in
        nothing else, their norm included. So ``image @ W.T + strength * W[:, label]`` is the first
        layer's product for any label, and the image's share of it is computed once. The image,
        shape (n, inputs), is normalised, with a dark border; the strength, shape (n, 1), is the
        normalised value of a lit label pixel.
        """
        none = torch.full((len(pixels),), NO_LABEL, device=pixels.device)
        dark = self.with_label(pixels, none)
        lit = dark.new_full((len(dark), 1), self.lit)
        if self.norm is None:
            return dark, lit
        # The norm of the whole is the norm of its parts' norms; the copy may be overwritten.
        order = NORMS[self.norm]
        parts = torch.cat([vector_norm(dark, order, keepdim=True), lit], 1)
        length = vector_norm(parts, order, keepdim=True)
        return dark.div_(length), lit.div_(length)

    def verdict(self, h: Tensor, depth: int) -> Tensor:
        """Return how right a layer finds the label: its goodness, or the output of its head.

        From activations of shape (..., units) to (...). The network sees labels, and ``depth`` is
        that of the layer, counted from 0.
        """
        if self.goodness is not None:
            return self.goodness.value(h)
        return self.heads[depth](h).squeeze(-1)

    def score(self, pixels: Tensor, depth: int | None) -> Tensor:
        """Return the :meth:`verdict` of layers under every label, or the logits of their heads."""
        depth = depth if self.reads_every_layer else None
        return self._verdicts(self._climb(self._first(pixels), 0, depth), 0)

    def without(self, pixels: Tensor, scores: Tensor) -> Callable[[Tensor], Tensor]:
        """Return a function from units to be silenced to the predicted class of images, shape (n,).

        As :meth:`silenced` and :meth:`predict` one after the other, but only the layers from the
        lowest silenced one up are computed again. What that one does is kept, under all labels,
        until another is the lowest: 31 MB for a thousand images, ten labels and 784 units.
        """
        lowest: int | None = None
        kept: list[Tensor] = []

        @torch.no_grad()
        def predict(units: Tensor) -> Tensor:
            nonlocal lowest, kept
            if not units.any():
                return self.choose(scores)
            changed, quiet = int(units.any(1).nonzero()[0]), self.silenced(units)
            if changed != lowest:
                chunks = (x.to(self.device) for x in pixels.split(self.at_once))
                kept = [list(self._climb(self._first(x), 0, changed + 1))[-1] for x in chunks]
                lowest = changed
            above = torch.cat([quiet._verdicts(quiet._climb(h, changed), changed) for h in kept])
            below = scores[:, : scores.shape[1] - above.shape[1]]
            return self.choose(torch.cat([below.to(above.device), above], 1))

        return predict

    def _first(self, pixels: Tensor) -> Tensor:
        """Activations of the first layer under every label, (n, labels, units), or (n, units)."""
        if not self.labelled:
            return self.activation.value(self._drive(self.layer_input(pixels), self.layers[0]))
        layer, label = self.layers[0], self.layers[0].weight.t()[self.seen]
        image, strength = self.image_and_strength(pixels)
        shared = self._drive(image.to(self.products), layer)
        z = strength[:, None] * label
        if self.drive_sign:
            z = self.drive_sign * (self.drive_sign * z).clamp_(min=0)
        return self.activation.over(z.add_(shared.float()[:, None]))

    def _climb(self, h: Tensor, start: int, depth: int | None = None) -> Iterator[Tensor]:
        """Yield activations of layers below ``depth``, from those of layer ``start`` before silencing.

        A network that no label is shown to is computed in single precision.
        """
        products = self.products if self.labelled else torch.float32
        h = self._silence(h, start)
        yield h
        for above, layer in enumerate(self.layers[start + 1 : depth], start + 1):
            z = self._drive(self.layer_input(h).to(products), layer).float()
            h = self._silence(self.activation.over(z), above)
            yield h

    def _verdicts(self, hidden: Iterable[Tensor], start: int) -> Tensor:
        """Return the scores of layers from ``start`` up that have a say, (n, layers, seen labels)."""
        if self.labelled:
            return torch.stack([self.verdict(h, at) for at, h in enumerate(hidden, start)], 1)
        place = enumerate(hidden, start) if self.reads_every_layer else [(0, list(hidden)[-1])]
        return torch.stack([self.heads[at](h) for at, h in place], 1)[..., self.seen]
