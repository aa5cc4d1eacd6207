"""The convolutional network: a stack of convolutions that can be read out layer by layer.

It answers the same questions as the dense :class:`fflib.networks.dense.Network`. Where ensembles
and sparseness are concerned, a unit is a channel, and its activation is the mean over the image.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import prod

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fflib.experiment import BY_CLASS
from fflib.networks.base import NO_LABEL, LayeredNetwork
from fflib.networks.label_codes import LabelCodes

__all__ = ["SHARPNESS", "SMALLEST", "ConvNetwork", "sizes"]

SMALLEST = 4
"""Height in pixels from which on maps are not pooled any more."""

SHARPNESS = 4.0
"""Factor on differences of goodness where no threshold sets a scale: the symmetric loss and goodness
by class."""


class ConvNetwork(LayeredNetwork):
    """A stack of 3×3 convolutions, each followed by its activation, and some by 2×2 pooling.

    Parameters
    ----------
    shape : (int, int, int)
        Channels, height and width of an image.
    hidden, layers : int
        Channels of every layer, and the number of layers.
    classes : int
        Number of labels.
    activation : str
        A name in :data:`fflib.activation.ACTIVATIONS`.
    goodness : str or None
        A name in :data:`fflib.goodness.GOODNESS`; ``None`` makes a network with a linear head.
    scope : {"layer", "location", "channel", "class", "projection"}
        What a goodness is taken over: all units of a layer; the channels at each location; the
        locations of each channel; the channels that belong to a class, which then need no label; or
        the locations of each channel, of which a fixed random projection makes that of each class.
    label : {"border", "planes", "wave", "learned"}
        See :class:`fflib.networks.label_codes.LabelCodes`.
    norm : {"l2", "layer", "batch"} or None
        How the input of every layer is scaled: to a mean square of one over all units of an
        image; to mean zero as well; each channel to mean zero and variance one over a batch.
    symmetric : bool
        Whether the loss compares two goodnesses with one another.
    block : int
        Layers that share a loss; of each block the last layer has a say in a prediction.
    pooling : int
        Layers from one that pools to the next, see :func:`sizes`.
    lit : float
        Value of a lit label pixel or channel.
    seen : sequence of int, optional
        Labels the network may predict; all of them by default.

    References
    ----------
    The projection is that of Q. Gong, R. B. Staszewski and K. Xu, "Adaptive spatial goodness encoding:
    advancing and scaling forward-forward learning", arXiv:2509.12394 (2025), for layers of equal width.

    Examples
    --------
    >>> network = ConvNetwork((3, 8, 8), 4, 2, classes=2, goodness="mean-square", norm="l2")
    >>> [tuple(h.shape) for h in network(torch.rand(5, 3, 8, 8))]
    [(5, 4, 4, 4), (5, 4, 4, 4)]
    >>> network.layer_scores(torch.rand(5, 192)).shape
    torch.Size([5, 2, 2])
    """

    projection: Tensor

    def __init__(
        self,
        shape: tuple[int, int, int],
        hidden: int,
        layers: int,
        classes: int,
        *,
        activation: str = "relu",
        goodness: str | None = None,
        scope: str = "layer",
        label: str = "border",
        norm: str | None = None,
        symmetric: bool = False,
        block: int = 1,
        pooling: int = 1,
        lit: float = 1.0,
        seen: Sequence[int] | None = None,
    ) -> None:
        super().__init__(classes, activation, goodness, seen)
        self.shape, self.scope, self.norm = shape, scope, norm
        self.labelled = goodness is not None and scope not in BY_CLASS
        self.reads_every_layer = goodness is not None
        self.read = slice(block - 1, None, block)
        self.sharpness = SHARPNESS if symmetric or scope in BY_CLASS else 1.0
        self.codes = LabelCodes(label, classes, shape, lit) if self.labelled else None
        widths = [self.codes.channels if self.codes else shape[0], *[hidden] * layers]
        self.layers: list[nn.Conv2d] = nn.ModuleList(  # type: ignore[assignment]
            nn.Conv2d(below, above, 3, padding=1) for below, above in pairwise(widths)
        )
        self.norms: list[nn.BatchNorm2d] = nn.ModuleList(  # type: ignore[assignment]
            nn.BatchNorm2d(width, affine=False) for width in widths[:-1] if norm == "batch"
        )
        self.sizes = sizes(shape[1:], layers, pooling)
        self.heads: list[nn.Linear] = nn.ModuleList(  # type: ignore[assignment]
            [] if goodness else [nn.Linear(hidden * prod(self.sizes[-1]), classes)]
        )
        if scope == "projection":
            self.register_buffer("projection", torch.randn(hidden, classes) / hidden**0.5)

    @property
    def numbers(self) -> int:
        """Numbers that an example takes while it is computed, all copies of the widest map."""
        channels = max(layer.out_channels for layer in self.layers)
        return 8 * channels * self.shape[1] * self.shape[2]

    @property
    def connections(self) -> list[Tensor]:
        """Mean weight between every two channels, each of shape (channels, channels below)."""
        return [layer.weight.detach().mean((2, 3)).cpu() for layer in self.layers]

    @property
    def parameters_by_layer(self) -> list[list[nn.Parameter]]:
        """What each layer learns; the first has learned label codes too, the last a head."""
        own = [list(layer.parameters()) for layer in self.layers]
        if self.codes is not None:
            own[0] += self.codes.parameters()
        for head in self.heads:
            own[-1] += head.parameters()
        return own

    def with_label(self, pixels: Tensor, labels: Tensor) -> Tensor:
        """Images, with a label where the network takes one, shape (n, channels, height, width)."""
        if self.codes is None:
            return pixels.unflatten(1, self.shape)
        return self.codes(pixels, labels)

    def layer_input(self, x: Tensor, depth: int) -> Tensor:
        """Scale what a layer receives, shape (n, channels, height, width)."""
        match self.norm:
            case "l2":
                return x * x.square().mean((1, 2, 3), keepdim=True).clamp_min(1e-12).rsqrt()
            case "layer":
                return F.layer_norm(x, x.shape[1:])
            case "batch":
                return self.norms[depth](x)
            case _:
                return x

    def forward(self, x: Tensor) -> list[Tensor]:
        """Compute the pooled maps of every layer.

        The images, shape (n, channels, height, width), have their labels. Products are computed in
        the number format that ``products`` names, all else in float32.
        """
        maps = []
        mixed = self.products == torch.bfloat16
        for depth, layer in enumerate(self.layers):
            x = self.layer_input(x, depth).contiguous(memory_format=torch.channels_last)
            with torch.autocast(x.device.type, torch.bfloat16, enabled=mixed):
                z = layer(x)
            if self.sizes[depth + 1] != self.sizes[depth]:
                # Pooling first is the same for an activation that never falls, and cheaper.
                z = F.max_pool2d(z, 2)
            x = self.activation.value(z.float())
            if self.silent is not None and (silent := self.silent[depth]) is not None:
                x = x.masked_fill(silent[:, None, None], 0)
            maps.append(x)
        return maps

    def goodness_of(self, maps: Tensor) -> Tensor:
        """Goodness of a layer by its scope, shape (n, places), or (n, classes) where it is by class."""
        assert self.goodness is not None
        match self.scope:
            case "location":
                units = maps.flatten(2).mT
            case "channel" | "projection":
                units = maps.flatten(2)
            case "class":
                groups = maps[:, : maps.shape[1] // self.classes * self.classes]
                units = groups.unflatten(1, (self.classes, -1)).flatten(2)
            case _:
                units = maps.flatten(1).unsqueeze(1)
        goodness = self.sharpness * self.goodness(units)
        return goodness @ self.projection if self.scope == "projection" else goodness

    def respond(self, pixels: Tensor, labels: Tensor) -> Iterator[Tensor]:
        """Yield the mean activation of every channel over the image, shape (n, channels)."""
        for maps in self._evaluate(pixels, labels):
            yield maps.mean((2, 3))

    def _evaluate(self, pixels: Tensor, labels: Tensor) -> list[Tensor]:
        training = self.training
        self.eval()
        maps = self(self.with_label(pixels.to(self.device), labels.to(self.device)))
        self.train(training)
        return maps

    def score(self, pixels: Tensor, depth: int | None) -> Tensor:
        """Return the goodness of layers under every label or of every class, or the head's logits."""
        if not self.labelled:
            maps = self._evaluate(pixels, torch.full((len(pixels),), NO_LABEL))
            if self.goodness is None:
                (head,) = self.heads
                return head(maps[-1].flatten(1))[:, None, self.seen]
            return torch.stack([self.goodness_of(h) for h in maps[:depth]], 1)[..., self.seen]
        by_label = [
            [self.goodness_of(h).mean(1) for h in self._evaluate(pixels, label)[:depth]]
            for label in torch.tensor(self.seen).expand(len(pixels), -1).T
        ]
        return torch.stack([torch.stack(layers, 1) for layers in by_label], 2)


def sizes(image: tuple[int, int], layers: int, pooling: int = 1) -> list[tuple[int, int]]:
    """Return height and width of what each layer receives, and at last of what the last one gives.

    The first layer pools, and of those above every ``pooling``-th, as long as its maps are large.

    Examples
    --------
    >>> sizes((32, 32), 4)
    [(32, 32), (16, 16), (8, 8), (4, 4), (4, 4)]
    >>> sizes((32, 32), 4, pooling=2)
    [(32, 32), (16, 16), (16, 16), (8, 8), (8, 8)]
    """
    found = [image]
    for depth in range(layers):
        height, width = found[-1]
        pools = depth % pooling == 0 and height > SMALLEST
        found.append((height // 2, width // 2) if pools else (height, width))
    return found
