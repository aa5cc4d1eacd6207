"""What stands under each figure: the runs it was made from, and a command that makes them again."""

import re
import shlex
from pathlib import Path

import nbformat
import pytest
from PIL import Image
from synthetic import PROVENANCE, record
from typer.testing import CliRunner

from fflib.book import build
from fflib.book.chapter import parameters
from fflib.book.how_made import FEW, made_by, made_from, made_here, train_command
from fflib.cli import app
from fflib.errors import TrainingError
from fflib.experiment import Experiment
from fflib.records.stores import Record
from fflib.study.plans.grids import GRIDS, covering, planned

ROOT = Path(__file__).parents[2]
NOTEBOOKS = {
    path.stem: nbformat.read(path, 4)
    for path in sorted((ROOT / "chapters").rglob("*.ipynb"))
    if "checkpoints" not in str(path)
}
FIGURES = [
    pytest.param(notebook, number, id=f"{name}, {cell.id}")
    for name, notebook in NOTEBOOKS.items()
    for number, cell in enumerate(notebook.cells)
    if "figure" in cell.metadata.get("mystnb", {})
]


def recorded(experiment):
    """A record that holds no more than the experiment, and some numbers that nobody reads."""
    return Record(
        experiment=experiment, metrics=record("ff").metrics, curve=[], provenance=PROVENANCE
    )


def commands(markdown):
    blocks = re.findall(r"^```bash\n(.*?)\n```$", markdown.data, re.MULTILINE | re.DOTALL)
    return [shlex.split(line) for block in blocks for line in block.splitlines()]


@pytest.fixture
def trained(monkeypatch):
    """What `fflib train` is asked for with some arguments, without training it."""

    def trained(arguments):
        asked = []

        def train(experiment, **options):
            asked.append(experiment)
            raise TrainingError("not here")

        monkeypatch.setattr("fflib.training.train.train", train)
        result = CliRunner().invoke(app, arguments)
        assert result.output.endswith("error: not here\n")
        return asked

    return trained


# From records


def test_nothing_is_said_of_no_records():
    assert made_from([]) is None
    assert made_from(iter(())) is None


def test_runs_are_told_by_data_set_protocol_model_and_seed():
    text = made_from(map(recorded, planned("main"))).data
    assert text.startswith('<details class="origin">\n<summary>How was this made?</summary>\n\n')
    assert text.endswith("\n\n</details>\n")
    assert "From 90 runs on record:\n\n" in text
    assert "\n- MNIST, ReLU, ℓ₂: 30 runs of FF, BP/FF and BP, seeds 0 to 9\n" in text
    assert "\n- Fashion-MNIST, sigmoid, ℓ∞: 15 runs of FF, BP/FF and BP, seeds 0 to 4\n" in text


def test_settings_in_which_runs_of_one_model_differ_are_named():
    rates = made_from(map(recorded, planned("learning-rate"))).data
    assert "seeds 0 to 2, which differ in epochs and learning rate\n" in rates
    held_out = [Experiment(hold_out=label, seed=seed) for seed in (0, 2) for label in (1, 2)]
    text = made_from(map(recorded, held_out)).data
    assert "- MNIST, ReLU, ℓ₂: 4 runs of FF, seeds 0 and 2, which differ in held-out class" in text
    many = made_from(map(recorded, planned("cifar-10"))).data
    assert re.search(r"which differ in \w+, \w+, \w+ and \d+ more settings\n", many)


def test_a_run_that_comes_twice_counts_once():
    assert made_from([record("ff"), record("ff")]).data == made_from([record("ff")]).data


def test_few_keys_are_all_named_and_of_many_the_first():
    runs = planned("main")
    few, many = (made_from(map(recorded, runs[:n])).data for n in (5, 40))
    assert all(f"`{e.key}`" in few for e in runs[:5])
    assert [f"`{e.key}`" in many for e in runs[:5]] == [True] * 3 + [False] * 2
    assert " and 37 more; all are in the [table of runs](/chapters/reference/prov" in many
    assert (ROOT / "chapters" / "reference" / "provenance.ipynb").is_file()


def test_runs_of_no_grid_are_in_no_table():
    text = made_from([record("ff")]).data
    assert f"Record `{record('ff').experiment.key}`.\n" in text
    assert "provenance" not in text


def test_what_is_shown_besides_is_said():
    assert "\n\nThe bar is theirs.\n\n" in made_from([record("ff")], "The bar is theirs.").data


@pytest.mark.parametrize("name", GRIDS)
def test_the_command_for_a_grid_plans_its_runs_and_trains_nothing_when_told_so(name, tmp_path):
    shown = GRIDS[name][1:]
    if len(shown) <= FEW:
        pytest.skip("so few runs have a command each")
    ((*command,),) = commands(made_from(map(recorded, shown)))
    assert command[:2] == ["fflib", "reproduce"]
    assert command[-2:] == ["--into", "again"]
    options = [*command[1:-1], str(tmp_path), "--dry-run"]
    result = CliRunner().invoke(app, options)
    assert result.exit_code == 0, result.output
    grids = [command[n + 1] for n, word in enumerate(command) if word == "--grid"]
    runs = planned(*grids)
    assert set(shown) <= set(runs)
    assert result.output.startswith(f"{len(runs)} runs: 0 recorded in {tmp_path}, {len(runs)} to")


def test_grids_are_few_and_small():
    assert covering(GRIDS["main"][:3] + GRIDS["signs"]) == (["signs", "main"], [])
    stranger = Experiment(seed=99)
    assert covering([stranger]) == ([], [stranger])
    assert covering([]) == ([], [])


