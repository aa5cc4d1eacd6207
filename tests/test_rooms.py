"""The house: few rooms, imports in one direction, and what an import loads."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "fflib"
ROOMS = sorted(path.parent for path in PACKAGE.rglob("__init__.py"))
PAGES_AND_CLUSTERS = {
    "IPython",
    "distributed",
    "matplotlib",
    "pandas",
    "papermill",
    "sphinx",
    "typer",
}


def relative(path):
    return path.relative_to(ROOT).as_posix()


# Sizes


def test_the_package_has_few_rooms():
    assert len([path for path in PACKAGE.iterdir() if path.name != "__pycache__"]) <= 20


def test_a_file_holds_one_concept():
    files = sorted(PACKAGE.rglob("*.py"))
    lengths = {relative(path): len(path.read_text(encoding="utf-8").splitlines()) for path in files}
    assert {path: length for path, length in lengths.items() if length > 350} == {}


def test_the_package_stays_small():
    lines = sum(len(path.read_text("utf-8").splitlines()) for path in PACKAGE.rglob("*.py"))
    assert lines <= 32_260


def test_each_room_says_in_a_sentence_what_it_is():
    for room in ROOMS:
        said = ast.get_docstring(ast.parse((room / "__init__.py").read_text(encoding="utf-8")))
        assert said, f"{relative(room)} says nothing"
        sentence = said.split("\n\n")[0]
        assert "\n" not in sentence, relative(room)
        assert sentence.endswith("."), relative(room)


# The direction of imports


def contracts(folder):
    """Whether the contracts of ``pyproject.toml`` hold for the package in a folder, and the report."""
    code = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = subprocess.run(
        [sys.executable, "-c", code, "--no-cache", "--no-logo"],
        cwd=folder,
        env={"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
    )
    return done.returncode == 0, done.stdout


@pytest.fixture
def copy(tmp_path):
    """A copy of the package, and of the contracts that it has to keep."""
    unused = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PACKAGE, tmp_path / "fflib", ignore=unused)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_imports_go_one_way(copy):
    kept, report = contracts(copy)
    assert kept, report
    assert "0 broken" in report


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("measures/sparsity.py", "from fflib.study import claims"),
        ("training/train.py", "import pandas"),
        ("networks/dense.py", "def later():\n    import matplotlib.pyplot"),
        ("study/evidence.py", "import seaborn"),
    ],
)
def test_an_import_that_climbs_is_found(copy, module, line):
    path = copy / "fflib" / module
    path.write_text(f"{path.read_text(encoding='utf-8')}\n{line}\n", encoding="utf-8")
    kept, report = contracts(copy)
    assert not kept
    importing = f"fflib.{module.removesuffix('.py').replace('/', '.')}"
    imported = line.split()[-1] if "claims" not in line else "fflib.study.claims"
    assert any(
        importing in said and imported.partition(".pyplot")[0] in said
        for said in report.splitlines()
    ), report


# What an import loads


def loaded_by(code):
    """Names of the packages that are loaded once a program has run."""
    shown = "import sys; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{shown}"], capture_output=True, text=True, check=True
    )
    return set(done.stdout.splitlines()[-1].split())


def test_importing_fflib_loads_nothing_heavy():
    heavy = {"numpy", "pydantic", "scipy", "sklearn", "torch", "torchvision"}
    assert not loaded_by("import fflib") & (PAGES_AND_CLUSTERS | heavy)


def test_training_loads_neither_pages_nor_clusters():
    train = (
        "import fflib\n"
        "digits = fflib.Experiment(model='ff', dataset='digits', epochs=5, hidden=200)\n"
        "run = fflib.train(digits, progress=False)\n"
        "assert run.accuracy > 0.2, run.accuracy\n"
        "fflib.measures.sparsity.mean_hoyer(run.activations().values[0])"
    )
    loaded = loaded_by(train)
    assert "torch" in loaded
    # torch's compiler would take two seconds of every process that trains.
    assert not loaded & (PAGES_AND_CLUSTERS | {"sympy"})
