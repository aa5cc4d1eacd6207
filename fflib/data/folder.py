"""Read a data set from a folder of class folders of images."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from fflib.data.copies import read_pictures
from fflib.data.dataset import Dataset, Split
from fflib.data.images import brought_to, stacked
from fflib.data.layout import Layout, layout
from fflib.data.leaks import nearly_equal
from fflib.data.splits import EVERY, drawn, grouped, spread
from fflib.errors import DataError

__all__ = ["IMAGES", "read_folder"]

IMAGES = "images"
"""Under which name a data set has the digest of its content among its checksums."""

State = tuple[tuple[int, ...], ...]


def read_folder(folder: Path, side: int | None = None, groups: str | None = None) -> Dataset:
    """Read class folders of images as a data set; read them again only if a file has changed.

    The result depends on what the images show, their classes and the division, and on nothing else:
    not on names or places of files, nor on the format in which they are kept. How a folder is laid
    out and what becomes of its images is said by :func:`fflib.data.load`. The data set is named
    ``folder:<name of the folder>``, and its one checksum is the digest of its content.

    Raises
    ------
    DataError
        If there are fewer than two classes, a class is empty or too small to be divided, a file is
        no readable image, or is in no group.
    """
    folder = folder.resolve()
    try:
        found = layout(folder)
        states = [path.stat() for *_, path in found.files]
    except OSError as error:
        raise DataError(
            f"{error.filename} must be readable: {error.strerror}; give yourself the right to read it"
        ) from error
    if groups and all(part for part, *_ in found.files):
        raise DataError(
            f"groups are for a folder that is not divided, got {groups!r} for {folder}: leave them out"
        )
    state = tuple((s.st_ino, s.st_size, s.st_mtime_ns, s.st_ctime_ns) for s in states)
    return _read(folder, found, state, side, groups)


@lru_cache(maxsize=4)
def _read(
    folder: Path, found: Layout, state: State, side: int | None, groups: str | None
) -> Dataset:
    parts, places, paths = zip(*found.files, strict=True)
    pictures = read_pictures(folder, paths, state, side)
    images, changed = brought_to(pictures, side)
    digests = [picture.digest for picture in pictures]
    labels, remarks = np.array(places), list(found.remarks)
    together = grouped(digests, _groups(paths, groups) if groups else range(len(paths)))
    tested = np.array([part == "test" for part in parts])
    if "" in parts:
        tested = _drawn(folder, found.classes, labels, together)
        remarks.append(
            f"drawn for testing, about one in {EVERY} of each class: {tested.sum()} of {len(paths)} "
            f"images" + (f", in {len(together)} groups that stay whole" if groups else "")
        )
    if changed:
        remarks.append(
            f"the largest square around the middle, brought to {images[0].width}×{images[0].height} "
            "pixels: all images"
        )
    said = Counter(remark for picture in pictures for remark in picture.remarks)
    remarks += [f"{remark}: {count} of {len(paths)} images" for remark, count in said.items()]

    order, pixels = np.concatenate(together), stacked(images)

    def split(part: np.ndarray) -> Split:
        own = [order[(part & (labels == k))[order]] for k in range(len(found.classes))]
        chosen, named = zip(*spread(own), strict=True)
        return Split(pixels[list(chosen)], torch.tensor(named))

    train, test = split(~tested), split(tested)
    equal = np.isin(np.array(digests)[tested], np.array(digests)[~tested]).sum()
    remarks += _leaks(train, test, int(equal))
    # In their order, since groups may change it where they do not change the division.
    shown = [(bool(tested[i]), found.classes[labels[i]], digests[i]) for i in order]
    content = json.dumps([images[0].size, shown])
    return Dataset.of(
        f"folder:{folder.name}",
        found.classes,
        train,
        test,
        {IMAGES: hashlib.sha256(content.encode()).hexdigest()[:32]},
        tuple(remarks),
    )


def _leaks(train: Split, test: Split, equal: int) -> list[str]:
    """Say how many images to test with equal one to train on, and how many more nearly do."""
    near = max(equal, int(nearly_equal(train.images, test.images).sum())) - equal
    if not equal + near:
        return []
    return [
        f"also to train on: {equal} of {len(test)} images to test with, and {near} more very nearly; "
        "what is measured on them says little of new images"
    ]


def _drawn(
    folder: Path, classes: Sequence[str], labels: np.ndarray, groups: Sequence[Sequence[int]]
) -> np.ndarray:
    """Draw images for testing, and see that each class has some on both sides."""
    for name, count in zip(classes, np.bincount(labels), strict=True):
        if count < EVERY:
            raise DataError(
                f"{folder / name}: one image in {EVERY} of a class is for testing, found {count}: "
                "add images, or divide them into train/ and test/ yourself"
            )
    tested = drawn(labels, groups)
    for label, name in enumerate(classes):
        if tested[labels == label].all():
            raise DataError(
                f"{folder / name}: a class needs images in two groups, one of them for testing, "
                "found one: choose other groups"
            )
    return tested


def _groups(paths: Sequence[Path], pattern: str) -> list[str]:
    """Return what a pattern finds in each file's name: its first bracket, else all it matches."""
    found = []
    for path in paths:
        try:
            match = re.search(pattern, path.name)
        except re.error as error:
            raise DataError(
                f"groups must be a regular expression, got {pattern!r}: {error}"
            ) from None
        if match is None:
            raise DataError(
                f"{path} must be in a group, but {pattern!r} is not in its name: choose another "
                "pattern, or rename it"
            )
        found.append(match[1] if match.re.groups else match[0])
    return found
