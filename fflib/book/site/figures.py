"""Figures that reserve their place, wait until they are looked at, and carry no ballast."""

import re
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

from PIL import Image
from sphinx.application import Sphinx

from fflib.book.site.pages import finished, rewrite

__all__ = ["placed", "size", "slim"]

BALLAST = re.compile(r"<metadata>.*?</metadata>|<!--.*?-->|<!DOCTYPE[^>]*>", re.DOTALL)
PATH = re.compile(r'\sd="([^"]+)"')
PLACE = re.compile(r'\s[xy]="-?[\d.]+"|\btranslate\([^)]+\)')
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")
IMAGE = re.compile(r"<img\b[^>]*>")
SOURCE = re.compile(r'\bsrc="([^":?#]+)"')
POINT = 4 / 3  # pixels of CSS


def slim(svg: str) -> str:
    r"""Shorten a figure as matplotlib writes it: no metadata, places to a hundredth of a point.

    >>> slim('<path d="M 44.103125 176.998979 \nL 1 2 "/>')
    '<path d="M44.1 177L1 2"/>'
    """
    svg = BALLAST.sub("", svg)
    svg = PLACE.sub(lambda match: NUMBER.sub(_rounded, match[0]), svg)

    def path(match: re.Match[str]) -> str:
        drawn = NUMBER.sub(_rounded, " ".join(match[1].split()))
        return ' d="' + re.sub(" ?([A-Za-z]) ?", r"\1", drawn) + '"'

    return re.sub(r">\s*\n\s*<", "><", PATH.sub(path, svg)).strip()


def _rounded(number: re.Match[str]) -> str:
    return f"{round(float(number[0]), 2) + 0:g}" if abs(float(number[0])) < 1e4 else number[0]


def size(image: Path) -> tuple[int, int] | None:
    """Return width and height in pixels of CSS, or None for a drawing that does not say them."""
    if image.suffix != ".svg":
        with Image.open(image) as picture:
            return picture.size
    root = ElementTree.parse(image).getroot()
    found = [re.fullmatch(r"([\d.]+)(pt|px|)", root.get(side, "")) for side in ("width", "height")]
    sides = [
        round(float(match[1]) * (POINT if match[2] == "pt" else 1)) for match in found if match
    ]
    return (sides[0], sides[1]) if len(sides) == 2 else None


def placed(page: str, folder: Path) -> str:
    """Give each image of a page its size, and let all but the first wait until they are near.

    The images are those that lie where a page in `folder` says; any that states a size already, or is
    not there, stays as it is.
    """
    number = 0

    def image(match: re.Match[str]) -> str:
        nonlocal number
        source = SOURCE.search(match[0])
        if source is None or not (folder / source[1]).is_file():
            return match[0]
        number += 1
        added = ""
        if not re.search(r"\s(?:width|height|style)=", match[0]):
            sides = size(folder / source[1])
            added += f' width="{sides[0]}" height="{sides[1]}"' if sides else ""
        if number > 1 and "loading=" not in match[0]:
            added += ' loading="lazy"'
        return match[0].replace("<img", f"<img{added}", 1)

    return IMAGE.sub(image, page)


def _slim_and_place(app: Sphinx, site: Path) -> None:
    for drawing in (site / "_images").glob("*.svg"):
        rewrite(drawing, slim)
    for page in site.rglob("*.html"):
        rewrite(page, partial(placed, folder=page.parent))


def setup(app: Sphinx) -> None:
    """Register with Sphinx."""
    finished(app, _slim_and_place)
