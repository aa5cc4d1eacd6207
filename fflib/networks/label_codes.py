"""How an image carries a label for a convolutional network.

A convolution looks at a few pixels at a time. A label in the corner reaches few of its units, while
one that is spread over the image reaches all.
"""

import math
from typing import get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fflib.data import place_label
from fflib.errors import ExperimentError, unknown
from fflib.experiment import LabelCode

__all__ = ["LabelCodes"]


class LabelCodes(nn.Module):
    """Writes labels into images.

    Parameters
    ----------
    code : {"border", "planes", "wave", "learned"}
        The first pixels, one for each class, as in a dense network; one more channel for each
        class, of which that of the label is lit all over; a plane wave added to the image, whose
        direction and length stand for the class; one more channel with a pattern that is learned.
    classes : int
        Number of labels.
    shape : (int, int, int)
        Channels, height and width of an image.
    lit : float
        Value of a lit pixel or channel, and the height of a wave.

    Attributes
    ----------
    channels : int
        Of an image with its label.

    Examples
    --------
    >>> codes = LabelCodes("planes", classes=2, shape=(1, 4, 4), lit=3.0)
    >>> codes(torch.zeros(1, 16), torch.tensor([1])).mean((2, 3))
    tensor([[0., 0., 3.]])
    """

    def __init__(self, code: str, classes: int, shape: tuple[int, int, int], lit: float) -> None:
        super().__init__()
        if code not in get_args(LabelCode):
            raise ExperimentError(unknown("label", code, get_args(LabelCode)))
        self.code, self.classes, self.shape, self.lit = code, classes, shape, lit
        added, height, width = {"planes": classes, "learned": 1}.get(code, 0), *shape[1:]
        self.channels = shape[0] + added
        patterns = torch.zeros(classes, max(added, 1), height, width)
        match code:
            case "planes":
                patterns[range(classes), range(classes)] = lit
            case "wave":
                patterns[:, 0] = lit * waves(classes, height, width)
            case "learned":
                patterns.normal_()
        if code == "learned":
            self.own = nn.Parameter(patterns)
        else:
            self.register_buffer("own", patterns, persistent=False)

    @property
    def patterns(self) -> Tensor:
        """What stands for each label, and for none, shape (classes + 1, channels, h, w)."""
        return torch.cat([self.own, torch.zeros_like(self.own[:1])])

    def forward(self, pixels: Tensor, labels: Tensor) -> Tensor:
        """Return images with their labels, shape (n, channels, height, width).

        The pixels, shape (n, inputs), are standardised; a label of -1 stands for none.
        """
        if self.code == "border":
            return place_label(pixels, labels, self.classes, self.lit).unflatten(1, self.shape)
        # A product, since the gradient of an index is not added up in the same order every time.
        chosen = F.one_hot(labels.remainder(self.classes + 1), self.classes + 1).to(pixels.dtype)
        images, pattern = pixels.unflatten(1, self.shape), torch.tensordot(chosen, self.patterns, 1)
        return images + pattern if self.code == "wave" else torch.cat([images, pattern], 1)


def waves(count: int, height: int, width: int) -> Tensor:
    """Plane waves that differ in direction and length, shape (count, height, width).

    Examples
    --------
    >>> waves(10, 32, 32).flatten(1).corrcoef().fill_diagonal_(0).abs().max() < 0.2
    tensor(True)
    """
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    drawn = []
    for number in range(count):
        angle, length = math.pi * number / count, 4.0 if number % 2 else 7.0
        drawn.append(torch.sin(2 * math.pi / length * (math.cos(angle) * x + math.sin(angle) * y)))
    return torch.stack(drawn)
