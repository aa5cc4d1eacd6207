"""Pages without what does nothing: scripts that nobody calls, and markup that nobody sees.

What stays loads after the page is read, and nothing comes from another host.
"""

import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from fflib.book.site.pages import finished, rewrite

__all__ = ["without_ballast"]

SCRIPT = re.compile(r"[ \t]*<script\b([^>]*)>(.*?)</script>\n?", re.DOTALL)
STYLE = re.compile(r'[ \t]*<link\b[^>]*href="([^"]+\.css)[^>]*>\n?')
IDLE = re.compile(
    # Icons are drawn by a style (fflib.book.site.icons), what folds does so by itself
    # (fflib.book.site.folds), no kernel is started from a page, and widgets are for JupyterLab.
    r"scripts/fontawesome\.js|togglebutton|toggleHint|toggleOpenOnPrint|thebe|THEBE_JS_URL"
    r"|mathjax|MathJax|require(?:\.min)?\.js|html-manager"
)
SEARCH = re.compile(r"searchtools\.js|language_data\.js|searchindex\.js")
TABS = re.compile(r"design-tabs\.js")
PRELOAD = re.compile(r'[ \t]*<link rel="preload" as="script"[^>]*>\n?')
VIEWPORT = re.compile(r'<meta name="viewport"[^>]*>')
ADVERTISEMENT = re.compile(r'<div id="ethical-ad-placement".*?</div>', re.DOTALL)
WORD = re.compile(r'<span class="pre">([^<]*)</span>')

UNUSED = (
    *("scripts/*.map", "styles/*.map", "scripts/fontawesome.js*", "vendor/fontawesome"),
    *("sphinx-thebe.*", "togglebutton.*", "webpack-macros.html", "sbt-webpack-macros.html"),
    *("locales", "play-solid.svg"),
)
"""Files of the theme and its extensions that no page asks for, below ``_static``."""


def without_ballast(page: str) -> str:
    """Take out of a page what it can do without.

    Parameters
    ----------
    page : str
        HTML as the theme writes it.

    Returns
    -------
    str
        Without idle scripts and their styles; the scripts of the search only where the search
        is; other scripts deferred; and each inline script once.

    Examples
    --------
    >>> without_ballast('<script src="togglebutton.js"></script><p>Text</p>')
    '<p>Text</p>'
    >>> without_ballast('<script src="doctools.js"></script>')
    '<script defer src="doctools.js"></script>'
    """
    searches = 'id="search-results"' in page
    tabbed = "sd-tab-set" in page
    seen = set()

    def script(match: re.Match[str]) -> str:
        attributes, body = match.groups()
        # The data of an explorer may hold any word, so that only an address or a short body tells.
        told = attributes if "src=" in attributes else attributes + body[:300]
        idle = IDLE.search(told) or match[0].strip() in seen
        if idle or (SEARCH.search(attributes) and not searches):
            return ""
        if TABS.search(attributes) and not tabbed:
            return ""
        seen.add(match[0].strip())
        # Inline scripts set options, which therefore must be there at once.
        waits = re.search(r"\b(?:defer|async)\b", attributes) or "documentation_options" in told
        if "src=" not in attributes or waits:
            return match[0]
        return match[0].replace("<script", "<script defer", 1)

    def style(match: re.Match[str]) -> str:
        return "" if IDLE.search(match[1]) else match[0]

    page = STYLE.sub(style, SCRIPT.sub(script, page))
    page = ADVERTISEMENT.sub("", PRELOAD.sub("", page))
    first, *others = VIEWPORT.findall(page) or [""]
    if others:
        page = VIEWPORT.sub("", page).replace("<head>", f"<head>\n    {first}", 1)
    return WORD.sub(r"\1", page)


def _lighten(site: Path) -> None:
    rewrite(site, without_ballast)
    for pattern in UNUSED:
        for unused in sorted((site / "_static").glob(pattern), reverse=True):
            _remove(unused)


def _remove(path: Path) -> None:
    if path.is_dir():
        for inner in path.iterdir():
            _remove(inner)
        path.rmdir()
    else:
        path.unlink()


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    # After the icons, which are taken from the script that goes.
    finished(app, _lighten, priority=600)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
