"""Our runs against rows of the authors' record, on runs made up to lie at a known distance."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import synthetic

from fflib import data
from fflib.book.figures.replication import rows_met
from fflib.book.figures.scorecard import ANSWERS
from fflib.study.analyses import authors
from fflib.study.analyses.replication import (
    NAMES,
    QUANTITIES,
    by_negatives,
    costs,
    ensemble_sizes,
    measured,
    met_table,
    rerun_noise,
    retrained_rows,
    shared_by_run,
    shared_pairs,
    spread,
)
from fflib.study.plans.grids import AUTHORS_ROWS, DATASETS, planned

TABLE = authors.results(DATASETS)
SETTING = ["dataset", "model", "epochs", "batch", "lr"]
FIRST = AUTHORS_ROWS[0]
THEIRS = TABLE[[tuple(row) == FIRST for row in TABLE[SETTING].itertuples(index=False)]].iloc[0]


def ours(distance, setting=FIRST):
    """Runs of a setting whose numbers lie around the authors' row, all moved by a distance."""
    grid = [
        e
        for e in planned("authors")
        if (e.dataset, e.model, e.epochs, e.batch_size, e.learning_rate) == setting
    ]
    runs = []
    for experiment, noise in zip(grid, (-0.001, 0.0, 0.001), strict=True):
        made = synthetic.record(experiment.model)
        values = [THEIRS[quantity] + distance + noise for quantity in QUANTITIES]
        layers = [
            layer.model_copy(update={"hoyer": hoyer})
            for layer, hoyer in zip(made.metrics.layers, values[1:], strict=True)
        ]
        metrics = made.metrics.model_copy(update={"accuracy": values[0], "layers": layers})
        runs.append(made.model_copy(update={"experiment": experiment, "metrics": metrics}))
    return runs


def test_ways_to_draw_negatives_stand_beside_each_other():
    unpaired = planned("authors-unpaired")
    row = next(i for i, e in enumerate(planned("authors")) if e.epochs == 20 and e.model == "ff")
    paired = [e.model_copy(update={"negatives": "fixed"}) for e in unpaired]
    assert planned("authors")[row] in paired
    runs = []
    for experiments, accuracy in ((paired, 0.9), (unpaired, 0.8)):
        for e in experiments:
            made = synthetic.record("ff")
            metrics = made.metrics.model_copy(update={"accuracy": accuracy + e.seed / 100})
            runs.append(made.model_copy(update={"experiment": e, "metrics": metrics}))
    other = runs[0].model_copy(update={"experiment": planned("authors")[0]})
    table = by_negatives([*runs, other])
    assert list(table.index) == ["the same image", "any image"]
    assert [(found.mean, found.n) for found in table["accuracy"]] == [
        (pytest.approx(0.91), 3), (pytest.approx(0.81), 3),
    ]  # fmt: skip
    assert by_negatives([]).empty


def test_every_planned_row_is_on_the_authors_record_once():
    assert len(retrained_rows([])) == len(AUTHORS_ROWS) * len(QUANTITIES)
    assert retrained_rows([])["source"].nunique() == len(AUTHORS_ROWS)
    assert retrained_rows([])["met"].isna().all()


# t(0.975, 2) · 0.001 · √(4/3) = 0.00497 is how far a further run may lie from the mean.
@pytest.mark.parametrize(("distance", "met"), [(0.0, True), (0.0048, True), (0.0052, False)])
def test_a_row_is_met_within_the_prediction_of_a_further_run(distance, met):
    table = retrained_rows(ours(distance))
    found = table[table["source"] == THEIRS["source"]]
    assert found["met"].tolist() == [met] * len(QUANTITIES)
    assert table["met"].notna().sum() == len(QUANTITIES)  # the other rows have no runs


def test_one_run_or_another_grid_decides_nothing():
    assert retrained_rows(ours(0.0)[:1])["met"].isna().all()
    assert retrained_rows([synthetic.record("bp")])["met"].isna().all()


def test_a_run_is_measured_as_the_record_has_it():
    run = synthetic.record("ff")
    expected = [run.metrics.accuracy, *(layer.hoyer for layer in run.metrics.layers)]
    assert list(measured(run)) == list(QUANTITIES)
    np.testing.assert_array_equal(list(measured(run).values()), expected)


