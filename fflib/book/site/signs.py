"""A true minus before every number that a page shows, wherever the number came from."""

from collections.abc import Iterator
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

from fflib.wording import minus

__all__ = ["TrueMinus"]

LITERAL = (nodes.FixedTextElement, nodes.literal, nodes.math, addnodes.desc_signature)


class TrueMinus(SphinxPostTransform):
    """Write hyphens that are signs of numbers as minus signs, but in code and formulas."""

    default_priority = 900  # after all that puts numbers in

    def run(self, **options: Any) -> None:
        """Change one page."""
        for text in list(self.document.findall(nodes.Text)):
            if not any(isinstance(above, LITERAL) for above in _above(text)):
                changed = minus(str(text))
                if changed != text:
                    text.parent.replace(text, nodes.Text(changed))


def _above(node: nodes.Node) -> Iterator[nodes.Node]:
    while (node := node.parent) is not None:
        yield node


def setup(app: Sphinx) -> None:
    """Register with Sphinx."""
    app.add_post_transform(TrueMinus)
