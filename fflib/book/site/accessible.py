"""Mends in the theme's pages for those who listen, use the keyboard, or hold a narrow screen."""

import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from fflib.book.site.pages import finished, rewrite

__all__ = ["mended"]

# Its search is in the side bar and beside the title, too, and its other buttons never show. But the
# theme's script takes those for the ones that open the side bars. It asks where the header ends.
HEADER = re.compile(r'[ \t]*<header id="pst-header".*?</header>', re.DOTALL)
EMPTY = '<header id="pst-header" class="bd-header" hidden></header>'
# The theme's script looks for the side bar of a page's sections wherever something is full-width.
SECTIONS, NO_SECTIONS = "bd-sidebar-secondary", '<div class="bd-sidebar-secondary" hidden></div>'
# The arrow that unfolds the pages below another.
FOLD = re.compile(r'(<a\b[^>]*>([^<]*)</a><details[^>]*>)<summary>(?=<span class="toctree-toggle")')
BOX = '<div class="pst-scrollable-table-container">'


def mended(page: str) -> str:
    """Mend a page.

    Parameters
    ----------
    page : str
        HTML as the theme writes it.

    Returns
    -------
    str
        With every table in a box that scrolls by itself and can be reached by keyboard, lists of
        citations that say what their entries are, no borders by attribute, one button for
        each side bar, one to find for its script, and a name for each arrow that unfolds a part of the contents.

    Examples
    --------
    >>> mended('<div role="list" class="citation-list">')
    '<div class="citation-list">'
    """
    page = page.replace('<div role="list" class="citation-list">', '<div class="citation-list">')
    page = page.replace('<table border="1"', "<table")
    page = HEADER.sub(EMPTY, page)
    if SECTIONS not in page:
        page = page.replace("</body>", f"{NO_SECTIONS}</body>")
    page = FOLD.sub(r'\1<summary aria-label="Pages under \2">', page)
    return re.sub(
        r"(<article\b.*</article>)", lambda match: _boxed(match[0]), page, flags=re.DOTALL
    )


def _boxed(article: str) -> str:
    # What scripts hold is theirs, and so is the grid of an explorer.
    parts = re.split(r"(<script\b.*?</script>)", article, flags=re.DOTALL)
    for i in range(0, len(parts), 2):
        parts[i] = re.sub(
            rf"({re.escape(BOX)}\s*)?(<table\b[^>]*>)(.*?</table>)", _box, parts[i], flags=re.DOTALL
        )
    return "".join(parts)


def _box(match: re.Match[str]) -> str:
    boxed, head, rest = match.groups()
    if boxed or re.search(r'class="[^"]*\bgrid\b', head):
        return match[0]
    return f"{BOX}{head}{rest}</div>"


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    finished(app, lambda site: rewrite(Path(site), mended))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
