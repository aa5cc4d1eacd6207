"""The first use of a glossary term on a page leads to the glossary.

Running prose alone is read: no headings, links, code, formulas, captions or tables, and no pages that
document objects. Words of an everyday sense, listed in ``first_uses_by_hand``, are left to ``{term}``.
"""

import re
from collections.abc import Sequence

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

__all__ = ["pattern", "setup"]

Entry = list[tuple[str, str]]
"""The terms that share an explanation, each with its anchor."""

_NO_PROSE = (
    nodes.title, nodes.rubric, nodes.reference, nodes.literal, nodes.literal_block, nodes.math,
    nodes.math_block, nodes.caption, nodes.legend, nodes.table, nodes.raw, nodes.citation,
    nodes.Invisible, addnodes.glossary, addnodes.pending_xref,
)  # fmt: skip


def pattern(term: str) -> str:
    r"""Return a regular expression for a term as a whole word or words, in singular and plural.

    Parameters
    ----------
    term : str
        An abbreviation, without lower-case letters, is matched as it is written, anything else in
        any case; either dash is taken for the other.

    Returns
    -------
    str

    Examples
    --------
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
    """Collect the entries of every glossary: the terms that share an explanation, with their anchors."""
    glossaries = {
        page for _, _, kind, page, *_ in env.domains["std"].get_objects() if kind == "term"
    }
    vars(env)["fflib_glossaries"] = {
        page: [
            [(term.astext(), name) for term in item.findall(nodes.term) for name in term["ids"][:1]]
            for glossary in env.get_doctree(page).findall(addnodes.glossary)
            for item in glossary.findall(nodes.definition_list_item)
        ]
        for page in glossaries
    }


def link(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Make the first use of every entry on a page a link, unless a link to it came before."""
    glossaries: dict[str, list[Entry]] = vars(app.env)["fflib_glossaries"]
    if docname in glossaries or next(doctree.findall(addnodes.desc), None) is not None:
        return
    uris = {
        term: f"{app.builder.get_relative_uri(docname, page)}#{anchor}"
        for page, entries in glossaries.items()
        for entry in entries
        for term, anchor in entry
    }
    entries = [entry for found in glossaries.values() for entry in found]
    open_entries = {term: entry for entry in entries for term, _ in entry}

    def close(entry: Entry) -> None:
        for term, _ in entry:
            open_entries.pop(term, None)

    by_uri = {uris[term]: entry for entry in entries for term, _ in entry}
    by_hand = set(app.config.first_uses_by_hand)
    for node in list(doctree.findall()):
        if isinstance(node, nodes.reference) and node.get("refuri") in by_uri:
            close(by_uri[node["refuri"]])
        elif isinstance(node, nodes.Text) and _is_prose(node):
            pieces: list[nodes.Node] = []
            rest = str(node)
            while found := _first(rest, [term for term in open_entries if term not in by_hand]):
                term, start, end = found
                close(open_entries[term])
                written = nodes.inline("", rest[start:end], classes=["std", "std-term"])
                pieces += [
                    nodes.Text(rest[:start]),
                    nodes.reference(
                        "", "", written, internal=True, refuri=uris[term], classes=["first-use"]
                    ),
                ]
                rest = rest[end:]
            if pieces:
                node.parent.replace(node, [*pieces, nodes.Text(rest)])


def _first(text: str, terms: Sequence[str]) -> tuple[str, int, int] | None:
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
    above = []
    node = text.parent
    while node is not None:
        above.append(node)
        node = node.parent
    return any(isinstance(one, nodes.paragraph) for one in above) and not any(
        isinstance(one, _NO_PROSE) for one in above
    )


def setup(app: Sphinx) -> None:
    """Register with Sphinx."""
    app.add_config_value("first_uses_by_hand", [], "env", [list])
    app.connect("env-updated", gather)
    app.connect("doctree-resolved", link)
