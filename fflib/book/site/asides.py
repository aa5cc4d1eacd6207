"""Sections of a chapter that wait, folded, for those who ask: rules, checks and deviations."""

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

__all__ = ["FoldedSections"]

FOLDED = (
    "The criterion, fixed beforehand",
    "The criteria, fixed beforehand",
    "The rule, fixed beforehand",
    "The rows that could not",
    "Snapshots",
    "Verdicts",
    "Where we deviate",
)
CHECKS = "Does it survive?"
"""A section whose own sections are folded, each a check under its heading."""


class FoldedSections(SphinxPostTransform):
    """Put what follows the heading of such a section into a fold, whose summary is the heading.

    ``chapters/_static/folds.js`` opens the fold that the address of a page leads to.
    """

    default_priority = 199  # after code has found its place
    formats = ("html",)

    def run(self, **options: Any) -> None:
        """Change one page."""
        for section in list(self.document.findall(nodes.section)):
            if _title(section) in FOLDED or _title(section.parent) == CHECKS:
                head, end = '<details class="aside"><summary>', "</summary>"
                section[:] = [_raw(head), section[0], _raw(end), *section[1:], _raw("</details>")]


def _title(node: nodes.Element) -> str:
    named = isinstance(node, nodes.section) and isinstance(node[0], nodes.title)
    return node[0].astext() if named else ""


def _raw(text: str) -> nodes.raw:
    return nodes.raw("", text, format="html")


def setup(app: Sphinx) -> None:
    """Register with Sphinx."""
    app.add_post_transform(FoldedSections)
