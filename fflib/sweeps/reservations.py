"""Reserved runs, checkpoints and marks of sweeps, in the folder ``.working`` of a store.

The folder is there only while there is something in it. A run is reserved by holding a file
(:func:`fflib.records.files.hold`), which the operating system releases when a process ends in
whatever way: a run that was begun and not finished is free again at once.
"""

import hashlib
import socket
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from fflib.experiment import Experiment
from fflib.records.files import hold, remove_abandoned
from fflib.records.stores import SUFFIX, Store

__all__ = ["Reservations"]

RESERVED, SWEEP, CHECKPOINT = ".reserved", ".sweep", ".checkpoint"


class Reservations:
    """Who trains what in a store, and how far unfinished runs are.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> experiment = Experiment(dataset="digits")
    >>> with TemporaryDirectory() as folder:
    ...     runs = Reservations(Store(Path(folder)))
    ...     with runs.reserve(experiment) as mine, runs.reserve(experiment) as again:
    ...         mine, again
    (True, False)
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.folder = store.folder / ".working"

    def reserve(self, experiment: Experiment) -> AbstractContextManager[bool]:
        """Keep all others from training an experiment; yields False where one of them does."""
        return hold(self.folder / f"{experiment.key}{RESERVED}")

    @contextmanager
    def sweep(self) -> Iterator[str]:
        """Leave a mark in the store while a sweep lasts, and tidy up before and after it."""
        mark = f"{socket.gethostname()}-{uuid4().hex}"
        self.tidy()
        try:
            with hold(self._mark(mark)):
                yield mark
        finally:
            self.tidy()

    def sees(self, mark: str) -> bool:
        """Tell whether the mark of a sweep is there, as it is if this is the same folder."""
        return self._mark(mark).exists()

    def checkpoint(self, experiment: Experiment, *beside: Experiment) -> Path:
        """Return where the state of an unfinished training is kept, or would be.

        That of several runs trained side by side has the name of the first, and a digest of all.
        """
        name = experiment.key
        if beside:
            keys = " ".join(e.key for e in (experiment, *beside))
            name += f"-{hashlib.sha256(keys.encode()).hexdigest()[:16]}"
        return self.folder / f"{name}{CHECKPOINT}"

    def forget(self, experiment: Experiment) -> None:
        """Remove checkpoints that begin with a run that has ended: none will go on from them."""
        for path in self.folder.glob(f"{experiment.key}*{CHECKPOINT}"):
            path.unlink(missing_ok=True)

    def tidy(self) -> None:
        """Remove what killed processes have left behind, and checkpoints of runs on record."""
        remove_abandoned(self.store.folder)
        remove_abandoned(self.folder)
        for kind in (SWEEP, RESERVED):
            remove_abandoned(self.folder, f"*{kind}")
        for path in self.folder.glob(f"*{CHECKPOINT}"):
            key = path.stem.partition("-")[0]
            if (self.store.folder / f"{key}{SUFFIX}").is_file():
                path.unlink(missing_ok=True)
        with suppress(OSError):  # not there, or in use
            self.folder.rmdir()

    def _mark(self, mark: str) -> Path:
        return self.folder / f"{mark}{SWEEP}"
