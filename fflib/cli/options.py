"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["Into", "Jobs"]

Into = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="Where the records go, in place of the published ones."),
]
Jobs = Annotated[
    int | None, typer.Option(min=1, help="Runs at a time. As many as cores by default.")
]
