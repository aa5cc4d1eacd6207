"""The built pages, where an extension has to change what the theme has written."""

from collections.abc import Callable, Iterator
from pathlib import Path

from sphinx.application import Sphinx

__all__ = ["finished", "pages", "rewrite"]


def pages(site: Path) -> Iterator[Path]:
    """All HTML pages of a site, those of the sources, the index and the search included."""
    return site.rglob("*.html")


def rewrite(site: Path, change: Callable[[str], str]) -> None:
    """Change every page.

    Parameters
    ----------
    site : Path
        Where the pages are.
    change : callable
        From a page's HTML to what it shall be. It meets pages that it has changed before: Sphinx
        writes again only those whose source has changed.
    """
    for page in pages(site):
        before = page.read_text(encoding="utf-8")
        after = change(before)
        if after != before:
            page.write_text(after, encoding="utf-8")


def finished(app: Sphinx, work: Callable[[Path], None], priority: int = 500) -> None:
    """Have something done to the site once it is built, if it is one of HTML and nothing failed."""

    def do(app: Sphinx, failure: Exception | None) -> None:
        if failure is None and app.builder.name in ("html", "dirhtml"):
            work(Path(app.outdir))

    app.connect("build-finished", do, priority)
