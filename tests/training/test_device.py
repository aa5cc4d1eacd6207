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
    for _ in range(20):
        several = [torch.zeros(12 << 20, dtype=torch.uint8) for _ in range(4)]
        del several
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

if {kept}:
    keep_memory()
faults()  # the first of all tensors are of new pages in any case
print(faults())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="it is an option of glibc")
def test_memory_that_is_kept_needs_no_new_pages():
    def faults(kept):
        code = FAULTS.replace("{kept}", str(kept))
        # Where pages go back at once, as in the workers of Dask; by itself, glibc varies.
        wasteful = os.environ | {"MALLOC_TRIM_THRESHOLD_": "65536"}
        return int(subprocess.check_output([sys.executable, "-c", code], env=wasteful, text=True))

    assert faults(kept=True) < faults(kept=False) / 10
