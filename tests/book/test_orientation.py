"""The glossary is linked from first uses, the API from the code and from there back to the chapters."""

import re
from io import StringIO
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils

from fflib.book.build import chapters
from fflib.book.site import first_uses

ROOT = Path(__file__).parents[2]

CONF = """
extensions = [
    "sphinx.ext.autodoc", "sphinx_codeautolink", "fflib.book.site.first_uses", "fflib.book.site.uses",
]
codeautolink_concat_default = True
first_uses_by_hand = ["cell"]
"""
GLOSSARY = """
Glossary
========

.. glossary::

   back-propagation
   BP
     Errors go back. An ensemble, a seed.

   ensemble
     Some units, see :term:`seed`.

   seed
     A number.

   held-out class
     One that is kept out.

   class
     A kind of picture.

   BP/FF
     Something else.

   cell
     A data set.
"""
API = """
API
===

.. automodule:: fflib.wording

.. autofunction:: fflib.wording.minus

.. py:function:: fflib.unheard_of(run)

   About an ensemble.
"""


PROSE = """
The seed
--------

``seed``, :math:`seed`, `a seed <https://example.org>`_

.. rubric:: A seed

.. code-block:: python

   seed = "seed"

.. math:: seed

.. list-table:: A seed

   * - seed

.. figure:: https://example.org/seed.svg

   A seed.

- A list with a seed.
"""
CALLS = """
.. code-block:: python

   from fflib.wording import minus

.. code-block:: python

   minus("-1")
"""
CHAPTERS = {
    "once": "An ensemble and its seed.\n\nAnother ensemble, another seed.",
    "again": "Ensembles of *seeds*, and then an ensemble.",
    "short": "BP is back-propagation.",
    "long": "Back-propagation is BP.",
    "linked": ":term:`Units <ensemble>` make an ensemble. A seed. :term:`seed`.",
    "longest": "Held-out classes, then a class; BP/FF, then BP.",
    "prose": PROSE,
    "everyday": "A cell.",
    "named": "Signs are set by :py:func:`fflib.wording.minus`, in :py:mod:`fflib.wording`.",
    "called": CALLS,
}


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """A book of small chapters with a glossary and an API, built; its pages by name."""
    folder = tmp_path_factory.mktemp("orientation")
    source = folder / "source"
    source.mkdir()
    (source / "conf.py").write_text(CONF)
    toc = "\n   ".join([*CHAPTERS, "api", "glossary"])
    index = f"Book\n====\n\n.. toctree::\n\n   {toc}\n"
    chapters = {name: f"{name}\n{'=' * len(name)}\n\n{text}\n" for name, text in CHAPTERS.items()}
    texts = {"index": index, "glossary": GLOSSARY, "api": API, **chapters}
    for name, text in texts.items():
        (source / f"{name}.rst").write_text(text)
    warnings = StringIO()
    with patch_docutils(source), docutils_namespace():
        Sphinx(
            source, source, folder / "html", folder / "trees", "html",
            status=None, warning=warnings,
        ).build()  # fmt: skip
    assert warnings.getvalue() == ""
    return {
        name: BeautifulSoup((folder / "html" / f"{name}.html").read_text(), "html.parser")
        for name in texts
    }


def first(page):
    """Text and target of the links that were made."""
    return [(a.get_text(), a["href"]) for a in page.select("a.first-use")]


# First uses


@pytest.mark.build
def test_only_the_first_use_on_a_page_is_linked(pages):
    assert first(pages["once"]) == [
        ("ensemble", "glossary.html#term-ensemble"),
        ("seed", "glossary.html#term-seed"),
    ]
    assert [text for text, _ in first(pages["again"])] == ["Ensembles", "seeds"]


@pytest.mark.build
def test_terms_that_share_an_explanation_are_one(pages):
    assert first(pages["short"]) == [("BP", "glossary.html#term-BP")]
    assert first(pages["long"]) == [("Back-propagation", "glossary.html#term-back-propagation")]


@pytest.mark.build
def test_a_term_that_is_linked_already_is_not_linked_again(pages):
    assert [text for text, _ in first(pages["linked"])] == ["seed"]


@pytest.mark.build
def test_the_longest_term_wins(pages):
    assert [text for text, _ in first(pages["longest"])] == [
        "Held-out classes",
        "class",
        "BP/FF",
        "BP",
    ]


@pytest.mark.build
def test_nothing_but_running_prose_is_linked(pages):
    assert [a.parent.get_text() for a in pages["prose"].select("a.first-use")] == [
        "A list with a seed."
    ]


@pytest.mark.build
@pytest.mark.parametrize("name", ["everyday", "glossary", "api", "index"])
def test_glossary_api_and_words_left_to_the_author_are_not_touched(pages, name):
    assert first(pages[name]) == []


@pytest.mark.parametrize(
    ("term", "text", "found"),
    [
        ("ensemble", "Ensembles", "Ensembles"),
        ("class", "classes", "classes"),
        ("polarity", "polarities", "polarities"),
        ("hypothesis", "hypotheses", "hypotheses"),
        ("leave-one-out", "the leave–one-out rule", "leave–one-out"),
        ("held-out class", "held-out\nclass", "held-out\nclass"),
        ("FF", "FF, BP", "FF"),
        ("FF", "ff", None),
        ("BP", "BP/FF", None),
        ("run", "rerun, runner, re-run, run-time", None),
        ("p-value (corrected)", "p-value corrected", None),
    ],
)
def test_terms_are_found_as_whole_words(term, text, found):
    match = re.search(first_uses.pattern(term), text)
    assert (match and match[0]) == found


# Uses


def used_in(page, anchor):
    entry = page.find(id=anchor)
    line = entry.parent.select_one(".used-in") if entry else None
    return None if line is None else [(a.get_text(), a["href"]) for a in line.find_all("a")]


@pytest.mark.build
def test_code_leads_to_the_api_and_the_api_back_to_the_page(pages):
    linked = {a["href"] for a in pages["called"].select("a.sphinx-codeautolink-a")}
    assert "api.html#fflib.wording.minus" in linked
    assert ("called", "called.html") in used_in(pages["api"], "fflib.wording.minus")


@pytest.mark.build
def test_prose_that_names_a_function_uses_it(pages):
    assert [href for _, href in used_in(pages["api"], "fflib.wording.minus")] == [
        "named.html",  # in the order of the book
        "called.html",
    ]


@pytest.mark.build
def test_what_no_page_uses_says_nothing(pages):
    assert len(pages["api"].select(".used-in")) == 1
    assert used_in(pages["api"], "fflib.unheard_of") is None


# The chapters


@pytest.mark.parametrize("notebook", chapters(ROOT).values(), ids=lambda path: path.stem)
def test_a_formula_names_the_function_that_computes_it(notebook):
    for cell in nbformat.read(notebook, as_version=4).cells:
        if cell.cell_type == "markdown" and "$$" in cell.source:
            assert re.search(r"\{(func|meth)\}`fflib\.", cell.source), cell.id
