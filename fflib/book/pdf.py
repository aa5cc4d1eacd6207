"""The whole book as one PDF, printed from the built site by Chromium: no TeX is needed.

``python -m fflib.book.pdf`` is what ``make pdf`` runs. All pages become one document in the order of the
table of contents, so that links between chapters lead to pages of the PDF.
"""

import argparse
import io
import logging
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from html import escape
from importlib.metadata import version
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from fflib.book.browser import BrowserError, confine, opened, serving
from fflib.book.commands import exit_code
from fflib.errors import ChapterError
from fflib.records.files import write_whole

try:
    import yaml
    from bs4 import BeautifulSoup, Tag
    from sphinx_external_toc.parsing import parse_toc_yaml
except ModuleNotFoundError as missing:
    MESSAGE = f"printing needs {missing.name}: run pip install -e '.[test]' in the clone"
    if __name__ == "__main__":
        sys.exit(MESSAGE)
    raise ImportError(MESSAGE) from None

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["Part", "document", "make", "parts"]

SITE, OUTPUT = Path("_build", "html"), Path("_build", "book.pdf")
ADDRESS = "http://book"  # stands for the site while links are sorted; nothing is asked of it
LEFT_OUT = "script, noscript, a.headerlink, a:has(> .viewcode-link), .viewcode-link, [hidden]"
FOLDED_CODE = "details.above-input, details.below-input, details.origin .cell_input"
WIDTH = 658  # pixels between the margins of pdf.css
LONGEST = 400  # characters of a value in the API; some are whole grids
TIMEOUT = 300_000  # milliseconds


@dataclass(frozen=True)
class Part:
    """Pages under one heading of the table of contents.

    `caption` is empty for the page that the book opens with; `pages` are names without a suffix, in order.
    """

    caption: str
    pages: tuple[str, ...]


def parts(root: Path) -> list[Part]:
    """Read the order of the book from ``_toc.yml`` in a folder.

    Raises
    ------
    ChapterError
        Without a table of contents.
    """
    try:
        toc = parse_toc_yaml(root / "_toc.yml")
    except FileNotFoundError:
        raise ChapterError(f"no book in {root.resolve()}: it has no _toc.yml") from None

    def under(page: str) -> list[str]:
        below = (str(item) for tree in toc[page].subtrees for item in tree.items)
        return [page, *(name for item in below for name in under(item))]

    first = Part("", (toc.root.docname,))
    return [first] + [
        Part(tree.caption or "", tuple(name for item in tree.items for name in under(str(item))))
        for tree in toc.root.subtrees
    ]


def document(site: Path, book: Sequence[Part], title: str, author: str) -> str:
    """Put the pages of a site into one HTML document, to be opened at the root of the site.

    It has a title page, a table of contents whose page numbers are left open, and every page's article.
    Code that a page folds away is left out, and so is what only works on a screen; other things that are
    folded are open.

    Raises
    ------
    ChapterError
        If the site lacks a page of the book.
    """
    names = {f"/{page}.html": _key(page) for part in book for page in part.pages}
    names["/index.html"] = names["/"] = _key(book[0].pages[0])
    opening = _page(site, book[0].pages[0])
    styles = "".join(
        f'<link rel="stylesheet" href="{escape(urljoin(f"/{book[0].pages[0]}", str(link["href"])))}">'
        for link in opening.select('link[rel="stylesheet"]')
    )
    contents, body = [], []
    for part in book:
        if part.caption:
            key = _key(part.caption)
            contents.append(_entry(0, key, escape(part.caption)))
            body.append(f'<h1 class="book-part" id="{key}">{escape(part.caption)}</h1>')
        for page in part.pages:
            depth = 1 if part.caption else 0
            article = _article(_page(site, page), page, names, depth)
            contents += _entries(article, page, depth)
            body.append(
                f'<section class="book-page" id="{_key(page)}">{article.decode_contents()}</section>'
            )
    language = opening.html.get("lang", "en") if opening.html else "en"
    return f"""<!doctype html><html lang="{language}" data-theme="light" data-mode="light"><head>
<meta charset="utf-8"><title>{escape(title)}</title>{styles}<style>{_own("pdf.css")}</style></head><body class="book">
<header class="book-title"><p class="title">{escape(title)}</p><p>{escape(author)}</p>
<p>Version {version("forward-forward-ensembles")}</p></header>
<div class="bd-article-container"><article class="bd-article">
<nav class="book-contents"><h1>Contents</h1><ol>{"".join(contents)}</ol></nav>
{"".join(body)}</article></div></body></html>"""


