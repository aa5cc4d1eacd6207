"""What pages say of themselves to search engines, link previews and reference managers.

sphinxext-opengraph writes what previews show, where the address of the site is known
(:mod:`fflib.book.site.published`). This module adds a description in whole sentences, the tags by which
reference managers know a source, and the site's map, in which the first page has the address of the
site itself.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from docutils import nodes
from markupsafe import escape
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ConfigError
from sphinx.util import logging

from fflib.book import citation
from fflib.book.site.pages import finished
from fflib.book.site.published import VARIABLE, site_address
from fflib.errors import FflibError

__all__ = ["description"]

LENGTH = 160  # characters of a description that search engines show

LOG = logging.getLogger(__name__)


def description(document: nodes.document) -> str:
    """Return the first sentences of a page, as many as a search engine shows.

    One at least; none for a page without prose. Paragraphs with formulas do not count, nor does what
    stands in lists, tables, notes and outputs.
    """
    for paragraph in document.findall(nodes.paragraph):
        if not isinstance(paragraph.parent, nodes.section) or any(paragraph.findall(nodes.math)):
            continue
        text = " ".join(paragraph.astext().split())
        if not text:
            continue
        first, *others = re.split(r"(?<=[.!?])\s+(?=[A-Z])", text)
        for sentence in others:
            if len(first) + 1 + len(sentence) > LENGTH:
                break
            first += f" {sentence}"
        return first
    return ""


def _find_address(app: Sphinx, config: Config) -> None:
    # Sphinx itself writes canonical links from this address.
    try:
        config.html_baseurl = site_address(config.html_baseurl)
    except FflibError as error:
        raise ConfigError(str(error)) from None
    config.ogp_site_url = config.html_baseurl
    config.ogp_site_name = str(config.html_title or config.project)


def _describe(
    app: Sphinx, page: str, template: str, context: dict[str, Any], tree: nodes.document | None
) -> None:
    if tree is None:  # an index
        return
    said, place = description(tree), _place(app, page)
    tags = [("description", said), *_cited(app, page)]
    fields = context["meta"] = dict(context["meta"] or {})
    if app.config.html_baseurl:
        context["pageurl"] = app.config.html_baseurl + place
        fields |= {"og:url": context["pageurl"], "og:type": "article" if place else "website"}
        fields |= {"og:description": said} if said else {}
    else:
        fields["ogp_disable"] = "there is no address to preview"
    context["metatags"] += "".join(
        f'\n<meta name="{key}" content="{escape(value)}" />' for key, value in tags if value
    )


def _place(app: Sphinx, page: str) -> str:
    # The page that the book opens with has the address of the book.
    return "" if page == app.config.root_doc else app.builder.get_target_uri(page)


def _cited(app: Sphinx, page: str) -> Iterator[tuple[str, str]]:
    if app.config.meta_citation:
        book = citation.read(Path(app.confdir) / app.config.meta_citation)
        yield "citation_title", " ".join(app.env.titles[page].astext().split())
        if page != app.config.root_doc:
            yield "citation_inbook_title", app.config.ogp_site_name
        yield from (("citation_author", author) for author in book.authors)
        yield "citation_publication_date", f"{book.released:%Y/%m/%d}" if book.released else ""
        yield "citation_language", str(app.config.language)
        if address := app.config.html_baseurl:
            yield "citation_public_url", address + _place(app, page)


def _map(app: Sphinx, site: Path) -> None:
    address = app.config.html_baseurl
    robots = "User-agent: *\nAllow: /\n"
    if address:
        root = ElementTree.Element("urlset", xmlns="http://www.sitemaps.org/schemas/sitemap/0.9")
        for place in sorted(_place(app, page) for page in app.env.found_docs):
            url = ElementTree.SubElement(root, "url")
            ElementTree.SubElement(url, "loc").text = address + place
        ElementTree.ElementTree(root).write(site / "sitemap.xml", "utf-8", xml_declaration=True)
        robots += f"Sitemap: {address}sitemap.xml\n"
    else:
        LOG.info("no sitemap: neither %s nor html.baseurl says where the site is", VARIABLE)
    (site / "robots.txt").write_text(robots, encoding="utf-8")


def setup(app: Sphinx) -> None:
    """Register with Sphinx, and sphinxext-opengraph too."""
    app.add_config_value("meta_citation", "", "html", str)
    app.setup_extension("sphinxext.opengraph")
    app.connect("config-inited", _find_address, priority=200)
    app.connect("html-page-context", _describe, priority=400)  # before what sets the preview
    finished(app, _map)
