"""The first page of the book under the address of the site itself, without a redirect.

The same page stays under its own address, for links from elsewhere, and names the other as the one
to cite.
"""

import os
import posixpath
import re
from pathlib import Path

from sphinx.application import Sphinx

from fflib.book.site.pages import finished, rewrite

__all__ = ["moved"]

ADDRESS = re.compile(r'\b(href|src|action|data-content_root)="(?![a-z][a-z0-9+.-]*:|/)([^"#?]*)')
HOME = "index.html"
CANONICAL = '<link rel="canonical" href='


def moved(page: str, origin: str, target: str) -> str:
    """Return a page as it must be written elsewhere in the site to show and link the same.

    Relative addresses lead from `target` where they led from `origin`; those within the page stay.

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


def _link(page: Path, site: Path, front: str) -> None:
    # Links from other pages go to the site's own address, and the page itself names it.
    old, new = (
        Path(os.path.relpath(site / name, page.parent)).as_posix() for name in (front, HOME)
    )

    def change(text: str) -> str:
        text = re.sub(rf'\bhref="{re.escape(old)}(?=["#])', f'href="{new}', text)
        if page == site / front and CANONICAL not in text:
            text = text.replace("</head>", f'{CANONICAL}"{new}" />\n  </head>', 1)
        return text

    rewrite(page, change)


def _make(app: Sphinx, site: Path) -> None:
    front = f"{app.config.root_doc}.html"
    if front != HOME:
        for path in site.rglob("*.html"):
            _link(path, site, front)
        page = (site / front).read_text(encoding="utf-8")
        page = re.sub(rf"{re.escape(CANONICAL)}[^>]*>\n?", "", page)
        (site / HOME).write_text(moved(page, front, HOME), encoding="utf-8")


def setup(app: Sphinx) -> None:
    """Register with Sphinx."""
    finished(app, _make, priority=700)
