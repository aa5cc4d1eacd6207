"""What a worker does with runs of a sweep: check itself, reserve, train, save, answer.

A request is for one run, or for several that are trained side by side: each of them is reserved,
saved and answered for by itself.

Requests and answers are plain values, so that a worker with another version of the package
understands enough of them to say so.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from threading import RLock
from typing import Any, Literal, TypedDict

import torch
from distributed import get_worker
from tqdm.auto import tqdm

from fflib.errors import DataError, ExperimentError, FflibError, TrainingError
from fflib.experiment import Experiment
from fflib.records.obtain import record_of
from fflib.records.stores import Record, Store
from fflib.sweeps.checkpoints import Checkpoints
from fflib.sweeps.groups import balanced, fit, release
from fflib.sweeps.identity import identity
from fflib.sweeps.reservations import Reservations
from fflib.training.run import Run
from fflib.training.train import train, train_together

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
    """Runs that a worker is asked for."""

    experiment: dict[str, Any]
    """Fields of :class:`fflib.Experiment`, which all runs share but for the next."""
    runs: list[dict[str, int | None]]
    """Seed and held-out class of each run."""
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
    sharing: int
    """Workers that share the memory of a device."""


class Progress(TypedDict):
    """How far a run, the experiment in words, is: epochs over all layers, seconds of the worker."""

    run: str
    done: int
    epochs: int
    seconds: float


class Answer(TypedDict):
    """How a run ended, and the address of the worker.

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

MACHINE_PARTS = ("CUDA", "CUBLAS", "CUDNN", "DefaultCPUAllocator")
"""What torch names in a RuntimeError whose cause is the machine: it has no class of its own for some."""


def train_and_measure(experiment: Experiment, keeper: Checkpoints) -> Record:
    """Make a record as a sweep does."""
    return record_of(train(experiment, progress=False, keeper=keeper))


def work(request: Request, make: Make = train_and_measure) -> list[Answer]:
    """Do each run, unless it is done, another worker is at it, or this one must not."""
    # Before anything is read: the usual one is shared by processes, and outlives one that is killed.
    tqdm.set_lock(RLock())
    try:
        worker: Any = get_worker()
        address, slots = worker.address, worker.state.nthreads
    except ValueError:
        worker, address, slots = None, "this process", 1
    if unfit := _unfit(request, slots):
        return [Answer(state="refused", reason=unfit, worker=address) for _ in request["runs"]]
    if request["threads"]:
        torch.set_num_threads(request["threads"])
    experiments = [Experiment(**request["experiment"] | run) for run in request["runs"]]
    store = Store(Path(request["store"]))

    def keeper(*runs: Experiment) -> Checkpoints:
        path = Reservations(store).checkpoint(*runs)
        return Checkpoints(path, request["checkpoint"], _reporter(worker, runs) if worker else None)

    def made(todo: Sequence[Experiment]) -> Iterator[tuple[Experiment, Record | Exception]]:
        most = 1
        if len(todo) > 1:
            most = fit(todo[0], todo[0].data(), request["sharing"]) or len(todo)
        for runs in balanced(todo, most):
            yield from _made(runs, make, keeper)

    ended = _done(experiments, store, made)
    return [Answer(state=state, reason=reason, worker=address) for state, reason in ended]


def _made(
    runs: Sequence[Experiment], make: Make, keeper: Callable[..., Checkpoints]
) -> Iterator[tuple[Experiment, Record | Exception]]:
    """Make the record of each run, or find out why there is none."""
    if len(runs) == 1:
        (alone,) = runs
        yield alone, _attempt(partial(make, alone, keeper(alone)))
        return
    release()
    trained: list[Run | TrainingError] = []
    with suppress(Exception):  # below, what the error holds on to is free
        trained += train_together(runs, progress=False, keeper=keeper(*runs))
    if trained:
        for e, run in zip(runs, trained, strict=True):
            yield e, run if isinstance(run, TrainingError) else _attempt(partial(record_of, run))
        return
    # Most likely for want of memory; what else is wrong is noted of the run that it is wrong with.
    for half in balanced(runs, -(-len(runs) // 2)):
        release()
        yield from _made(half, make, keeper)


def _attempt(make: Callable[[], Record]) -> Record | Exception:
    try:
        return make()
    except Exception as error:
        return error.with_traceback(None)  # which holds on to all that failed


def _done(
    experiments: Sequence[Experiment],
    store: Store,
    make: Callable[[Sequence[Experiment]], Iterator[tuple[Experiment, Record | Exception]]],
) -> list[tuple[State, str]]:
    """Make the records of experiments and save them, but for those where that is done already."""
    reservations = Reservations(store)
    ended: dict[Experiment, tuple[State, str]] = {}
    held: dict[Experiment, ExitStack] = {}
    with ExitStack() as all_held:
        for e in experiments:
            own = all_held.enter_context(ExitStack())
            # The store comes second: the worker that held the reservation may just have saved it.
            if not own.enter_context(reservations.reserve(e)):
                ended[e] = "busy", "another worker is at it"
            elif e in store:
                ended[e] = "recorded", ""
            elif noted := store.failures([e]):
                ended[e] = "failed", noted[e]
            else:
                held[e] = own
                continue
            own.close()
        for e, made in make(list(held)):
            ended[e] = _saved(e, made, store)
            if ended[e][0] in ("recorded", "failed"):
                reservations.forget(e)
            held[e].close()
    return [ended[e] for e in experiments]


def _saved(experiment: Experiment, made: Record | Exception, store: Store) -> tuple[State, str]:
    """Save a record, or note why there is none."""
    if isinstance(made, Exception) and _of_the_machine(made):
        return "aborted", one_line(made)
    try:
        if isinstance(made, Exception):
            store.save_failure(experiment, one_line(made))
            return "failed", one_line(made)
        store.save(made)
    except OSError as error:
        return "full", one_line(error)
    return "recorded", ""


def _of_the_machine(error: Exception) -> bool:
    """Tell whether the same run may do on another machine, or on this one later."""
    named = isinstance(error, RuntimeError) and any(part in str(error) for part in MACHINE_PARTS)
    return named or isinstance(error, MACHINE_ERRORS)


def one_line(error: BaseException) -> str:
    """Return an error's message without line breaks, with its kind unless it is one of fflib's."""
    message = " ".join(str(error).split())
    if isinstance(error, FflibError):
        return message
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def _reporter(worker: Any, runs: Sequence[Experiment]) -> Callable[[int, int], None]:
    """Return what reports to the scheduler how far runs are, but not too often."""
    begun = last = time.monotonic()

    def report(done: int, epochs: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last > REPORT_EVERY:
            last = now
            for run in map(str, runs):
                progress = Progress(run=run, done=done, epochs=epochs, seconds=now - begun)
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
    try:
        asked = Experiment(**request["experiment"] | request["runs"][0])
        found = asked.data(download=False).checksums
    except (DataError, ExperimentError, OSError) as error:
        return one_line(error)
    if found != request["data"]:
        return (
            f"its images of {asked.dataset} have other checksums than those of this sweep: give it "
            "the same files, or begin again if they have been changed meanwhile"
        )
    return ""
