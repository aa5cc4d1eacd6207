"""Which versions a result depends on."""

import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path

import torch

__all__ = ["identity"]


@cache
def identity() -> dict[str, str]:
    """Versions of the package and of torch, and a digest of the package's code.

    Returns
    -------
    dict of str to str
        Equal on all machines whose runs may stand side by side.

    Examples
    --------
    >>> list(identity())
    ['fflib', 'the code', 'torch']
    """
    code = hashlib.sha256()
    folder = Path(__file__).parents[1]
    for path in sorted(folder.rglob("*.py")):
        code.update(path.relative_to(folder).as_posix().encode())
        code.update(path.read_bytes().replace(b"\r\n", b"\n"))
    return {
        "fflib": version("forward-forward-ensembles"),
        "the code": code.hexdigest()[:12],
        "torch": torch.__version__.partition("+")[0],  # what follows names the device it is for
    }
