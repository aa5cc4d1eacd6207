"""Under each entry of the API, the chapters that use it.

Two things count: a cell that calls the object, which sphinx-codeautolink finds out, and prose that
names it by a role such as ``{func}``. A page that documents objects itself is no user of them.
"""

from collections.abc import Iterable

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

__all__ = ["setup"]


def note(app: Sphinx, doctree: nodes.document) -> None:
    """Remember which objects the prose of a page names."""
    named = {
        xref["reftarget"].lstrip("~.")
        for xref in doctree.findall(addnodes.pending_xref)
        if xref.get("refdomain") == "py"
    }
    _named(app.env)[app.env.docname] = named


def forget(app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    """Forget a page that is read again or no longer there."""
    _named(env).pop(docname, None)


def merge(
    app: Sphinx, env: BuildEnvironment, docnames: Iterable[str], other: BuildEnvironment
) -> None:
    """Take over what another process has read."""
    _named(env).update(
        {name: named for name, named in _named(other).items() if name in set(docnames)}
    )


def gather(app: Sphinx, env: BuildEnvironment) -> None:
    """Turn what every page uses round: the pages of every object, in the order of the book."""
    called = {
        docname: {name.resolved_location for found in transforms for name in found.names}
        for docname, transforms in getattr(env, "sphinx_codeautolink_transforms", {}).items()
    }
    objects = env.domains["py"].data["objects"]
    documenting = {entry.docname for entry in objects.values()}
    users: dict[str, list[str]] = {}
    for docname in _in_order(env):
        if docname not in documenting:
            for name in _named(env).get(docname, set()) | called.get(docname, set()):
                users.setdefault(name, []).append(docname)
    vars(env)["fflib_users"] = users


def show(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Put a line under every entry that some page uses."""
    for entry in doctree.findall(addnodes.desc):
        ids = [name for signature in entry.findall(addnodes.desc_signature)
               if signature.parent is entry for name in signature["ids"]]  # fmt: skip
        if line := _line(app, docname, ids):
            entry.children[-1].append(line)
    for target in list(doctree.findall(nodes.target)):
        modules = [name.removeprefix("module-") for name in target["ids"]]
        if line := _line(app, docname, modules):
            beside = target.parent.children
            place = beside.index(target) + 1
            # After the module's own text, in front of its members and of the next module.
            while place < len(beside) and isinstance(
                beside[place], nodes.paragraph | addnodes.index
            ):
                place += 1
            target.parent.insert(place, line)


def _line(app: Sphinx, docname: str, names: Iterable[str]) -> nodes.paragraph | None:
    users: dict[str, list[str]] = vars(app.env)["fflib_users"]
    pages = list(dict.fromkeys(page for name in names for page in users.get(name, ())))
    if not pages:
        return None
    line = nodes.paragraph("", "Used in: ", classes=["used-in"])
    for number, page in enumerate(pages):
        if number:
            line += nodes.Text("; ")
        title = app.env.titles[page].astext()
        uri = app.builder.get_relative_uri(docname, page)
        line += nodes.reference("", title, internal=True, refuri=uri)
    return line


def _named(env: BuildEnvironment) -> dict[str, set[str]]:
    # Whatever is set on the environment is kept with it between builds.
    return vars(env).setdefault("fflib_named", {})


def _in_order(env: BuildEnvironment) -> list[str]:
    """All pages, as the tables of contents have them, then those in none."""
    listed: list[str] = []
    ahead = [env.config.root_doc]
    while ahead:
        page = ahead.pop(0)
        if page not in listed:
            listed.append(page)
            ahead = env.toctree_includes.get(page, []) + ahead
    return listed + sorted(env.found_docs - set(listed))


def setup(app: Sphinx) -> dict[str, object]:
    """Connect to Sphinx; sphinx-codeautolink is to be loaded before."""
    app.connect("doctree-read", note)
    app.connect("env-purge-doc", forget)
    app.connect("env-merge-info", merge)
    # sphinx-codeautolink resolves names on the same event.
    app.connect("env-updated", gather, priority=900)
    app.connect("doctree-resolved", show)
    return {
        "version": "1",
        "env_version": 1,
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }
