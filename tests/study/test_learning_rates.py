"""The sweep: which runs it has, and the tables and the figure made from them."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from test_matched_accuracy import FF, NOISE, SEEDS, SETTINGS, above_rest, sweep

from fflib.book.figures.matched_accuracy import frontiers, sparseness_by_rate
from fflib.book.tables import matched_answers
from fflib.study.analyses.learning_rates import (
    best_settings,
    matched_table,
    spans,
    sparse_control,
    survivors,
    swept,
    ties,
)
from fflib.study.analyses.matched_accuracy import BOUND, at_matched_accuracy, frontier
from fflib.study.evidence import claim
from fflib.study.plans.grids import GRIDS
from fflib.wording import minus

DENSE = sweep("bp", {(0.1, 4): (0.97, 0.3), (0.2, 4): (0.96, 0.4)}, noise=NOISE[::-1])
SPARSE = sweep("bp", {(0.1, 4): (0.97, 0.3), (0.2, 8): (0.96, 0.8)}, noise=NOISE[::-1])
FAR = sweep("bp", {(0.1, 4): (0.5, 0.3)})


def compared(*controls):
    return [at_matched_accuracy([*FF, *control], "mnist") for control in controls]


def moved(setting, accuracies, hoyer):
    """Runs of one setting, one for each accuracy."""
    runs = sweep("bp", {setting: (0.0, hoyer)})
    return [
        r.model_copy(update={"metrics": r.metrics.model_copy(update={"accuracy": accuracy})})
        for r, accuracy in zip(runs, accuracies, strict=True)
    ]


def test_what_is_not_surely_less_accurate_than_the_best_may_be_as_good():
    best = moved((0.1, 4), (0.97, 0.96, 0.98), 0.3)
    uncertain = moved((0.2, 4), (0.969, 0.961, 0.972), 0.5)
    surely_less = moved((0.3, 4), (0.959, 0.95, 0.969), 0.9)
    (row,) = ties([*best, *uncertain, *surely_less]).to_dict("records")
    assert row == {
        "settings": 2, "lowest": pytest.approx(0.31), "highest": pytest.approx(0.51),
    }  # fmt: skip
    assert ties([]).empty


def test_from_records_both_data_sets_are_swept_the_given_one_first():
    runs = swept("records", "fashion-mnist")
    assert len(runs) == len(GRIDS["learning-rate"])
    datasets = [r.experiment.dataset for r in runs]
    assert datasets == sorted(datasets)  # fashion-mnist before mnist
    assert {r.experiment.evaluate_on for r in runs} == {"validation"}


def test_a_part_of_the_sweep():
    runs = swept("records", "mnist", seeds=[0, 1], epochs=[4], rates=[0.001, 0.01])
    assert {r.experiment.epochs for r in runs} == {4}
    assert {r.experiment.learning_rate for r in runs} == {0.001, 0.01}
    assert len(runs) == 2 * 3 * 2 * 2  # data sets, models, rates, seeds


@pytest.mark.parametrize(
    ("controls", "said"),
    [
        ([SPARSE], "nothing is left"),
        ([SPARSE, SPARSE], "nothing is left"),
        ([DENSE], "survives"),
        ([DENSE, FAR], "survives"),
        ([FAR], "has no match"),
        ([DENSE, SPARSE], "does not come out alike"),
    ],
)
def test_one_sentence_says_what_is_left(controls, said):
    assert said in survivors(compared(*controls))


@pytest.mark.parametrize("control", [SPARSE, DENSE, FAR], ids=["sparse", "dense", "far"])
def test_an_answer_names_what_it_rests_on(control):
    [found] = compared(control)
    assert found.why in matched_answers([found]).data
    if found.differences:
        (rate, epochs), interval = found.closest
        assert f"{rate:g} and {epochs} epochs" in found.why
        assert minus(f"{interval:.2f}") in found.why


def test_every_matched_setting_is_in_the_table():
    table = matched_table(compared(SPARSE))
    assert table["more than the bound"].tolist() == ["yes", "no"]
    assert [(float(rate), epochs) for *_, epochs, rate in table.index] == [(0.1, 4), (0.2, 8)]
    assert matched_table(compared(FAR)).empty


def test_the_best_setting_is_the_most_accurate():
    row = best_settings([*FF, *SPARSE]).loc[("MNIST", "FF")]
    assert (row["learning rate"], row["epochs"]) == ("0.01", 4)
    assert row["accuracy"].startswith("0.950")


def test_a_span_is_over_the_settings_that_learn():
    low = sweep("bp", {(0.1, 4): (0.97, 0.3), (0.2, 4): (0.96, 0.8), (0.3, 4): (0.9, 0.1)})
    span = spans(low).loc[("MNIST", "BP")]
    assert span["settings"] == 2
    # Layers lie 0.01 apart, so that their mean is 0.01 above the first.
    assert (span["lowest"], span["highest"]) == (pytest.approx(0.31), pytest.approx(0.81))
    assert -claim("accuracy").bound < 0.97 - 0.9


def test_overlap_of_the_control_is_that_of_the_usual_rule_and_threshold():
    table = sparse_control([*FF, *SPARSE], compared(SPARSE))
    runs = [r for r in SPARSE if r.experiment.epochs == 8]
    overlaps = [
        np.mean(c.overlap)
        for r in runs
        for c in r.metrics.choices
        if (c.rule, c.threshold, c.images) == ("median-quantile", 0.9, "correct")
    ]
    assert len(overlaps) == len(SEEDS)
    row = table.loc[("MNIST", 8, "0.2")]
    assert row["overlap"].startswith(f"{np.mean(overlaps):.3f} [")
    assert row["sparseness"] == pytest.approx(0.81)


def test_lines_join_the_rates_of_a_model_and_markers_are_means():
    stars = pd.DataFrame({"model": ["bp"], "accuracy": [0.94], "s1": [0.97]})
    figure = sparseness_by_rate([*FF, *SPARSE], {"mnist": stars})
    figure.canvas.draw()
    mean, first = figure.axes
    drawn = sorted(tuple(line.get_ydata()) for line in mean.lines)
    expected = sorted([(0.21, 0.71), (0.31,), (0.81,)])  # FF's rates ascend; BP has one each
    for shown, values in zip(drawn, expected, strict=True):
        assert shown == pytest.approx(values)
    [star] = [line for line in first.lines if line.get_marker() == "*"]
    assert star.get_xydata().tolist() == [[pytest.approx(0.06), 0.97]]
    assert BOUND < 0.81 - 0.31
    plt.close(figure)


def test_a_line_joins_the_frontier_of_each_network():
    bp = above_rest(sweep("bp", SETTINGS), (0.3, 0.2, 0.5, 0.6))
    figure = frontiers(frontier([*above_rest(FF, (0.4, 0.9)), *bp]))
    figure.canvas.draw()
    drawn = {line.get_label(): line for line in figure.axes[0].lines}
    np.testing.assert_allclose(drawn["BP"].get_xydata(), [(0.1, 0.6), (0.04, 0.5), (0.02, 0.3)])
    np.testing.assert_allclose(drawn["FF"].get_xydata(), [(0.1, 0.9), (0.05, 0.4)])
    plt.close(figure)
