"""Make small copies of a folder's images, all of one size, as a network needs them."""

from pathlib import Path

from PIL import Image, ImageOps
from tqdm.auto import tqdm

from fflib.data.folder import files_of
from fflib.data.images import FORMATS, in_eight_bits, readable

__all__ = ["sizes", "thumbnails"]


def sizes(folder: Path) -> set[tuple[int, int]]:
    """Return the sizes of a folder's images, width and height in pixels, by their headers alone.

    The folder is laid out as :func:`fflib.data.load` says. Another layout, or a file that is no
    image, raises a DataError.
    """
    found = set()
    for path in files_of(folder):
        with readable(path), Image.open(path, formats=FORMATS) as image:
            found.add(image.size)
    return found


def thumbnails(folder: Path, into: Path, side: int) -> None:
    """Write a square copy of each image: the largest square around its middle, scaled.

    The copies have ``side`` pixels a side. The folder is laid out as :func:`fflib.data.load` says,
    and the folder for the copies in the same way; they are named after the images, with ``.png``
    added. Another layout, or a file that is no readable image of 8 bits, raises a DataError.
    """
    files, title = files_of(folder), f"scaling {folder.name}"
    for path in tqdm(files, desc=title, unit="image", delay=2, leave=False):
        place = into / path.relative_to(folder)
        place.parent.mkdir(parents=True, exist_ok=True)
        with readable(path), Image.open(path, formats=FORMATS) as image:
            upright = in_eight_bits(path, ImageOps.exif_transpose(image))
            copy = ImageOps.fit(upright, (side, side), Image.Resampling.LANCZOS)
            copy.save(place.with_name(f"{place.name}.png"))
