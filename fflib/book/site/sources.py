"""Pages of source code whose links lead somewhere.

Sphinx links each definition back to its documentation under the name of its own module, also where
the package documents it under another, and lists modules that have no page, and
sub-modules in lists outside any entry.
"""

import re
from functools import cache
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from fflib.book.site.pages import finished

__all__ = ["nested", "resolved"]

LINK = re.compile(
    r'(?:<li>)?<a (?:class="viewcode-back" )?href="([^"#:]+)(?:#([^"]+))?"[^>]*>[^<]*</a>(?:</li>\n?)?'
)


NESTED = re.compile(r"</li>\s*<ul>")


@cache
def _ids(page: Path) -> set[str]:
    return set(re.findall(r'\bid="([^"]+)"', page.read_text(encoding="utf-8")))


def resolved(page: str, folder: Path) -> str:
    """Take the links out that lead nowhere.

    Parameters
    ----------
    page : str
        HTML.
    folder : Path
        Where it lies.

    Returns
    -------
    str
        Without the links that stand alone, or alone in the entry of a list, and whose file or
        anchor is not there.
    """

    def link(match: re.Match[str]) -> str:
        target = (folder / match[1]).resolve()
        there = target.is_file() and (match[2] is None or match[2] in _ids(target))
        return match[0] if there else ""

    return LINK.sub(link, page)


def nested(page: str) -> str:
    r"""Put a list within a list into an entry, where it belongs.

    Examples
    --------
    >>> nested("<ul><li>a</li>\n<ul><li>b</li></ul></ul>")
    '<ul><li>a\n<ul><li>b</li></ul></li></ul>'
    """
    opened = len(NESTED.findall(page))
    return NESTED.sub("\n<ul>", page).replace("</ul>", "</ul></li>", opened)


def _resolve(site: Path) -> None:
    _ids.cache_clear()
    for page in site.glob("_modules/**/*.html"):
        before = page.read_text(encoding="utf-8")
        after = resolved(before, page.parent)
        if page == site / "_modules" / "index.html":
            head, article, rest = after.partition("<article")
            after = head + article + nested(rest)
        if after != before:
            page.write_text(after, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    finished(app, _resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
