"""How the commands of this room end: a line on what was done, or why it failed."""

import sys
from collections.abc import Callable

from fflib.errors import FflibError
from fflib.wording import spare_streams

__all__ = ["exit_code"]


def exit_code(work: Callable[[], str]) -> int:
    """Do the work and print what it returns, if anything; return 0, or 1 after an error of fflib."""
    spare_streams()
    try:
        said = work()
    except FflibError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if said:
        print(said)
    return 0
