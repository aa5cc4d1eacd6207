"""The search of the winner-takes-all protocol and what its runs reach, on records made up for them."""

from itertools import product

import numpy as np
import pytest
import synthetic

from fflib.book.figures import winner_takes_all as figures
from fflib.experiment import Experiment
from fflib.study.analyses.winner_takes_all import (
    reached_table,
    rivals_table,
    search_table,
    tried,
)
from fflib.study.plans import winner_takes_all as plan


def made(experiment, accuracy, layers):
    template = synthetic.record("ff")
    reached = {"accuracy": accuracy, "layer_accuracy": layers}
    metrics = template.metrics.model_copy(update=reached)
    return template.model_copy(update={"experiment": experiment, "metrics": metrics})


def run(dataset, seed, **fields):
    fields = {"protocol": "sigmoid-linf", **fields}
    return Experiment(model="ff", dataset=dataset, seed=seed, **fields)


def test_what_was_tried_is_named_by_what_differs_from_the_centre():
    table = tried(made(e, 0.9, [0.8, 0.7, 0.6]) for e in plan.search())
    assert len(table) == 4 * len(plan.search())
    assert table["changed"].nunique() == len(plan.CHANGES) + len(plan.COMBINED)
    named = list(table["changed"].cat.categories)
    assert named[0] == "nothing"
    assert {"θ 0.3", "batch 512, epochs 24", "label gain 3, hard negatives"} <= {*named}
    assert list(table["dataset"].unique()) == ["mnist", "fashion-mnist"]
    weakest = table[table["layer"] == 3]["accuracy"]
    assert set(weakest) == {0.6}


def test_nothing_tried_makes_no_table():
    assert tried([]).empty
    assert search_table([]).empty
    assert rivals_table([]).empty
    assert reached_table([]).empty


def searched(*found):
    """Runs of the search: what is changed, the seed, and the accuracy of the network and of one layer."""
    return [
        made(run("mnist", seed, **plan.CENTRE | change), accuracy, [accuracy, layer])
        for change, seed, accuracy, layer in found
    ]


def test_a_search_comes_to_means_over_seeds_and_a_setting_that_failed_does_not_count():
    records = searched(
        ({}, 0, 0.9, 0.6), ({}, 1, 0.8, 0.7), ({"theta": 0.3}, 0, 0.84, 0.8),
        ({"theta": 0.3}, 1, 0.84, 0.7), ({"theta": 0.7}, 1, 0.99, 0.98),
    )  # fmt: skip
    row = search_table(records).loc["MNIST"]
    assert row["runs"] == 5
    assert row["most accurate"] == "0.850 (nothing)"
    assert row["best weakest layer"] == "0.750 (θ 0.3)"
    assert row["range"] == "0.800 to 0.900 (nothing)"


def test_of_the_rivals_settings_the_most_accurate_counts_if_no_seed_failed():
    def accuracy(e):
        if e.model == "bp":
            return 0.9 + 0.01 * (e.learning_rate == 0.001) + 0.02 * (e.epochs == 6) + e.seed / 1e3
        return 0.8 + 0.1 * (e.theta == 2.0) + 0.05 * (e.negatives == "hard")

    runs = [made(e, accuracy(e), []) for e in plan.rivals()]
    lost = [r for r in runs if (r.experiment.theta, r.experiment.seed) != (2.0, 1)]
    table = rivals_table(lost)
    names = ("MNIST", "Fashion-MNIST"), ("BP/FF", "BP")
    assert {*table.index} == {*product(*names)}
    assert set(table["settings"]) == {16}
    bp, both = table.loc[("MNIST", "BP")], table.loc[("MNIST", "BP/FF")]
    assert bp["accuracy"] == pytest.approx(0.9305)
    assert bp["best"].startswith("learning rate 0.001, batch 256")
    assert "epochs 6" in bp["best"]
    assert both["accuracy"] == pytest.approx(0.85)
    assert "hard negatives" in both["best"]
    assert rivals_table(runs).loc[("MNIST", "BP/FF"), "accuracy"] == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("accuracy", "last", "met"), [(0.94, 0.88, "yes"), (0.939, 0.9, "no"), (0.96, 0.879, "no")]
)
def test_what_is_asked_is_met_by_the_means_of_the_network_and_of_every_layer(accuracy, last, met):
    runs = [
        made(run("mnist", seed), accuracy + shift, [0.95, 0.93, last + shift])
        for seed, shift in enumerate((-0.005, 0.005))
    ]  # fmt: skip
    runs.append(made(run("mnist", 9, epochs=0), 0.1, [0.1, 0.1, 0.1]))
    table = reached_table(runs)
    row = table.loc["MNIST"]
    assert (row["runs"], row["met"], row["asked"]) == (2, met, "0.94, each layer 0.88")
    assert row["accuracy"].startswith(f"{accuracy:.3f}")
    assert row["layer 3"].startswith(f"{last:.3f}")


def test_what_is_asked_is_not_met_where_a_run_failed():
    runs = [made(run("mnist", seed), 0.96, [0.95, 0.95, 0.95]) for seed in range(3)]
    assert reached_table(runs, [run("fashion-mnist", 3)]).loc["MNIST", "met"] == "yes"
    row = reached_table(runs, [run("mnist", 3)]).loc["MNIST"]
    assert (row["runs"], row["failed"], row["met"]) == (4, 1, "no")


def test_no_more_is_asked_of_the_layers_than_the_plan_says():
    runs = [made(run("fashion-mnist", seed), 0.83, [0.8, 0.5, 0.4]) for seed in range(3)]
    row = reached_table(runs).loc["Fashion-MNIST"]
    assert (row["asked"], row["met"]) == ("0.82", "yes")


@pytest.mark.usefixtures("book_style")
def test_the_figure_has_a_row_for_each_setting_and_a_mark_for_each_layer():
    searched = [made(e, 0.9 + e.seed / 100, [0.8, 0.7, 0.6]) for e in plan.search()]
    drawn = figures.search(searched)
    settings = len(plan.CHANGES) + len(plan.COMBINED)
    assert [ax.get_title(loc="left") for ax in drawn.axes] == ["MNIST", "Fashion-MNIST"]
    for ax, dataset in zip(drawn.axes, plan.DATASETS, strict=True):
        diamonds = next(line for line in ax.lines if line.get_marker() == "D")
        np.testing.assert_allclose(diamonds.get_xdata(), [0.905] * settings)
        layers = [line.get_xdata()[0] for line in ax.lines if line.get_marker() == "o"]
        np.testing.assert_allclose(layers, [0.8, 0.7, 0.6])
        asked = [line.get_xdata() for line in ax.lines if line.get_linestyle() == "--"]
        assert asked == [[plan.ASKED[dataset][0]] * 2]
