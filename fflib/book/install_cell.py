"""The cell near the top of every chapter that installs fflib where it is missing, as on Colab.

It is the same in all of them. ``python -m fflib.book --install-cells`` writes it from the address of
the repository, which stands in one place only, ``repository.url`` in ``_config.yml``. The notebooks
that readers download from the site get one of their own, see :mod:`fflib.book.site.launch`.
"""

from pathlib import Path
from typing import Any

import nbformat
import yaml
from nbformat.v4 import new_code_cell

from fflib.book.site.published import Repository

__all__ = ["configured", "put", "source", "update"]

ID, TAG = "install", "remove-cell"

UNKNOWN = """\
# Does nothing where fflib is installed.
from importlib.util import find_spec

if find_spec("fflib") is None:
    raise ModuleNotFoundError(
        "fflib is not installed here: run pip install -e '.[book]' in a clone of its repository, "
        "and open the chapter from there"
    )"""

# An editable install is a clone, which brings the published records along. It names no extra, which
# pip refuses in such an address, but what chapters need besides the core.
BESIDES = "ipywidgets matplotlib myst-nb pyyaml scikit-dimension seaborn"
KNOWN = """\
# Does nothing where fflib is installed; elsewhere, as on Colab, it installs a clone.
from importlib.util import find_spec

if find_spec("fflib") is None:
    %pip install -q -e "git+{address}{ref}#egg=forward-forward-ensembles" {besides}
    import site
    import sysconfig

    site.addsitedir(sysconfig.get_path("purelib"))  # what this session cannot see yet"""


def source(repository: Repository) -> str:
    """Return the source of the cell for a repository; without an address the cell says what to do.

    Examples
    --------
    >>> "%pip install" in source(Repository("https://github.com/somebody/fflib"))
    True
    """
    if not repository.address:
        return UNKNOWN
    ref = f"@{repository.ref}" if repository.ref else ""
    return KNOWN.format(address=f"{repository.address}.git", ref=ref, besides=BESIDES)


def configured(root: Path) -> Repository:
    """Return the repository that ``_config.yml`` names, whatever state of it is built."""
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    address = (config.get("repository") or {}).get("url") or ""
    return Repository(address.rstrip("/").removesuffix(".git"))


def put(notebook: Any, text: str) -> None:
    """Put the cell into a notebook: where it is, or below the first cell."""
    cell = new_code_cell(text, id=ID, metadata={"tags": [TAG]})
    for place, found in enumerate(notebook.cells):
        if found.get("id") == ID:
            notebook.cells[place] = cell
            return
    notebook.cells.insert(1, cell)


def update(folder: Path, repository: Repository, *, write: bool = True) -> list[Path]:
    """Write the cell into every notebook in and below a folder in which it is missing or another.

    Return the notebooks that were changed, or, where `write` is false, would be.
    """
    changed = []
    for path in sorted(folder.rglob("*.ipynb")):
        if ".ipynb_checkpoints" in path.parts:
            continue
        notebook = nbformat.read(path, as_version=4)
        before = nbformat.writes(notebook)
        put(notebook, source(repository))
        if nbformat.writes(notebook) != before:
            changed.append(path)
            if write:
                nbformat.write(notebook, path)
    return changed
