"""Read image files as people mean them: upright, on a background, of 8 bits, of one size."""

import hashlib
import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps

from fflib.errors import DataError

__all__ = ["LARGEST", "SIDE", "Picture", "brought_to", "formats", "read_picture", "stacked"]

LARGEST, SIDE = 32, 28
"""Pixels of a side: up to which images are taken as they are, and of what is made of others."""

BACKGROUND = 128
"""What lies behind transparent parts: grey, since ink on nothing may be black or white."""

MOST = 2**26  # pixels of an image, which take four bytes each
FORMATS = ("AVIF", "BMP", "GIF", "HEIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
GREY = ("1", "L", "LA", "La")


@dataclass(frozen=True)
class Picture:
    """An image as it is to be seen.

    Parameters
    ----------
    image : PIL.Image.Image
        In mode L or RGB, upright; a small copy of a large one.
    size : tuple of int
        Width and height of the image itself.
    digest : str
        SHA-256 of all its pixels; equal for equal pixels, in whatever format they are stored.
    remarks : tuple of str
        What reading had to decide.
    """

    image: Image.Image
    size: tuple[int, int]
    digest: str
    remarks: tuple[str, ...] = ()


@cache
def formats() -> dict[str, str]:
    """Return the formats that are read, by the suffixes of their files.

    HEIC is among them where pillow-heif is installed, and AVIF where Pillow was built with it.

    Examples
    --------
    >>> formats()[".jfif"]
    'JPEG'
    """
    with suppress(ImportError):
        from pillow_heif import register_heif_opener

        register_heif_opener()
    return {end: name for end, name in Image.registered_extensions().items() if name in FORMATS}


def read_picture(
    path: Path, side: int | None = None, read: Callable[[Path], bytes] = Path.read_bytes
) -> Picture:
    """Read an image: turned by its orientation tag, its first frame, in 8 bits, grey or in colour.

    Transparent parts are laid on grey. 16 bits become 8, with the largest number as white. If
    `side` is given, or a side is over 32 pixels, the image kept is of the largest square around the
    middle, scaled to `side` or 28 pixels. A file that is no readable image, has too many pixels or
    more than 16 bits raises a DataError that names it.
    """
    with _readable(path):
        known = sorted(set(formats().values()))
        image: Image.Image = Image.open(io.BytesIO(read(path)), formats=known)
        if image.width * image.height > MOST:
            raise DataError(
                f"{path}: an image may have {MOST} pixels, this has "
                f"{image.width}×{image.height}: scale the images down"
            )
        moving = image.format != "JPEG" and getattr(image, "is_animated", False)
        remarks = ["the first of several frames taken"] if moving else []
        ImageOps.exif_transpose(image, in_place=True)
        image = _plain(path, image, remarks)
        digest, size = _digest(image), image.size
        if side or max(size) > LARGEST:
            image = _fitted(image, side or SIDE)
        return Picture(image, size, digest, tuple(remarks))


@contextmanager
def _readable(path: Path) -> Iterator[None]:
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


def _plain(path: Path, image: Image.Image, remarks: list[str]) -> Image.Image:
    """Convert an image of any mode to grey or to three colours, and note what that took."""
    grey = image.mode in GREY
    if image.mode.startswith("I"):
        deep = image.convert("I")
        low, high = deep.getextrema()
        if 0 <= low <= high < 2**16:  # type: ignore[operator]
            remarks.append("16 bits brought to 8, with 65535 as white")
            return deep.point([value >> 8 for value in range(2**16)], "L")
    if image.mode[0] in "IF":
        raise DataError(
            f"{path}: images must have 8 or 16 bits per channel, the mode of this is {image.mode}: "
            "convert the images to 8 bits"
        )
    if image.has_transparency_data:
        image = image.convert("RGBA")
        if image.getchannel("A").getextrema() != (255, 255):
            remarks.append(f"transparent parts laid on grey, {BACKGROUND} of 255")
            ground = Image.new("RGBA", image.size, (BACKGROUND, BACKGROUND, BACKGROUND, 255))
            ground.alpha_composite(image)
            image = ground
    return image.convert("L" if grey else "RGB")


def _digest(image: Image.Image) -> str:
    """Return the SHA-256 of size and colours, in strips: a whole large image would take as much again."""
    digest = hashlib.sha256(f"{image.width}×{image.height}".encode())
    rows = max(1, 2**20 // image.width)
    for top in range(0, image.height, rows):
        strip = image.crop((0, top, image.width, min(top + rows, image.height)))
        digest.update(strip.convert("RGB").tobytes())
    return digest.hexdigest()


def _fitted(image: Image.Image, side: int) -> Image.Image:
    return ImageOps.fit(image, (side, side), Image.Resampling.LANCZOS)


def brought_to(pictures: list[Picture], side: int | None) -> tuple[list[Image.Image], bool]:
    """Return images of one size, and whether any had to be cropped or scaled for that.

    Without a `side` they stay as they are if they are small and equal in size.
    """
    sizes = {picture.size for picture in pictures}
    if side is None and len(sizes) == 1 and max(*pictures[0].size) <= LARGEST:
        return [picture.image for picture in pictures], False
    side = side or SIDE
    return [_fitted(picture.image, side) for picture in pictures], sizes != {(side, side)}


def stacked(images: list[Image.Image]) -> torch.Tensor:
    """Return the pixels of images of one size: (n, height, width), or (n, 3, height, width).

    The latter is for images of which any has colour, whatever the mode in which it is stored.
    """
    arrays = [np.asarray(image) for image in images]
    if any(a.ndim == 3 and (a != a[..., :1]).any() for a in arrays):
        arrays = [a if a.ndim == 3 else np.repeat(a[..., None], 3, axis=2) for a in arrays]
        return torch.from_numpy(np.stack(arrays)).permute(0, 3, 1, 2).contiguous()
    return torch.from_numpy(np.stack([a if a.ndim == 2 else a[..., 0] for a in arrays]))
