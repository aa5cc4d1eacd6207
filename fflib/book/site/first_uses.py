"""The first use of a glossary term on a page leads to the glossary.

Running prose alone is read: no headings, links, code, formulas, captions or tables, and no pages that
document objects. Words of an everyday sense, listed in ``first_uses_by_hand``, are left to ``{term}``.
"""

import re
from collections.abc import Iterable

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

__all__ = ["pattern", "setup"]

Entry = tuple[str, str, set[str]]
"""Page and anchor of a term, and the terms that share its explanation."""

_NO_PROSE = (
    nodes.title, nodes.rubric, nodes.reference, nodes.literal, nodes.literal_block, nodes.math,
    nodes.math_block, nodes.caption, nodes.legend, nodes.table, nodes.raw, nodes.citation,
    nodes.Invisible, addnodes.glossary, addnodes.pending_xref,
)  # fmt: skip


def pattern(term: str) -> str:
    r"""Return a regular expression for a term as a whole word or words, in singular and plural.

    An abbreviation, without lower-case letters, is matched as it is written, anything else in any
    case; either dash is taken for the other.

    >>> for term, text in (("held-out class", "Held-out\nclasses"), ("FF", "BP/FF"), ("FF", "ff")):
    ...     print(re.search(pattern(term), text) is not None)
    True
    False
    False
    """
    stem = re.sub(r"\\?[-–]", "[-–]", re.sub(r"(\\?\s)+", r"\\s+", re.escape(term)))
    if re.search("[^aeiou]y$", term):
        word = f"{stem[:-1]}(?:y|ies)"
    elif term.endswith("is"):
        word = f"{stem[:-2]}[ie]s"
    elif term.endswith(("s", "x", "ch", "sh")):
        word = f"{stem}(?:es)?"
    else:
        word = f"{stem}s?"
    any_case = word if term == term.upper() else f"(?i:{word})"
    return rf"(?<![\w/–-]){any_case}(?![\w/–-])"


def gather(app: Sphinx, env: BuildEnvironment) -> None:
    """Collect the terms of every glossary: page, anchor, and the terms that share the explanation."""
    terms: dict[str, Entry] = {}
    for page in {
        page for _, _, kind, page, *_ in env.domains["std"].get_objects() if kind == "term"
    }:
        for glossary in env.get_doctree(page).findall(addnodes.glossary):
            for item in glossary.findall(nodes.definition_list_item):
                anchors = {term.astext(): term["ids"][0] for term in item.findall(nodes.term)}
                terms |= {term: (page, at, set(anchors)) for term, at in anchors.items()}
    vars(env)["fflib_terms"] = terms


def link(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Make the first use of every entry on a page a link, unless a link to it came before."""
    terms: dict[str, Entry] = vars(app.env)["fflib_terms"]
    in_glossary = docname in {page for page, _, _ in terms.values()}
    if in_glossary or next(doctree.findall(addnodes.desc), None) is not None:
        return
    uris = {
        term: f"{app.builder.get_relative_uri(docname, page)}#{anchor}"
        for term, (page, anchor, _) in terms.items()
    }
    linked = {uris[term]: same for term, (_, _, same) in terms.items()}
    unused, by_hand = set(terms), set(app.config.first_uses_by_hand)
    for node in list(doctree.findall()):
        if isinstance(node, nodes.reference):
            unused -= linked.get(node.get("refuri"), set())
        elif isinstance(node, nodes.Text) and _is_prose(node):
            pieces: list[nodes.Node] = []
            rest = str(node)
            while found := _first(rest, unused - by_hand):
                term, start, end = found
                unused -= terms[term][2]
                written = nodes.inline("", rest[start:end], classes=["std", "std-term"])
                options = {"internal": True, "refuri": uris[term], "classes": ["first-use"]}
                pieces += [nodes.Text(rest[:start]), nodes.reference("", "", written, **options)]
                rest = rest[end:]
            if pieces:
                node.parent.replace(node, [*pieces, nodes.Text(rest)])


def _first(text: str, terms: Iterable[str]) -> tuple[str, int, int] | None:
    """Find the term that is used first, the longest of those that begin there."""
    found = [
        (match.start(), -match.end(), term)
        for term in terms
        if (match := re.search(pattern(term), text))
    ]
    if not found:
        return None
    start, end, term = min(found)
    return term, start, -end


def _is_prose(text: nodes.Text) -> bool:
    above: list[nodes.Node] = [text]
    while above[-1].parent is not None:
        above.append(above[-1].parent)
    in_paragraph = any(isinstance(one, nodes.paragraph) for one in above)
    return in_paragraph and not any(isinstance(one, _NO_PROSE) for one in above)


def setup(app: Sphinx) -> None:
    """Register with Sphinx."""
    app.add_config_value("first_uses_by_hand", [], "env", [list])
    app.connect("env-updated", gather)
    app.connect("doctree-resolved", link)
