"""The identity of the code changes with what computes, and with nothing else."""

import gc
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import grimp
import pytest

import fflib
from fflib.sweeps.identity import COMPUTING, _identity, identity

# What measuring and training read besides, and no number depends on: messages, files and names.
BYSTANDERS = {
    "fflib",
    "fflib.errors",
    "fflib.records",
    "fflib.records.files",
    "fflib.records.sealed",
    "fflib.records.stores",
    "fflib.wording",
}


@pytest.fixture
def package(tmp_path):
    copy = tmp_path / "fflib"
    shutil.copytree(Path(fflib.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


def identity_of(package):
    spec = spec_from_file_location("copied_identity", package / "sweeps" / "identity.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.identity()


def change(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_the_colour_of_a_figure_changes_nothing(package):
    style = package / "book" / "figures" / "style.py"
    style.write_text(style.read_text(encoding="utf-8") + '\nCOLOUR = "red"\n', encoding="utf-8")
    assert identity_of(package) == identity()


def yield_to_others(*_):
    time.sleep(0)


def test_threads_may_ask_at_the_same_time():
    """As those of a Dask worker do, where a callback of the collector lets the other thread run."""
    usual = gc.get_threshold()
    _identity.cache_clear()
    gc.callbacks.append(yield_to_others)
    try:
        gc.set_threshold(50)
        with ThreadPoolExecutor(2) as threads:
            first, second = threads.map(lambda _: identity(), range(2))
    finally:
        gc.set_threshold(*usual)
        gc.callbacks.remove(yield_to_others)
    assert first == second


def test_docstrings_and_line_ends_change_nothing(package):
    run = package / "training" / "run.py"
    change(run, '"""A run: ', '"""\nMore words.\n\nA run: ')
    other = package / "training" / "train.py"
    other.write_bytes(other.read_bytes().replace(b"\n", b"\r\n"))
    assert identity_of(package) == identity()


@pytest.mark.parametrize(
    "module", ["training/train.py", "measures/sparsity.py", "records/measure.py", "presets.py"]
)
def test_a_changed_line_of_what_computes_changes_the_identity(package, module):
    path = package / module
    path.write_text(path.read_text(encoding="utf-8") + "\nCHANGED = 1\n", encoding="utf-8")
    assert identity_of(package) != identity()


def test_all_that_decides_a_record_is_part_of_the_identity():
    graph = grimp.build_graph("fflib")
    needed = graph.find_upstream_modules("fflib.records.obtain") - BYSTANDERS
    places = {name: Path(*name.split(".")[1:]) for name in needed}
    forgotten = [
        name
        for name, place in places.items()
        if not any(place.is_relative_to(part) for part in COMPUTING)
    ]
    assert forgotten == []
    for part in COMPUTING:
        folder = Path(fflib.__file__).parent / part
        assert folder.is_dir() or folder.with_suffix(".py").is_file(), part
