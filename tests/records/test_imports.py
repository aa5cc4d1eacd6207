"""Records are read without what trains, clusters or draws."""

import subprocess
import sys

import pytest

# What is not wanted where records are only read. Torch itself is loaded: the fields of an experiment
# are checked against functions of torch.
UNWANTED = [
    "IPython",
    "distributed",
    "fflib.bench",
    "fflib.networks",
    "fflib.sweeps",
    "fflib.training",
    "matplotlib",
    "seaborn",
    "typer",
]

READ = """
from pathlib import Path
from fflib import Record, Store, find
from fflib.records.stores import PUBLISHED
record = Record.from_file(PUBLISHED.paths()[0])
assert find(record.experiment).to_bytes() == record.to_bytes()
assert list(Store(Path("nowhere"))) == []
"""
OBTAIN = """
import os, tempfile
import fflib
experiment = fflib.Experiment(model="bp", dataset="digits", hidden=8, epochs=1, learning_rate=0.01)
with tempfile.TemporaryDirectory() as folder:
    os.environ["FFLIB_STORE"] = folder
    made = fflib.obtain(experiment, device="cpu", progress=False)
    assert fflib.find(experiment).to_bytes() == made.to_bytes()
"""
ABOVE = [m for m in UNWANTED if m not in ("fflib.networks", "fflib.training")] + [
    "fflib.book",
    "fflib.cli",
    "fflib.study",
]


def loaded(code, modules):
    """Run code in a process of its own; those of the modules that are loaded in the end."""
    program = f"{code}\nimport sys\nprint(*[m for m in {modules!r} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_the_package_by_itself_loads_next_to_nothing():
    assert loaded("import fflib", [*UNWANTED, "numpy", "pandas", "pydantic", "torch"]) == []


@pytest.mark.parametrize(("code", "unwanted"), [(READ, UNWANTED), (OBTAIN, ABOVE)])
def test_nothing_is_loaded_that_stands_above(code, unwanted):
    """Reading takes no trainer; obtaining takes one, and nothing beyond training and records."""
    assert loaded(code, unwanted) == []
