"""The handwritten digits that come with scikit-learn, in the proportions of MNIST."""

import hashlib

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from fflib.data.dataset import Dataset, Split

SIDE, BOX, MARGIN = 8, 20, 4
SPLIT_SEED = 0


def enlarge(images: np.ndarray) -> np.ndarray:
    """Bring digits of 8×8 to 28×28: a box of 20×20, centred, as MNIST has them.

    Bilinear interpolation in integers, so that every machine gets the same bytes.

    Parameters
    ----------
    images : ndarray
        Integers from 0 to 16, shape (n, 8, 8).

    Returns
    -------
    ndarray
        uint8, shape (n, 28, 28), with an empty margin of 4 pixels.

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
    full = 16 * 10 * 10
    grey = (255 * boxes + full // 2) // full
    return np.pad(grey.astype(np.uint8), ((0, 0), (MARGIN, MARGIN), (MARGIN, MARGIN)))


def read_digits() -> Dataset:
    """Read the 1797 digits, a fifth of them (360) for testing, the same ones on every machine.

    Returns
    -------
    Dataset
        Named ``digits``, 28×28, ten classes in the same proportions in both splits.

    Notes
    -----
    Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine
    Learning Repository, as distributed in `sklearn.datasets.load_digits`.
    """
    bunch = load_digits()
    parts = train_test_split(
        enlarge(bunch.images),
        bunch.target.astype(np.int64),
        test_size=0.2,
        stratify=bunch.target,
        random_state=SPLIT_SEED,
    )
    names = ("train-images", "test-images", "train-labels", "test-labels")
    arrays = dict(zip(names, parts, strict=True))
    checksums = {name: hashlib.md5(array.tobytes()).hexdigest() for name, array in arrays.items()}
    tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
    return Dataset.of(
        "digits",
        tuple("0123456789"),
        Split(tensors["train-images"], tensors["train-labels"]),
        Split(tensors["test-images"], tensors["test-labels"]),
        checksums,
    )
