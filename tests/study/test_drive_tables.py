"""Tables and figures of drive, on rows made up for the purpose."""

import numpy as np
import pytest
import synthetic
from matplotlib import pyplot as plt

from fflib.book.figures.drive import signs, without
from fflib.experiment import Experiment
from fflib.study.analyses.attribution import of_part
from fflib.study.analyses.drive import (
    balance_of_signs,
    contrast,
    cost,
    cost_in_words,
    removed,
    sparser_in_words,
)

LEFT = {"none": 0.9, "negative": 0.5, "positive": 0.1, "random": 0.8}


def rows(shift):
    of_drive = [
        {
            "about": "drive", "layer": layer, "negative_weights": 0.35 + shift,
            "negative_contributions": 0.7 + shift, "negative_drive": 0.6, "balance": -0.2,
            "balance_sd": 0.1, "correlation": 0.3 * layer, "disguised": 0.5, "bias": -1.0,
        }
        for layer in (1, 2)
    ]  # fmt: skip
    left = [
        {
            "about": "drive-removed", "removed": part, "layer": layer, "accuracy": accuracy + shift,
            "hoyer": None if part == "positive" else 0.2 * layer + accuracy / 10,
            "hoyer_above_rest": 0.5,
        }
        for part, accuracy in LEFT.items()
        for layer in (1, 2)
    ]  # fmt: skip
    return [*of_drive, *left, {"about": "another matter", "layer": 1}]


def run(model, seed, epochs=2):
    base = synthetic.record(model, seed)
    experiment = Experiment(model=model, seed=seed, probe="attribution", layers=2)
    return base.model_copy(
        update={
            "experiment": experiment.model_copy(update={"epochs": epochs}),
            "metrics": base.metrics.model_copy(update={"probe": rows(0.01 * seed)}),
        }
    )


RUNS = [run(model, seed) for model in ("ff", "bp") for seed in range(3)]


def test_signs_are_means_over_runs_with_intervals():
    table = balance_of_signs([*RUNS, synthetic.record("ff")])
    assert len(table) == 4  # two networks of two layers; the run without a probe has no part in it
    first = table.loc[("MNIST", "ReLU, ℓ₂", "FF", 1)]
    assert first["negative contributions"].mean == pytest.approx(0.71)
    assert first["negative contributions"].n == 3
    assert first["correlation"].mean == pytest.approx(0.3)


def test_the_cost_of_a_part_is_against_the_untouched_network_run_by_run():
    table = cost(RUNS)
    for part in ("negative", "random", "positive"):
        change = table.loc[("MNIST", "ReLU, ℓ₂", "BP", part)]
        assert change["accuracy"].mean == pytest.approx(LEFT[part] - 0.9)
        # Runs differ in accuracy, and their changes do not.
        assert change["accuracy"].high - change["accuracy"].low == pytest.approx(0, abs=1e-9)
    lost = table.loc[("MNIST", "ReLU, ℓ₂", "FF", "negative"), "hoyer"]
    assert lost.mean == pytest.approx(-0.04)
    assert np.isnan(table.loc[("MNIST", "ReLU, ℓ₂", "FF", "positive"), "hoyer"].mean)


def test_words_follow_the_intervals():
    ff = [r for r in RUNS if r.experiment.model == "ff"]
    assert contrast(ff) == (
        "Contributions are negative more often in layers 1 and 2 than weights, by intervals over "
        "runs. Of the weights 36% / 36% are negative, from the first layer to the last, and of what "
        "they contribute 71% / 71%."
    )
    assert cost_in_words(ff).startswith("Without negative drive, accuracy changes by −0.40 [−0.40,")
    assert sparser_in_words(RUNS).startswith("Without its negative drive, sparseness changes by ")
    alone = contrast([run("ff", 0)])  # has no interval
    assert "neither more nor less often in layers 1 and 2" in alone


def test_sparseness_is_the_mean_of_the_layers():
    table = removed(RUNS).query("removed == 'none' and model == 'ff'")
    np.testing.assert_allclose(table["hoyer"], 0.3 + 0.09)


def test_an_untrained_network_is_a_network_of_its_own():
    networks = of_part([run("ff", 0, epochs=0), run("ff", 0)], "drive")["network"]
    assert list(dict.fromkeys(networks)) == ["FF", "FF, untrained"]


def test_figures_show_the_means_of_every_network():
    figure = signs(RUNS)
    assert len(figure.axes) == 4
    shares = {line.get_label(): line for line in figure.axes[0].lines}
    np.testing.assert_allclose(shares["contributions"].get_ydata(), [0.71, 0.71])
    figure = without(RUNS)
    accuracy, _, sparseness, _ = figure.axes
    heights = {line.get_label(): line.get_ydata() for line in accuracy.lines}
    assert np.nanmax(heights["without negative drive"]) == pytest.approx(0.51)
    lines = {line.get_label(): line.get_ydata() for line in sparseness.lines}
    np.testing.assert_allclose(lines["untouched"], [0.29, 0.49])
    plt.close("all")
