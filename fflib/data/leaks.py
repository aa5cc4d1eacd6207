"""Find images to test with that are, or nearly are, among those to train on."""

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

__all__ = ["difference_hash", "nearly_equal"]

NEAR = 10
"""Bits of 64 in which the hashes of nearly equal images may differ."""

ALIKE = 0.995
"""Correlation of the pixels of nearly equal images: hashes of plain drawings agree by chance. Of 300
test images each of digits, MNIST and Fashion-MNIST, none is then taken for one of 2,000 others, and of
100 copies compressed to JPEG at quality 75, from 71 to 100 are found."""

AT_A_TIME = 64


def difference_hash(images: Tensor) -> np.ndarray:
    """Return 64 bits for each image that stay when it is scaled, compressed or made brighter.

    Each says whether one of 8×9 parts is brighter than its left neighbour. The images have the shape
    (n, height, width) or (n, 3, height, width); the hashes are uint64 of shape (n,).

    Examples
    --------
    >>> image = torch.arange(64).reshape(1, 8, 8)
    >>> int(difference_hash(image)[0] ^ difference_hash(image * 2 + 5)[0])
    0
    """
    parts = adaptive_avg_pool2d(_grey(images)[:, None], (8, 9))[:, 0]
    bits = (parts[..., 1:] > parts[..., :-1]).flatten(1).numpy()
    return np.packbits(bits, axis=1).view(np.uint64)[:, 0]


def nearly_equal(train: Tensor, test: Tensor) -> Tensor:
    """Tell which of the images to test with nearly equal one to train on, as booleans.

    Their difference hashes differ in few bits and their pixels correlate; equal images are among
    them. The shapes are those of :func:`difference_hash`.
    """
    known, asked = difference_hash(train), difference_hash(test)
    found = torch.zeros(len(test), dtype=torch.bool)
    for begin in range(0, len(test), AT_A_TIME):
        apart = np.bitwise_count(asked[begin : begin + AT_A_TIME, None] ^ known)
        for i, others in enumerate(apart <= NEAR, begin):
            if others.any():
                found[i] = (_correlations(test[i], train[others]) >= ALIKE).any()
    return found


def _correlations(image: Tensor, others: Tensor) -> Tensor:
    every = _grey(torch.cat([image[None], others])).flatten(1)
    every = torch.nn.functional.normalize(every - every.mean(1, keepdim=True), dim=1)
    return every[1:] @ every[0]


def _grey(images: Tensor) -> Tensor:
    return images.float() if images.ndim == 3 else images.float().mean(1)
