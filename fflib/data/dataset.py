"""A data set in memory: its images as bytes, its splits, and its pixels standardised."""

from dataclasses import dataclass
from math import prod
from typing import Self

import torch
from torch import Tensor

from fflib.errors import DataError, unknown

SPLITS = ("train", "fit", "validation", "test")


@dataclass(frozen=True, eq=False)
class Split:
    """Images and their labels.

    Parameters
    ----------
    images : Tensor
        uint8, shape (n, height, width), or (n, channels, height, width) for colour.
    labels : Tensor
        int64, shape (n,).
    """

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, eq=False)
class Dataset:
    """Training and test images of one data set, with what is needed to standardise them.

    Parameters
    ----------
    name : str
        The name under which it was loaded.
    classes : tuple of str
        What each label stands for.
    train, test : Split
        The two splits as published.
    mean, std : float
        Mean and standard deviation of all training pixels, with the range of a byte
        taken as [0, 1].
    checksums : dict of str to str
        MD5 by file name, or by array for data that are not files; for a folder of images the
        digest of its content.
    remarks : tuple of str
        What had to be decided where the images of a folder were read, a line each.

    Raises
    ------
    DataError
        If an image has fewer pixels than there are classes, since the label is written into
        its first ones, or if the training pixels do not vary.
    """

    name: str
    classes: tuple[str, ...]
    train: Split
    test: Split
    mean: float
    std: float
    checksums: dict[str, str]
    remarks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.classes) > self.inputs:
            raise DataError(
                f"{self.name}: the label takes one pixel per class of an image, which has "
                f"{self.inputs} for {len(self.classes)} classes: use larger images or fewer classes"
            )
        if not self.std > 0:
            raise DataError(
                f"{self.name}: the training pixels must vary, their standard deviation is "
                f"{self.std}: check the images"
            )

    @classmethod
    def of(
        cls,
        name: str,
        classes: tuple[str, ...],
        train: Split,
        test: Split,
        checksums: dict[str, str],
        remarks: tuple[str, ...] = (),
    ) -> Self:
        """Make a data set with mean and standard deviation measured on its training images."""
        # Counting the 256 values is exact and needs no float copy of the images.
        counts = torch.bincount(train.images.flatten(), minlength=256).double()
        values = torch.arange(256, dtype=torch.float64) / 255
        mean = (counts @ values / counts.sum()).item()
        std = (counts @ (values - mean) ** 2 / counts.sum()).sqrt().item()
        return cls(name, classes, train, test, mean, std, checksums, remarks)

    @property
    def inputs(self) -> int:
        """Number of pixels of an image, over all channels."""
        return prod(self.train.images.shape[1:])

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of an image."""
        *channels, height, width = self.train.images.shape[1:]
        return (*channels, height, width) if channels else (1, height, width)  # type: ignore[return-value]

    @property
    def lit(self) -> float:
        """Largest standardised training pixel: the value of a lit label pixel."""
        return self.standardise(self.train.images.max()).item()

    def split(self, name: str) -> Split:
        """Select the images and labels of a split.

        It is ``train``, ``test``, or a part of ``train``: ``validation`` is its last sixth, for
        choosing hyper-parameters only, and ``fit`` the rest. Any other name raises a DataError.

        Examples
        --------
        >>> import fflib
        >>> digits = fflib.data.load("digits")
        >>> [len(digits.split(name)) for name in ("train", "fit", "validation", "test")]
        [1437, 1198, 239, 360]
        """
        if name not in SPLITS:
            raise DataError(unknown("split", name, SPLITS))
        if name in ("train", "test"):
            return self.train if name == "train" else self.test
        cut = len(self.train) - len(self.train) // 6
        part = slice(cut) if name == "fit" else slice(cut, None)
        return Split(self.train.images[part], self.train.labels[part])

    def pixels(self, split: str) -> Tensor:
        """Return a split's pixels standardised, (x / 255 - mean) / std, and flattened.

        They are float32 of shape (n, inputs), row by row and, for colour, channel by channel.
        """
        return self.standardise(self.split(split).images.flatten(1))

    def standardise(self, images: Tensor) -> Tensor:
        """Return pixels, from 0 to 255, as (x / 255 - mean) / std in float32."""
        return images.float().div_(255).sub_(self.mean).div_(self.std)
