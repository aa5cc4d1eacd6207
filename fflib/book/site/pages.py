"""The built pages, where a module has to change what Sphinx and the theme have written."""

from collections.abc import Callable
from pathlib import Path

from sphinx.application import Sphinx

__all__ = ["finished", "rewrite"]


def rewrite(page: Path, change: Callable[[str], str]) -> None:
    """Change the text of a file of the site.

    `change` meets files that it has changed before: Sphinx writes again only what has changed.
    """
    before = page.read_text(encoding="utf-8")
    after = change(before)
    if after != before:
        page.write_text(after, encoding="utf-8")


def finished(app: Sphinx, work: Callable[[Sphinx, Path], None], priority: int = 500) -> None:
    """Call a function with Sphinx and the folder of the site once it is built, if it is one of HTML."""

    def do(app: Sphinx, failure: Exception | None) -> None:
        if failure is None and app.builder.name in ("html", "dirhtml"):
            work(app, Path(app.outdir))

    app.connect("build-finished", do, priority)
