"""Under each entry of the API, the chapters that use it.

Two things count: a cell that calls the object, which sphinx-codeautolink finds out, and prose that
names it by a role such as ``{func}``. A page that documents objects itself is no user of them.
The table of examples that codeautolink has of its own counts cells alone, one by one.
"""

from collections.abc import Iterable

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

__all__ = ["setup"]


def gather(app: Sphinx, env: BuildEnvironment) -> None:
    """Collect the pages that use each object, in the order of the book."""
    called = {
        page: {name.resolved_location for found in transforms for name in found.names}
        for page, transforms in getattr(env, "sphinx_codeautolink_transforms", {}).items()
    }
    documenting = {entry.docname for entry in env.domains["py"].data["objects"].values()}
    users: dict[str, list[str]] = {}
    listed = list(env.collect_relations())  # as the tables of contents have them
    for page in listed + sorted(env.found_docs - set(listed)):
        if page not in documenting:
            for name in _named(env.get_doctree(page)) | called.get(page, set()):
                users.setdefault(name, []).append(page)
    vars(env)["fflib_users"] = users


def _named(tree: nodes.document) -> set[str]:
    return {
        xref["reftarget"].lstrip("~.")
        for xref in tree.findall(addnodes.pending_xref)
        if xref.get("refdomain") == "py"
    }


def show(app: Sphinx, tree: nodes.document, page: str) -> None:
    """Put a line under every entry that some page uses."""
    for entry in tree.findall(addnodes.desc):
        ids = [name for signature in entry.findall(addnodes.desc_signature)
               if signature.parent is entry for name in signature["ids"]]  # fmt: skip
        if line := _line(app, page, ids):
            entry.children[-1].append(line)


def _line(app: Sphinx, page: str, names: Iterable[str]) -> nodes.paragraph | None:
    users: dict[str, list[str]] = vars(app.env)["fflib_users"]
    using = list(dict.fromkeys(user for name in names for user in users.get(name, ())))
    if not using:
        return None
    line = nodes.paragraph("", "Used in: ", classes=["used-in"])
    for number, user in enumerate(using):
        if number:
            line += nodes.Text("; ")
        uri = app.builder.get_relative_uri(page, user)
        line += nodes.reference("", app.env.titles[user].astext(), internal=True, refuri=uri)
    return line


def setup(app: Sphinx) -> None:
    """Register with Sphinx; sphinx-codeautolink is to be loaded before."""
    # sphinx-codeautolink resolves names on the same event.
    app.connect("env-updated", gather, priority=900)
    app.connect("doctree-resolved", show)
