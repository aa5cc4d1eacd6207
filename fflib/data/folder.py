"""Read a data set from a folder of class folders of images."""

from functools import lru_cache
from operator import itemgetter
from pathlib import Path

import torch

from fflib.data.dataset import Dataset, Split
from fflib.data.images import SUFFIXES, read_images
from fflib.errors import DataError

EVERY = 5  # the place of the images to test with, where the folder is not divided

Examples = list[tuple[Path, int]]


def read_folder(folder: Path) -> Dataset:
    """Read class folders of images as a data set; read them again only if a file has changed.

    The folder holds either ``train/<class>/*`` and ``test/<class>/*``, or ``<class>/*``, of which
    every fifth image of each class, in the order of the file names, is for testing. Files that are
    hidden or have no image's suffix are ignored. Grey images give shape (n, height, width); where
    any image has colour, all give (n, 3, height, width). The classes are spread evenly over each
    split, so that its last sixth holds all of them. The data set is named ``folder:<name of the
    folder>``. Its one checksum is over the sorted names and the contents of all files used.

    Raises
    ------
    DataError
        If there are fewer than two classes, a class is empty or too small to be split, a
        file is no readable image of 8 bits, or an image differs in size from the first.
    """
    folder = folder.resolve()
    try:
        classes, train, test = _divided(folder)
        state = tuple(
            (path, label, status.st_size, status.st_mtime_ns)
            for path, label in train + test
            for status in [path.stat()]
        )
    except OSError as error:
        raise DataError(
            f"{error.filename} must be readable: {error.strerror}; give yourself the right to read it"
        ) from error
    return _read(folder, classes, len(train), state)


@lru_cache(maxsize=4)
def _read(
    folder: Path, classes: tuple[str, ...], cut: int, state: tuple[tuple[Path, int, int, int], ...]
) -> Dataset:
    images, checksum = read_images(folder, [path for path, *_ in state])
    labels = torch.tensor([label for _, label, *_ in state])
    return Dataset.of(
        f"folder:{folder.name}",
        classes,
        Split(images[:cut], labels[:cut]),
        Split(images[cut:], labels[cut:]),
        {folder.name: checksum},
    )


def files_of(folder: Path) -> list[Path]:
    """List the files of a data set, as :func:`read_folder` finds them."""
    _, train, test = _divided(folder)
    return [path for path, _ in train + test]


def _divided(folder: Path) -> tuple[tuple[str, ...], Examples, Examples]:
    """List classes, training and test examples of a folder in one of the two layouts."""
    if not all((folder / part).is_dir() for part in ("train", "test")):
        classes = _classes(folder)
        groups = [_files(folder / name) for name in classes]
        for name, paths in zip(classes, groups, strict=True):
            if len(paths) < EVERY:
                raise DataError(
                    f"{folder / name}: every fifth image of a class is for testing, found "
                    f"{len(paths)}: add images, or divide them into train/ and test/ yourself"
                )
        test = [paths[EVERY - 1 :: EVERY] for paths in groups]
        train = [[path for i, path in enumerate(paths, 1) if i % EVERY] for paths in groups]
        return classes, spread(train), spread(test)
    classes, others = _classes(folder / "train"), _classes(folder / "test")
    if classes != others:
        raise DataError(
            f"{folder}: train/ and test/ must hold the same classes, only one of them has "
            f"{', '.join(sorted(set(classes) ^ set(others)))}: add or remove class folders"
        )
    train, test = ([_files(folder / part / name) for name in classes] for part in ("train", "test"))
    return classes, spread(train), spread(test)


def _classes(folder: Path) -> tuple[str, ...]:
    names = sorted(
        path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")
    )
    if len(names) < 2:
        raise DataError(
            f"{folder}: at least two class folders are needed, found {len(names)}: give a folder "
            "that holds <class>/*, or train/<class>/* and test/<class>/*"
        )
    return tuple(names)


def _files(folder: Path) -> list[Path]:
    paths = [
        path
        for path in folder.iterdir()
        if path.suffix.lower() in SUFFIXES and path.is_file() and not path.name.startswith(".")
    ]
    if not paths:
        raise DataError(
            f"{folder}: a class needs images ({' '.join(SUFFIXES)}), found none: "
            "add some or remove the folder"
        )
    return sorted(paths, key=lambda path: path.name)


def spread(groups: list[list[Path]]) -> Examples:
    """List images with their labels, each class spread evenly from first to last."""
    placed = [
        ((i + 0.5) / len(paths), label, path)
        for label, paths in enumerate(groups)
        for i, path in enumerate(paths)
    ]
    return [(path, label) for _, label, path in sorted(placed, key=itemgetter(0, 1))]
