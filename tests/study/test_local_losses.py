"""Local losses on CIFAR-10: the plan of the ladder, its tables and its figures."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib import pyplot as plt

from fflib.book.figures import local_losses as plots
from fflib.experiment import gradient_reach
from fflib.statistics import mean_interval
from fflib.study.analyses.cost import foreseen, multiply_adds
from fflib.study.analyses.local_losses import (
    MEASURES,
    brought,
    most,
    of_networks,
    representations,
    rung,
    train_networks,
)
from fflib.study.evidence import where
from fflib.study.plans.local_losses import (
    CARD,
    LADDER,
    LENGTHS,
    LOSSES,
    SEEDS,
    by_recipe,
    final,
    first_epochs,
    ladder,
    last_step,
    losses,
    rates,
    step,
    unseen,
)
from fflib.sweeps.gridfile import read_grid

GRID = Path(__file__).parents[2] / "chapters" / "reference" / "cifar-10-card.yml"
SMALL = {"dataset": "digits", "hidden": 20, "layers": 2, "epochs": 2}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Every network that trains in two epochs, with two seeds of the ladder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fflib.training.monitor.Monitor.require_learning", lambda *_: None)
        patch.setenv("FFLIB_STORE", str(tmp_path_factory.mktemp("store")))
        found = train_networks(seeds=range(2), **SMALL)
    seen = where(found, hold_out=None)
    return where(seen, evaluate_on="validation"), where(seen, evaluate_on="test")


def test_each_step_keeps_what_the_steps_before_have_and_adds_what_it_says():
    steps = [step(name).model_dump() for name in LADDER]
    for before, after, added in zip(steps, steps[1:], list(LADDER.values())[1:], strict=False):
        changed = {field: value for field, value in after.items() if before[field] != value}
        assert changed == added


def test_a_step_is_known_by_its_ingredients_whatever_the_size():
    for name in list(LADDER)[:-1]:
        assert last_step(step(name, hidden=20, layers=2, epochs=3, seed=7)) == name
    assert [losses(e) for e in final()] == list(LOSSES)


def test_what_chooses_sees_no_test_image():
    assert {e.evaluate_on for e in (*ladder(), *rates())} == {"validation"}
    assert {e.evaluate_on for e in final()} == {"test"}


def test_either_model_is_tried_at_as_many_rates():
    tried = {
        model: {e.learning_rate for e in rates() if e.model == model} for model in ("ff", "bp")
    }
    assert tried["ff"] == tried["bp"]
    assert len(rates()) == 2 * len(tried["ff"])


def test_gradients_cross_as_many_layers_as_the_losses_say():
    assert [gradient_reach(e) for e in final()] == [2, 6]


def test_the_network_for_a_card_is_the_one_of_its_grid_file():
    written = read_grid(GRID)
    planned = [
        by_recipe("ff", block, probe=None, seed=seed, **CARD)
        for seed in range(3)
        for block in (1, 2)
    ]
    assert [e for e in written if e.model == "ff"] == planned
    (begun,) = first_epochs()
    assert (begun.hidden, begun.layers, gradient_reach(begun)) == (
        CARD["hidden"],
        CARD["layers"],
        1,
    )


def test_every_class_is_held_out_once_for_each_model_and_untrained():
    held_out = [(e.model, e.epochs > 0, e.hold_out) for e in unseen()]
    assert len(set(held_out)) == len(held_out) == 30
    assert {e.hidden for e in unseen()} == {e.hidden for e in ladder()}


def test_a_step_that_adds_nothing_else_than_what_is_given_is_left_out():
    assert len(ladder()) == len(SEEDS) * (len(LADDER) + len(LENGTHS))
    names = {rung(e) for e in ladder(range(1), epochs=3)}
    assert "twice as many epochs" not in names
    assert len(names) == len(LADDER)  # and back-propagation, in one length


def test_a_row_says_what_its_step_brings_by_the_runs_of_one_seed(trained):
    runs = of_networks(trained[0]).set_index(["network", "seed"])
    table = brought(trained[0])
    first, second = list(LADDER)[:2]
    gained = mean_interval(runs["accuracy"][second] - runs["accuracy"][first])
    assert table.loc[f"2 {second}", "brought by the step"] == f"{gained:.3f}".replace("-", "−")
    assert table.loc[f"1 {first}", "brought by the step"] == ""
    largest = max(
        table["brought by the step"][lambda brought: brought != ""],
        key=lambda gain: float(gain.split()[0].replace("−", "-")),
    )
    assert (
        f"({float(largest.split()[0].replace('−', '-')):+.3f})"
        in most(trained[0]).split(" and ")[0]
    )
    assert table.filter(like="BP", axis=0)["brought by the step"].tolist() == [""]
    crossed = dict(zip(table.index, table["layers a gradient crosses"], strict=True))
    assert crossed["3 six layers, of which every second pools"] == "1"
    assert crossed["4 a loss for every two layers"] == "2"


def test_every_measure_is_there_for_every_network(trained):
    for runs in trained:
        assert np.isfinite(of_networks(runs)[[*MEASURES]].to_numpy(dtype=float)).all()
    table = representations(trained[0])
    assert list(table) == ["accuracy", *MEASURES.values()]
    assert len(table) == len(LADDER)


def test_what_a_training_will_take_is_known_before_it_is_run(trained):
    (ff,) = [r for r in trained[1] if r.experiment.model == "ff"][:1]
    assert foreseen(ff.experiment) == multiply_adds(ff)[-1]


def test_figures_number_networks_as_the_table_does(trained):
    steps, finals = trained
    numbers = [name.split()[0] for name in brought(steps).index]
    figure = plots.accuracy_by_compute(steps, finals)
    assert [text.get_text() for text in figure.axes[0].texts] == numbers
    assert len(figure.axes[1].lines) == len(finals)
    begun = plots.accuracy_by_compute(steps, finals, finals[:1]).axes[1].lines
    assert [line.get_linestyle() for line in begun].count(":") == 1
    figure = plots.representations_by_accuracy(steps, finals)
    assert [[t.get_text() for t in ax.texts] for ax in figure.axes] == [numbers] * 4
    figure = plots.ensembles_by_layer(finals)
    assert {text.get_text() for text in figure.legends[0].get_texts()} == {"FF", "BP"}
    plt.close("all")
