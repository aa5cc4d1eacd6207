"""Hidden code and checks stand in folds; numbers have a true minus."""

from types import SimpleNamespace

import pytest
from docutils import nodes
from docutils.utils import new_document

from fflib.book.how_made import FOLD, FOLD_END
from fflib.book.site.asides import FoldedSections
from fflib.book.site.code import CodeInFolds
from fflib.book.site.signs import TrueMinus


def cell(code, *shown, hidden=True, classes=()):
    """A cell as myst-nb makes it."""
    made = nodes.container("", nb_element="cell_code", classes=["cell", *classes])
    if hidden:
        made["hide_mode"] = "input"
    source = nodes.container("", nodes.literal_block(code, code), nb_element="cell_code_source")
    made += [source] if code else []
    made += [nodes.container("", *shown, nb_element="cell_code_output")] if shown else []
    return made


def made_from():
    head, end = (nodes.raw("", text, format="html") for text in (FOLD, FOLD_END))
    return cell("", head, nodes.paragraph("", "From 3 runs."), end, hidden=False)


def table(name):
    return nodes.table("", nodes.paragraph("", name))


@pytest.fixture
def order():
    """Gives the texts of a page in order after its code was moved."""

    def changed(*cells):
        page = new_document("page")
        page += cells
        page.settings.env = SimpleNamespace()
        CodeInFolds(page).run()
        found = page.findall(lambda node: isinstance(node, nodes.raw | nodes.Text))
        return [{FOLD: "(", FOLD_END: ")"}.get(text := node.astext(), text) for node in found]

    return changed


def test_code_goes_into_the_fold_of_what_it_makes(order):
    said = order(cell("setup()"), cell("draw()", table("Figure")), made_from())
    assert [text for text in said if text not in "()"] == [
        "Figure",
        "From 3 runs.",
        "setup()",
        "draw()",
    ]


def test_a_table_without_a_fold_gets_one_below(order):
    said = order(cell("setup()"), cell("show()", table("Table")), nodes.paragraph("", "Prose"))
    assert [text for text in said if text not in "()"] == ["Table", "setup()", "show()", "Prose"]


def test_code_that_writes_a_sentence_waits(order):
    said = order(
        cell("criterion()", nodes.paragraph("", "It holds.")), nodes.paragraph("", "Prose")
    )
    assert [text for text in said if text not in "()"] == ["It holds.", "criterion()", "Prose"]
    said = order(cell("criterion()", nodes.paragraph("", "It holds.")), cell("draw()"), made_from())
    assert [text for text in said if text not in "()"][1:] == [
        "From 3 runs.",
        "criterion()",
        "draw()",
    ]


def test_code_that_shows_nothing_at_the_end_has_the_last_fold(order):
    assert "glue()" in order(nodes.paragraph("", "Prose"), cell("glue()"))


def test_parameters_and_the_call_of_a_figure_are_in_the_fold(order):
    figure = nodes.figure("", nodes.caption("", "Caption"))
    parameters = cell("seeds = 1", hidden=False, classes=["tag_parameters"])
    said = order(parameters, cell("draw()", figure, hidden=False), made_from())
    assert [text for text in said if text not in "()"] == [
        "Caption",
        "From 3 runs.",
        "seeds = 1",
        "draw()",
    ]


def test_code_that_is_to_be_read_stays(order):
    said = order(cell("shown()", table("Figure"), hidden=False), made_from())
    assert said[:2] == ["shown()", "Figure"]


def section(title, *content):
    return nodes.section("", nodes.title(title, title), *content, ids=[title])


def test_rules_deviations_and_every_check_are_folded_under_their_headings():
    page = new_document("page")
    page += section("The result", nodes.paragraph("", "Seen."))
    page += section("Where we deviate", nodes.paragraph("", "Folded."))
    check = section("Another layer", nodes.paragraph("", "Folded, too."))
    page += section("Does it survive?", nodes.paragraph("", "It does."), check)
    page.settings.env = SimpleNamespace()
    FoldedSections(page).run()
    text = [node.astext() for node in page.findall(nodes.Text)]
    head, middle, end = '<details class="aside"><summary>', "</summary>", "</details>"
    assert text == [
        *("The result", "Seen."),
        *(head, "Where we deviate", middle, "Folded.", end),
        *("Does it survive?", "It does."),
        *(head, "Another layer", middle, "Folded, too.", end),
    ]
    assert check["ids"] == ["Another layer"]  # links still lead there


def test_signs_are_minus_signs_but_in_code():
    page = new_document("page")
    page += nodes.paragraph("", "", nodes.Text("From -1 to CIFAR-10, "), nodes.literal("", "-1"))
    page += nodes.doctest_block("", ">>> -2", language="pycon")
    page.settings.env = SimpleNamespace()
    TrueMinus(page).run()
    assert page.astext() == "From −1 to CIFAR-10, -1\n\n>>> -2"
