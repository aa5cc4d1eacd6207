"""Texts of terms and citations in the links to them."""

from fflib.book.site.cards import LISTS, LONGEST, annotated, entries

GLOSSARY = """
<dl class="glossary">
<dt id="term-BP">BP</dt><dt id="term-back-propagation">back-propagation</dt>
<dd><p>Training from the output <em>backwards</em>:
"end to end".</p></dd>
<dt id="term-unit">unit</dt><dd><p>Has one activation.</p></dd>
</dl>"""
CITED = '<div class="citation" id="id1"><span class="label">[1]</span><p>A. Author. A title, 2004.</p></div>'


def test_terms_that_share_a_definition_have_it_both():
    found = entries(GLOSSARY, ["term-BP", "term-back-propagation", "term-unit", "missing"])
    meaning = 'Training from the output backwards: "end to end".'
    assert found == {
        "term-BP": meaning,
        "term-back-propagation": meaning,
        "term-unit": "Has one activation.",
    }


def test_a_citation_is_without_its_number():
    assert entries(CITED, ["id1"]) == {"id1": "A. Author. A title, 2004."}


def test_a_link_has_the_text_of_what_it_leads_to_and_no_other_link_has_one():
    known = {(LISTS[0], "term-BP"): 'Say "<end>"', (LISTS[1], "id1"): "A. Author."}
    links = [
        '<a class="reference internal" href="reference/glossary.html#term-BP">BP</a>',
        '<a class="reference internal" href="reference/bibliography.html#id1">Author</a>',
        '<a class="first-use reference internal" href="reference/glossary.html#term-BP">BP</a>',
        '<a class="reference internal" href="reference/glossary.html#term-none">none</a>',
        '<a class="reference internal" href="#id1">a section</a>',
        '<a class="headerlink" href="reference/glossary.html#term-BP">link</a>',
    ]
    page = "\n".join(links)
    given = annotated(page, "chapters/one.html", known)
    assert given.count("data-card") == 3
    assert 'data-card="Say &quot;&lt;end&gt;&quot;" href="reference/glossary.html#term-BP"' in given
    assert 'data-card="A. Author." href="reference/bibliography.html#id1"' in given
    assert annotated(given, "chapters/one.html", known) == given  # Sphinx may leave a page as it is
    assert annotated(given, "chapters/one.html", {}) == page


def test_a_long_text_ends_with_a_sentence():
    sentences = "<dd><p>" + "One of many. " * 50 + "</p></dd>"
    (text,) = entries(f'<dl><dt id="a">a</dt>{sentences}</dl>', ["a"]).values()
    assert len(text) <= LONGEST
    assert text.endswith("many.")
