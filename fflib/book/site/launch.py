"""Chapters that readers can take along or run elsewhere.

The notebook behind each page can be downloaded, without outputs and with an install line; where the
address of the repository is known, links open it on Binder and, for GitHub, on Colab. Where it is
not known there is no link: a dead one is worse.
"""

from pathlib import Path
from typing import Any

import nbformat
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ConfigError

from fflib.book.install_cell import put, source
from fflib.book.site.pages import finished
from fflib.book.site.published import Repository, published_from
from fflib.errors import FflibError

__all__ = ["downloadable"]

BINDER = "https://mybinder.org"
COLAB = "https://colab.research.google.com"


def downloadable(notebook: Any, repository: Repository) -> Any:
    """Make a notebook what readers download: without outputs, and with a line that installs fflib."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    put(notebook, source(repository))
    return notebook


def _repository(config: Config) -> Repository:
    options = config.html_theme_options
    try:
        return published_from(
            options.get("repository_url") or "", options.get("repository_branch") or "main"
        )
    except FflibError as error:
        raise ConfigError(str(error)) from None


def _links(app: Sphinx, config: Config) -> None:
    # The theme makes the links, with text, from these options.
    repository = _repository(config)
    if not repository.address:
        return
    services = {"binderhub_url": BINDER, "notebook_interface": "jupyterlab"}
    if repository.on_github:
        services["colab_url"] = COLAB
    config.html_theme_options |= {
        "repository_url": repository.address,
        "repository_branch": repository.ref,
        "launch_buttons": {**config.html_theme_options.get("launch_buttons", {}), **services},
    }


def _downloads(app: Sphinx, site: Path) -> None:
    repository = _repository(app.config)
    for path in sorted((site / "_sources").rglob("*.ipynb")):
        nbformat.write(downloadable(nbformat.read(path, as_version=4), repository), path)


def setup(app: Sphinx) -> None:
    """Register with Sphinx."""
    app.connect("config-inited", _links, priority=300)
    finished(app, _downloads)
