"""Choosing hyper-parameters: on validation data, and what was chosen is what the presets say."""

import pytest
from synthetic import record
from typer.testing import CliRunner

from fflib.bench.measure import SWIFT
from fflib.cli import app
from fflib.errors import ExperimentError
from fflib.experiment import Experiment
from fflib.presets import MODELS, PROTOCOLS, SEARCH, preset
from fflib.records.obtain import obtain
from fflib.records.stores import Store
from fflib.study.analyses import search as analyses
from fflib.study.analyses.search import trials
from fflib.study.plans import search
from fflib.study.plans.search import SEARCHES, axes, best, candidates, score

KINDS = [(protocol, model) for protocol in PROTOCOLS for model in MODELS]


@pytest.mark.parametrize(("protocol", "model"), KINDS)
def test_candidates_never_touch_test_images(protocol, model):
    assert {e.evaluate_on for e in candidates(protocol, model)} == {"validation"}


@pytest.mark.parametrize(("protocol", "model"), KINDS)
def test_the_preset_is_what_the_search_on_record_chose(protocol, model):
    records = [SEARCHES.load(e) for e in candidates(protocol, model) if e in SEARCHES]
    chosen = best(records).experiment
    settings = preset(protocol, model, "mnist")
    searched = [
        axis for axis in axes(protocol, model) if axis != "seed" and settings[axis].origin == SEARCH
    ]
    assert searched or model == "bp"  # whose rate is the authors'
    for axis in searched:
        assert settings[axis].value == getattr(chosen, axis)


def test_the_swift_settings_of_the_benchmark_are_what_the_short_search_chose():
    chosen = best([SEARCHES.load(e) for e in candidates("relu-l2", "ff", short=True)]).experiment
    assert {field: getattr(chosen, field) for field in SWIFT} == SWIFT
    assert {*SWIFT, "epochs"} == {*axes("relu-l2", "ff", short=True)}


def test_there_is_not_a_search_for_everything():
    with pytest.raises(ExperimentError, match="unknown search 'relu-l2 bp': choose one of relu-l2"):
        axes("relu-l2", "bp", short=True)


def test_test_data_may_not_choose():
    made = obtain(Experiment(model="bp", dataset="digits", epochs=1, hidden=8), progress=False)
    with pytest.raises(ExperimentError, match="only validation data may choose"):
        best([made])


def candidate(seed, accuracy, layers, **fields):
    e = Experiment(dataset="digits", seed=seed, evaluate_on="validation", **fields)
    made_up = record(e.model, seed)
    metrics = made_up.metrics.model_copy(update={"accuracy": accuracy, "layer_accuracy": layers})
    return made_up.model_copy(update={"experiment": e, "metrics": metrics})


def test_the_weakest_layer_of_forward_forward_counts():
    hollow = candidate(0, 0.95, [0.95, 0.4, 0.95])
    assert score(hollow) == 0.4
    assert score(candidate(0, 0.9, [0.4, 0.9], model="bp-ff")) == 0.9


def test_the_best_is_best_on_average_over_its_seeds():
    lucky = [candidate(0, 0.99, [0.99]), candidate(1, 0.5, [0.5])]
    steady = [candidate(seed, 0.9, [0.9], batch_size=64) for seed in (0, 1)]
    assert best([*lucky, *steady]).experiment.batch_size == 64


def test_the_command_trains_the_candidates_and_names_the_best(tmp_path, monkeypatch):
    rates = {"epochs": [1], "learning_rate": [0.0001, 0.001, 0.01]}
    monkeypatch.setitem(search._PUBLISHED, ("relu-l2", "bp"), rates)
    command = ["search", "--model", "bp", "--dataset", "digits", "--into", str(tmp_path)]
    first = CliRunner().invoke(app, [*command, "--jobs", "1"])
    assert first.exit_code == 0, first.output
    assert first.stdout.count("best") == 1
    assert len(list(tmp_path.iterdir())) == 3
    again = CliRunner().invoke(app, command)
    assert "done" not in again.stderr
    assert again.stdout == first.stdout


def test_trials_are_told_by_what_they_changed(monkeypatch, tmp_path):
    store = Store(tmp_path)
    monkeypatch.setattr(analyses, "SEARCHES", store)
    asked = {"dataset": "fashion-mnist", "model": "bp-ff", "evaluate_on": "validation"}
    for accuracy, changed in (
        (0.87, {}),
        (0.88, {"learning_rate": 0.0003, "epochs": 24}),
        (0.5, {"dataset": "mnist"}),
    ):
        made = record("bp-ff", dataset="fashion-mnist")
        metrics = made.metrics.model_copy(update={"accuracy": accuracy})
        experiment = Experiment(**asked | changed)
        store.save(made.model_copy(update={"experiment": experiment, "metrics": metrics}))
    table = trials("fashion-mnist", "relu-l2", "bp-ff")
    assert list(table.index) == ["epochs 24, learning rate 0.0003", "the preset"]
    assert table["gain"].tolist() == pytest.approx([0.01, 0])
    assert trials("digits", "relu-l2", "ff").empty
