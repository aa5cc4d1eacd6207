"""Checkpoints: a long training that was interrupted goes on, and ends as an undisturbed one.

A checkpoint holds all that the rest of a training depends on, at the end of an epoch: weights, the
optimiser's moments, the state of every stream of randomness, the wrong labels in use and the
learning curve. Like a record it is a safetensors file with a digest, and reading it runs no code.
"""

import json
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fflib.errors import RecordError, TrainingError
from fflib.experiment import DenseExperiment, Experiment
from fflib.records.files import write_whole
from fflib.records.sealed import seal, unseal
from fflib.sweeps.identity import identity
from fflib.training.adam import Adam
from fflib.training.session import Session

__all__ = ["Checkpoints"]


class Checkpoints:
    """Keep the state of a training in a file, and go on from there.

    The file at `path` appears once the training has lasted longer than `seconds`, which is also the
    least time from one checkpoint to the next; it is to be removed when the result is on record.
    ``report(done, epochs)`` is called after every epoch, with the epochs over all layers.

    Notes
    -----
    A checkpoint of another experiment, version, device or number of threads is ignored, since the
    result would equal that of no uninterrupted run; so is a damaged one. A disk that is too full
    for a checkpoint does not stop the training. A training that takes snapshots keeps no
    checkpoint, which would have to hold the snapshots too; it starts from the beginning.

    Examples
    --------
    >>> import fflib
    >>> from tempfile import TemporaryDirectory
    >>> experiment = fflib.Experiment(model="bp", dataset="digits", hidden=32, epochs=2)
    >>> with TemporaryDirectory() as folder:
    ...     keeper = Checkpoints(Path(folder, "state"), 0, lambda *epochs: print(epochs))
    ...     run = fflib.train(experiment, progress=False, keeper=keeper)
    (1, 2)
    (2, 2)
    """

    def __init__(
        self, path: Path, seconds: float, report: Callable[[int, int], None] | None = None
    ) -> None:
        self.path, self.seconds, self.report = path, seconds, report
        self._kept = time.monotonic()
        self._stage, self._epoch = 0, 0  # where the checkpoint was written
        self._arrays: dict[str, np.ndarray] = {}

    def restore(self, session: Session[Any], experiments: Sequence[Experiment]) -> None:
        """Put a session in the state of the checkpoint, where there is one that fits."""
        self._circumstances = {
            "experiments": [e.model_dump(mode="json") for e in experiments],
            "identity": identity(),
            "device": str(session.labels.device),
            "products": str(session.products),  # which a machine may measure another way later
            "threads": torch.get_num_threads(),
        }
        if not self.path.exists():
            return
        try:
            text, arrays = unseal(self.path)
            header = json.loads(text)
        except (RecordError, ValueError, RecursionError):
            return
        if header.pop("circumstances", None) != self._circumstances:
            return
        self._arrays = arrays
        self._stage, self._epoch = header["stage"], header["epoch"]
        for place, network in enumerate(session.every_network):
            state = network.state_dict()
            network.load_state_dict(
                {name: self._tensor(f"weights {place} {name}") for name in state}
            )
        for run in range(session.runs):
            session.negatives[run].set_state(self._tensor(f"negatives {run}"))
            session.orders[run].set_state(self._tensor(f"orders {run}"))
        if "wrong" in self._arrays:
            session.kept_wrong = self._tensor("wrong").to(session.labels.device)
        failures = {int(run): TrainingError(why) for run, why in header["failures"].items()}
        session.monitor.restore(header["curves"], failures, header["seconds"])

    def enter(self, session: Session[Any], depth: int | None, optimiser: Adam) -> int:
        """Return how many epochs of a layer are done; put its optimiser in the state of then."""
        stage = depth or 0
        if stage != self._stage or not self._arrays:
            return session.experiment.epochs if stage < self._stage else 0
        for place, moments in enumerate(optimiser.moments):
            for name, value in moments.items():
                value.copy_(self._tensor(f"{name} {place}").view_as(value))
        self._arrays, session.kept_wrong = {}, None  # wrong labels are drawn again
        return self._epoch

    def epoch_ended(
        self, session: Session[Any], depth: int | None, epoch: int, optimiser: Adam
    ) -> None:
        """Write a checkpoint, if the last one is long enough ago."""
        e, stage = session.experiment, depth or 0
        if self.report:
            self.report(stage * e.epochs + epoch, e.stages * e.epochs)
        watched = isinstance(e, DenseExperiment) and e.snapshots > 0
        if watched or time.monotonic() - self._kept < self.seconds:
            return
        with suppress(OSError):
            write_whole(self.path, self._state(session, stage, epoch, optimiser))
        self._kept = time.monotonic()

    def _state(self, session: Session[Any], stage: int, epoch: int, optimiser: Adam) -> bytes:
        tensors: dict[str, Tensor] = (
            {} if session.wrong_now is None else {"wrong": session.wrong_now}
        )
        for place, network in enumerate(session.every_network):
            for name, value in network.state_dict().items():
                tensors[f"weights {place} {name}"] = value
        for run in range(session.runs):
            tensors[f"negatives {run}"] = session.negatives[run].get_state()
            tensors[f"orders {run}"] = session.orders[run].get_state()
        for place, moments in enumerate(optimiser.moments):
            for name, value in moments.items():
                tensors[f"{name} {place}"] = value
        monitor = session.monitor
        header: dict[str, Any] = {
            "circumstances": self._circumstances,
            "stage": stage,
            "epoch": epoch,
            "curves": monitor.curves,
            "failures": {run: str(error) for run, error in monitor.failures.items()},
            "seconds": monitor.seconds,
        }
        arrays = {name: value.detach().cpu().numpy() for name, value in tensors.items()}
        return seal(json.dumps(header), arrays)

    def _tensor(self, name: str) -> Tensor:
        return torch.from_numpy(self._arrays[name].copy())
