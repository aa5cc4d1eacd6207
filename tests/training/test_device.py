"""The device that trains."""

import os
import platform
import subprocess
import sys

import pytest

FAULTS = """
import resource, torch
from fflib.training.device import keep_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(5):
        several = [torch.zeros({size} << 20, dtype=torch.uint8) for _ in range(4)]
        del several
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

if {kept}:
    keep_memory()
faults()  # the first of all tensors are of new pages in any case
print(faults())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="it is an option of glibc")
@pytest.mark.parametrize("size", [12, 96])
def test_memory_that_is_kept_needs_no_new_pages(size):
    def faults(kept):
        code = FAULTS.replace("{kept}", str(kept)).replace("{size}", str(size))
        # Where pages go back at once, as in the workers of Dask; by itself, glibc varies.
        wasteful = os.environ | {"MALLOC_TRIM_THRESHOLD_": "65536"}
        return int(subprocess.check_output([sys.executable, "-c", code], env=wasteful, text=True))

    assert faults(kept=True) < faults(kept=False) / 10
