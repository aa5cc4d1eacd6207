"""Goodness functions crossed with activations: the plan, the choice of thresholds, the figures."""

import numpy as np
import pytest
import synthetic
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import pyplot as plt

from fflib.book.figures import goodness_choice as plots
from fflib.book.figures import style
from fflib.experiment import Experiment
from fflib.goodness import GOODNESS
from fflib.records.stores import PUBLISHED
from fflib.study.analyses.goodness_choice import (
    MEASURES,
    answer,
    by_combination,
    choices_table,
    failures_table,
    train_combinations,
)
from fflib.study.claims import CHOICES, judge
from fflib.study.plans.goodness_choice import (
    CHOSEN,
    LEARNS,
    candidates,
    choose,
    combination,
    published_settings,
    runs,
    search,
    settings,
    thresholds,
)
from fflib.study.plans.grids import GRIDS

PAIRS = [("l2", "relu"), ("l1", "relu"), ("l2", "tanh")]
TRIED = candidates(["mnist"], PAIRS, epochs=1)


def record(experiment, accuracy=0.9, hoyer=0.5):
    base = synthetic.record("ff", experiment.seed, experiment.dataset)
    layers = [x.model_copy(update={"hoyer_above_rest": hoyer}) for x in base.metrics.layers]
    metrics = base.metrics.model_copy(update={"layers": layers, "accuracy": accuracy})
    return base.model_copy(update={"experiment": experiment, "metrics": metrics})


@pytest.mark.parametrize("goodness", ["l1", "l2", "mean-square"])
def test_a_threshold_is_the_goodness_of_so_many_units_at_one(goodness):
    for units, theta in zip((2, 10, 50, 250), thresholds(goodness, "relu"), strict=True):
        h = np.zeros(784, np.float32)
        h[:units] = 1
        import torch

        assert float(GOODNESS[goodness](torch.from_numpy(h))) == pytest.approx(theta, abs=1e-4)


def test_every_combination_is_tried_at_four_thresholds_within_reach():
    tried = {}
    for e in search():
        tried.setdefault(combination(e), []).append(e.theta)
    assert len(tried) == 2 * 4 * 4
    assert all(len(set(thetas)) == 4 and thetas == sorted(thetas) for thetas in tried.values())


@given(st.lists(st.floats(0, 1), min_size=len(TRIED), max_size=len(TRIED)))
def test_the_best_candidate_of_each_combination_is_chosen_if_it_learns(values):
    accuracies = dict(zip(TRIED, values, strict=True))
    chosen = choose(accuracies)
    for where in {combination(e) for e in TRIED}:
        own = {e.theta: a for e, a in accuracies.items() if combination(e) == where}
        if max(own.values()) < LEARNS:
            assert where not in chosen
        else:
            assert own[chosen[where]] == max(own.values())


def test_the_thresholds_of_the_grid_are_those_that_the_search_on_record_chooses():
    accuracies = {r.experiment: r.metrics.accuracy for r in PUBLISHED.among(search())}
    known = len(accuracies) + sum(e in set(search()) for e in PUBLISHED.failures())
    assert known == len(search())
    assert choose(accuracies) == CHOSEN


def test_every_run_of_the_grid_is_at_its_own_threshold():
    assert {(combination(e), e.theta) for e in GRIDS["goodness"]} == set(CHOSEN.items())
    assert len(GRIDS["goodness"]) == 3 * len(CHOSEN)


def test_settings_vary_one_thing_at_a_time_or_negatives_with_order():
    usual = Experiment()
    for e in published_settings():
        changed = {n for n in ("theta", "negatives", "order") if getattr(e, n) != getattr(usual, n)}
        assert changed in ({*()}, {"theta"}, {"negatives"}, {"order"}, {"negatives", "order"})
    assert len(set(published_settings())) == len(published_settings()) == 60


def test_a_run_goes_with_its_own_numbers():
    run = record(runs([3], {("mnist", "l2", "tanh"): 3.0})[0], accuracy=0.8, hoyer=0.25)
    (row,) = by_combination([run]).to_dict("records")
    assert (row["activation"], row["theta"], row["seed"]) == ("tanh", 3.0, 3)
    assert (row["accuracy"], row["hoyer"]) == (0.8, 0.25)
    usual = [c for c in run.metrics.choices if (c.rule, c.threshold) == ("median-quantile", 0.9)]
    assert row["overlap"] == pytest.approx(np.mean(usual[0].overlap))


@pytest.mark.parametrize(("other", "verdict"), [(0.55, "holds"), (0.9, "fails")])
def test_any_goodness_will_do_if_the_range_of_sparseness_is_small(other, verdict):
    found = [
        record(e, hoyer=0.5 if e.goodness == "l2" else other + 0.001 * e.seed)
        for e in GRIDS["goodness"]
        if e.activation == "relu"
    ]
    assert judge(CHOICES[0], found).verdict == verdict


