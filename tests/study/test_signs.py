"""Tables and figures of what negative weights do, on runs made up for the purpose."""

import numpy as np
import pytest
import synthetic
from matplotlib import pyplot as plt

from fflib.book.figures import style
from fflib.book.figures.interventions import by_dose, by_operation, by_place
from fflib.experiment import Experiment
from fflib.measures.interventions import DOSES, OPERATIONS, TARGETS
from fflib.study.analyses.signs import by_signs, lost, without
from fflib.study.claims import SIGNS, judge
from fflib.study.claims.verdicts import in_words

LOSS = {"negative": 0.5, "random": 0.1, "positive": 0.2}


def rows(accuracy):
    """A probe in which accuracy and sparseness fall with the dose, each kind in its own measure."""
    return [
        {
            "operation": operation, "target": target, "place": place, "dose": dose, "changed": dose,
            "accuracy": accuracy - dose * LOSS[target], "hoyer": 0.8 - dose * LOSS[target],
            "identity": 1 - dose * LOSS[target], "selectivity": None if dose == 1 else 0.5,
        }
        for operation in OPERATIONS
        for target in TARGETS
        for place in range(4)
        for dose in DOSES
    ]  # fmt: skip


def run(model="ff", seed=0, accuracy=0.9, **fields):
    base = synthetic.record(model, seed)
    e = base.experiment
    small = {"hidden": e.hidden, "layers": e.layers, "epochs": e.epochs}
    probe = rows(accuracy) if fields.get("probe") else None
    return base.model_copy(
        update={
            "experiment": Experiment(model=model, seed=seed, **small, **fields),
            "metrics": base.metrics.model_copy(update={"accuracy": accuracy, "probe": probe}),
        }
    )


PROBED = [
    run(model, seed, 0.9 + 0.001 * seed, probe="weight-signs")
    for model in ("ff", "bp")
    for seed in range(3)
]
DALE = [run(seed=seed, accuracy=0.89, signs="dale") for seed in range(3)]


def test_verdicts_compare_negative_weights_with_random_ones_and_with_none_removed():
    sparse, accurate, dale = (judge(c, PROBED + DALE) for c in SIGNS)
    for verdict in (sparse, accurate):
        assert verdict.verdict == "holds"
        assert verdict.cells[0].interval.mean == pytest.approx(0.4)
    assert dale.cells[0].interval.mean == pytest.approx(-0.011)
    assert dale.verdict == "holds"
    said = in_words([sparse, accurate, dale])
    assert said.count(": holds (") == 3
    assert "−0.01" in said


def test_a_random_cut_that_makes_a_network_sparser_proves_nothing(monkeypatch):
    monkeypatch.setitem(LOSS, "random", -0.3)
    monkeypatch.setitem(LOSS, "negative", 0.05)
    runs = [run(seed=seed, probe="weight-signs") for seed in range(3)]
    sparse = judge(SIGNS[0], runs)
    assert sparse.cells[0].interval.mean == pytest.approx(0.05)
    assert sparse.verdict == "fails"


def test_without_is_the_mean_of_the_runs():
    table = without(PROBED)
    assert table.loc["untouched", "accuracy"] == pytest.approx(0.901)
    for target, loss in LOSS.items():
        assert table.loc[target, "hoyer"] == pytest.approx(0.8 - loss)
    assert np.isnan(table.loc["negative", "selectivity"])


def test_what_is_lost_is_against_the_untouched_network_run_by_run():
    table = lost(PROBED)
    for target, loss in LOSS.items():
        found = table.loc[("MNIST", target), "hoyer"]
        assert (found.mean, found.n) == (pytest.approx(loss), 3)
        # Runs differ in accuracy, and what they lose does not.
        assert table.loc[("MNIST", target), "accuracy"].low == pytest.approx(loss)


def test_rules_for_signs_stand_beside_free_networks():
    table = by_signs(PROBED + DALE)
    assert table.loc[("MNIST", "FF", "dale"), "runs"] == 3
    assert table.loc[("MNIST", "FF", "free"), "accuracy"].startswith("0.901 [")


def test_lines_by_dose_are_means_and_end_where_nothing_is_defined():
    figure = by_operation([r for r in PROBED if r.experiment.model == "ff"])
    accuracy, *_, selectivity = (ax for ax in figure.axes[:: len(OPERATIONS)])
    lines = {line.get_label(): line for line in accuracy.lines}
    expected = [0.901 - dose * LOSS["negative"] for dose in DOSES]
    np.testing.assert_allclose(lines["negative weights"].get_ydata(), expected)
    ends = [line for line in selectivity.lines if line.get_label() == "negative weights"]
    assert np.isfinite(ends[0].get_ydata()).sum() == len(DOSES) - 1
    plt.close(figure)


def test_the_main_figure_shows_what_zeroing_does():
    runs = [r for r in PROBED if r.experiment.model == "ff"]
    with plt.rc_context():
        style.use()
        figure, every = by_dose(runs), by_operation(runs)
    titles = [ax.get_title(loc="left") for ax in figure.axes]
    assert titles == ["a  accuracy", "b  Hoyer sparseness", "c  identity of ensembles"]
    zeroed = every.axes[:: len(OPERATIONS)]
    for ax, same in zip(figure.axes, zeroed, strict=False):
        for line, expected in zip(ax.lines, same.lines, strict=True):
            np.testing.assert_array_equal(line.get_ydata(), expected.get_ydata())
    plt.close("all")


def test_changes_by_place_are_against_the_untouched_network():
    figure = by_place(PROBED)
    assert len(figure.axes) == 2  # two models on one data set
    (line,) = (x for x in figure.axes[0].lines if x.get_label() == "as many at random")
    np.testing.assert_allclose(line.get_ydata(), [-LOSS["random"]] * 4)
    plt.close(figure)
