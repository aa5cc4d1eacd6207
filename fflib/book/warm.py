"""``python -m fflib.book.warm``: kernels that need not import what every chapter imports.

It imports those modules once, and then forks a kernel for each line of standard input: JSON with the
``arguments`` of the kernel, its ``environment`` and its ``folder``. It answers with the number of the process.
Kernels share nothing that they change: each begins where the imports ended. The program ends with its input.
"""

import gc
import json
import os
import signal
import sys
import warnings
from importlib import import_module
from typing import NoReturn

import numpy as np
from matplotlib import rcParams

IMPORTED = (
    *("ipykernel.kernelapp", "matplotlib.pyplot", "myst_nb", "pandas", "seaborn", "torch"),
    *("fflib.book.figures.scorecard", "fflib.book.how_made", "fflib.book.tables", "fflib.records.obtain"),
    *("fflib.study.evidence", "fflib.training.train"),
)  # fmt: skip


def main() -> None:
    """Answer line by line."""
    for name in IMPORTED:
        import_module(name)
    if not sys.flags.safe_path:
        del sys.path[0]  # where this program was started is no place for a kernel to import from
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # a kernel that has ended is gone at once
    # The threads of numpy, which a fork loses, start again in the child.
    warnings.filterwarnings("ignore", ".*multi-threaded, use of fork", DeprecationWarning)
    parent = os.getpid()
    for line in sys.stdin:
        if child := os.fork():
            print(child, flush=True)
        else:
            _become(parent, **json.loads(line))


def _become(
    parent: int, arguments: list[str], environment: dict[str, str], folder: str
) -> NoReturn:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)  # answers are the program's, not the kernel's
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    # Set, not used: the backend of kernels looks for its kernel as soon as it is imported.
    rcParams["backend"] = environment.get("MPLBACKEND", "agg")
    np.random.seed()  # noqa: NPY002 - the state that all kernels would have in common
    launch = import_module("ipykernel.kernelapp").launch_new_instance
    # A kernel looks whether its parent is there, and ends with it.
    sys.exit(launch(argv=[*arguments, f"--IPKernelApp.parent_handle={parent}"]))


if __name__ == "__main__":
    main()
