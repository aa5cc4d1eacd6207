"""What a term means, or a citation stands for, in the link to it.

A link to an entry of the glossary or the bibliography gets the text of that entry, which
``chapters/_static/cards.js`` shows while a reader points at the link or has come to it by keyboard.
"""

import re
from collections.abc import Iterable, Mapping
from functools import partial
from html import escape
from pathlib import Path, PurePosixPath
from posixpath import normpath
from textwrap import shorten

from sphinx.application import Sphinx

from fflib.book.site.pages import finished, rewrite

__all__ = ["annotated", "entries", "shortened"]

LISTS = ("chapters/reference/glossary.html", "chapters/reference/bibliography.html")
LONGEST = 300  # characters, about six lines of a card
LINK = re.compile(
    r'<a class="([^"]*\breference internal)"(?: data-card="[^"]*")? href="([^"#]*)#([^"]+)"'
)


def shortened(text: str, most: int = LONGEST) -> str:
    """Cut a text that is longer than a card after a whole sentence, or else after a whole word.

    Examples
    --------
    >>> shortened("One is short. Another is not.", 20)
    'One is short.'
    >>> shortened("A single one goes on and on.", 20)
    'A single one goes …'
    """
    text = " ".join(text.split())
    if len(text) <= most:
        return text
    sentences, end, _ = text[: most + 1].rpartition(". ")
    return f"{sentences}." if end else shorten(text, most, placeholder=" …")


def entries(page: str, ids: Iterable[str]) -> dict[str, str]:
    """Return the texts of some entries of a list, by their ids: of definitions or of citations."""
    from bs4 import BeautifulSoup  # takes a while

    soup = BeautifulSoup(page, "html.parser")
    found = {}
    for name in ids:
        entry = soup.find(id=name)
        while entry is not None and entry.name == "dt":  # several terms may share a definition
            entry = entry.find_next_sibling(["dt", "dd"])
        if entry is not None:
            paragraphs = entry.find_all("p") or [entry]
            found[name] = shortened(" ".join(p.get_text() for p in paragraphs))
    return found


def annotated(page: str, name: str, known: Mapping[tuple[str, str], str]) -> str:
    """Give the links of a page the texts of the entries that they lead to.

    `name` is the path of the page in the site, and `known` has the texts by path and id.

    Examples
    --------
    >>> link = '<a class="reference internal" href="b.html#c">'
    >>> annotated(link, "a.html", {("b.html", "c"): "What it means."})
    '<a class="reference internal" data-card="What it means." href="b.html#c">'
    """

    def with_card(link: re.Match[str]) -> str:
        kind, href, entry = link.groups()
        text = known.get((_target(name, href), entry))
        card = f' data-card="{escape(text)}"' if text else ""
        return f'<a class="{kind}"{card} href="{href}#{entry}"'

    return LINK.sub(with_card, page)


def _target(page: str, href: str) -> str:
    return normpath(str(PurePosixPath(page).parent / href))


def _annotate(app: Sphinx, site: Path) -> None:
    pages = {path.relative_to(site).as_posix(): path for path in site.rglob("*.html")}
    asked: dict[str, set[str]] = {name: set() for name in LISTS if name in pages}
    for name, path in pages.items():
        for _, href, entry in LINK.findall(path.read_text(encoding="utf-8")):
            if (target := _target(name, href)) in asked and target != name:
                asked[target].add(entry)
    known = {
        (target, entry): text
        for target, ids in asked.items()
        for entry, text in entries(pages[target].read_text(encoding="utf-8"), ids).items()
    }
    for name, path in pages.items():
        rewrite(path, partial(annotated, name=name, known=known))


def setup(app: Sphinx) -> None:
    """Register with Sphinx."""
    finished(app, _annotate)
