"""What the site adds to Sphinx and to its theme, as one extension with a module for each concern."""

import os
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx


def setup(app: "Sphinx") -> dict[str, Any]:
    """Register every module with Sphinx, and silence the progress bars of the chapters' kernels."""
    os.environ.setdefault("TQDM_DISABLE", "1")
    for found in iter_modules(__path__, f"{__name__}."):
        if register := getattr(import_module(found.name), "setup", None):
            register(app)
    return {
        "version": "1",
        "env_version": 1,
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }
