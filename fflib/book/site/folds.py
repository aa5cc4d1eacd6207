"""What folds, such as the solution of an exercise, as the browser's own element for it.

It works by keyboard and without a script.
"""

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

__all__ = ["Fold", "FoldDropdowns"]


class Fold(nodes.General, nodes.Element):
    """An admonition that is closed until it is asked for; its first child is the title."""


class FoldDropdowns(SphinxPostTransform):
    """Make every admonition of the class ``dropdown`` a :class:`Fold`."""

    default_priority = 400
    formats = ("html",)

    def run(self, **kwargs: Any) -> None:
        """Change the document."""
        for node in list(self.document.findall(nodes.admonition)):
            if "dropdown" in node["classes"] and isinstance(node[0], nodes.title):
                title, *inside = node.children
                kind = [name for name in node["classes"] if name != "dropdown"]
                fold = Fold(ids=node["ids"], classes=["admonition", "fold", *kind])
                summary = nodes.inline("", "", *title.children, classes=["admonition-title"])
                fold += [summary, *inside]
                node.replace_self(fold)


def _open(translator: Any, node: Fold) -> None:
    translator.body.append(translator.starttag(node, "details"))
    summary = node[0]
    translator.body.append('<summary class="admonition-title">')
    for child in summary.children:
        child.walkabout(translator)
    translator.body.append("</summary>\n")
    node.pop(0)


def _close(translator: Any, node: Fold) -> None:
    translator.body.append("</details>\n")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.add_node(Fold, html=(_open, _close))
    app.add_post_transform(FoldDropdowns)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
