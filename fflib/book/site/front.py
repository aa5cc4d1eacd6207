"""The first page of the book under the address of the site itself, without a redirect.

The same page stays under its own address, for links from elsewhere, and names the other as the one
to cite.
"""

import posixpath
import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from fflib.book.site.pages import finished, pages

__all__ = ["moved"]

ADDRESS = re.compile(r'\b(href|src|action|data-content_root)="(?![a-z][a-z0-9+.-]*:|/)([^"#?]*)')
CANONICAL = '<link rel="canonical" href='


def moved(page: str, origin: str, target: str) -> str:
    """A page as it must be written elsewhere to show and link the same.

    Parameters
    ----------
    page : str
        HTML.
    origin, target : str
        Where it lies and where it goes, from the site's root.

    Returns
    -------
    str
        With relative addresses from there; addresses within the page stay.

    Examples
    --------
    >>> moved('<a href="b.html#c">', "chapters/a.html", "index.html")
    '<a href="chapters/b.html#c">'
    """
    here, there = posixpath.dirname(origin), posixpath.dirname(target) or "."

    def address(match: re.Match[str]) -> str:
        attribute, path = match.groups()
        if not path:
            return match[0]
        whole = posixpath.normpath(posixpath.join(here, path))
        ending = "/" if path.endswith("/") else ""
        return f'{attribute}="{posixpath.relpath(whole, there)}{ending}'

    return ADDRESS.sub(address, page)


def _linked(page: str, place: str, front: str) -> str:
    # Links from other pages go to the site's own address.
    old = posixpath.relpath(front, posixpath.dirname(place) or ".")
    new = posixpath.relpath("index.html", posixpath.dirname(place) or ".")
    return re.sub(rf'\bhref="{re.escape(old)}(?=["#])', f'href="{new}', page)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""

    def make(site: Path) -> None:
        front = f"{app.config.root_doc}.html"
        if front == "index.html" or not (site / front).exists():
            return
        for path in pages(site):
            place = path.relative_to(site).as_posix()
            before = path.read_text(encoding="utf-8")
            after = _linked(before, place, front)
            if place == front and CANONICAL not in after:
                home = posixpath.relpath("index.html", posixpath.dirname(front))
                after = after.replace("</head>", f'{CANONICAL}"{home}" />\n  </head>', 1)
            if after != before:
                path.write_text(after, encoding="utf-8")
        page = (site / front).read_text(encoding="utf-8")
        page = re.sub(rf"{re.escape(CANONICAL)}[^>]*>\n?", "", page)
        (site / "index.html").write_text(moved(page, front, "index.html"), encoding="utf-8")

    finished(app, make, priority=700)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
