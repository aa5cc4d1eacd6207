"""Worker processes of this machine."""

import sys

import pytest

from fflib.sweeps.cluster import connected


def _page_faults(times, size):
    """Count the page faults of so many tensors of `size` bytes, each freed before the next."""
    import resource

    import torch

    torch.zeros(size, dtype=torch.uint8)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(times):
        torch.zeros(size, dtype=torch.uint8)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


@pytest.mark.cluster
@pytest.mark.skipif(sys.platform != "linux", reason="counts the page faults of glibc")
def test_freed_memory_is_used_again():
    times, size, page = 50, 4 << 20, 4096
    with connected(1) as client:
        faults = client.submit(_page_faults, times, size).result(timeout=60)
    assert faults < times * size / page / 2  # otherwise each tensor is of new pages
