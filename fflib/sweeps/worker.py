"""What a worker does with one run of a sweep, wherever it is: check, claim, train, save, answer.

Orders and answers are plain values, so that a worker with another version of the package
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
from fflib.sweeps.reservations import Workplace
from fflib.training.train import train

__all__ = [
    "TOPIC",
    "Answer",
    "Make",
    "Order",
    "Progress",
    "one_line",
    "train_and_measure",
    "work",
]

Make = Callable[[Experiment, Checkpoints], Record]
"""From an experiment to its record, with somebody to keep its state; what fails raises an error."""

State = Literal["recorded", "failed", "spoilt", "busy", "refused", "full"]


class Order(TypedDict):
    """What a worker is asked to do.

    Parameters
    ----------
    experiment : dict
        Fields of :class:`fflib.Experiment`.
    store : str
        Folder of the records.
    mark : str
        Name of a file in there, by which a worker knows that it sees the same folder.
    identity : dict of str to str
        Versions that a worker must have, see :func:`fflib.sweeps.identity.identity`.
    data : dict of str to str
        Checksums of the data set.
    threads : int or None
        Threads that torch is to use; None leaves them as they are.
    checkpoint : float
        Seconds from one checkpoint of a training to the next.
    """

    experiment: dict[str, Any]
    store: str
    mark: str
    identity: dict[str, str]
    data: dict[str, str]
    threads: int | None
    checkpoint: float


class Progress(TypedDict):
    """How far a run is.

    Parameters
    ----------
    run : str
        The experiment in words.
    done, epochs : int
        Epochs, over all layers.
    seconds : float
        Since the worker began.
    """

    run: str
    done: int
    epochs: int
    seconds: float


class Answer(TypedDict):
    """How an order ended.

    Parameters
    ----------
    state : {"recorded", "failed", "spoilt", "busy", "refused", "full"}
        Its record is in the store; its training failed, which is noted there; it failed for want
        of something that this machine lacks, so that nothing is noted; another worker is at it;
        this worker must not do it; its record could not be saved.
    reason : str
    worker : str
        The address of the worker.
    """

    state: State
    reason: str
    worker: str


TOPIC = "fflib"
"""Under which workers tell how far their runs are."""

TELLING = 1.0  # seconds from one time to the next
SPOILERS = (OSError, MemoryError, torch.OutOfMemoryError, DataError)
"""What the machine is to blame for, and not the experiment."""


def train_and_measure(experiment: Experiment, keeper: Checkpoints) -> Record:
    """Make a record as a sweep does."""
    return record_of(train(experiment, progress=False, keeper=keeper))


def work(order: Order, make: Make = train_and_measure) -> Answer:
    """Carry an order out, unless it is done, somebody else is at it, or this worker must not.

    Parameters
    ----------
    order : Order
    make : callable
        From an experiment to its record.
    """
    address, slots = _place()
    unfit = _unfit(order, slots)
    if unfit:
        return Answer(state="refused", reason=unfit, worker=address)
    tqdm.set_lock(RLock())  # the usual one is shared by processes, and is left behind by an end
    if order["threads"]:
        torch.set_num_threads(order["threads"])
    # The first optimiser of a process loads it, for seconds that are none of the first run's.
    import_module("torch._dynamo")
    experiment, store = Experiment(**order["experiment"]), Store(Path(order["store"]))
    path = Workplace(store).checkpoint(experiment)
    keeper = Checkpoints(path, order["checkpoint"], _teller(experiment))
    state, reason = _done(experiment, store, lambda: make(experiment, keeper))
    return Answer(state=state, reason=reason, worker=address)


def _done(experiment: Experiment, store: Store, make: Callable[[], Record]) -> tuple[State, str]:
    """Make the record of an experiment and save it, unless that is done already."""
    workplace = Workplace(store)
    with workplace.reserve(experiment) as mine:
        if not mine:
            return "busy", "another worker is at it"
        # Only now: the last one to hold the claim may just have saved it.
        if experiment in store:
            return "recorded", ""
        if noted := store.failures([experiment]):
            return "failed", noted[experiment]
        record, reason = None, ""
        try:
            record = make()
        except SPOILERS as error:
            return "spoilt", one_line(error)
        except Exception as error:
            reason = one_line(error)
        try:
            if record is None:
                store.save_failure(experiment, reason)
                return "failed", reason
            store.save(record)
        except OSError as error:
            return "full", one_line(error)
        workplace.checkpoint(experiment).unlink(missing_ok=True)
        return "recorded", ""


def one_line(error: BaseException) -> str:
    """An error's message without line breaks; with its kind, where it is none of ours."""
    message = " ".join(str(error).split())
    if isinstance(error, FflibError):
        return message
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def _teller(experiment: Experiment) -> Callable[[int, int], None]:
    """Tell all who listen to the scheduler how far a run is, but not too often."""
    try:
        worker = get_worker()
    except ValueError:
        return lambda *_: None
    begun = last = time.monotonic()

    def tell(done: int, epochs: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last > TELLING:
            last = now
            said = Progress(run=str(experiment), done=done, epochs=epochs, seconds=now - begun)
            worker.log_event(TOPIC, dict(said))

    return tell


def _place() -> tuple[str, int]:
    """Address of this worker, and how many tasks it takes at a time."""
    try:
        worker = get_worker()
    except ValueError:
        return "this process", 1
    return worker.address, worker.state.nthreads


def _unfit(order: Order, slots: int) -> str:
    """Why this worker must not do it; nothing where it may."""
    here = identity()
    for what, wanted in order["identity"].items():
        if here.get(what) != wanted:
            return f"it has {what} {here.get(what)}, this sweep {wanted}: install the same"
    if slots != 1:
        return (
            f"it takes {slots} tasks at a time in one process, and training needs a process for "
            "itself: start it with --nthreads 1"
        )
    if not Workplace(Store(Path(order["store"]))).sees(order["mark"]):
        return (
            f"it does not see the store {order['store']} of this sweep: use a folder that all "
            "machines share"
        )
    try:
        found = load(order["experiment"]["dataset"], download=False).checksums
    except (DataError, OSError) as error:
        return one_line(error)
    if found != order["data"]:
        return (
            f"its images of {order['experiment']['dataset']} have other checksums than those of "
            "this sweep: give it the same files"
        )
    return ""
