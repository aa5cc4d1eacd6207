"""The html files of a built site as files: their links, anchors, redirects and weights."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urljoin, urlsplit

ASSETS = {"_static", "_sources", "_downloads", "_sphinx_design_static"}
"""Folders that hold what pages are made of; html in them is a template, or a download."""

HEAVY = 1_500_000  # bytes of a page and its own images: half a minute on a slow phone
LEADING = ("href", "src", "poster", "xlink:href")  # attributes that hold an address
HERE = "http://site.invalid/"  # any host will do, to resolve links and tell which leave it


class Problem(NamedTuple):
    """Something that a reader would stumble over."""

    kind: str
    page: str
    what: str


class _Tags(HTMLParser):
    """Collects from the tags of a page what links lead to and what they lead from."""

    def __init__(self) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.references: list[str] = []
        self.images: list[str] = []
        self.redirect: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attrs}
        if "id" in has:
            self.anchors.add(has["id"])
        if tag == "a" and "name" in has:
            self.anchors.add(has["name"])
        self.references += [has[name] for name in LEADING if name in has]
        if tag == "object" and "data" in has:
            self.references.append(has["data"])
        sources = [choice.split()[0] for choice in has.get("srcset", "").split(", ") if choice]
        self.references += sources
        if tag == "img":
            self.images += [has.get("src", ""), *sources]
        if tag == "meta" and has.get("http-equiv", "").lower() == "refresh":
            sent = re.search(r"url\s*=\s*['\"]?([^'\"]+)", has.get("content", ""), re.IGNORECASE)
            if sent:
                self.redirect = sent[1].strip()
                self.references.append(self.redirect)


@dataclass(frozen=True)
class Page:
    """An html file of a site; `name` is its path there, with slashes."""

    site: Path
    name: str

    @cached_property
    def _tags(self) -> _Tags:
        tags = _Tags()
        tags.feed((self.site / self.name).read_text(encoding="utf-8"))
        return tags

    @property
    def anchors(self) -> set[str]:
        """Where links into it may lead."""
        return self._tags.anchors

    @property
    def redirect(self) -> str | None:
        """Where a reader is sent on at once, as the page writes it."""
        return self._tags.redirect

    @property
    def references(self) -> list[str]:
        """Everything it links to or loads, each once and as the page writes it."""
        return list(dict.fromkeys(self._tags.references))

    def resolve(self, reference: str) -> tuple[str, str] | None:
        """Path and anchor of a reference, or None where it leaves the site."""
        address = urljoin(HERE + self.name, reference.strip())
        if not address.startswith(HERE):
            return None
        parts = urlsplit(address)
        path = unquote(parts.path).lstrip("/")
        if (self.site / path).is_dir():
            path = f"{path.rstrip('/')}/index.html".lstrip("/")
        return path, unquote(parts.fragment)

    def weight(self) -> int:
        """Bytes of it and of its own images, as they lie on disk."""
        images = {found[0] for source in self._tags.images if (found := self.resolve(source))}
        files = [self.site / name for name in {self.name, *images}]
        return sum(file.stat().st_size for file in files if file.is_file())


def pages_of(site: Path) -> list[Page]:
    """Every page of a site that readers can open."""
    names = [path.relative_to(site) for path in sorted(site.rglob("*.html"))]
    return [Page(site, name.as_posix()) for name in names if name.parts[0] not in ASSETS]


def broken_links(pages: list[Page]) -> Iterator[Problem]:
    """Links of some pages within their site whose file or anchor is not there."""
    known = {page.name: page for page in pages_of(pages[0].site)} | {p.name: p for p in pages}
    for page in pages:
        for reference in page.references:
            target = page.resolve(reference)
            if target is None:
                continue
            path, anchor = target
            if not (page.site / path).is_file():
                yield Problem("broken_links", page.name, f"{reference}: no such file")
            elif anchor and path in known and anchor not in known[path].anchors | {"top"}:
                yield Problem("broken_links", page.name, f"{reference}: no such anchor")


def heavy_pages(pages: list[Page]) -> Iterator[Problem]:
    """Pages that take long on a phone."""
    for page in pages:
        if (weight := page.weight()) > HEAVY:
            yield Problem("heavy_pages", page.name, f"{weight / 1e6:.2f} MB with its images")