def test_a_miss_is_marked_in_table_and_figure():
    for distance, answer in ((0.0, "holds"), (0.01, "fails")):
        rows = retrained_rows(ours(distance))
        first = met_table(rows).iloc[0]
        assert all(("*" in cell) == (answer == "fails") for cell in first)
        assert first["accuracy"].startswith(f"{THEIRS['accuracy']:.3f}")
        figure = rows_met(rows)
        figure.canvas.draw()
        for ax, quantity in zip(figure.axes, QUANTITIES, strict=True):
            bar, runs, theirs = ax.lines[:3]
            assert bar.get_xdata()[0] < min(runs.get_xdata())
            assert theirs.get_xdata().tolist() == [THEIRS[quantity]]
            assert theirs.get_color() == ANSWERS[answer][0]
        plt.close(figure)


def test_runs_are_laid_beside_the_rows_without_settings():
    unknown = TABLE[TABLE["lr"].isna() & (TABLE["dataset"] == "mnist") & (TABLE["model"] == "bp")]
    inside = ours(0.0)
    moved = [
        run.model_copy(
            update={"experiment": run.experiment.model_copy(update={"dataset": "mnist"})}
        )
        for run in inside
    ]
    table = spread(moved)
    row = table.loc[("MNIST", "BP", "sparseness, layer 1")]
    assert row["rows"] == len(unknown)
    assert (row["lowest"], row["highest"]) == (unknown["s1"].min(), unknown["s1"].max())
    numbers = np.array([measured(run)["s1"] for run in moved])
    share = ((numbers >= unknown["s1"].min()) & (numbers <= unknown["s1"].max())).mean()
    assert row["inside"] == pytest.approx(share)
    assert row["below"] == pytest.approx((unknown["s1"] < numbers.mean()).mean())
    assert set(NAMES.values()) == set(table.index.get_level_values("quantity"))
    assert spread([]).empty


def test_a_price_is_in_proportion_to_epochs():
    setting = ("mnist", "ff", 20, 512, 0.01)
    table = costs(ours(0.0, setting))
    assert len(table) + len(AUTHORS_ROWS) == TABLE["lr"].notna().sum()
    seconds = synthetic.PROVENANCE.circumstances.seconds
    priced = table[table["batch"] == 512]
    np.testing.assert_allclose(priced["hours"], priced["epochs"] * seconds / 20 / 3600)
    assert table.loc[table["batch"] == 1024, "hours"].isna().all()


def test_rows_that_were_run_twice_differ_little_but_in_the_last_layer():
    noise = rerun_noise()
    assert list(noise.columns) == list(QUANTITIES)
    assert noise["accuracy"].median() < 0.002
    assert noise["s3"].max() > 0.4


def example(shares):
    """A run in which each class has four units of its own, and Shirt some of Coat's."""
    names = data.class_names("fashion-mnist")
    means = np.zeros((1, len(names), 60))
    for label in range(len(names)):
        means[0, label, 4 * label : 4 * label + 4] = 1
    coat = 4 * names.index("Coat")
    means[0, names.index("Shirt"), coat : coat + shares] = 1
    run = synthetic.record("ff", dataset="fashion-mnist")
    return run.model_copy(update={"arrays": run.arrays | {"mean": means}})


def test_shared_units_are_counted_run_by_run_as_in_the_example():
    shared = shared_by_run([example(0), example(2), example(0)])
    names = data.class_names("fashion-mnist")
    coat, shirt = names.index("Coat"), names.index("Shirt")
    assert shared[:, shirt, coat].tolist() == [0, 2, 0]
    sizes = ensemble_sizes(shared)
    assert sizes["theirs"].to_dict() == {
        name: authors.shared_units()[label, label] for label, name in enumerate(names)
    }
    assert sizes.loc["Coat", "ours"] == "4 [4, 4]"
    assert sizes.loc["Coat", "met"] == "no"  # theirs has 65
    pairs = shared_pairs(shared)
    assert pairs.loc["Coat–Shirt", "runs"] == pytest.approx(1 / 3)
    assert (pairs["theirs"] > 0).sum() == len(pairs) == 4  # no other pair shares any


@pytest.mark.parametrize("runs", [1, 2])
def test_one_run_or_two_predict_no_size(runs):
    assert set(ensemble_sizes(shared_by_run([example(1)] * runs))["met"]) == {""}
