"""Pages without progress bars: they are for those who watch a chapter run, not for its readers."""

import os
from typing import Any

from sphinx.application import Sphinx


def setup(app: Sphinx) -> dict[str, Any]:
    """Silence the bars of the kernels that ``jupyter-book build`` starts."""
    os.environ.setdefault("TQDM_DISABLE", "1")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
