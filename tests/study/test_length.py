"""When layers turn in a long training, on learning curves made up for the purpose."""

import numpy as np
import pytest
import synthetic
import torch

from fflib.book.figures import length as plots
from fflib.experiment import Experiment
from fflib.goodness import ff_loss
from fflib.study.analyses.length import (
    CLOSE,
    LAYER,
    along,
    at_the_end,
    extremes,
    floor,
    stages,
    turns,
    turns_table,
)

FLOOR = floor(Experiment())
ACCURACY = {0: [0.5, None, 0.75, 0.875], 1: [0.875, 0.9, 0.8, 0.8]}
LOSS = {0: [0.7, 0.5, 2 * FLOOR, FLOOR], 1: [FLOOR, FLOOR, FLOOR, FLOOR]}


def curve(layers, bonus=0.0):
    return [
        {
            "layer": layer, "epoch": epoch, "loss": LOSS[layer or 0][epoch - 1],
            "accuracy": None if a is None else a + bonus,
        }
        for layer in layers
        for epoch, a in enumerate(ACCURACY[layer or 0], start=1)
    ]  # fmt: skip


def run(model, seed, bonus=0.0):
    layers = [None] if model == "bp" else [0, 1]
    return synthetic.record(model, seed).model_copy(update={"curve": curve(layers, bonus)})


RUNS = [run("ff", 0), run("ff", 1, 0.01), run("ff", 2, 0.02), run("bp", 0)]


@pytest.mark.parametrize("theta", [0.5, 3.0])
def test_the_floor_is_the_loss_of_perfect_pairs(theta):
    loss = ff_loss(torch.full((5,), 1e6), torch.zeros(5), theta)
    assert floor(Experiment(theta=theta)) == pytest.approx(float(loss), rel=1e-6)
    assert floor(Experiment(model="bp")) is None


def test_stages_are_counted_from_one_and_a_whole_network_has_one():
    table = stages(RUNS)
    assert len(table) == 3 * 8 + 4
    assert set(table.loc[table["model"] == "ff", "layer"]) == {1, 2}
    assert set(table.loc[table["model"] == "bp", "layer"]) == {0}
    assert table["accuracy"].isna().sum() == 4


def test_loss_is_a_multiple_of_its_floor_or_as_it_is_without_one():
    table = stages(RUNS)
    last = table[table["epoch"] == 4].set_index(["model", "layer"])["loss"]
    assert np.allclose(last["ff", 1], 1)
    assert np.allclose(last["bp", 0], FLOOR)


def test_turns_of_a_known_curve():
    first, second = turns(RUNS[:1]).to_dict("records")
    assert (first["best"], first["early"], first["last"], first["settled"]) == (4, 0.75, 0.875, 4)
    assert (second["best"], second["early"], second["last"], second["settled"]) == (2, 0.9, 0.8, 1)
    assert (first["highest"], second["highest"]) == (0.875, 0.9)
    assert CLOSE < 2


def test_a_stage_of_one_epoch_is_compared_with_itself():
    short = RUNS[0].model_copy(update={"curve": curve([0])[:1]})
    [stage] = turns([short]).to_dict("records")
    assert stage["early"] == stage["last"] == 0.5


def test_the_loss_of_back_propagation_has_no_floor():
    assert turns(RUNS[3:])["settled"].isna().all()
    assert turns_table(RUNS[3:])["loss at its floor"].tolist() == ["never"]


def test_the_table_has_medians_ranges_and_differences():
    table = turns_table(RUNS)
    row = table.loc["MNIST", "FF", 2]
    assert row["best"] == "2 (2 to 2)"
    assert row["loss at its floor"] == "1 (1 to 1)"
    assert row["early"] == pytest.approx(0.91)
    assert row["difference"].startswith("−0.100")
    assert turns_table([]).empty


def test_runs_whose_loss_does_not_come_to_its_floor_are_counted():
    high = [row | {"loss": 1.0} for row in curve([0, 1])]
    table = turns_table([RUNS[0], RUNS[1].model_copy(update={"curve": high})])
    assert table.loc[("MNIST", "FF", 1), "loss at its floor"] == "4 (4 to 4, 1 of 2 runs)"


def test_the_end_of_training_by_length():
    table = at_the_end(RUNS)
    assert table.index.tolist() == [("MNIST", "BP", 2), ("MNIST", "FF", 2)]
    found = table.loc[("MNIST", "FF", 2), "sparseness 3"]
    assert found.n == 3
    assert found.mean == pytest.approx(np.mean([r.metrics.layers[2].hoyer for r in RUNS[:3]]))
    assert at_the_end([]).empty


@pytest.mark.usefixtures("book_style")
def test_a_thick_line_for_each_stage_beside_those_of_runs():
    figure = plots.accuracy_along(RUNS)
    ff, bp = figure.axes
    assert [len(ff.lines), len(bp.lines)] == [2 * (3 + 1), 1 + 1]
    second = ff.lines[-1]
    assert np.allclose(second.get_ydata(), np.array(ACCURACY[1]) + 0.01)


@pytest.mark.usefixtures("book_style")
def test_a_layer_is_followed_while_it_learns_by_epochs_of_its_own_stage():
    rows = [
        {"learns": learns, "layer": layer, "step": step, **dict.fromkeys(LAYER, learns + step)}
        for learns in (1, 2)
        for step in (0, 1, 4)
        for layer in (1, 2)
    ]
    base = synthetic.record("ff")
    timed = base.model_copy(update={"metrics": base.metrics.model_copy(update={"timeline": rows})})
    epochs = base.experiment.epochs
    for found in (along([timed]), along([base, timed])):
        assert found[["layer", "epoch", "hoyer"]].to_numpy().tolist() == [
            [1, epochs / 4, 2], [1, epochs, 5], [2, epochs / 4, 3], [2, epochs, 6],
        ]  # fmt: skip
    table = extremes([timed])
    assert table.loc[(2, LAYER["hoyer"])].tolist() == [
        f"3 (epoch {epochs / 4:g})", f"6 (epoch {epochs:g})", "6",
    ]  # fmt: skip
    assert len(table) == 2 * len(LAYER)
    figure = plots.layers_along([timed])
    titles = [ax.get_title(loc="left").split("  ")[1] for ax in figure.axes]
    assert titles == list(LAYER.values())
    assert figure.axes[1].lines[-1].get_ydata().tolist() == [3, 6]
