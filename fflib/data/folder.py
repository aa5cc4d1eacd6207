"""A data set from a folder of class folders of images."""

import hashlib
import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from operator import itemgetter
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from tqdm.auto import tqdm

from fflib.data.dataset import Dataset, Split
from fflib.errors import DataError

FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
GREY = ("1", "L", "LA")
DEEP = ("I", "F")
LARGEST = 2**20  # pixels
EVERY = 5

Examples = list[tuple[Path, int]]


def read_folder(folder: Path) -> Dataset:
    """Read class folders of images as a data set, again only once a file has changed.

    The folder holds either ``train/<class>/*`` and ``test/<class>/*``, or ``<class>/*``, of
    which every fifth image of each class, in the order of the file names, is for testing.
    Files that are hidden or have no image's suffix are passed over. Grey images give shape
    (n, height, width); where any image has colour, all give (n, 3, height, width). The
    classes are spread evenly over each split, so that its last sixth holds all of them.

    Parameters
    ----------
    folder : Path
        The folder, after which the data set is named ``folder:<its name>``.

    Returns
    -------
    Dataset
        Its one checksum is over the sorted names and the contents of all files used.

    Raises
    ------
    DataError
        If there are fewer than two classes, a class is empty or too small to be split, a
        file is no readable image of 8 bits, or an image differs in size from the first.
    """
    folder = folder.resolve()
    try:
        classes, train, test = _divided(folder)
        state = tuple((path, label, *_state(path)) for path, label in train + test)
    except OSError as error:
        raise DataError(
            f"{error.filename} must be readable: {error.strerror}; give yourself the right to read it"
        ) from error
    return _read(folder, classes, len(train), state)


@lru_cache(maxsize=4)
def _read(
    folder: Path, classes: tuple[str, ...], cut: int, state: tuple[tuple[Path, int, int, int], ...]
) -> Dataset:
    images, checksum = images_of(folder, [path for path, *_ in state])
    labels = torch.tensor([label for _, label, *_ in state])
    return Dataset.of(
        f"folder:{folder.name}",
        classes,
        Split(images[:cut], labels[:cut]),
        Split(images[cut:], labels[cut:]),
        {folder.name: checksum},
    )


def files_of(folder: Path) -> list[Path]:
    """The files of a data set, as :func:`read_folder` finds them."""
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


def _state(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def images_of(
    folder: Path, paths: list[Path], read: Callable[[Path], bytes] = Path.read_bytes
) -> tuple[torch.Tensor, str]:
    """Read images into one tensor, with the MD5 over their sorted names and their contents."""
    digests = {}
    arrays: list[np.ndarray] = []
    for path in tqdm(paths, desc=f"reading {folder.name}", unit="image", delay=2, leave=False):
        content, array = _image(path, read)
        if arrays and array.shape[:2] != arrays[0].shape[:2]:
            raise DataError(
                f"{path}: all images must have one size, this has {_size(array)} pixels and "
                f"{paths[0]} has {_size(arrays[0])}: bring them to the same size"
            )
        digests[path.relative_to(folder).as_posix()] = hashlib.md5(content).hexdigest()
        arrays.append(array)
    listing = "".join(f"{name}\0{digests[name]}\n" for name in sorted(digests))
    checksum = hashlib.md5(listing.encode(errors="surrogateescape")).hexdigest()
    if any(array.ndim == 3 for array in arrays):
        arrays = [a if a.ndim == 3 else np.repeat(a[:, :, None], 3, axis=2) for a in arrays]
        return torch.from_numpy(np.stack(arrays)).permute(0, 3, 1, 2).contiguous(), checksum
    return torch.from_numpy(np.stack(arrays)), checksum


def _image(path: Path, read: Callable[[Path], bytes]) -> tuple[bytes, np.ndarray]:
    """Read a file's content, and its pixels of shape (height, width) or (height, width, 3)."""
    with readable(path):
        content = read(path)
        image = Image.open(io.BytesIO(content), formats=FORMATS)
        if image.width * image.height > LARGEST:
            raise DataError(
                f"{path}: an image may have {LARGEST} pixels, this has "
                f"{image.width}×{image.height}: scale the images down"
            )
        return content, np.array(in_eight_bits(path, image))


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Say of whatever goes wrong with an image which one it is."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is wrong is told by an error, if it matters
            yield
    except DataError:
        raise
    # What a broken file makes a decoder raise depends on the format and is not documented.
    except Exception as error:
        raise DataError(
            f"{path} must be a readable image ({type(error).__name__}): replace or remove it"
        ) from error


def in_eight_bits(path: Path, image: Image.Image) -> Image.Image:
    """An image in grey or in three colours; one of more than 8 bits is refused by its header."""
    if image.mode.split(";")[0] in DEEP:
        raise DataError(
            f"{path}: images must have 8 bits per channel, the mode of this is {image.mode}: "
            "convert the images to 8 bits"
        )
    return image.convert("L" if image.mode in GREY else "RGB")


def _size(array: np.ndarray) -> str:
    return f"{array.shape[1]}×{array.shape[0]}"
