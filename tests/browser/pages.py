"""The html files of a built site as files: their links, anchors, redirects and weights."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urljoin, urlsplit

from bs4 import BeautifulSoup

ASSETS = {"_static", "_sources", "_downloads", "_sphinx_design_static"}
"""Folders that hold what pages are made of; html in them is a template, or a download."""

HEAVY = 1_500_000  # bytes of a page and its own images: half a minute on a slow phone
HERE = "site://"  # a host of its own, so that links can be resolved and leave it


class Problem(NamedTuple):
    """Something that a reader would stumble over."""

    kind: str
    page: str
    what: str


@dataclass(frozen=True)
class Page:
    """An html file of a site; `name` is its path there, with slashes."""

    site: Path
    name: str

    @cached_property
    def parsed(self) -> BeautifulSoup:
        """What is in it."""
        path = self.site / self.name
        return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")

    @cached_property
    def anchors(self) -> set[str]:
        """Where links into it may lead."""
        named = self.parsed.find_all("a", attrs={"name": True})
        return {tag["id"] for tag in self.parsed.find_all(id=True)} | {tag["name"] for tag in named}

    @cached_property
    def redirect(self) -> str | None:
        """Where a reader is sent on at once, as the page writes it."""
        tag = self.parsed.find("meta", attrs={"http-equiv": re.compile("^refresh$", re.I)})
        sent = tag and re.search(r"url\s*=\s*['\"]?([^'\"]+)", tag.get("content", ""), re.I)
        return sent[1].strip() if sent else None

    @cached_property
    def references(self) -> list[str]:
        """Everything it links to or loads, each once and as the page writes it."""
        found = [self.redirect] if self.redirect else []
        for attribute in ("href", "src", "poster", "xlink:href"):
            found += [tag[attribute] for tag in self.parsed.find_all(attrs={attribute: True})]
        found += [tag["data"] for tag in self.parsed.find_all("object", data=True)]
        for tag in self.parsed.find_all(srcset=True):
            found += [choice.split()[0] for choice in tag["srcset"].split(", ") if choice.strip()]
        return list(dict.fromkeys(found))

    def resolve(self, reference: str) -> tuple[str, str] | None:
        """Path and anchor of a reference, or None where it leaves the site."""
        parts = urlsplit(urljoin(f"{HERE}/{self.name}", reference.strip()))
        if f"{parts.scheme}://" != HERE or parts.netloc:
            return None
        path = unquote(parts.path).lstrip("/")
        if (self.site / path).is_dir():
            path = f"{path.rstrip('/')}/index.html".lstrip("/")
        return path, unquote(parts.fragment)

    def weight(self) -> int:
        """Bytes of it and of its own images, as they lie on disk."""
        sources = [tag["src"] for tag in self.parsed.find_all("img", src=True)]
        images = {found[0] for source in sources if (found := self.resolve(source))}
        files = [self.site / name for name in [self.name, *images]]
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
