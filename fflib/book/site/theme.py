"""The theme's pages, lighter, and made for screen readers, keyboards and narrow screens too.

Parts of the theme are overridden in ``templates/``. What no template holds is changed here: the scripts that
a page loads, and the HTML of its body and of the table of contents.
"""

import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config

from fflib.book.site.pages import finished

__all__ = ["accessible"]

# The arrow that unfolds the pages below another.
FOLD = re.compile(r'(<a\b[^>]*>([^<]*)</a><details[^>]*>)<summary>(?=<span class="toctree-toggle")')
BOX = '<div class="pst-scrollable-table-container">'
TABLE = re.compile(rf"({re.escape(BOX)}\s*)?(<table\b[^>]*>)(.*?</table>)", re.DOTALL)
SCRIPT = re.compile(r"(<script\b.*?</script>)", re.DOTALL)
WORD = re.compile(r'<span class="pre">([^<]*)</span>')
VIEWPORT = re.compile(r'\n?<meta [^>]*name="viewport"[^>]*>')

UNUSED = (
    *("scripts/*.map", "styles/*.map", "scripts/fontawesome.js*", "vendor/fontawesome"),
    *("webpack-macros.html", "sbt-webpack-macros.html", "locales"),
)
"""Files of the theme that no page asks for, below ``_static``."""

ASKED_FOR = {
    "folds.js": "<details",
    "cards.js": "glossary.html#term-",
    "design-tabs": "sd-tab-set",
    "figures.js": ".svg",
    "tables.js": 'class="dataframe long"',
}
"""What a page must hold to load a script."""


def accessible(body: str) -> str:
    """Change the body of a page for those who listen, use the keyboard or hold a narrow screen.

    Every table is in a box that scrolls by itself and can be reached by keyboard, lists of citations
    say what their entries are, and there are no borders by attribute and no markup around single words
    of code.

    >>> accessible('<div role="list" class="citation-list">')
    '<div class="citation-list">'
    """
    body = body.replace('<div role="list" class="citation-list">', '<div class="citation-list">')
    body = WORD.sub(r"\1", body.replace('<table border="1"', "<table"))
    # What scripts hold is theirs, and so is the grid of an explorer.
    parts = SCRIPT.split(body)
    parts[::2] = [TABLE.sub(_box, part) for part in parts[::2]]
    return "".join(parts)


def _box(match: re.Match[str]) -> str:
    boxed, head, rest = match.groups()
    if boxed or re.search(r'class="[^"]*\bgrid\b', head):
        return match[0]
    return f"{BOX}{head}{rest}</div>"


def labelled(contents: str) -> str:
    """Name each arrow that unfolds a part of the table of contents."""
    return FOLD.sub(r'\1<summary aria-label="Pages under \2">', contents)


def _scripts(scripts: Iterable[Any], body: str) -> Iterator[Any]:
    # Scripts load after the page is read, but for those that set options: they must be there at once.
    for script in dict.fromkeys(scripts):
        name = str(script.filename or "")
        if any(file in name and what not in body for file, what in ASKED_FOR.items()):
            continue
        if not name or "documentation_options" in name:
            yield script
        else:
            options = script.attributes | {"defer": "defer"}
            yield type(script)(script.filename, priority=script.priority, **options)


def _change(app: Sphinx, page: str, template: str, context: dict[str, Any], tree: Any) -> None:
    context["metatags"] = VIEWPORT.sub("", context.get("metatags", ""))  # the theme has one
    context["body"] = accessible(context.get("body", ""))
    if page != "search":  # which has scripts that need the others at once
        context["script_files"] = list(_scripts(context["script_files"], context["body"]))
    if contents := context.get("generate_toctree_html"):
        context["generate_toctree_html"] = lambda *args, **options: labelled(
            str(contents(*args, **options))
        )


def _override(app: Sphinx, config: Config) -> None:
    config.templates_path.insert(0, str(Path(__file__).with_name("templates")))


def _remove_unused(app: Sphinx, site: Path) -> None:
    for pattern in UNUSED:
        for path in (site / "_static").glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def setup(app: Sphinx) -> None:
    """Register with Sphinx."""
    app.connect("config-inited", _override)
    app.connect("html-page-context", _change, priority=999)  # after all that adds scripts
    finished(app, _remove_unused)
