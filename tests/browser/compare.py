"""The text of two built sites, page by page: ``python tests/browser/compare.py OLD NEW [--json]``.

It shows whether a change of the code has changed wording alone. The text of a page is what stands in
its article, line by line; the side bar of the first page stands for those of all. Dates, durations and
commits, which differ from build to build, are left out. A page that has another name in the new site is
found by its title, or else by its words.

Differences go to stdout as a unified diff for each page, followed by a summary; with ``--json`` the
summary alone is printed, as one object. Numbers are compared as a multiset for each page, outside
code, the API reference and the listings of source code. The exit code is 0 where no page and no number is
lost or added, whatever the wording; 1 where one is; 2 where there is nothing to compare.
"""

import argparse
import difflib
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bs4 import BeautifulSoup, Tag
from bs4.element import Comment, PageElement
from pages import pages_of

UNSEEN = "script, style, template, noscript, annotation, .headerlink, .viewcode-link, .katex-html, [hidden]"
CODE = "pre, code, .highlight"
BLOCK = re.compile(
    "address|article|aside|blockquote|br|caption|dd|details|div|dl|dt|figcaption|figure|footer|h[1-6r]"
    "|header|li|main|nav|ol|p|pre|section|summary|table|tbody|thead|tr|ul"
)
GENERATED = ("_modules", "genindex.html", "py-modindex.html", "search.html")
VARIES = re.compile(
    r"\b\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d)?)?\b"  # a date
    r"|\b\d+(?:\.\d+)?\s?(?:ms|s|seconds?|minutes?|hours?)\b"  # a duration
    r"|\b(?=[0-9a-f]*\d)(?:[0-9a-f]{40}|[0-9a-f]{12}|[0-9a-f]{7})\b\+?"  # a commit
)
NUMBER = re.compile(r"[-+−]?\d+(?:[.,]\d+)*(?:e[-+]?\d+)?")
SIMILAR = 0.6  # share of words that two pages of different names and titles have in common
FRAME = "(side bar)"


@dataclass(frozen=True)
class Text:
    """What a reader sees of a page, or of a part of it."""

    element: Tag
    counted: bool = True  # whether its numbers are findings

    @cached_property
    def lines(self) -> list[str]:
        """The text, one line for each block, with whitespace folded."""
        return _lines(self.element)

    @cached_property
    def title(self) -> str:
        """The heading, without the number of the chapter."""
        heading = self.element.find("h1")
        return re.sub(r"^[\d. ]+", "", " ".join(heading.get_text().split())) if heading else ""

    @cached_property
    def words(self) -> Counter[str]:
        """How often each word occurs."""
        return Counter(" ".join(self.lines).split())

    @cached_property
    def numbers(self) -> Counter[str]:
        """How often each number occurs outside code."""
        if not self.counted:
            return Counter()
        prose = BeautifulSoup(str(self.element), "html.parser")
        for code in prose.select(CODE):
            code.replace_with(" ")
        return Counter(NUMBER.findall("\n".join(_lines(prose))))


def _lines(element: Tag) -> list[str]:
    lines = (" ".join(VARIES.sub("…", line).split()) for line in _text(element).split("\n"))
    return [line for line in lines if line.strip(" |")]


def _text(node: PageElement, *, code: bool = False) -> str:
    if not isinstance(node, Tag):
        return str(node) if code else re.sub(r"\s+", " ", str(node))
    if node.name == "img":
        return f" [{node.get('alt', '')}] "
    inside = "".join(_text(child, code=code or node.name == "pre") for child in node.children)
    if node.name in ("td", "th"):
        return f"{inside} | "
    return f"\n{inside}\n" if BLOCK.fullmatch(node.name) else inside


