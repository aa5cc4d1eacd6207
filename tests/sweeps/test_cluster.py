"""Worker processes of this machine."""

import logging
import sys
import time

import pytest
from distributed import LocalCluster, Nanny

from fflib.sweeps.cluster import LOGGERS, connected


def _page_faults(times, size):
    """Count the page faults of so many tensors of `size` bytes, each freed before the next, as in training."""
    import resource

    import torch

    from fflib.training.device import keep_memory

    keep_memory()
    for _ in range(10):  # a heap settles after a few
        torch.zeros(size, dtype=torch.uint8)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(times):
        torch.zeros(size, dtype=torch.uint8)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


@pytest.mark.cluster
@pytest.mark.skipif(sys.platform != "linux", reason="counts the page faults of glibc")
@pytest.mark.parametrize(("times", "size"), [(50, 4 << 20), (5, 96 << 20)])
def test_freed_memory_is_used_again(times, size):
    page = 4096
    with connected(1) as client:
        faults = client.submit(_page_faults, times, size).result(timeout=60)
    assert faults < times * size / page / 2  # otherwise each tensor is of new pages


@pytest.mark.cluster
def test_workers_that_are_killed_at_an_error_are_not_started_again(monkeypatch):
    started = []
    start, close = Nanny.instantiate, LocalCluster.close

    async def counted(nanny):
        started.append(nanny)
        return await start(nanny)

    def delayed(cluster, **options):  # as on a busy machine: time enough to start a worker
        time.sleep(1)
        return close(cluster, **options)

    monkeypatch.setattr(Nanny, "instantiate", counted)
    monkeypatch.setattr(LocalCluster, "close", delayed)
    with pytest.raises(KeyError), connected(2):
        raise KeyError
    assert len(started) == 2


def _complain(names):
    for name in names:
        logging.getLogger(name).error("noise")


@pytest.mark.cluster
def test_what_dask_logs_stays_away_from_the_terminal(capfd, caplog):
    names = [*LOGGERS, "distributed.worker", "distributed.nanny", "distributed.comm.tcp"]
    with connected(1) as client:
        client.run(_complain, names)
        client.run_on_scheduler(_complain, names)
    assert "noise" not in capfd.readouterr().err + caplog.text
    _complain(["asyncio"])  # afterwards it logs as before
    assert "noise" in caplog.text