def test_choices_that_do_not_learn_do_not_count():
    found = [
        record(
            e, hoyer=0.5 if e.goodness == "l2" else 0.9, accuracy=0.9 if e.goodness == "l2" else 0.7
        )
        for e in GRIDS["goodness"]
        if e.activation == "relu"
    ]
    assert judge(CHOICES[0], found).cells[0].interval.mean == 0


def test_tables_say_what_was_chosen_and_why_others_fail():
    accuracies = [0.5, 0.9, 0.8, 0.4, *[0.1] * 3]
    searched = [record(e, accuracy=a) for e, a in zip(TRIED, accuracies, strict=False)]
    failures = dict.fromkeys(TRIED[7:], "layer 1 cannot tell: train for more epochs")
    failures[Experiment(model="bp")] = "of another kind: passed over"
    chosen = choices_table(searched)
    assert chosen.loc[("ℓ₂", "ReLU"), "MNIST"] == f"θ = {TRIED[1].theta:g} (0.900)"
    assert chosen.loc[("ℓ₁", "ReLU"), "MNIST"] == ""
    why = failures_table(searched, failures)["what training said"]
    assert why["MNIST", "ℓ₁", "ReLU"] == (
        "θ = 2, 10, 50: accuracy 0.10, not above 0.3; θ = 250: layer 1 cannot tell"
    )
    assert set(why["MNIST", "ℓ₂", "tanh"].split(": ")) == {
        "θ = 1.4142, 3.1623, 7.0711, 15.8114", "layer 1 cannot tell"
    }  # fmt: skip
    assert ("MNIST", "ℓ₂", "ReLU") not in why.index


def test_the_answer_names_the_most_accurate_and_the_sparsest():
    found = [
        record(
            e,
            accuracy=0.95 if e.activation == "tanh" and e.goodness == "l1" else 0.9,
            hoyer=0.7 if e.activation == "gelu" and e.goodness == "linf" else 0.5,
        )
        for e in GRIDS["goodness"]
    ]
    said = answer(found, [judge(claim, found) for claim in CHOICES])
    assert said.startswith(
        "Among combinations about as accurate as ReLU with ℓ₂, the choice of goodness moves "
        "sparseness above rest by 0.00 on Fashion-MNIST and 0.00 on MNIST, the choice of activation"
    )
    assert "On MNIST 12 combinations learn; the most accurate is tanh with ℓ₁ (0.95" in said
    assert "the sparsest above rest GELU with ℓ∞ (0.70" in said
    assert "Any goodness will do: holds" in said


@pytest.mark.parametrize("measure", MEASURES)
def test_a_heat_map_shows_the_mean_of_each_combination_and_crosses_for_the_rest(measure):
    found = [record(e, accuracy=0.5 + 0.1 * e.seed) for e in GRIDS["goodness"]]
    with plt.rc_context():
        style.use()
        figure = plots.heat_maps(found, measures=[measure])
    panels = [ax for ax in figure.axes if ax.collections and ax.get_title(loc="left")]
    assert [ax.get_title(loc="left").split(", ")[1] for ax in panels] == ["MNIST", "Fashion-MNIST"]
    for ax, dataset in zip(panels, ("mnist", "fashion-mnist"), strict=True):
        said = [text.get_text() for text in ax.texts]
        assert said.count("×") == 4
        table = by_combination(found)
        own = table[table["dataset"] == dataset].groupby(["goodness", "activation"])[measure].mean()
        shown = np.asarray(ax.collections[0].get_array()).reshape(4, 4)
        assert shown[1, 2] == pytest.approx(own["l2", "tanh"])
        if measure == "accuracy":  # 0.5, 0.6, 0.7: mean 0.6, half an interval 4.303 * 0.1 / √3
            assert said[0] == "0.60\n±0.25"
    plt.close(figure)


def test_sweeps_draw_the_means_of_their_runs():
    found = [record(e, hoyer=e.theta / 10) for e in settings(["mnist"], [0, 1])]
    figure = plots.over_thresholds(found)
    line = figure.axes[1].lines[0]
    np.testing.assert_allclose(line.get_ydata(), [0.1, 0.2, 0.3, 0.5, 0.8])
    plt.close(figure)
    figure = plots.negatives_and_order(found)
    assert [t.get_text() for t in figure.axes[0].get_yticklabels()][-1] == "hard, simultaneous"
    markers = [line for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert len(markers) == 6
    plt.close(figure)


def test_where_nothing_learns_there_are_crosses():
    figure = plots.heat_maps([], measures=["accuracy"])
    assert [text.get_text() for text in figure.axes[0].texts] == ["×"] * 16
    plt.close(figure)
    assert answer([], []) == ""


def test_a_live_search_trains_every_combination_that_learns():
    training = {"epochs": 10, "hidden": 64, "layers": 1, "learning_rate": 0.01}
    found, searched, failures = train_combinations("digits", ["l2"], ["relu"], [0, 1], **training)
    assert len(searched) + len(failures) == 4
    chosen = choose({r.experiment: r.metrics.accuracy for r in searched})
    assert {r.experiment.theta for r in found} == set(chosen.values())
    assert sorted(r.experiment.seed for r in found) == [0, 1]
