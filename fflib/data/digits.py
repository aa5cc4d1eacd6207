"""The handwritten digits that come with scikit-learn, in the proportions of MNIST.

The file is read without scikit-learn, whose import loads pandas and takes longer than to train.
``digits-order.txt`` holds the numbers of its rows, those to train with before those to test with,
as ``train_test_split(rows, test_size=0.2, stratify=labels, random_state=0)`` of scikit-learn draws
them.
"""

import hashlib
from importlib.metadata import distribution
from importlib.resources import files

import numpy as np
import torch

from fflib.data.dataset import Dataset, Split

SIDE, BOX, MARGIN = 8, 20, 4
WHITE = 16
PARTS = {"train": slice(-360), "test": slice(-360, None)}


def enlarge(images: np.ndarray) -> np.ndarray:
    """Bring digits of 8×8 to 28×28: a box of 20×20, centred, as MNIST has them.

    Integers from 0 to 16 become bytes, within an empty margin of 4 pixels. The bilinear
    interpolation is in integers, so that every machine gets the same bytes.

    Examples
    --------
    >>> large = enlarge(np.full((1, 8, 8), 16))
    >>> large[0, 4:24, 4:24].min(), large.sum() == 20 * 20 * 255
    (np.uint8(255), np.True_)
    """
    centres = np.clip((np.arange(BOX) + 0.5) * SIDE / BOX - 0.5, 0, SIDE - 1)
    weights = np.clip(1 - abs(centres[:, None] - np.arange(SIDE)), 0, 1)
    # All weights are multiples of a tenth: in tenths they are whole numbers.
    tenths = np.rint(10 * weights).astype(np.int64)
    boxes = tenths @ images.astype(np.int64) @ tenths.T
    full = WHITE * 10 * 10
    grey = (255 * boxes + full // 2) // full
    return np.pad(grey.astype(np.uint8), ((0, 0), (MARGIN, MARGIN), (MARGIN, MARGIN)))


def small_digits() -> tuple[np.ndarray, np.ndarray]:
    """Read the 1797 digits of 8×8 pixels from 0 to 16, and their labels, in the order of `PARTS`.

    Examples
    --------
    >>> images, labels = small_digits()
    >>> images.shape, labels.shape
    ((1797, 8, 8), (1797,))
    """
    path = distribution("scikit-learn").locate_file("sklearn/datasets/data/digits.csv.gz")
    table = np.loadtxt(str(path), delimiter=",", dtype=np.int64)
    order = (files("fflib.data") / "digits-order.txt").read_text(encoding="ascii").split()
    table = table[np.array(order, dtype=np.int64)]
    return table[:, :-1].reshape(-1, SIDE, SIDE), table[:, -1].copy()


def read_digits() -> Dataset:
    """Read the 1797 digits, a fifth of them (360) for testing, the same ones on every machine.

    All ten classes have the same proportions in both splits.

    Notes
    -----
    Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine
    Learning Repository, as distributed in `sklearn.datasets.load_digits`.
    """
    small, labels = small_digits()
    images = enlarge(small)
    checksums = {
        f"{part}-{kind}": hashlib.md5(array[rows].tobytes()).hexdigest()
        for kind, array in (("images", images), ("labels", labels))
        for part, rows in PARTS.items()
    }
    train, test = (
        Split(torch.from_numpy(images[rows]), torch.from_numpy(labels[rows]))
        for rows in PARTS.values()
    )
    return Dataset.of("digits", tuple("0123456789"), train, test, checksums)
