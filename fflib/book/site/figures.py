"""Figures that reserve their place, wait until they are looked at, and carry no ballast.

On a narrow screen a figure keeps the width at which its smallest text can be read, and scrolls in a box
of its own. In the dark it is drawn on the dark: a style in the file changes every colour that would not
be seen there. A link to the file lies around it, which ``chapters/_static/figures.js`` opens on the page.
"""

import math
import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

from PIL import Image
from sphinx.application import Sphinx

from fflib.book.site.pages import finished, rewrite

__all__ = ["by_night", "in_the_dark", "least_width", "placed", "size", "slim"]

BALLAST = re.compile(r"<metadata>.*?</metadata>|<!--.*?-->|<!DOCTYPE[^>]*>", re.DOTALL)
PATH = re.compile(r'\sd="([^"]+)"')
PLACE = re.compile(r'\s[xy]="-?[\d.]+"|\btranslate\([^)]+\)')
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")
IMAGE = re.compile(r"(<a\b[^>]*>\s*)?(<img\b[^>]*>)")
TEXT = re.compile(r"scale\(([\d.]+)[ ,]-")  # matplotlib draws text in a hundredth of its size
WIDTH = re.compile(r'<svg[^>]*\swidth="([\d.]+)pt"')
COLOUR = re.compile(r"(fill|stroke): #([0-9a-f]{6})")
SOURCE = re.compile(r'\bsrc="([^":?#]+)"')
POINT = 4 / 3  # pixels of CSS
SMALLEST = 9  # pixels of CSS: the least size of text
NIGHT, CONTRAST = (0x12, 0x12, 0x12), 3  # the theme's background in the dark, and what lines need

# The colours of a map mean numbers, and what is written on them has its contrast with them.
KEPT = ":not([id^=QuadMesh] *, [id^=on-colour] *)"


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


def least_width(svg: str) -> int | None:
    """Return the width in pixels of CSS at which the smallest text of a figure is 9 high.

    >>> least_width('<svg width="300pt"><g transform="translate(1 2) scale(0.1 -0.1)"/>')
    270
    """
    width, sizes = WIDTH.search(svg), TEXT.findall(svg)
    if width is None or not sizes:
        return None
    return math.ceil(SMALLEST * float(width[1]) / (100 * min(map(float, sizes))))


def by_night(colour: str) -> str:
    """Return what a colour becomes on a dark ground: greys change sides, dark hues are lightened.

    >>> by_night("ffffff"), by_night("222222"), by_night("e69f00")
    ('121212', 'cacaca', 'e69f00')
    """
    rgb = [int(colour[i : i + 2], 16) for i in (0, 2, 4)]
    if max(rgb) == min(rgb):
        shown = [round(end + (230 - end) * (255 - rgb[0]) / 255) for end in NIGHT]
    else:
        steps = ([round(v + step * (255 - v) / 20) for v in rgb] for step in range(21))
        shown = next(step for step in steps if _contrast(step) >= CONTRAST)
    return "".join(f"{part:02x}" for part in shown)


def _contrast(rgb: Sequence[int]) -> float:
    """Return the contrast with the dark ground, as the guidelines for accessible pages define it."""
    light, dark = (
        sum(
            weight * (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4)
            for weight, part in zip(
                (0.2126, 0.7152, 0.0722), (v / 255 for v in colour), strict=True
            )
        )
        for colour in (rgb, NIGHT)
    )
    return (light + 0.05) / (dark + 0.05)


def in_the_dark(svg: str) -> str:
    """Give a figure a style for readers of dark pages."""
    if "prefers-color-scheme" in svg:
        return svg
    rules = [
        f'[style*="{name}: #{colour}"]{KEPT}{{{name}:#{night}!important}}'
        for name, colour in sorted(set(COLOUR.findall(svg)))
        if (night := by_night(colour)) != colour
    ]
    style = f"<style>@media (prefers-color-scheme: dark){{{''.join(rules)}}}</style>"
    return svg.replace("</svg>", f"{style}</svg>") if rules else svg


def placed(page: str, folder: Path) -> str:
    """Give each image of a page its size, and let all but the first wait until they are near.

    The images are those that lie where a page in `folder` says; any that states a size already, or is
    not there, stays as it is. A drawing with text gets its least width and a link around it.
    """
    number = 0

    def image(match: re.Match[str]) -> str:
        nonlocal number
        source = SOURCE.search(match[2])
        if source is None or not (folder / source[1]).is_file():
            return match[0]
        number += 1
        added = ""
        if not re.search(r"\s(?:width|height|style)=", match[2]):
            sides = size(folder / source[1])
            added += f' width="{sides[0]}" height="{sides[1]}"' if sides else ""
        if number > 1 and "loading=" not in match[2]:
            added += ' loading="lazy"'
        drawing = folder / source[1]
        least = least_width(drawing.read_text("utf-8")) if drawing.suffix == ".svg" else None
        if least is None or match[1]:
            return match[0].replace("<img", f"<img{added}", 1)
        added += f' class="dark-light" style="min-width: {least}px"'  # the theme dims others
        boxed = match[2].replace("<img", f"<img{added}", 1)
        return f'<a class="figure" href="{source[1]}">{boxed}</a>'

    return IMAGE.sub(image, page)


def _slim_and_place(app: Sphinx, site: Path) -> None:
    for drawing in (site / "_images").glob("*.svg"):
        rewrite(drawing, lambda svg: in_the_dark(slim(svg)))
    for page in site.rglob("*.html"):
        rewrite(page, partial(placed, folder=page.parent))


def setup(app: Sphinx) -> None:
    """Register with Sphinx."""
    finished(app, _slim_and_place)
