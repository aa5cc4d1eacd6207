"""The command line: what it prints, how it ends, and one line where the input is bad."""

import importlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from functools import partial
from importlib.metadata import version
from typing import Literal

import pytest
import synthetic
import torchvision
from pydantic import Field
from typer.main import get_command
from typer.testing import CliRunner

import fflib
from fflib.cli import EXTRAS, app, options
from fflib.cli.output import duration
from fflib.data import published
from fflib.experiment import KINDS, DenseExperiment, Experiment, properties
from fflib.records import stores
from fflib.records.obtain import record_of
from fflib.records.stores import PUBLISHED, Store
from fflib.study.claims import CHECKS, CLAIMS, QUESTIONS
from fflib.study.claims.verdicts import WORDS
from fflib.study.plans import grids
from fflib.sweeps import gridfile
from fflib.training import monitor, train

TINY = ("--dataset", "digits", "--model", "bp", "--epochs", 2, "--hidden", 32, "--quiet")


def fflib_(*arguments, code=0):
    """Run the command in this process; its result, once it ended as it should."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


def error(*arguments):
    """The one line that refuses the arguments."""
    result = fflib_(*arguments, code=2)
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: ")
    return line.removeprefix("error: ")


def experiment(**fields):
    return Experiment(**{"dataset": "digits", "model": "bp", "epochs": 2, "hidden": 32} | fields)


@pytest.fixture(scope="module")
def trained():
    """Records of two seeds."""
    runs = [fflib.train(experiment(seed=seed), "cpu", progress=False) for seed in (0, 1)]
    return [record_of(run) for run in runs]


@pytest.fixture
def store(monkeypatch, tmp_path):
    """A published store with nothing in it, in the place of the committed one."""
    monkeypatch.setattr(stores, "PUBLISHED", Store(tmp_path / "records"))
    return stores.PUBLISHED


@pytest.fixture
def grid(monkeypatch):
    """A grid of two small experiments, in the place of the published ones."""
    experiments = [experiment(seed=seed) for seed in (0, 1)]
    small = {"main": experiments[:1], "unseen": experiments}
    monkeypatch.setattr(grids, "GRIDS", {name: [] for name in grids.GRIDS} | small)
    return experiments


# Help


@pytest.mark.parametrize(
    "command",
    ["", "train", "claims", "reproduce", "search", "explore", "verdict", "data", "records"],
)
def test_help_gives_examples_that_exist(command):
    text = fflib_(*command.split(), "--help").stdout
    assert not re.search(r"\b(told|anew|nobody)\b", text)  # plain words of today
    examples = text.partition("Examples:\n")[2].splitlines()
    assert examples
    for line in examples:
        name, *words = re.split(r"\s\s|[|>]", line.strip())[0].split()
        assert name == "fflib"
        assert command.split() in (words[:1], [])
        usage = fflib_(*words, "--help").stdout
        assert all(word in usage for word in words if word.startswith("--"))


def test_reproduce_keeps_its_options_and_defaults():
    parameters = get_command(app).commands["reproduce"].params
    options = {option: p.default for p in parameters for option in (*p.opts, *p.secondary_opts)}
    once = {"--into": None, "--jobs": None, "--retry": False, "--dry-run": False}
    assert options == {"--grid": None, **once}
    assert [p.opts for p in parameters if p.multiple] == [["--grid"]]
    text = " ".join(fflib_("reproduce", "--help").stdout.split())
    assert all(option in text for option in options)


def test_reproduce_says_where_its_grids_are():
    text = " ".join(fflib_("reproduce", "--help").stdout.split())
    module, *names = re.search(r"A grid in (\S+), such as (\S+) or (\S+);", text).groups()
    assert set(names) <= set(importlib.import_module(module).GRIDS)


def test_every_field_of_an_experiment_has_an_option_that_says_what_it_means():
    text = " ".join(fflib_("train", "--help").stdout.split())
    for field, schema in properties().items():
        option = text.partition(f"--{field.replace('_', '-')} ")[2]
        assert schema["description"][1:].replace("- ", "-") in option.replace("- ", "-")


def test_a_new_field_of_one_architecture_gets_its_option_by_itself(monkeypatch):
    class Newer(DenseExperiment):
        """Dense experiments with one more field."""

        momentum: Literal["none-yet", "nesterov"] = "none-yet"
        """Momentum of a new kind."""
        rest_epochs: int = Field(2, ge=0)
        """Epochs at a lower rate."""

    monkeypatch.setitem(KINDS, "dense", Newer)
    options._experiment_options.cache_clear()
    try:
        text = " ".join(fflib_("train", "--help").stdout.split())
        assert "--momentum none-yet|nesterov" in text
        assert "dense: momentum of a new kind. [default: none-yet]" in text
        assert "--rest-epochs <int>" in text
        said = error("train", "--dataset", "digits", "--rest-epochs", -1)
        assert said == "rest_epochs: input should be greater than or equal to 0, got -1"
        assert gridfile.schema()["$defs"]["rest_epochs"]["description"] == "Epochs at a lower rate."
    finally:
        options._experiment_options.cache_clear()


def test_the_version_is_that_of_the_distribution():
    assert fflib_("--version").stdout.split() == ["fflib", version("forward-forward-ensembles")]


# Training


def test_json_is_one_object_with_the_numbers_of_the_run():
    found = json.loads(fflib_("train", *TINY, "--device", "cpu", "--json").stdout)
    run = fflib.train(experiment(), "cpu", progress=False)
    hoyer = [fflib.measures.sparsity.mean_hoyer(h) for h in run.activations().values]
    assert found["accuracy"] == run.accuracy
    assert found["hoyer"] == hoyer
    assert found["experiment"] == experiment().model_dump()
    assert found["key"] == experiment().key
    assert (found["device"], found["threads"]) == ("cpu", run.circumstances.threads)
    assert len(found["negative_weights"]) == len(found["silent"]) == 3
    assert found["layer_accuracy"] == []
    assert found["seconds"] > 0


def test_forward_forward_has_an_accuracy_by_layer():
    options = ("--dataset", "digits", "--hidden", 64, "--epochs", 5, "--layers", 1, "--quiet")
    found = json.loads(fflib_("train", *options, "--json").stdout)
    assert found["layer_accuracy"] == [found["accuracy"]]  # there is no other layer to add
    table = fflib_("train", *options).stdout.splitlines()
    assert f"accuracy {found['accuracy']:.4f}" in table[0]
    assert f"{found['accuracy']:.3f}" in table[2].split()


def test_the_numbers_agree_with_those_of_the_record():
    found = json.loads(fflib_("train", *TINY, "--device", "cpu", "--save", "--json").stdout)
    (path,) = stores.own_store().paths()
    assert found["record"] == str(path)
    metrics = stores.own_store().load(experiment()).metrics
    assert found["accuracy"] == metrics.accuracy
    assert found["hoyer"] == [layer.hoyer for layer in metrics.layers]
    assert found["silent"] == [layer.silent_fraction for layer in metrics.layers]
    assert found["negative_weights"] == [layer.negative_weights for layer in metrics.layers]


def test_nothing_is_kept_unless_asked():
    fflib_("train", *TINY)
    assert stores.own_store().paths() == []


def test_options_reach_the_experiment():
    options = ("--seed", 3, "--hold-out", 4, "--learning-rate", 0.002, "--schedule", "constant")
    given = json.loads(fflib_("train", *TINY, *options, "--json").stdout)["experiment"]
    assert (
        given
        == experiment(seed=3, hold_out=4, learning_rate=0.002, schedule="constant").model_dump()
    )


def test_inputs_can_be_left_unscaled(monkeypatch):
    seen = []

    def stop(experiment, **_):
        seen.append(experiment)
        raise fflib.errors.TrainingError("stopped")

    monkeypatch.setattr(train, "train", stop)
    error("train", "--dataset", "digits", "--norm", "none")
    assert seen[0].norm is None


def test_the_progress_bar_keeps_off_stdout(monkeypatch):
    monkeypatch.setattr(monitor, "tqdm", partial(monitor.tqdm, disable=False))  # its own default
    shown = fflib_("train", *TINY[:-1], "--json")
    assert "2/2" in shown.stderr
    json.loads(shown.stdout)
    assert fflib_("train", *TINY, "--json").stderr == ""


# Bad input


@pytest.fixture
def no_data_read(monkeypatch):
    def read(*_):
        raise AssertionError("data were read")

    monkeypatch.setattr("fflib.experiment.images.load", read)


@pytest.mark.usefixtures("no_data_read")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--dataset", "mnits"), "unknown dataset 'mnits': choose one of mnist, "),
        (("--model", "pb"), "unknown model 'pb': choose one of bp, "),
        (("--protocol", "relu-l1"), "unknown protocol 'relu-l1': choose one of relu-l2, "),
        (("--activation", "relo"), "unknown activation 'relo': choose one of relu, "),
        (("--goodness", "l3"), "unknown goodness 'l3': choose one of "),
        (("--norm", "l3"), "unknown norm 'l3': choose one of "),
        (("--device", "cpuu"), "unknown device 'cpuu': choose one of cpu, "),
        (("--negatives", "soft"), "negatives: "),
        (("--batch-size", 0), "batch_size: input should be greater than or equal to 1, got 0"),
        (("--epochs", -1), "epochs: input should be greater than or equal to 0, got -1"),
        (("--seed", -1), "seed: input should be greater than or equal to 0, got -1"),
        (("--theta", "nan"), "theta: input should be a finite number, got nan"),
        (("--learning-rate", "inf"), "learning_rate: input should be a finite number, got inf"),
        (("--hold-out", 10), "hold_out must be one of the classes 0 to 9 of mnist, got 10"),
        (("--protocol", "sigmoid-linf", "--theta", 1), "theta must stay below 1, "),
        (("--model", "bp", "--theta", 2), "theta has no meaning for model 'bp'"),
        (("--scope", "class"), "scope is for architecture 'conv', got 'class' with 'dense'"),
        (("--architecture", "cnn"), "unknown architecture 'cnn': choose one of conv, dense"),
        (("--goodness", "none"), "goodness is needed by model 'ff', got None"),
    ],
)
def test_bad_settings_fail_before_any_data_is_read(options, message):
    assert error("train", *options).startswith(message)


def test_unknown_options_are_met_with_the_nearest():
    assert "--dataset" in fflib_("train", "--datasat", "x", code=2).stderr


def test_a_training_that_fails_says_what_to_change():
    assert "learning_rate" in error("train", *TINY, "--learning-rate", "1e30")


@pytest.fixture
def nowhere(monkeypatch, tmp_path):
    """No data on the machine, and no network."""
    monkeypatch.setenv("FFLIB_DATA", str(tmp_path / "given"))
    monkeypatch.setattr(published, "download_folder", lambda: tmp_path / "data")
    for kind in (torchvision.datasets.MNIST, torchvision.datasets.FashionMNIST):
        monkeypatch.setattr(kind, "mirrors", ["http://127.0.0.1:9/"])
    return tmp_path


def test_missing_data_without_network_says_where_it_looked_and_three_ways_out(nowhere):
    message = error("train", "--dataset", "mnist")
    assert f"{nowhere}/given/MNIST/raw and {nowhere}/data/MNIST/raw" in message
    for way in ("FFLIB_DATA", "fflib data fetch mnist", "'digits'"):
        assert way in message.partition("; ")[2]


def test_an_interruption_is_no_error(monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(train, "train", interrupted)
    result = fflib_("train", *TINY, code=130)
    assert (result.stdout, result.stderr) == ("", "interrupted\n")


def test_what_the_system_refuses_is_one_line(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("FFLIB_STORE", str(tmp_path / "file"))
    assert str(tmp_path / "file") in error("train", *TINY, "--save")


# Data


def test_data_list_says_where_each_set_is(nowhere):
    text = fflib_("data", "list").stdout
    assert "digits         comes with scikit-learn" in text
    assert text.count("not here: fflib data fetch") == 5
    assert text.count("not here") == 6
    for file in published.files("mnist", nowhere / "given"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"")
    assert str(nowhere / "given") in fflib_("data", "list").stdout


def test_data_check_compares_what_is_here(nowhere):
    assert "not here" in fflib_("data", "check").stdout
    assert "not here" in fflib_("data", "check", "mnist", code=1).stdout
    fflib_("data", "check", "digits")
    file = published.files("mnist", nowhere / "given")[0]
    file.parent.mkdir(parents=True)
    file.write_bytes(b"")
    text = fflib_("data", "check", code=1).stdout
    assert f"{file}: altered or truncated, MD5 d41d8cd98f00b204e9800998ecf8427e, published" in text
    assert text.count(": missing, ") == 3


def test_data_fetch_needs_a_network_only_where_there_is_something_to_fetch(nowhere):
    assert "0 files" in fflib_("data", "fetch", "digits").stdout
    assert "fashion-mnist is not on this machine" in error("data", "fetch", "fashion-mnist")
    for command in ("check", "fetch"):
        assert "choose one of mnist, " in error("data", command, "mnits")


# Records


def test_records_are_listed_with_a_damaged_one_beside_them(store, trained):
    paths = [store.save(trained[0]), stores.own_store().save(trained[1])]
    (store.folder / "0123.safetensors").write_bytes(b"junk")
    shown = fflib_("records", "list")
    assert all(path.stem in shown.stdout and str(path.parent) in shown.stdout for path in paths)
    (warning,) = shown.stderr.splitlines()
    assert "0123.safetensors is not a whole record" in warning
    listed = json.loads(fflib_("records", "list", "--json").stdout)
    assert [row["path"] for row in listed] == [str(path) for path in paths]
    assert listed[1]["accuracy"] == trained[1].metrics.accuracy
    assert len(json.loads(fflib_("records", "list", "--store", store.folder, "--json").stdout)) == 1


def test_a_record_is_shown_by_the_beginning_of_its_key(store, trained):
    for record in trained:
        store.save(record)
    first, second = (record.experiment.key for record in trained)
    length = next(n for n in range(16) if first[n] != second[n])
    text = fflib_("records", "show", second[: length + 1]).stdout
    assert f"accuracy {trained[1].metrics.accuracy:.4f}" in text
    assert trained[1].experiment.origin("learning_rate") in text
    shown = json.loads(fflib_("records", "show", second, "--json").stdout)
    assert shown["key"] == second
    assert shown["arrays"]["mean"] == {"dtype": "float16", "shape": [3, 10, 32]}
    assert len(shown["curve"]) == 2
    assert "must name one record" in error("records", "show", first[:length])
    assert "begins with 'zz'" in error("records", "show", "zz")


def test_verify_counts_what_is_there_and_fails_on_damage(store, trained, grid):
    store.save(trained[0])
    found = json.loads(fflib_("records", "verify", "--json").stdout)
    assert {name: len(items) for name, items in found.items()} == {
        "intact": 1,
        "orphaned": 0,
        "missing": 1,
        "damaged": 0,
        "failed": 0,
    }
    assert found["missing"][0]["key"] == grid[1].key
    path = store.save(trained[1])
    assert "0 damaged, 2 intact, 0 orphaned, 0 missing" in fflib_("records", "verify").stdout
    path.write_bytes(path.read_bytes()[:100])
    text = fflib_("records", "verify", code=1).stdout
    assert f"damaged   {path.name}" in text
    assert f"missing   {path.stem}" in text
    assert path.exists()


@pytest.mark.cluster
def test_verify_trains_records_again_and_fails_where_they_disagree(store, trained, grid):
    for record in trained:
        store.save(record)
    options = ("records", "verify", "--retrain", 1, "--json", "--jobs", 1)
    shown = fflib_(*options)
    [row] = json.loads(shown.stdout)["retrained"]
    assert (row["how"], row["agree"], row["difference"]) == ("bit for bit", True, 0.0)
    told = shown.stderr.splitlines()
    assert told[0].startswith("to train again, drawn from 2 records")
    assert row["key"] in told[1]
    assert told[2].startswith("training time: about ")  # before anything is trained
    assert "agrees" in told[3]

    drawn = next(r for r in trained if r.experiment.key == row["key"])
    metrics = drawn.metrics.model_copy(update={"accuracy": drawn.metrics.accuracy + 0.01})
    path = store.save(drawn.model_copy(update={"metrics": metrics}))
    before = path.read_bytes()
    [row] = json.loads(fflib_(*options, code=1).stdout)["retrained"]
    assert (row["key"], row["agree"]) == (drawn.experiment.key, False)
    assert row["number"] == "accuracy"
    assert row["difference"] == pytest.approx(-0.01)
    assert path.read_bytes() == before
    assert "DISAGREES" in fflib_("records", "verify", "--retrain", 1, "--jobs", 1, code=1).stdout
    assert "cannot draw 9 records" in error("records", "verify", "--retrain", 9, "--json")


def test_a_record_of_no_grid_is_an_orphan(store, trained, monkeypatch):
    monkeypatch.setattr(grids, "GRIDS", {"main": []})
    store.save(trained[0])
    assert f"orphaned  {trained[0].experiment.key}" in fflib_("records", "verify").stdout


# Claims


def test_claims_are_a_list_of_verdicts(store, grid, trained):
    store.save(trained[0])
    listed = json.loads(fflib_("claims", "--json").stdout)
    assert [claim["id"] for claim in listed] == [
        claim.id for claim in (*CLAIMS, *CHECKS, *QUESTIONS)
    ]
    for claim in listed:
        assert {
            "statement",
            "verdict",
            "sentence",
            "cells",
            "is_label",
            "first_edition",
        } <= claim.keys()
        assert claim["verdict"] in WORDS
        assert (claim["by"] == "paper") == bool(claim["place"])
    text = fflib_("claims").stdout
    asked = (*CLAIMS, *CHECKS, *QUESTIONS)
    assert all(claim.statement.removesuffix(".") in text for claim in asked)
    assert text.splitlines()[0].split("  ")[0] == "claim"
    assert "does back-propagation do it too?  is it the label?  first edition" in text


def test_claims_rest_on_the_runs_planned_for_them(store, monkeypatch):
    planned, beside = (synthetic.record("ff", seed=seed) for seed in (0, 1))
    for record in (planned, beside):
        store.save(record)
    own = {"rivals": [planned.experiment], "learning-rate": [beside.experiment]}
    monkeypatch.setattr(grids, "GRIDS", {name: [] for name in grids.GRIDS} | own)
    listed = json.loads(fflib_("claims", "--json").stdout)
    cells = next(claim["cells"] for claim in listed if claim["id"] == "specific")
    assert {cell["runs"] for cell in cells} == {1}


def test_claims_refuse_a_damaged_record(store, grid):
    store.folder.mkdir()
    path = store.path(grid[0])
    path.write_bytes(b"junk")
    assert f"set aside as {path.stem}.damaged" in error("claims")


# Reproducing


def test_what_is_recorded_is_not_trained_again(store, trained, grid):
    for record in trained:
        store.save(record)
    text = fflib_("reproduce").stdout
    assert f"2 runs: 2 recorded in {store.folder}, 0 to train" in text
    assert "fflib reproduce --into FOLDER" in text


def test_the_cost_is_estimated_from_runs_of_the_same_kind(store, trained, grid):
    assert "2 to train\ntraining time: unknown" in fflib_("reproduce", "--dry-run").stdout
    store.save(trained[0])
    seconds = trained[0].provenance.circumstances.seconds
    text = fflib_("reproduce", "--dry-run").stdout
    assert f"1 recorded in {store.folder}, 1 to train" in text
    assert f"about {duration(seconds)} one run after another" in text
    grid.append(experiment(seed=2, hidden=16))
    assert "unknown for 1 runs" in fflib_("reproduce", "--dry-run").stdout
    assert "1 runs: 1 recorded" in fflib_("reproduce", "--grid", "main").stdout
    assert "choose one of main, " in error("reproduce", "--grid", "mian")


@pytest.mark.cluster
def test_runs_are_trained_compared_and_resumed_and_failures_come_last(
    store, trained, grid, tmp_path
):
    for record in trained:
        store.save(record)
    failing = experiment(seed=2, learning_rate=1e30)
    grid.append(failing)
    into = tmp_path / "again"
    damaged = Store(into).path(grid[0])
    into.mkdir()
    damaged.write_bytes(b"junk")
    options = ("reproduce", "--into", into, "--jobs", 1)
    result = fflib_(*options, code=1)
    lines = result.stdout.splitlines()
    assert lines[0] == f"3 runs: 0 recorded in {into}, 3 to train"
    assert sorted(line[:5] for line in lines[2:5]) == ["[1/3]", "[2/3]", "[3/3]"]
    warning, failure = result.stderr.splitlines()
    assert warning.startswith(f"warning: {damaged} is not a whole record")
    assert failure.startswith(f"failed: {failing}: the loss ")
    assert damaged.with_suffix(".damaged").exists()
    # Trained alike, so nothing differs; a worker may have another number of threads.
    compared = [line.split() for line in lines if line.startswith("bp on digits")]
    assert len(compared) == 2
    assert all(abs(float(line[-4])) < 0.02 for line in compared)

    again = fflib_(*options).stdout.splitlines()
    assert again[0] == f"3 runs: 2 recorded in {into}, 1 known to fail, 0 to train"
    again = fflib_(*options, "--retry", code=1).stdout.splitlines()
    assert again[0] == f"3 runs: 2 recorded in {into}, 1 to train"
    assert len([line for line in again if line.startswith("[")]) == 1


# The process

SMALL_GRID = """
from fflib.experiment import Experiment
from fflib.study.plans import grids
grids.GRIDS = {"main": [
    Experiment(model="bp", dataset="digits", hidden=32, epochs=epochs, seed=epochs)
    for epochs in (2, 1_000_000, 1_000_001)
]}
from fflib.cli import main
if __name__ == "__main__":
    main()
