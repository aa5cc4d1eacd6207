"""Our runs against rows of the authors' record, on runs made up to lie at a known distance."""

import numpy as np
import pytest
import synthetic

from fflib import authors
from fflib.grids import AUTHORS_ROWS, DATASETS, planned
from fflib.replication import QUANTITIES, measured, retrained_rows

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
