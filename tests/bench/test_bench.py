"""The benchmark: that it compares like with like. How fast anything is, is no matter of a test."""

import json

import pandas as pd
import pytest
import torch
from typer.testing import CliRunner

import fflib
from fflib import bench as package
from fflib.bench import CARD, FULL, QUICK, Plan, bench, growth, plan, planned
from fflib.bench.baseline import train_plainly
from fflib.bench.measure import _first_to_reach
from fflib.book.figures import speed
from fflib.cli import app
from fflib.data import load
from fflib.errors import ExperimentError
from fflib.presets import MODELS
from fflib.study.analyses.throughput import RATIOS, exponents, ratios

TINY = Plan(
    epochs=4,
    backprop_epochs=2,
    repeats=2,
    accuracy=0.2,
    swift_epochs=(4,),
    plain_epochs=(4,),
    dataset="digits",
    batch_size=32,
    hidden=400,
    together=(2, 64),
    growth={"hidden": (256, 400), "images": (1200, 1437), "runs": (1, 3)},
    growth_epochs=4,  # in two, no layer learns what digits are
)


@pytest.fixture(scope="module")
def benchmark():
    return bench(TINY)


@pytest.mark.parametrize("ratio", RATIOS)
def test_every_ratio_is_given_with_its_spread_in_every_format(benchmark, ratio):
    for spread in (benchmark[ratio], benchmark["float32"][ratio], benchmark["mixed"][ratio]):
        assert 0 < spread["min"] <= spread["median"] <= spread["max"]
    assert benchmark[ratio] == benchmark[benchmark["precision"]][ratio]


def test_a_ratio_is_that_of_the_seconds_it_was_made_from(benchmark):
    plain, engine = benchmark["seconds"]["bp, plain"], benchmark["seconds"]["bp, float32"]
    ratio = benchmark["float32"]["speedup_bp"]
    assert plain["min"] / engine["max"] <= ratio["min"] <= ratio["max"]
    assert ratio["max"] <= plain["max"] / engine["min"]


@pytest.mark.parametrize("model", MODELS)
def test_the_baseline_takes_the_same_steps_wherever_its_examples_lie(model):
    # In a batch of all examples their order is of no matter, but for rounding.
    whole = {"batch_size": 1437, "epochs": 3, "hidden": 32}
    e = fflib.Experiment(model=model, dataset="digits", **whole)
    loaded, resident = (
        [
            parameter
            for layer in train_plainly(e, load("digits"), resident=here).network
            for parameter in layer.parameters()
        ]
        for here in (False, True)
    )
    assert len(loaded) == len(resident) == (8 if model == "bp" else 6)
    for one, other in zip(loaded, resident, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)


def test_what_only_ff_is_asked_for_is_measured(benchmark):
    for name in ("speedup_resident", "measuring_fraction"):
        assert 0 < benchmark[name]["min"] <= benchmark[name]["median"]
    steps = TINY.epochs * 3 * 45  # layers, and batches of 32 among 1437 images
    for precision in ("float32", "mixed"):
        seconds = benchmark["seconds"][f"ff, {precision}"]["median"]
        assert benchmark["step"][precision]["median"] == pytest.approx(1e6 * seconds / steps)
    assert benchmark["machine"]["device"] == "cpu"


def test_each_of_several_runs_side_by_side_is_compared_with_one(benchmark):
    assert benchmark["speedup_together"]["median"] > 0
    name = "mixed, 2 runs in batches of 64"
    seconds = benchmark["seconds"][f"ff, {name}"]["median"]
    steps = TINY.epochs * 3 * 23  # 1437 images in batches of 64
    assert benchmark["step"][name]["median"] == pytest.approx(1e6 * seconds / steps)


def test_what_is_measured_hangs_on_the_device_that_is_found(monkeypatch):
    for found, short, together in (("cpu", QUICK, None), ("cuda", CARD, CARD.together)):
        monkeypatch.setattr(plan, "resolve_device", lambda name, here=found: torch.device(here))
        assert planned("auto", quick=True) == short
        full = planned("auto", quick=False)
        assert (full.together, full.epochs) == (together, FULL.epochs)
        assert full.growth["runs"] == ((1, 5) if found == "cpu" else (1, 10, 20))


def test_an_unknown_device_is_named():
    with pytest.raises(ExperimentError, match="unknown device 'abacus'"):
        bench(TINY, device="abacus")


def test_growth_has_a_time_for_every_point(benchmark):
    growth = pd.DataFrame(benchmark["growth"])
    assert (growth["seconds"] > 0).all()
    engine = growth[growth["version"] == "engine"]
    points = engine.groupby("model")[["axis", "value"]].apply(lambda rows: rows.values.tolist())
    for model in MODELS:
        assert points[model] == [
            [axis, value] for axis, values in TINY.growth.items() for value in values
        ]
    assert set(growth.loc[growth["version"] == "plain", "model"]) == {"ff"}


@pytest.mark.usefixtures("book_style")
def test_the_page_on_speed_shows_what_is_measured(benchmark):
    assert len(speed.growth(benchmark).axes) == len(TINY.growth)
    found = exponents(benchmark)
    assert found.index.tolist() == list(TINY.growth)
    assert found.isna().stack().sum() == 1  # the baseline with several runs
    assert set(ratios(benchmark).index) == set(RATIOS.values())


def test_a_run_that_learns_nothing_has_no_time():
    rows = growth("digits", {"images": (40,)}, epochs=1, hidden=8, learning_rate=1e-9)
    assert {(row["model"], row["version"]) for row in rows} == {("ff", "plain"), ("bp", "engine")}


def test_training_lengthens_until_the_accuracy_is_reached():
    usual = fflib.Experiment(dataset="digits", model="bp", hidden=32)
    known = {
        fflib.Experiment(**usual.model_dump() | {"epochs": epochs}): 0.1 * epochs
        for epochs in (1, 2, 3)
    }
    reached, run = _first_to_reach(0.2, usual, (1, 2, 3), "float32", "cpu", known)
    assert (reached.epochs, run) == (2, None)
    longest, _ = _first_to_reach(0.9, usual, (1, 2, 3), "float32", "cpu", known)
    assert longest.epochs == 3
    _, trained = _first_to_reach(0.2, usual, (4,), "float32", "cpu", known)
    assert trained is not None
    assert trained.experiment.epochs == 4


def test_the_command_prints_a_table_or_json(monkeypatch):
    # Machines differ; what is printed is a result, which is made up here.
    spread = {"median": 2.0, "min": 1.0, "max": 3.0}
    ratios = dict.fromkeys(RATIOS, spread)
    made_up = {
        **ratios,
        "precision": "float32",
        "float32": ratios,
        "mixed": ratios,
        "seconds": {"ff, plain": spread},
        "accuracy": {"ff, plain": 0.9},
        "machine": {
            "device": "cpu",
            "processor": "abacus",
            "threads": 2,
            "torch": torch.__version__,
        },
    }
    monkeypatch.setattr(package, "bench", lambda plan, report, device: made_up)
    table = CliRunner().invoke(app, ["bench", "--quick"])
    assert table.exit_code == 0, table.output
    assert "2.00 (1.00 to 3.00)" in table.stdout
    told = CliRunner().invoke(app, ["bench", "--quick", "--json"])
    assert json.loads(told.stdout)["speedup_bp"] == spread
