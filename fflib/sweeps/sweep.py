"""Many experiments, on the cores of this machine or on a Dask cluster; nothing is done twice.

A finished run is in the store, whatever dies afterwards: it is the worker that saves it, whole or
not at all. A run is reserved while it is trained, so that no other worker, of this sweep or of
another that shares the store, trains it too; and what is in the store is not trained again.
"""

import time
from asyncio import CancelledError
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from distributed import Client, Future, KilledWorker, as_completed
from distributed.deploy.cluster import Cluster

from fflib.errors import MissingRecord, SweepError
from fflib.experiment import Experiment
from fflib.records.stores import Record, Store
from fflib.sweeps.cluster import connected, cores, dashboard
from fflib.sweeps.groups import ON_A_CARD, gains, grouped
from fflib.sweeps.identity import identity
from fflib.sweeps.reservations import Reservations
from fflib.sweeps.worker import (
    TOPIC,
    Answer,
    Make,
    Progress,
    Request,
    one_line,
    train_and_measure,
    work,
)

__all__ = ["Outcome", "missing", "sweep"]

PAUSE = 1.0  # seconds before asking again for runs that another sweep is training
DELAY = 90.0  # seconds that a network file system may take to show a new file


@dataclass(frozen=True)
class Outcome:
    """How one experiment of a sweep ended: with a record, or with a one-line error."""

    experiment: Experiment
    record: Record | None
    error: str | None = None


def missing(experiments: Iterable[Experiment], store: Store) -> list[Experiment]:
    """Return the experiments that have neither a record nor a noted failure in a store.

    They are in order and without repeats. A training that failed would fail again.
    """
    failed = store.failures()
    return [e for e in dict.fromkeys(experiments) if e not in store and e not in failed]


