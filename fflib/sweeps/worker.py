"""What a worker does with one run of a sweep: check itself, reserve, train, save, answer.

Requests and answers are plain values, so that a worker with another version of the package
understands enough of them to say so.
"""

import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from threading import RLock
from typing import Any, Literal, TypedDict

import torch
from distributed import get_worker
from tqdm.auto import tqdm

from fflib.data import load
from fflib.errors import DataError, FflibError
from fflib.experiment import Experiment
from fflib.records.obtain import record_of
from fflib.records.stores import Record, Store
from fflib.sweeps.checkpoints import Checkpoints
from fflib.sweeps.identity import identity
from fflib.sweeps.reservations import Reservations
from fflib.training.train import train

__all__ = [
    "TOPIC",
    "Answer",
    "Make",
    "Progress",
    "Request",
    "one_line",
    "train_and_measure",
    "work",
]

Make = Callable[[Experiment, Checkpoints], Record]
"""From an experiment to its record, with checkpoints of its state; what fails raises an error."""

State = Literal["recorded", "failed", "aborted", "busy", "refused", "full"]


class Request(TypedDict):
    """A run that a worker is asked for."""

    experiment: dict[str, Any]
    """Fields of :class:`fflib.Experiment`."""
    store: str
    """Folder of the records."""
    mark: str
    """Name of a file in there, by which a worker knows that it sees the same folder."""
    identity: dict[str, str]
    """Versions that a worker must have, see :func:`fflib.sweeps.identity.identity`."""
    data: dict[str, str]
    """Checksums of the data set."""
    threads: int | None
    """Threads that torch is to use; None leaves them as they are."""
    checkpoint: float
    """Seconds from one checkpoint of a training to the next."""


class Progress(TypedDict):
    """How far a run, the experiment in words, is: epochs over all layers, seconds of the worker."""

    run: str
    done: int
    epochs: int
    seconds: float


class Answer(TypedDict):
    """How a request ended, and the address of the worker.

    Its record is in the store; its training failed, which is noted there; the machine failed it, so
    that nothing is noted; another worker is training it; this worker must not do it; or its record
    could not be saved.
    """

    state: State
    reason: str
    worker: str


TOPIC = "fflib"
"""Under which workers report how far their runs are."""

REPORT_EVERY = 1.0  # seconds
MACHINE_ERRORS = (OSError, MemoryError, torch.OutOfMemoryError, DataError)
"""Errors whose cause is the machine, and not the experiment."""


def train_and_measure(experiment: Experiment, keeper: Checkpoints) -> Record:
    """Make a record as a sweep does."""
    return record_of(train(experiment, progress=False, keeper=keeper))


def work(request: Request, make: Make = train_and_measure) -> Answer:
    """Do a run, unless it is done, another worker is at it, or this one must not."""
    try:
        worker: Any = get_worker()
        address, slots = worker.address, worker.state.nthreads
    except ValueError:
        worker, address, slots = None, "this process", 1
    if unfit := _unfit(request, slots):
        return Answer(state="refused", reason=unfit, worker=address)
    tqdm.set_lock(RLock())  # the usual one is shared by processes, and outlives one that is killed
    if request["threads"]:
        torch.set_num_threads(request["threads"])
    # The first optimiser of a process loads this, for seconds that must not count as training.
    import_module("torch._dynamo")
    experiment, store = Experiment(**request["experiment"]), Store(Path(request["store"]))
    path = Reservations(store).checkpoint(experiment)
    report = _reporter(worker, experiment) if worker else None
    keeper = Checkpoints(path, request["checkpoint"], report)
    state, reason = _done(experiment, store, lambda: make(experiment, keeper))
    return Answer(state=state, reason=reason, worker=address)


def _done(experiment: Experiment, store: Store, make: Callable[[], Record]) -> tuple[State, str]:
    """Make the record of an experiment and save it, unless that is done already."""
    reservations = Reservations(store)
    with reservations.reserve(experiment) as mine:
        if not mine:
            return "busy", "another worker is at it"
        # Only now: the worker that held the reservation last may just have saved it.
        if experiment in store:
            return "recorded", ""
        if noted := store.failures([experiment]):
            return "failed", noted[experiment]
        record, reason = None, ""
        try:
            record = make()
        except MACHINE_ERRORS as error:
            return "aborted", one_line(error)
        except Exception as error:
            reason = one_line(error)
        try:
            if record is None:
                store.save_failure(experiment, reason)
                return "failed", reason
            store.save(record)
        except OSError as error:
            return "full", one_line(error)
        reservations.checkpoint(experiment).unlink(missing_ok=True)
        return "recorded", ""


def one_line(error: BaseException) -> str:
    """Return an error's message without line breaks, with its kind unless it is one of fflib's."""
    message = " ".join(str(error).split())
    if isinstance(error, FflibError):
        return message
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def _reporter(worker: Any, experiment: Experiment) -> Callable[[int, int], None]:
    """Return what reports to the scheduler how far a run is, but not too often."""
    begun = last = time.monotonic()

    def report(done: int, epochs: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last > REPORT_EVERY:
            last = now
            progress = Progress(run=str(experiment), done=done, epochs=epochs, seconds=now - begun)
            worker.log_event(TOPIC, dict(progress))

    return report


def _unfit(request: Request, slots: int) -> str:
    """Say why this worker must not do it; nothing where it may."""
    here = identity()
    for what, wanted in request["identity"].items():
        if here.get(what) != wanted:
            return f"it has {what} {here.get(what)}, this sweep {wanted}: install the same"
    if slots != 1:
        return (
            f"it takes {slots} tasks at a time in one process, and training needs a process for "
            "itself: start it with --nthreads 1"
        )
    if not Reservations(Store(Path(request["store"]))).sees(request["mark"]):
        return (
            f"it does not see the store {request['store']} of this sweep: use a folder that all "
            "machines share"
        )
    dataset = request["experiment"]["dataset"]
    try:
        found = load(dataset, download=False).checksums
    except (DataError, OSError) as error:
        return one_line(error)
    if found != request["data"]:
        return (
            f"its images of {dataset} have other checksums than those of this sweep: give it the "
            "same files"
        )
    return ""
