"""Grids as text: what is listed is crossed, and what cannot be run is refused in one line."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml
from typer.testing import CliRunner

from fflib.cli import app
from fflib.experiment import Experiment, fields
from fflib.experiment.images import FOUND
from fflib.sweeps import gridfile
from fflib.sweeps.gridfile import GridError, experiments, read_grid, schema

REFERENCE = Path(__file__).parents[2] / "chapters" / "reference"
EXAMPLES = sorted(REFERENCE.glob("*.yml"))


def refusal(tmp_path, text):
    path = tmp_path / "grid.yml"
    path.write_text(text)
    with pytest.raises(GridError) as error:
        read_grid(path)
    message = str(error.value)
    assert message.startswith(str(path))
    assert len(message.splitlines()) == 1
    return message.removeprefix(str(path))


def test_lists_are_crossed_and_alternatives_are_not():
    grid = {
        "dataset": "digits",
        "seed": {"first": 2, "last": 3},
        "either": [{"model": "ff", "theta": [1.0, 2.0]}, {"model": "bp", "hold_out": [None, 4]}],
    }
    alternatives = [
        {"model": "ff", "theta": 1.0},
        {"model": "ff", "theta": 2.0},
        {"model": "bp"},
        {"model": "bp", "hold_out": 4},
    ]
    expected = [Experiment(dataset="digits", seed=s, **own) for own in alternatives for s in (2, 3)]
    made = experiments(grid)
    assert len(made) == len(expected)
    assert set(made) == set(expected)


def test_what_is_planned_twice_is_run_once():
    assert len(experiments({"dataset": "digits", "seed": [1, 1, 2]})) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("modle: ff", ": unknown field 'modle': choose one of model, "),
        ("model: fff", ": unknown model 'fff': choose one of ff, "),
        ("epochs: [1, -1]", ": epochs: input should be greater than or equal to 0, got -1"),
        ("epochs: true", ": epochs takes text, numbers or null, or a list of them, got true or"),
        ("epochs: {first: 1, last: 2}", ": epochs takes text, numbers or null"),
        ("seed: {first: 3, last: 1}", ": a range of seed is {first: 0, last: 9}"),
        ("seed: []", ": seed needs a value, got an empty list"),
        ("seed: 99999999999999999999", ": seed must not exceed 9007199254740992"),
        ("seed: 1\nseed: 2", ", line 2: 'seed' is given twice"),
        ("seed: &a [1]\nhidden: *a", ", line 2: aliases are not allowed"),
        ("seed: 1\neither: [{seed: 2}]", ": 'seed' is given both inside and outside of either"),
        ("either: {}", ": either is a list of mappings, got a mapping"),
        ("- ff", ": a grid is a mapping from fields to values, got a list"),
        ("", ": a grid is a mapping from fields to values, got nothing"),
        ("seed: {first: 0, last: 999999}", ": a grid may have 100000 runs, this has 1e+06"),
        ("a: [1", ", line 1: "),
        ("model: !!python/name:os.system x", ", line 1: could not determine a constructor"),
        ("[" * 30_000, " is not readable as YAML: maximum recursion depth"),
        ("seed: " + "9" * 10_000, " is not readable as YAML: Exceeds the limit"),
        ("#" * 70_000, ": a grid may have 65536 bytes, this has more"),
    ],
)
def test_what_is_no_grid_is_refused_in_one_line(text, message, tmp_path):
    assert refusal(tmp_path, text).startswith(message)


def test_a_grid_that_is_not_there_is_named(tmp_path):
    with pytest.raises(GridError, match=r"grid\.yml cannot be read: No such file"):
        read_grid(tmp_path / "grid.yml")


def test_the_schema_has_every_field_with_what_it_means_and_is_printed():
    printed = CliRunner().invoke(app, ["sweep", "--schema"])
    assert json.loads(printed.stdout) == schema()
    jsonschema.Draft202012Validator.check_schema(schema())
    chosen = fields().keys() - {FOUND}  # what is in a folder is found there
    assert schema()["$defs"].keys() == chosen
    for name in chosen:
        assert schema()["properties"][name] == {"$ref": f"#/$defs/{name}"}
        assert schema()["$defs"][name]["description"].endswith(".")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_the_examples_are_valid_and_name_the_schema_that_is_written_beside_them(example):
    text = example.read_text()
    jsonschema.validate(yaml.safe_load(text), schema())
    assert text.startswith("# yaml-language-server: $schema=grid.schema.json\n")
    assert "fflib sweep --schema > grid.schema.json" in (REFERENCE / "sweeps.md").read_text()
    assert {e.model for e in read_grid(example)} == {"ff", "bp", "bp-ff"}


@pytest.mark.parametrize(
    "grid",
    [
        {"modle": "ff"},
        {"model": "fff"},
        {"epochs": -1},
        {"epochs": [1, "two"]},
        {"seed": {"first": 1}},
        {"seed": []},
        {"epochs": {"first": 1, "last": 2}},
        {"either": [{"either": [{}]}]},
        {"either": []},
        {"architecture": "cnn"},
        {"norm": "l3"},
        {"signs": None},
        [],
    ],
)
def test_an_editor_marks_what_the_command_refuses(grid):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(grid, schema())
    with pytest.raises(gridfile.ExperimentError):
        experiments(grid)


@pytest.mark.parametrize("architecture", ["dense", "conv"])
def test_every_field_of_an_experiment_may_be_in_a_grid(architecture):
    experiment = Experiment(dataset="digits", hold_out=3, architecture=architecture)
    given = experiment.model_dump(exclude={FOUND})
    jsonschema.validate(given, schema())
    assert experiments(given) == [experiment]
    assert experiments({name: [value] for name, value in given.items()}) == [experiment]
