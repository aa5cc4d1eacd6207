"""Make small copies of a folder's images, all of one size, as a network needs them."""

from pathlib import Path

from PIL import Image, ImageOps
from tqdm.auto import tqdm

from fflib.data.folder import files_of
from fflib.data.images import FORMATS, in_eight_bits, readable

__all__ = ["sizes", "thumbnails"]


def sizes(folder: Path) -> set[tuple[int, int]]:
    """Return the sizes of a folder's images, width and height in pixels, by their headers alone.

    Parameters
    ----------
    folder : Path
        Laid out as :func:`fflib.data.load` says.

    Returns
    -------
    set of (int, int)

    Raises
    ------
    DataError
        The folder has another layout, or a file is no image.
    """
    found = set()
    for path in files_of(folder):
        with readable(path), Image.open(path, formats=FORMATS) as image:
            found.add(image.size)
    return found


def thumbnails(folder: Path, into: Path, side: int) -> None:
    """Write a square copy of each image: the largest square around its middle, scaled.

    Parameters
    ----------
    folder : Path
        Laid out as :func:`fflib.data.load` says.
    into : Path
        A folder for the copies, which are laid out in the same way and named after the images,
        with ``.png`` added.
    side : int
        Of the copies, in pixels.

    Raises
    ------
    DataError
        The folder has another layout, or a file is no readable image of 8 bits.
    """
    files = tqdm(
        files_of(folder), desc=f"scaling {folder.name}", unit="image", delay=2, leave=False
    )
    for path in files:
        place = into / path.relative_to(folder)
        place.parent.mkdir(parents=True, exist_ok=True)
        with readable(path), Image.open(path, formats=FORMATS) as image:
            upright = in_eight_bits(path, ImageOps.exif_transpose(image))
            copy = ImageOps.fit(upright, (side, side), Image.Resampling.LANCZOS)
            copy.save(place.with_name(f"{place.name}.png"))
