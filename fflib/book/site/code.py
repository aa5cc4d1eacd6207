"""Code in the folds that say how something was made, rather than between what is to be read.

What readers see of a cell stands first, and its code below it. The code of a cell that shows nothing
waits for the next fold.
"""

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

from fflib.book.how_made import FOLD, FOLD_END

__all__ = ["CodeInFolds"]


class CodeInFolds(SphinxPostTransform):
    """Move code into the next fold "How was this made?".

    It is that of parameters, of figures and of cells tagged ``hide-input``. A table that no such fold
    follows gets one of its own, and so does the end of a page.
    """

    default_priority = 198  # before myst-nb puts bars around what is hidden
    formats = ("html",)

    def run(self, **options: Any) -> None:
        """Change one page."""
        waiting: list[nodes.Node] = []
        last = None
        for cell in list(self.document.findall(_is_cell)):
            if folded := _is_folded(cell):
                code = cell.children[0]
                cell.remove(code)
                waiting.append(code)
                last = cell
            if end := _end_of_fold(cell):
                end.parent[end.parent.index(end) : end.parent.index(end)] = waiting
                waiting = []
            elif folded and _has_table(cell) and not _end_of_fold(_next(cell)):
                cell += _fold(waiting)
                waiting = []
        if waiting and last is not None:
            last += _fold(waiting)
        for cell in list(self.document.findall(_is_cell)):
            if not cell.children:
                cell.parent.remove(cell)


def _is_cell(node: nodes.Node) -> bool:
    return isinstance(node, nodes.container) and node.get("nb_element") == "cell_code"


def _is_folded(cell: nodes.Element) -> bool:
    if not cell.children or cell.children[0].get("nb_element") != "cell_code_source":
        return False
    parameters = {"tag_parameters", "tag_injected-parameters"} & {*cell["classes"]}
    figure = next(cell.findall(nodes.figure), None)
    return cell.get("hide_mode") == "input" or bool(parameters) or figure is not None


def _has_table(cell: nodes.Element) -> bool:
    raws = cell.findall(nodes.raw)
    return any("<table" in raw.astext() for raw in raws) or any(cell.findall(nodes.table))


def _next(cell: nodes.Element) -> nodes.Node | None:
    after = cell.next_node(descend=False, siblings=True)
    return after if after is not None and _is_cell(after) else None


def _end_of_fold(cell: nodes.Node | None) -> nodes.raw | None:
    raws = list(cell.findall(nodes.raw)) if cell is not None else []
    if not any(FOLD.splitlines()[0] in raw.astext() for raw in raws):
        return None
    return [raw for raw in raws if FOLD_END in raw.astext()][-1]


def _fold(code: list[nodes.Node]) -> list[nodes.Node]:
    head, end = (nodes.raw("", text, format="html") for text in (FOLD, FOLD_END))
    return [head, *code, end]


def setup(app: Sphinx) -> None:
    """Register with Sphinx."""
    app.add_post_transform(CodeInFolds)
