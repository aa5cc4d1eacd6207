"""Styles without the rules that no page of the site can ever meet.

A rule stays if each of its classes and ids occurs in a page or as a word of a script that the site
serves. What a script puts together from pieces must therefore be kept by a page, too.
"""

import re
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import tinycss2
from sphinx.application import Sphinx

from fflib.book.site.pages import finished

__all__ = ["names_in", "trimmed"]

ATTRIBUTE = re.compile(r'\b(?:class|id)=(?:"([^"]*)"|\'([^\']*)\')')
EMBEDDED = re.compile(r"<script\b[^>]*>(.*?)</script>", re.DOTALL)
WORD = re.compile(r"[A-Za-z_][\w-]*")
IMPORT = re.compile(r'@import\s+(?:url\()?"([^":]+\.css)"\)?;')
FACE = re.compile(r"@font-face\s*\{[^}]*\}")
MOVEMENT = re.compile(r"@keyframes ([\w-]+)\s*\{(?:[^{}]*\{[^}]*\})*\s*\}")
NESTED = {"media", "supports", "layer", "container"}


def names_in(texts: Iterable[str], scripts: Iterable[str] = ()) -> set[str]:
    """Return the classes and ids that can occur in HTML, and in scripts, any word of which may be one.

    >>> sorted(names_in(['<p class="a b" id="c">d</p><script>add("e")</script>']))
    ['a', 'add', 'b', 'c', 'e']
    """
    found: set[str] = set()
    for text in texts:
        found.update(*(one.split() or other.split() for one, other in ATTRIBUTE.findall(text)))
        found.update(*(WORD.findall(script) for script in EMBEDDED.findall(text)))
    for script in scripts:
        found.update(WORD.findall(script))
    return found


def trimmed(style: str, names: set[str]) -> str:
    """Leave the rules of a style out that ask for other names, and comments.

    What only ``:not``, ``:is`` and their like mention counts as met.

    >>> trimmed(".a, .b { color: red } @media print { .c { top: 0 } } p { top: 0 }", {"a"})
    '.a{ color: red }p{ top: 0 }'
    """
    return _serialized(tinycss2.parse_stylesheet(style, True, True), names)


def _serialized(rules: Iterable[Any], names: set[str]) -> str:
    kept = []
    for rule in rules:
        if rule.type == "qualified-rule":
            selectors = [one for one in _selectors(rule.prelude) if _asked(one) <= names]
            if selectors:
                head = ",".join(tinycss2.serialize(one).strip() for one in selectors)
                kept.append(f"{head}{{{tinycss2.serialize(rule.content)}}}")
        elif rule.type == "at-rule" and rule.lower_at_keyword in NESTED and rule.content:
            inner = _serialized(tinycss2.parse_rule_list(rule.content, True, True), names)
            if inner:
                prelude = tinycss2.serialize(rule.prelude).strip()
                kept.append(f"@{rule.at_keyword} {prelude}{{{inner}}}")
        elif rule.type == "at-rule":
            kept.append(rule.serialize())
    return "".join(kept)


def _selectors(prelude: list[Any]) -> list[list[Any]]:
    selectors: list[list[Any]] = [[]]
    for token in prelude:
        if token == ",":
            selectors.append([])
        else:
            selectors[-1].append(token)
    return selectors


def _asked(selector: list[Any]) -> set[str]:
    # A class is a dot and a name; what stands in brackets and functions is a token of its own.
    classes = {
        name.value for dot, name in pairwise(selector) if dot == "." and name.type == "ident"
    }
    return classes | {token.value for token in selector if token.type == "hash"}


def _asked_for(style: str, folder: Path, others: str) -> str:
    # A font whose file the site lacks or that no rule left asks for goes, and so does such a movement.
    def face(match: re.Match[str]) -> str:
        family = re.search(r"font-family:\s*[\"']?([^;\"'}]+)", match[0])
        sources = re.findall(r"url\([\"']?([^\"')?#]+)", match[0])
        kept = family and family[1].strip().replace("\\", "") in others
        return match[0] if kept and all((folder / source).is_file() for source in sources) else ""

    def movement(match: re.Match[str]) -> str:
        return match[0] if len(re.findall(rf"\b{re.escape(match[1])}\b", style)) > 1 else ""

    return MOVEMENT.sub(movement, FACE.sub(face, style))


def _trim(app: Sphinx, site: Path) -> None:
    texts = (page.read_text(encoding="utf-8") for page in site.rglob("*.html"))
    scripts = (path.read_text(encoding="utf-8") for path in site.glob("_static/**/*.js"))
    names = names_in(texts, scripts)
    styles = sorted(site.glob("_static/**/*.css"))
    whole = {path: path.read_text(encoding="utf-8") for path in styles}
    left = {}
    for path, style in whole.items():

        def imported(match: re.Match[str], folder: Path = path.parent) -> str:
            return whole.get((folder / match[1]).resolve(), match[0])

        left[path] = trimmed(IMPORT.sub(imported, style), names)
    rules = FACE.sub("", "".join(left.values())).replace("\\", "")
    for path, style in left.items():
        path.write_text(_asked_for(style, path.parent, rules), encoding="utf-8")


def setup(app: Sphinx) -> None:
    """Register with Sphinx."""
    finished(app, _trim, priority=800)  # after all that writes pages and styles
