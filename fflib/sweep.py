"""Many experiments on one machine: planned before they run, resumed where they stopped."""

import multiprocessing
import os
import signal
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from threading import RLock

import torch
from tqdm.auto import tqdm

from fflib.errors import FflibError, TrainingError
from fflib.experiment import Experiment
from fflib.records import Record, Store

__all__ = ["Outcome", "missing", "sweep"]


@dataclass(frozen=True)
class Outcome:
    """How one experiment of a sweep ended: with a record, or with a one-line error."""

    experiment: Experiment
    record: Record | None
    error: str | None = None


def missing(experiments: Iterable[Experiment], store: Store) -> list[Experiment]:
    """The experiments that a store knows no end of, in order and without repeats.

    One that failed is the same every time and fails again.
    """
    failed = store.failures()
    return [e for e in dict.fromkeys(experiments) if e not in store and e not in failed]


def sweep(
    experiments: Iterable[Experiment],
    store: Store,
    *,
    jobs: int | None = None,
    threads: int | None = None,
) -> Iterator[Outcome]:
    """Train what a store does not hold yet, and save each record as its run ends.

    Parameters
    ----------
    experiments : iterable of Experiment
    store : Store
    jobs : int, optional
        Worker processes; the cores are divided among them. One per core by default, since a
        network of this size uses one core better than it shares several.
    threads : int, optional
        Of each worker, where a result must not depend on the number of workers: runs are equal bit
        for bit only for equal threads. There are then no more workers than the cores allow.

    Yields
    ------
    Outcome
        As runs end, in any order. A failing run does not stop the others.
    """
    todo = missing(experiments, store)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    most = max(1, (cores or 1) // (threads or 1))
    jobs = min(jobs or most, len(todo)) or 1
    threads = threads or max(1, (cores or 1) // jobs)
    # Workers are spawned, not forked: a forked torch may hang on its own thread pool.
    context = multiprocessing.get_context("spawn")
    others = set(multiprocessing.active_children())
    with ProcessPoolExecutor(jobs, context, _prepare, (threads,)) as pool:
        futures = [pool.submit(_train_and_save, e, store.folder) for e in todo]
        try:
            for future in as_completed(futures):
                yield future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            # A run that has begun would keep us waiting, and one more is queued for each worker.
            for worker in set(multiprocessing.active_children()) - others:
                worker.terminate()
            raise


def _prepare(threads: int) -> None:
    """Set up a worker, which leaves an interruption from the keyboard to its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    tqdm.set_lock(RLock())  # the usual one is shared by processes, and is left behind by an end
    torch.set_num_threads(threads)


def _train_and_save(experiment: Experiment, folder: Path) -> Outcome:
    from fflib.obtaining import record_of
    from fflib.training import train

    try:
        record = record_of(train(experiment, progress=False))
    except TrainingError as error:
        Store(folder).save_failure(experiment, str(error))
        return Outcome(experiment, None, str(error))
    except FflibError as error:
        return Outcome(experiment, None, str(error))
    Store(folder).save(record)
    return Outcome(experiment, record)
