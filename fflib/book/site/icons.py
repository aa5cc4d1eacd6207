"""The theme's icons as a style of a few kilobytes, in the place of a script of 1.5 MB with all.

Font Awesome comes with the theme as one script that draws whatever it finds. Its paths are taken
from there for the icons that occur, and become masks through which the colour of the text shows.
Of its font only the letters remain that the theme's own style writes.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fontTools import subset
from sphinx.application import Sphinx

from fflib.book.site.pages import finished, pages

__all__ = ["icon_style", "used_icons"]

STYLE = "icons.css"
LIBRARY = Path("_static", "scripts", "fontawesome.js")

FAMILIES = {"fab": "fa-brands", "far": "fa-regular", "fas": "fa-solid"}
SHORT = re.compile(r"\b(fab|far|fas)\b")
CLASSES = re.compile(r'class=["\']([^"\']*\bfa-[^"\']*)["\']')

FONT = re.compile(r"@font-face\s*\{[^}]*Font ?Awesome[^}]*\}")
LETTERS = Path("_static", "vendor", "fontawesome", "webfonts", "fa-solid-900.ttf")
NAMED = re.compile(r'--pst-icon-[\w-]+:\s*"([^"\\])"')
FACE = (
    '@font-face{font-family:"Font Awesome 6 Free";font-weight:900;font-display:block;'
    'src:url(../icons.woff) format("woff")}'
)

COMMON = """\
.fa-solid, .fa-regular, .fa-brands, .fas, .far, .fab {
  display: inline-block; width: 1.25em; height: 1em; vertical-align: -.125em; line-height: 1;
  background: currentColor; forced-color-adjust: preserve-parent-color; font-family: inherit;
  -webkit-mask: var(--icon) center / contain no-repeat; mask: var(--icon) center / contain no-repeat;
}
:is(.fa-solid, .fa-regular, .fa-brands, .fas, .far, .fab)::before { content: none !important }
.fa-lg { font-size: 1.25em; vertical-align: -.075em }
.theme-switch-button .theme-switch:is(.fa-solid) { display: none }
html[data-mode=auto] .theme-switch-button .theme-switch[data-mode=auto],
html[data-mode=dark] .theme-switch-button .theme-switch[data-mode=dark],
html[data-mode=light] .theme-switch-button .theme-switch[data-mode=light] { display: inline-block }
"""


def used_icons(texts: Iterable[str]) -> set[tuple[str, str]]:
    """Find the icons that pages or scripts ask for.

    Parameters
    ----------
    texts : iterable of str
        HTML, or JavaScript that writes some.

    Returns
    -------
    set of (str, str)
        Family and name.

    Examples
    --------
    >>> used_icons(['<i class="fas fa-file fa-lg"></i>'])
    {('fa-solid', 'file')}
    """
    found = set()
    for text in texts:
        for classes in CLASSES.findall(text):
            words = SHORT.sub(lambda match: FAMILIES[match[1]], classes).split()
            [family] = [word for word in words if word in FAMILIES.values()] or ["fa-solid"]
            names = {word for word in words if word.startswith("fa-")} - {family, "fa-lg"}
            found |= {(family, name.removeprefix("fa-")) for name in names}
    return found


def icon_style(library: str, icons: Iterable[tuple[str, str]]) -> str:
    """Write the style of some icons.

    Parameters
    ----------
    library : str
        Font Awesome's script.
    icons : iterable of (str, str)
        See :func:`used_icons`. Words that are no icon, such as a size, give no rule.

    Returns
    -------
    str
        CSS.

    Examples
    --------
    >>> library = 'p={"file":[384,512,[128196],"f15b","M0 0z"]};d("fa-solid",p)'
    >>> print(icon_style(library, [("fa-solid", "file")]).splitlines()[-1][:40])
    .fa-solid.fa-file, .fas.fa-file { --icon
    """
    short = {family: key for key, family in FAMILIES.items()}
    rules = []
    for family, name in sorted(icons):
        # Each family stands before the call that registers it.
        part = library.partition(f'"{family}",p)')[0]
        drawn = re.findall(
            rf'[,{{]"?{re.escape(name)}"?:\[(\d+),(\d+),\[[^\]]*\],"[0-9a-f]+","([^"]+)"\]', part
        )
        if not drawn:
            continue
        width, height, path = drawn[-1]
        picture = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">'
            f'<path d="{path}"/></svg>'
        )
        url = f'url("data:image/svg+xml,{quote(picture, safe=" =:/")}")'
        selector = f".{family}.fa-{name}, .{short[family]}.fa-{name}"
        rules.append(f"{selector} {{ --icon: {url} }}")
    return COMMON + "\n".join(rules) + "\n"


def _draw(site: Path) -> None:
    if not (site / LIBRARY).exists():
        return
    library = (site / LIBRARY).read_text(encoding="utf-8")
    scripts = [path for path in site.glob("_static/scripts/*.js") if path.name != LIBRARY.name]
    texts = (path.read_text(encoding="utf-8") for path in [*pages(site), *scripts])
    style = icon_style(library, used_icons(texts))
    (site / "_static" / STYLE).write_text(style, encoding="utf-8")
    # What the theme's style writes beside texts are letters of a font; others load none.
    for path in site.glob("_static/styles/*.css"):
        whole = path.read_text(encoding="utf-8")
        letters = set(NAMED.findall(whole))
        if letters:
            _write_font(site / LETTERS, letters, site / "_static" / "icons.woff")
        path.write_text(FONT.sub("", whole) + FACE * bool(letters), encoding="utf-8")


def _write_font(whole: Path, letters: set[str], part: Path) -> None:
    options = subset.Options(flavor="woff", notdef_outline=False)
    font = subset.load_font(whole, options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(text="".join(letters))
    subsetter.subset(font)
    subset.save_font(font, part, options)
    font.close()


def _link(app: Sphinx) -> None:
    app.add_css_file(STYLE)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.connect("builder-inited", _link)
    finished(app, _draw)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