def test_how_many_runs_a_grid_has_is_said_where_they_are_more_than_shown():
    some, whole = (made_from(map(recorded, GRIDS["main"][n:])).data for n in (60, 0))
    assert "To train all 90 runs of their grid again, and compare them with" in some
    assert "To train them again, and compare them with" in whole
    two = made_from(map(recorded, [*GRIDS["main"][60:], *GRIDS["unseen"]])).data
    assert "To train all 210 runs of their grids again" in two


def test_three_runs_of_a_grid_are_trained_alone(trained):
    runs = GRIDS["main"][:3]
    found = commands(made_from(map(recorded, runs)))
    assert [trained(command[1:]) for command in found] == [[e] for e in runs]


def test_runs_of_no_grid_stand_beside_those_of_a_grid(trained):
    others = [Experiment(seed=99), Experiment(seed=98)]
    grid, *found = commands(made_from(map(recorded, [*others, *GRIDS["signs"]])))
    assert grid == ["fflib", "reproduce", "--grid", "signs", "--into", "again"]
    assert [trained(command[1:]) for command in found] == [[e] for e in others]


# One experiment

EXPERIMENTS = [
    Experiment(),
    Experiment(model="bp", dataset="digits", seed=7, hold_out=0),
    Experiment(protocol="sigmoid-linf", theta=0.61, epochs=12, learning_rate=3e-05),
    Experiment(model="local-bp", norm="l2"),
    Experiment(norm=None, negatives="resampled", order="simultaneous", precision="float32"),
    Experiment(dataset="fashion-mnist", activation="gelu", goodness="mean-square", theta=0.4),
    Experiment(hidden=20, layers=1, batch_size=9, schedule="cosine", label_gain=2.5),
    Experiment(probe="weight-signs", snapshots=4, signs="dale", evaluate_on="validation"),
    Experiment(dataset="cifar-10", architecture="conv", scope="class", peer=0.1, reach=2),
    Experiment(architecture="conv", loss="symmetric", label="wave", norm="batch"),
]


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=str)
def test_a_run_of_no_grid_is_trained_by_a_command_of_its_own(experiment, trained):
    ((program, *arguments),) = commands(made_from([recorded(experiment)]))
    assert program == "fflib"
    assert trained(arguments) == [experiment]
    assert "--save" in arguments


def test_a_folder_of_images_is_quoted(tmp_path, trained):
    folder = tmp_path / "two words"
    for label, name in enumerate("ab"):
        (folder / name).mkdir(parents=True)
        for i in range(5):
            Image.new("L", (4, 4), 100 * label + i).save(folder / name / f"{i}.png")
    experiment = Experiment(dataset=str(folder), size=8, groups="[0-9]")
    assert trained(shlex.split(train_command(experiment))[1:]) == [experiment]


def test_every_planned_experiment_has_its_command(trained):
    for experiment in planned()[::25]:
        assert trained(shlex.split(train_command(experiment))[1:]) == [experiment]


# Without records


def test_the_command_of_a_chapter_is_understood_with_the_values_it_had(monkeypatch):
    values = {"dataset": "digits", "seeds": [0, 1], "epochs": None, "protocol": "no", "rate": 0.1}
    ((python, *arguments),) = commands(made_here("08-learning-rate", **values))
    assert python == "python"
    assert arguments[:2] == ["-m", "fflib.book"]
    asked = []
    monkeypatch.setattr(build, "execute_all", lambda outputs, given, **_: asked.append(given))
    monkeypatch.chdir(ROOT)
    assert build.main(arguments[2:]) == 0
    assert asked == [values]


def test_what_comes_from_elsewhere_has_its_command():
    assert commands(made_by("From a file:", "fflib bench --json > b.json"))[0][:2] == [
        "fflib",
        "bench",
    ]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_chapter_names_itself_and_its_own_parameters(name):
    source = "\n".join(c.source for c in NOTEBOOKS[name].cells if c.cell_type == "code")
    for called, given in re.findall(r'made_here\(\s*"([^"]+)",([^)]*)\)', source):
        assert called == name
        known = parameters(next((ROOT / "chapters").rglob(f"{name}.ipynb")))
        assert set(re.findall(r"(\w+)=", given)) <= set(known)


# Every figure


@pytest.mark.parametrize(("notebook", "number"), FIGURES)
def test_a_figure_has_caption_name_finding_and_origin(notebook, number):
    cell, following = notebook.cells[number], notebook.cells[number + 1]
    figure = cell.metadata.mystnb.figure
    assert figure.get("caption"), "no caption"
    assert re.fullmatch(r"fig-[a-z0-9-]+", figure.get("name", "")), "no name such as fig-walls"
    alt = cell.metadata.mystnb.get("image", {}).get("alt", "")
    assert re.search(r"published (run|page|benchmark)|pictures in both rows|^A drawing", alt), (
        "the alternative text does not say what is found in the published runs"
    )
    assert len(alt.split()) <= 65, "the alternative text is longer than one listens to"
    assert following.id == f"{cell.id}-origin", f"no cell {cell.id}-origin with made_from(…)"
    assert following.metadata.tags == ["remove-input"]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_figure_that_is_drawn_is_labelled(name):
    """A plot that ends in a semicolon is a figure, and is numbered like the others."""
    drawn = [
        cell.id
        for cell in NOTEBOOKS[name].cells
        if cell.cell_type == "code"
        and cell.source.rstrip().endswith(");")
        and "figure" not in cell.metadata.get("mystnb", {})
    ]
    assert drawn == []