def sweep(
    experiments: Iterable[Experiment],
    store: Store,
    *,
    jobs: int | None = None,
    threads: int | None = None,
    scheduler: str | Cluster | None = None,
    together: int | None = None,
    max_failures: int | None = None,
    checkpoint: float = 300.0,
    make: Make = train_and_measure,
    say: Callable[[str], None] = lambda line: None,
    watch: Callable[[Progress], None] | None = None,
) -> Iterator[Outcome]:
    """Train what a store does not hold yet; each record is saved as its run ends.

    Parameters
    ----------
    experiments : iterable of Experiment
    store : Store
        Its folder must be one that all workers see.
    jobs : int, optional
        Worker processes on this machine, which share its cores. One per core by default: networks
        of this size use one core well and several badly. On a CUDA device a few that share it.
    threads : int, optional
        Of each worker, where a result must not depend on the number of workers: runs are equal bit
        for bit only for equal threads. There are then no more workers than the cores allow.
    scheduler : str or Cluster, optional
        Address of a Dask scheduler, or a cluster of Dask's, whose workers are used instead of
        processes of this sweep. The cluster decides how many there are, and on their threads.
    together : int, optional
        Train at most so many runs side by side that differ in seed and held-out class only. By
        default as many as there is memory for where workers have a CUDA device, and one elsewhere:
        on a cluster, where all that are there at the start have one. A run beside others differs
        from the same run alone by rounding.
    max_failures : int, optional
        Stop once more runs than this have failed.
    checkpoint : float
        Seconds from one checkpoint of a training to the next: if the training is interrupted, it
        goes on from the last one.
    make : callable
        Maps an experiment and its checkpoints to a record, on a worker; by default it trains.
        Workers must be able to import it. One of your own is called for one run at a time.
    say : callable
        Receives what a person should know, in one line: a worker that is refused, the dashboard.
    watch : callable, optional
        Receives, from another thread, how far the runs are.

    Yields
    ------
    Outcome
        As runs end, in any order. A failing run does not stop the others.

    Raises
    ------
    SweepError
        The scheduler is gone, no worker may be used, the store is full, or too many runs failed.
    """
    todo = missing(experiments, store)
    if not todo:
        return
    most = together if make is train_and_measure else 1
    sharing = 1
    if scheduler is None:
        cuda = gains()
        most = most or (len(todo) if cuda else 1)
        usual = max(1, cores() // (threads or 1))
        jobs = jobs or (min(usual, ON_A_CARD) if cuda else usual)
        jobs = min(jobs, len(grouped(todo, most)))
        threads = threads or max(1, cores() // jobs)
        sharing = jobs if cuda else 1
    needs = {of: e.data().checksums for of, e in {(e.dataset, e.images): e for e in todo}.items()}
    store.folder.mkdir(parents=True, exist_ok=True)
    with Reservations(store).sweep() as mark, connected(jobs or 1, scheduler) as client:
        if address := dashboard(client):
            say(f"dashboard: {address}")
        if scheduler is not None and not client.scheduler_info(n_workers=-1)["workers"]:
            say("the scheduler has no workers yet: the runs begin when one joins")
        if watch:
            client.subscribe_topic(TOPIC, lambda event: watch(event[1]))

        def ask(group: Sequence[Experiment]) -> Request:
            return Request(
                experiment=group[0].model_dump(mode="json"),
                runs=[e.model_dump(include={"seed", "hold_out"}) for e in group],
                store=str(store.folder.resolve()),
                mark=mark,
                identity=identity(),
                data=needs[group[0].dataset, group[0].images],
                threads=threads,
                checkpoint=checkpoint,
                sharing=sharing,
            )

        groups = grouped(todo, most or _share(client, len(todo)))
        failures = 0
        for outcome in _outcomes(client, groups, ask, store, make, say):
            yield outcome
            failures += outcome.record is None
            if max_failures is not None and failures > max_failures:
                raise SweepError(
                    f"{failures} runs failed, and at most {max_failures} may: {outcome.error}"
                )


def _share(client: Client, runs: int) -> int:
    """Return how many runs a worker of a cluster gets at a time: its share on CUDA, else one."""
    try:
        found = client.run(gains, on_error="ignore")
    except Exception:  # a worker that knows nothing of this is refused later
        return 1
    return -(-runs // len(found)) if found and all(found.values()) else 1


def _outcomes(
    client: Client,
    groups: list[list[Experiment]],
    ask: Callable[[Sequence[Experiment]], Request],
    store: Store,
    make: Make,
    say: Callable[[str], None],
) -> Iterator[Outcome]:
    refused: dict[str, str] = {}
    while groups:
        busy: list[list[Experiment]] = []
        tasks = dict(zip(_submit(client, map(ask, groups), make), groups, strict=True))
        running = as_completed(tasks, loop=client.loop)
        for future in running:
            group = tasks.pop(future)
            answers = list(zip(group, _answers(future, len(group)), strict=True))
            if left := [e for e, answer in answers if answer["state"] == "busy"]:
                busy.append(left)
            for experiment, answer in answers:
                match answer["state"]:
                    case "busy":
                        pass
                    case "refused":  # and with it all others of the group
                        if answer["worker"] not in refused:
                            say(f"refused worker {answer['worker']}: {answer['reason']}")
                        refused[answer["worker"]] = answer["reason"]
                        fit = _fit(client, refused)
                        (again,) = _submit(client, [ask(group)], make, workers=fit)
                        tasks[again] = group
                        running.add(again)
                        break
                    case "full":
                        raise SweepError(
                            f"a run is trained and cannot be recorded: {answer['reason']}: make "
                            "room; the store is intact, and the same command goes on from there"
                        )
                    case "recorded":
                        yield Outcome(experiment, _arrived(store, experiment))
                    case "aborted" if experiment in store:  # before the worker died
                        yield Outcome(experiment, store.load(experiment))
                    case _:
                        yield Outcome(experiment, None, answer["reason"])
        groups = busy
        if groups:
            time.sleep(PAUSE)


def _submit(client: Client, requests: Iterable[Request], make: Make, **where: Any) -> list[Future]:
    if make is not train_and_measure:  # which a worker has anyway
        where["make"] = make
    return client.map(partial(work), list(requests), pure=False, batch_size=100, **where)


def _fit(client: Client, refused: dict[str, str]) -> list[str]:
    """Return the addresses of the workers that have not been refused."""
    fit = [a for a in client.scheduler_info(n_workers=-1)["workers"] if a not in refused]
    if not fit:
        address, reason = next(iter(refused.items()))
        raise SweepError(f"every worker is refused, {address} for one: {reason}")
    return fit


def _answers(future: Future, runs: int) -> list[Answer]:
    """Return what a worker answers, or what to answer for one that died, on each of its runs."""
    worker = ""
    try:
        return future.result()
    except KilledWorker as error:
        reason = (
            f"the worker died each of {error.allowed_failures + 1} times that it was trained, "
            "perhaps for want of memory"
        )
        worker = error.last_worker.address
    except (CancelledError, OSError) as error:
        raise SweepError(
            f"the scheduler is gone ({one_line(error)}): what is finished is recorded; the same "
            "command goes on from there"
        ) from None
    except Exception as error:
        reason = f"on its worker, {one_line(error)}"
    return [Answer(state="aborted", reason=reason, worker=worker) for _ in range(runs)]


def _arrived(store: Store, experiment: Experiment) -> Record:
    """Load a record that a worker has saved; a network file system may show it a little later."""
    deadline = time.monotonic() + DELAY
    while True:
        try:
            return store.load(experiment)
        except MissingRecord:
            if time.monotonic() > deadline:
                raise
            time.sleep(PAUSE)