"""


@pytest.mark.cluster
@pytest.mark.skipif(os.name == "nt", reason="needs process groups")
def test_ctrl_c_ends_a_reproduction_cleanly_and_says_how_to_go_on(tmp_path):
    script = tmp_path / "small.py"
    script.write_text(SMALL_GRID)
    into = tmp_path / "again"
    options = ["reproduce", "--grid", "main", "--into", str(into), "--jobs", "1"]
    process = subprocess.Popen(
        [sys.executable, script, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # The tests may have been started by something that ignores interruptions.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    with process:
        try:
            while not process.stdout.readline().startswith("[1/3]"):
                assert process.poll() is None
            os.killpg(process.pid, signal.SIGINT)  # what a terminal does
            _, said = process.communicate(timeout=120)
        finally:
            process.kill()
    assert process.returncode == 130
    assert said == (
        f"interrupted: 1 of 3 runs are done and their records in {into}; "
        "the same command goes on from there\n"
    )
    assert len(list(into.iterdir())) == 1


@pytest.mark.skipif(os.name == "nt", reason="needs a shell")
def test_a_reader_that_has_seen_enough_gets_no_traceback():
    command = f"'{sys.executable}' -m fflib records verify --json | head -n 1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("{\n", "")


def test_python_m_fflib_shows_an_error_and_no_traceback():
    command = [sys.executable, "-m", "fflib", "train", "--dataset", "mnits"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == (
        "error: unknown dataset 'mnits': choose one of mnist, digits, fashion-mnist, svhn, "
        "cifar-10, cifar-100, cifar-10-jpeg, or a folder of class folders\n"
    )


def test_help_does_not_wait_for_torch():
    code = "import sys, fflib.cli; assert not {'torch', 'numpy', 'pydantic'} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", code], check=True)


# What is imported, and what need not be installed

HIDING = """
import sys
hidden = {hidden!r}
sys.modules.update(dict.fromkeys(hidden))
from fflib.cli import app
try:
    app({arguments!r}, standalone_mode=True)