def _own(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _entries(article: Tag, page: str, depth: int) -> Iterator[str]:
    # A page and its sections; Sphinx puts the name of a section on the element around it.
    heading = article.find("h1")
    yield _entry(depth, _key(page), heading.decode_contents() if heading else page)
    for heading in article.find_all("h2"):
        if heading.parent and heading.parent.get("id"):
            yield _entry(depth + 1, str(heading.parent["id"]), heading.decode_contents())


def _key(name: str) -> str:
    return "book-" + re.sub(r"\W+", "-", name).lower()


def _entry(depth: int, key: str, heading: str) -> str:
    heading = re.sub(r"</?a\b[^>]*>|\sid=\"[^\"]*\"", "", heading)
    place = f'<a href="#{key}">{heading}</a><span data-page="{key}"></span>'
    return f'<li data-depth="{depth}">{place}</li>'


def _page(site: Path, page: str) -> BeautifulSoup:
    try:
        text = (site / f"{page}.html").read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ChapterError(f"{site} lacks {page}.html: build it with make book") from None
    return BeautifulSoup(text, "html.parser")


def _article(soup: BeautifulSoup, page: str, names: Mapping[str, str], depth: int) -> Tag:
    article = soup.select_one("article.bd-article")
    if article is None:
        raise ChapterError(f"{page}.html has no article: build the site with make book")
    for element in article.select(f"{LEFT_OUT}, {FOLDED_CODE}"):
        element.decompose()
    for value in article.select("dt.sig em.property"):
        if len(value.get_text()) > LONGEST:
            value.string = " = …"
    for folded in article.select("details"):
        folded["open"] = ""
    for named in article.select("[id]"):
        if named.find_parent("svg") is None:
            named["id"] = f"{_key(page)}--{named['id']}"
    for link in article.select("a[href]"):
        _lead(link, page, names)
    for shown in article.select("[src]"):
        shown["src"] = urljoin(f"/{page}", str(shown["src"]))
    for heading in article.select("h1, h2, h3, h4, h5"):
        heading["aria-level"] = str(int(heading.name[1]) + depth)
    return article


def _lead(link: Tag, page: str, names: Mapping[str, str]) -> None:
    # Within the book to a place in the PDF, elsewhere in the site to nowhere, and outside as it was.
    target = urlsplit(urljoin(f"{ADDRESS}/{page}.html", str(link["href"])))
    if f"{target.scheme}://{target.netloc}" != ADDRESS:
        return
    if target.path not in names:
        del link["href"]
    else:
        key = names[target.path]
        link["href"] = f"#{key}--{target.fragment}" if target.fragment else f"#{key}"


def make(site: Path, output: Path, root: Path = Path()) -> int:
    """Print a site that ``make book`` built, and return the number of pages.

    A PDF at `output` is replaced only by a whole one. The folder `root` holds ``_toc.yml`` and
    ``_config.yml``.

    Raises
    ------
    ChapterError
        If there is no book in `root`, or the site lacks a page of it.
    BrowserError
        Where Chromium, Playwright or pypdf is missing.
    """
    if find_spec("pypdf") is None:
        message = "no pypdf in this environment: run pip install -e '.[test]' in the clone"
        raise BrowserError(message)
    from pypdf import PdfWriter
    from pypdf.generic import NameObject, TextStringObject

    # It counts objects that Chromium shares between pages more than once, and says so, harmlessly.
    logging.getLogger("pypdf").setLevel(logging.ERROR)
    book = parts(root)
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    title, author = str(config["title"]), str(config["author"])
    html = document(site, book, title, author)
    with _printing(site, html) as (page, paper):
        writer = PdfWriter(io.BytesIO(paper()))
        places = {
            name.removeprefix("/"): writer.get_destination_page_number(place)
            for name, place in writer.named_destinations.items()
        }
        entries = page.evaluate("number", {key: str(n + 1) for key, n in places.items() if n})
        front = PdfWriter(io.BytesIO(paper()))
    for under, over in zip(writer.pages, front.pages, strict=False):
        under.merge_page(over)
    above: list[Any] = []
    for depth, key, text in entries:
        del above[depth:]
        parent = above[-1] if above else None
        item = writer.add_outline_item(
            title=text, page_number=places[key], parent=parent, is_open=depth == 0
        )
        above.append(item)
    language = TextStringObject(str(config["sphinx"]["config"]["language"]))
    writer.root_object[NameObject("/Lang")] = language
    writer.add_metadata({"/Title": title, "/Author": author})
    written = io.BytesIO()
    writer.write(written)
    write_whole(output, written.getvalue())
    return len(writer.pages)


@contextmanager
def _printing(site: Path, html: str) -> Iterator[tuple["Page", Callable[[], bytes]]]:
    # The document is given to a browser in the place of a page that the site does not have.
    with serving(site) as address, opened() as browser:
        context = browser.new_context(
            color_scheme="light", viewport={"width": WIDTH, "height": 1000}, service_workers="block"
        )
        confine(context, address)
        page = context.new_page()
        page.set_default_timeout(TIMEOUT)
        page.route(
            f"{address}/book.html",
            lambda route: route.fulfill(body=html, content_type="text/html; charset=utf-8"),
        )
        page.emulate_media(media="print")
        page.goto(f"{address}/book.html", wait_until="load")
        page.evaluate("document.fonts.ready")
        page.add_script_tag(content=_own("pdf.js"))
        page.evaluate("fit()")
        yield page, partial(page.pdf, prefer_css_page_size=True, print_background=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``python -m fflib.book.pdf``; return 0, or 1 if nothing could be printed."""
    parser = argparse.ArgumentParser(
        prog="python -m fflib.book.pdf", description="Print the built book into one PDF."
    )
    parser.add_argument("site", nargs="?", type=Path, default=SITE, help=f"what was built ({SITE})")
    parser.add_argument(
        "--output", type=Path, default=OUTPUT, metavar="FILE", help=f"where it goes ({OUTPUT})"
    )
    arguments = parser.parse_args(argv)
    return exit_code(
        lambda: f"{make(arguments.site, arguments.output)} pages are in {arguments.output}"
    )


if __name__ == "__main__":
    sys.exit(main())
