"""Read image files: of 8 bits, of one size, with an error that names the file."""

import hashlib
import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from tqdm.auto import tqdm

from fflib.errors import DataError

FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
GREY = ("1", "L", "LA")
DEEP = ("I", "F")  # modes of more than 8 bits per channel
LARGEST = 2**20  # pixels


def read_images(
    folder: Path, paths: list[Path], read: Callable[[Path], bytes] = Path.read_bytes
) -> tuple[torch.Tensor, str]:
    """Read images into one tensor, and return the MD5 of their sorted names and contents with it."""
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
    """Return a file's content, and its pixels of shape (height, width) or (height, width, 3)."""
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
    """Raise any error within the block as a DataError that names the image."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what matters raises an error
            yield
    except DataError:
        raise
    # What a broken file makes a decoder raise depends on the format and is not documented.
    except Exception as error:
        raise DataError(
            f"{path} must be a readable image ({type(error).__name__}): replace or remove it"
        ) from error


def in_eight_bits(path: Path, image: Image.Image) -> Image.Image:
    """Convert an image to grey or to three colours; one of more than 8 bits raises a DataError."""
    if image.mode.split(";")[0] in DEEP:
        raise DataError(
            f"{path}: images must have 8 bits per channel, the mode of this is {image.mode}: "
            "convert the images to 8 bits"
        )
    return image.convert("L" if image.mode in GREY else "RGB")


def _size(array: np.ndarray) -> str:
    return f"{array.shape[1]}×{array.shape[0]}"
