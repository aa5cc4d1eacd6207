"""What pages say of themselves to search engines, link previews and reference managers.

A description from the first sentences of a page, Open Graph and Twitter tags, the tags by which
reference managers know a source, and the site's map. Whatever has to be an absolute address is left
out where the site's address is not known (:mod:`fflib.book.site.address`).
"""

import re
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape as xml

from docutils import nodes
from markupsafe import escape
from sphinx.application import Sphinx
from sphinx.builders.html import StandaloneHTMLBuilder
from sphinx.config import Config
from sphinx.errors import ConfigError
from sphinx.util import logging

from fflib.book import citation
from fflib.book.site.address import VARIABLE, site_address
from fflib.errors import FflibError

__all__ = ["description", "setup"]

LENGTH = 160  # characters of a description that search engines show
CARD_SIZE = {"width": 1200, "height": 630}  # pixels of an image, as previews crop it

LOG = logging.getLogger(__name__)


def description(document: nodes.document) -> str:
    """The first sentences of a page, as many as a search engine shows.

    Parameters
    ----------
    document : docutils.nodes.document

    Returns
    -------
    str
        One sentence at least; empty for a page without prose. Paragraphs with formulas are
        passed over, and so is what stands in lists, tables, notes and outputs.
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


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx of the extension.

    Parameters
    ----------
    app : Sphinx

    Returns
    -------
    dict
        That files may be read and written side by side.
    """
    app.add_config_value("meta_citation", "", "html", str)
    app.add_config_value("meta_image", "", "html", str)
    app.add_config_value("meta_image_alt", "", "html", str)
    app.connect("config-inited", _find_address, priority=200)
    app.connect("html-page-context", _describe)
    app.connect("build-finished", _map)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _find_address(app: Sphinx, config: Config) -> None:
    # Sphinx itself writes canonical links, from this address.
    try:
        config.html_baseurl = site_address(config.html_baseurl)
    except FflibError as error:
        raise ConfigError(str(error)) from None


def _describe(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    if doctree is None:  # an index or a listing of source code
        return
    config, address = app.config, app.config.html_baseurl
    title, said = _title(app, page), description(doctree)
    named = {
        "description": said,
        "twitter:card": "summary",
        "twitter:title": title,
        "twitter:description": said,
    }
    graph = {
        "og:type": "website" if page == config.root_doc else "article",
        "og:title": title,
        "og:site_name": _book(app),
        "og:description": said,
        "og:locale": config.language,
    }
    if address:
        graph["og:url"] = context["pageurl"] = _whole(app, page)
    if address and config.meta_image:
        image = address + config.meta_image
        graph |= {"og:image": image, "og:image:alt": config.meta_image_alt}
        graph |= {f"og:image:{side}": str(pixels) for side, pixels in CARD_SIZE.items()}
        named |= {"twitter:card": "summary_large_image", "twitter:image": image}
    tags = [("name", key, value) for key, value in named.items()]
    tags += [("property", key, value) for key, value in graph.items()]
    tags += [("name", key, value) for key, value in _cited(app, page, title)]
    context["metatags"] += "".join(
        f'\n<meta {kind}="{key}" content="{escape(value)}" />' for kind, key, value in tags if value
    )


def _whole(app: Sphinx, page: str) -> str:
    # The page that the book opens with has the address of the book.
    place = "" if page == app.config.root_doc else app.builder.get_target_uri(page)
    return str(app.config.html_baseurl) + place


def _title(app: Sphinx, page: str) -> str:
    return " ".join(app.env.titles[page].astext().split())


def _book(app: Sphinx) -> str:
    return str(app.config.html_title or app.config.project)


def _cited(app: Sphinx, page: str, title: str) -> list[tuple[str, str]]:
    if not app.config.meta_citation:
        return []
    book = citation.read(Path(app.confdir) / app.config.meta_citation)
    tags = [("citation_title", title)]
    if page != app.config.root_doc:
        tags.append(("citation_inbook_title", _book(app)))
    tags += [("citation_author", author) for author in book.authors]
    if book.released:
        tags.append(("citation_publication_date", book.released.strftime("%Y/%m/%d")))
    tags.append(("citation_language", str(app.config.language)))
    if app.config.html_baseurl:
        tags.append(("citation_public_url", _whole(app, page)))
    return tags


def _map(app: Sphinx, exception: Exception | None) -> None:
    if exception or not isinstance(app.builder, StandaloneHTMLBuilder):
        return
    folder, address = Path(app.outdir), app.config.html_baseurl
    robots = "User-agent: *\nAllow: /\n"
    if address:
        pages = sorted(_whole(app, page) for page in app.env.found_docs)
        urls = "".join(f"<url><loc>{xml(page)}</loc></url>\n" for page in pages)
        (folder / "sitemap.xml").write_text(
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{urls}</urlset>\n',
            encoding="utf-8",
        )
        robots += f"Sitemap: {address}sitemap.xml\n"
    else:
        LOG.info("no sitemap: neither %s nor html.baseurl says where the site is", VARIABLE)
    (folder / "robots.txt").write_text(robots, encoding="utf-8")