except SystemExit as end:
    print(end.code, *sorted(sys.modules.keys() & {{*hidden, "pandas", "torch"}}))
"""


def without(hidden, *arguments):
    """What a command says, in a process of its own, where some packages are not installed."""
    code = HIDING.format(hidden=hidden, arguments=[str(argument) for argument in arguments])
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)


@pytest.mark.parametrize(
    ("hidden", "arguments"),
    [
        ("distributed", ["reproduce", "--grid", "main", "--into", "FOLDER"]),
        ("distributed", ["search", "--dataset", "digits", "--into", "FOLDER"]),
        ("distributed", ["sweep", "GRID"]),
        ("distributed", ["records", "verify", "--store", "RECORDS", "--retrain", 1]),
        ("yaml", ["sweep", "GRID"]),
        ("matplotlib", ["verdict", "FOLDER"]),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, list) else value,
)
def test_what_is_not_installed_is_named_with_what_to_install(hidden, arguments, tmp_path):
    (tmp_path / "grid.yml").write_text("dataset: digits\nmodel: bp\nepochs: 1\n")
    records = grids.GRIDS["main"][:3]
    for e in records:
        shutil.copy(PUBLISHED.path(e), tmp_path)
    places = {"GRID": tmp_path / "grid.yml", "RECORDS": tmp_path, "FOLDER": tmp_path / "mine"}
    done = without([hidden], *[places.get(argument, argument) for argument in arguments])
    extra = EXTRAS.get(hidden, "book")
    assert done.stderr == (
        f"error: this needs {hidden}: run pip install -e '.[{extra}]' in the clone\n"
    )
    assert done.stdout.splitlines()[-1].startswith("2 ")


def test_a_fault_of_our_own_is_not_taken_for_a_missing_package(monkeypatch):
    def train_(*_, **__):
        raise ModuleNotFoundError("No module named 'fflib.tarin'", name="fflib.tarin")

    monkeypatch.setattr(train, "train", train_)
    with pytest.raises(ModuleNotFoundError, match="tarin"):
        fflib_("train", *TINY)


OPTIONAL = ["IPython", "bs4", "dask", "distributed", "ipywidgets", "matplotlib", "seaborn", "yaml"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["claims"],
        ["train", *TINY, "--device", "cpu", "--save"],
        ["records", "list", "--store", "nowhere"],
        ["records", "show", "a3ddf1275590f179"],
        ["records", "verify", "--store", "nowhere"],
        ["data", "list"],
        ["train", "--help"],
    ],
    ids=lambda arguments: " ".join(map(str, arguments[:2])),
)
def test_what_needs_only_the_core_runs_without_the_rest(arguments):
    done = without(OPTIONAL, *arguments)
    assert done.stderr == ""
    assert done.stdout.splitlines()[-1].split()[0] == "0"


def test_help_does_not_import_torch():
    done = without([], "--help")
    assert done.stdout.splitlines()[-1] == "0"


def test_public_names_are_there_when_they_are_used():
    code = "import fflib; print(*[getattr(fflib, name).__name__ for name in fflib.__all__])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    names = [name.removeprefix("fflib.") for name in done.stdout.split()]
    assert names == fflib.__all__
    assert set(fflib.__all__) <= set(dir(fflib))
    with pytest.raises(AttributeError, match="tarin"):
        fflib.tarin  # noqa: B018
