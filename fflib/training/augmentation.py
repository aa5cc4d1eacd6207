"""Random changes of the images that are trained on, as for convolutional networks.

Random numbers are drawn on the CPU, for every image once an epoch; images are changed where they are.
Pixels are only moved, multiplied and added to, each in a step of its own, so that every device makes
the same of them, bit for bit.
"""

import torch
from torch import Generator, Tensor

__all__ = ["FARTHEST", "STRENGTH", "augmented", "draw"]

FARTHEST = 4
"""Pixels that an image is moved by at most, in either direction."""

STRENGTH = 0.2
"""By how much a colour is scaled and shifted at most, for standardised pixels."""


def draw(images: int, generator: Generator) -> Tensor:
    """Draw what decides the changes of images, shape (images, 9), each number from 0 to below 1."""
    return torch.rand(images, 9, generator=generator)


def augmented(images: Tensor, drawn: Tensor, *, jitter: bool = False) -> Tensor:
    """Return images that are moved, half of them mirrored, and their colours changed with jitter.

    A move is a crop from the image padded by its reflection. The jitter scales and shifts each
    channel.

    Parameters
    ----------
    images : Tensor, shape (n, channels, height, width)
        Standardised, with up to three channels and sides of more than :data:`FARTHEST` pixels.
    drawn : Tensor, shape (n, 9)
        From :func:`draw`, on the device of the images.
    jitter : bool
        Whether to change colours, too.

    References
    ----------
    A. Krizhevsky, I. Sutskever and G. E. Hinton, "ImageNet classification with deep convolutional
    neural networks", NeurIPS 2012, section 4.1: crops, mirrored images and changes of colour.

    Examples
    --------
    >>> image = torch.arange(25.0).view(1, 1, 5, 5)
    >>> unmoved, mirrored = (torch.tensor([[0.5, 0.5, flip] + [0.5] * 6]) for flip in (0.9, 0.1))
    >>> torch.equal(augmented(image, unmoved), image)
    True
    >>> torch.equal(augmented(image, mirrored), image.flip(3))
    True
    """
    n, channels, height, width = images.shape
    device = images.device
    down, right = ((drawn[:, :2] * (2 * FARTHEST + 1)).floor() - FARTHEST).long().T[:, :, None]
    y = _reflected(torch.arange(height, device=device) + down, height)
    column = torch.arange(width, device=device)
    column = torch.where(drawn[:, 2:3] < 0.5, column.flip(0), column)
    x = _reflected(column + right, width)
    every = torch.arange(n, device=device)[:, None, None, None]
    channel = torch.arange(channels, device=device)[:, None, None]
    moved = images[every, channel, y[:, None, :, None], x[:, None, None, :]]
    if not jitter:
        return moved
    scale, shift = (2 * STRENGTH * (drawn[:, 3:] - 0.5)).unflatten(1, (2, 3)).unbind(1)
    scaled = moved * (1 + scale[:, :channels, None, None])
    return scaled + shift[:, :channels, None, None]


def _reflected(place: Tensor, size: int) -> Tensor:
    """Bring places beyond the edges back inside, as a mirror at the outermost pixels would."""
    last = size - 1
    return last - (last - place.abs()).abs()
