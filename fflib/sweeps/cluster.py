"""The Dask cluster that a sweep runs on: worker processes of this machine, or a running one.

A local cluster listens on the loopback interface alone and is encrypted with a certificate made for
it, so that other users of the machine cannot hand work to it.
"""

import logging
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from typing import Any

import dask
from distributed import Client, LocalCluster, Nanny
from distributed.deploy.cluster import Cluster
from distributed.security import Security

from fflib.errors import SweepError

__all__ = ["connected", "cores", "dashboard"]

LOOPBACK = "127.0.0.1"
TIMEOUT = 30  # seconds to wait for a scheduler, and for a local cluster to end

# They write a traceback where a worker goes away in the middle of something. What a user needs to
# know of a run arrives as its outcome.
LOGGERS = ("asyncio", "distributed", "tornado.application")

# Dask's own also has freed memory given back to the system at once: then every tensor of a training
# step is new memory, and its page faults take a third of the time of small networks. Workers train in a thread,
# and so does the memory of all threads but the first, whatever its process asks for, unless they share one arena.
ENVIRONMENT: dict[str, Any] = {
    "MALLOC_ARENA_MAX": 1,
    **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), 1),
    "DASK_LOGGING": dict.fromkeys(LOGGERS, logging.CRITICAL),
}


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def connected(jobs: int, scheduler: str | Cluster | None = None) -> Iterator[Client]:
    """Connect to a cluster: a local one, started with `jobs` worker processes, or a running one.

    The latter is given by the address of its scheduler, ``tcp://…`` or ``tls://…``, with
    certificates from Dask's configuration; or as a cluster that brings its own. A
    :class:`~fflib.errors.SweepError` says that there is no scheduler at that address, or that it
    does not trust this client.
    """
    if scheduler is not None:
        try:
            client = Client(scheduler, timeout=TIMEOUT, set_as_default=False)
        except (OSError, ValueError, TypeError, RuntimeError, ImportError) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise SweepError(
                f"no scheduler answers at {scheduler} ({reason}): start one with dask scheduler, "
                "or leave --scheduler out"
            ) from None
        with client:
            yield client
        return
    # A worker that is killed is started again, and one that needs much memory is left alone.
    settings = {
        "distributed.scheduler.worker-saturation": 1.0,
        "distributed.nanny.pre-spawn-environ": ENVIRONMENT,
    }
    with _silent():
        with dask.config.set(settings):
            cluster = LocalCluster(
                n_workers=jobs,
                threads_per_worker=1,
                processes=True,
                host=LOOPBACK,
                dashboard_address=f"{LOOPBACK}:0",
                memory_limit=None,
                security=Security.temporary(),
                silence_logs=None,
            )
        try:
            with Client(cluster, set_as_default=False) as client:
                yield client
        except BaseException:
            _end(cluster)
            raise
        finally:
            cluster.close(timeout=TIMEOUT)


@contextmanager
def _silent() -> Iterator[None]:
    """Let nothing but what is critical through from the loggers of Dask and of its event loop."""
    loggers = [logging.getLogger(name) for name in LOGGERS]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _end(cluster: LocalCluster) -> None:
    """Kill the workers, whose runs would otherwise be waited for; none is started again."""
    for nanny in cluster.workers.values():
        if isinstance(nanny, Nanny) and nanny.pid:
            nanny.close_gracefully(reason="the sweep ends")
            with suppress(ProcessLookupError):
                os.kill(nanny.pid, signal.SIGTERM if os.name == "nt" else signal.SIGKILL)


def dashboard(client: Client) -> str | None:
    """Return the address of the dashboard, None where there is none: it needs bokeh."""
    return client.dashboard_link if find_spec("bokeh") else None
