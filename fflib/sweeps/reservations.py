"""The corner of a store in which runs are made: reserved runs, checkpoints, and sweeps at work.

It is the folder ``.working``, which is there only while there is something in it. A run is reserved
by holding a file (:func:`fflib.records.files.hold`), which the operating system lets go of when a process
ends in whatever way: a run that was begun and not finished is free again at once.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from fflib.experiment import Experiment
from fflib.records.files import hold, remove_abandoned
from fflib.records.stores import SUFFIX, Store

__all__ = ["Workplace"]

NAME = ".working"
RESERVED = ".reserved"
SWEEP = ".sweep"
CHECKPOINT = ".checkpoint"


class Workplace:
    """Where the runs of a store are made.

    Parameters
    ----------
    store : Store

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> experiment = Experiment(dataset="digits")
    >>> with TemporaryDirectory() as folder:
    ...     workplace = Workplace(Store(Path(folder)))
    ...     with workplace.reserve(experiment) as mine, workplace.reserve(experiment) as again:
    ...         mine, again
    (True, False)
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.folder = store.folder / NAME

    @contextmanager
    def reserve(self, experiment: Experiment) -> Iterator[bool]:
        """Keep all others from training an experiment; yields False where one of them does."""
        with hold(self.folder / f"{experiment.key}{RESERVED}") as mine:
            yield mine

    @contextmanager
    def sweep(self) -> Iterator[str]:
        """Leave a mark in the store for the time of a sweep, and tidy up before and after it."""
        mark = f"{socket.gethostname()}-{uuid4().hex}"
        self.tidy()
        try:
            with hold(self._mark(mark)):
                yield mark
        finally:
            self.tidy()

    def sees(self, mark: str) -> bool:
        """Whether the mark of a sweep is there, as it is if this is the same folder."""
        return self._mark(mark).exists()

    def checkpoint(self, experiment: Experiment) -> Path:
        """Where the state of an unfinished training lies, or would lie."""
        return self.folder / f"{experiment.key}{CHECKPOINT}"

    def tidy(self) -> None:
        """Remove what the dead have left behind, and checkpoints of runs that have ended."""
        remove_abandoned(self.store.folder)
        remove_abandoned(self.folder)
        for kind in (SWEEP, RESERVED):
            for path in self.folder.glob(f"*{kind}"):
                with hold(path):
                    pass  # what nobody else holds is removed when it is let go of
        for path in self.folder.glob(f"*{CHECKPOINT}"):
            if (self.store.folder / path.name).with_suffix(SUFFIX).is_file():
                path.unlink(missing_ok=True)
        with suppress(OSError):  # not there, or in use
            self.folder.rmdir()

    def _mark(self, mark: str) -> Path:
        return self.folder / f"{mark}{SWEEP}"