def texts(site: Path) -> dict[str, Text]:
    """Read every page of a site, and the side bar of its first page."""
    found = {}
    for page in pages_of(site):
        soup = BeautifulSoup((site / page.name).read_text(encoding="utf-8"), "html.parser")
        for unseen in soup.select(UNSEEN):
            unseen.decompose()
        for comment in soup.find_all(string=lambda text: isinstance(text, Comment)):
            comment.extract()
        if page.name == "index.html" and (bar := soup.select_one(".bd-sidebar-primary")):
            found[FRAME] = Text(bar, counted=False)
        if article := soup.select_one("article.bd-article") or soup.main or soup.body:
            api = page.name.startswith(GENERATED) or article.select_one("dl.py") is not None
            found[page.name] = Text(article, counted=not api)
    return found


def matched(old: dict[str, Text], new: dict[str, Text]) -> dict[str, str]:
    """The name that each page has in the new site: its own, or that of the page most like it."""
    names = {name: name for name in old if name in new}
    for name in old.keys() - names.keys():
        free = new.keys() - set(names.values())
        titled = [
            other for other in free if old[name].title and new[other].title == old[name].title
        ]
        alike = {other: _alike(old[name], new[other]) for other in titled or free}
        best = max(alike, key=lambda other: alike[other], default=None)
        if best and (titled or alike[best] >= SIMILAR):
            names[name] = best
    return names


def _alike(one: Text, other: Text) -> float:
    common = (one.words & other.words).total()
    return 2 * common / max(1, one.words.total() + other.words.total())


def compare(old: dict[str, Text], new: dict[str, Text]) -> tuple[list[str], dict[str, object]]:
    """Compare two sites.

    Returns
    -------
    list of str
        The lines of a unified diff for each page.
    dict
        ``pages``, how many were compared; ``only_old`` and ``only_new``; ``renamed``, old to new;
        ``differ``, the pages whose text does; ``numbers``, those lost (-) and added (+) on a page.
    """
    names = matched(old, new)
    shown: list[str] = []
    differ, numbers = [], {}
    for name in sorted(names):
        one, other = old[name], new[names[name]]
        if one.lines != other.lines:
            differ.append(name)
            shown += difflib.unified_diff(
                one.lines, other.lines, f"old/{name}", f"new/{names[name]}", lineterm="", n=0
            )
        lost, added = one.numbers - other.numbers, other.numbers - one.numbers
        if lost or added:
            numbers[name] = _signed("-", lost) + _signed("+", added)
    return shown, {
        "pages": len(names),
        "only_old": sorted(old.keys() - names.keys()),
        "only_new": sorted(new.keys() - set(names.values())),
        "renamed": {name: other for name, other in sorted(names.items()) if name != other},
        "differ": differ,
        "numbers": numbers,
    }


def _signed(sign: str, numbers: Counter[str]) -> list[str]:
    return [f"{sign}{number}" for number in sorted(numbers.elements())]


def _summary(found: dict[str, object]) -> Iterator[str]:
    for kind, what in found.items():
        if isinstance(what, int):
            yield f"{kind}: {what}"
            continue
        yield f"{kind}: {len(what)}"  # type: ignore[arg-type]
        for entry in what:  # type: ignore[attr-defined]
            yield f"  {entry}" + (f": {what[entry]}" if isinstance(what, dict) else "")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; see the module."""
    parser = argparse.ArgumentParser(prog="compare.py", description="Compare two built sites.")
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--json", action="store_true", help="one JSON object, without the texts")
    arguments = parser.parse_args(argv)
    for site in (arguments.old, arguments.new):
        if not (site / "index.html").is_file():
            print(f"error: {site} is no site: it has no index.html", file=sys.stderr)
            return 2
    shown, found = compare(texts(arguments.old), texts(arguments.new))
    if arguments.json:
        print(json.dumps(found, ensure_ascii=False))
    else:
        print("\n".join([*shown, *_summary(found)]))
    return 1 if found["numbers"] or found["only_old"] or found["only_new"] else 0


if __name__ == "__main__":
    sys.exit(main())
