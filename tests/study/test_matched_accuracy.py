"""Comparing methods at matched accuracy, on sweeps whose outcome is known."""

from itertools import product

import pytest
import synthetic

from fflib.study.analyses.matched_accuracy import (
    TOLERANCE,
    at_matched_accuracy,
    by_setting,
    frontier,
    sparsest,
)

SEEDS = range(3)
NOISE = (-0.001, 0.0, 0.001)


def sweep(model, outcomes, dataset="mnist", noise=NOISE):
    """Runs with three seeds for each {(learning rate, epochs): (accuracy, Hoyer)}."""
    runs = []
    for ((rate, epochs), (accuracy, hoyer)), seed in product(outcomes.items(), SEEDS):
        made = synthetic.record(model, seed, dataset)
        layers = [
            layer.model_copy(update={"hoyer": hoyer + depth / 100 + noise[seed]})
            for depth, layer in enumerate(made.metrics.layers)
        ]
        metrics = made.metrics.model_copy(update={"accuracy": accuracy, "layers": layers})
        setting = {"learning_rate": rate, "epochs": epochs}
        experiment = made.experiment.model_copy(update=setting)
        runs.append(made.model_copy(update={"experiment": experiment, "metrics": metrics}))
    return runs


FF = sweep("ff", {(0.01, 4): (0.95, 0.7), (0.001, 4): (0.90, 0.2)})


@pytest.mark.parametrize(
    ("control", "matched", "answer"),
    [
        ({(0.1, 4): (0.97, 0.3), (0.2, 4): (0.96, 0.4)}, 2, "survives"),
        ({(0.1, 4): (0.97, 0.3), (0.2, 4): (0.96, 0.65)}, 2, "vanishes"),
        ({(0.1, 4): (0.97, 0.3), (0.2, 4): (0.90, 0.65)}, 1, "survives"),
        ({(0.1, 4): (0.97, 0.3), (0.2, 4): (0.951 - TOLERANCE, 0.65)}, 2, "vanishes"),
        ({(0.1, 4): (0.97, 0.6)}, 1, "open"),
        ({(0.1, 4): (0.80, 0.3)}, 0, "no match"),
    ],
)
def test_every_setting_that_classifies_as_well_is_compared(control, matched, answer):
    found = at_matched_accuracy([*FF, *sweep("bp", control, noise=NOISE[::-1])], "mnist")
    assert (found.learning_rate, found.epochs, found.accuracy) == (0.01, 4, pytest.approx(0.95))
    assert (len(found.differences), found.answer) == (matched, answer)


def test_runs_are_paired_by_seed_and_averaged_over_layers():
    found = at_matched_accuracy([*FF, *sweep("bp", {(0.1, 4): (0.97, 0.3)})[::-1]], "mnist")
    (setting, interval) = found.closest
    assert setting == (0.1, 4)
    assert (interval.low, interval.mean, interval.high) == pytest.approx((0.4, 0.4, 0.4))
    assert interval.n == len(SEEDS)


def test_other_data_sets_do_not_enter():
    elsewhere = sweep("bp", {(0.1, 4): (0.97, 0.7)}, "fashion-mnist")
    assert at_matched_accuracy([*FF, *elsewhere], "mnist").answer == "no match"


def test_a_comparison_needs_runs():
    with pytest.raises(ValueError, match="needs runs of bp-ff on mnist, got none"):
        at_matched_accuracy(FF, "mnist", "bp-ff")
    with pytest.raises(ValueError, match="got none"):
        at_matched_accuracy([], "mnist")


def test_a_row_per_run_has_the_mean_over_its_layers():
    rows = by_setting(FF)
    assert len(rows) == len(FF)
    layers = rows[["hoyer 1", "hoyer 2", "hoyer 3"]]
    assert rows["hoyer"].to_numpy() == pytest.approx(layers.mean(axis=1).to_numpy())


def above_rest(runs, values, l1=0.0):
    """Give the runs of each setting, in order, this sparseness above rest in every layer."""
    made = []
    for place, run in enumerate(runs):
        metrics = run.metrics
        layers = [
            layer.model_copy(update={"hoyer_above_rest": values[place // len(SEEDS)]})
            for layer in metrics.layers
        ]
        made.append(
            run.model_copy(
                update={
                    "metrics": metrics.model_copy(update={"layers": layers}),
                    "experiment": run.experiment.model_copy(update={"l1": l1}),
                }
            )
        )
    return made


SETTINGS = {(0.001, 4): (0.98, 0), (0.01, 4): (0.97, 0), (0.1, 4): (0.96, 0), (1.0, 4): (0.9, 0)}


def test_on_the_frontier_is_what_no_setting_of_the_same_network_beats_in_both():
    bp = above_rest(sweep("bp", SETTINGS), (0.3, 0.2, 0.5, 0.6))
    penalised = above_rest(sweep("bp", {(0.01, 4): (0.99, 0)}), (0.7,), l1=0.1)
    found = frontier([*bp, *penalised]).set_index(["network", "learning_rate"])["best"]
    assert found["BP"].to_dict() == {0.001: True, 0.01: False, 0.1: True, 1.0: True}
    assert found["BP, L1"].all()


def test_the_sparsest_setting_is_one_as_accurate_as_forward_forward_at_its_best():
    ff = above_rest(FF, (0.4, 0.9))
    bp = above_rest(sweep("bp", SETTINGS), (0.3, 0.2, 0.5, 0.6))
    poor = above_rest(sweep("bp-ff", {(0.01, 4): (0.9, 0)}), (0.99,))
    elsewhere = above_rest(sweep("bp", SETTINGS, "fashion-mnist"), (0.9,) * 4)
    found = sparsest(frontier([*ff, *bp, *poor, *elsewhere]))
    # Of BP the sparsest of all is too inaccurate, and BP/FF is nowhere accurate enough.
    assert dict(zip(found["network"], found["sparseness"], strict=True)) == pytest.approx(
        {"BP": 0.5, "FF": 0.4}
    )


def test_above_rest_is_compared_where_it_is_asked_for():
    bp = above_rest(sweep("bp", {(0.1, 4): (0.97, 0.3)}), [0.6])
    found = at_matched_accuracy([*above_rest(FF, [0.7, 0.7]), *bp], "mnist", measure="above rest")
    assert found.closest[1].mean == pytest.approx(0.1)
