"""The rows of a held-out class: one for each label, layer and rule, and what they say of digits."""

from itertools import product

import pytest

import fflib
from fflib.experiment import Experiment
from fflib.measures.borrowing import linear_auroc
from fflib.measures.unseen import unseen_class
from fflib.records.borrowing import JUDGED, unseen

FIELDS = {"size", "own", "own_by_chance", "auroc", "borrowed", "borrowed_auroc", "linear_auroc"}
HELD = 7


@pytest.fixture(scope="module", params=["ff", "bp"])
def found(request):
    """A run, and its rows."""
    theta = {"theta": 1.0} if request.param == "ff" else {}
    asked = Experiment(
        model=request.param, dataset="digits", hidden=40, layers=2, epochs=6, learning_rate=0.01,
        hold_out=HELD, precision="float32", **theta,
    )  # fmt: skip
    run = fflib.train(asked, progress=False)
    rows, arrays = unseen(run)
    assert not arrays
    return run, rows


def test_rows_are_complete_and_possible(found):
    run, (pixels, *rows) = found
    carried = ("true", "none", "predicted") if run.network.labelled else ("plain",)
    places = [(row["carried"], row["layer"], row["rule"]) for row in rows]
    assert places == list(product(carried, (1, 2), JUDGED))
    for row in rows:
        assert set(row) == FIELDS | {"about", "layer", "carried", "rule"}
        assert (row["own"] is None) == (row["size"] == 0)
        assert row["borrowed"] != HELD
        numbers = [row[f] for f in FIELDS - {"size", "borrowed"} if row[f] is not None]
        assert all(0 <= number <= 1 for number in numbers)
    assert {row["about"] for row in (pixels, *rows)} == {"unseen"}


def test_a_linear_probe_knows_sevens_from_their_pixels(found):
    run, (pixels, *_) = found
    images = [run.images("test", unseen=held)[0].numpy() for held in (True, False)]
    assert (pixels["layer"], pixels["carried"]) == (0, "plain")
    assert pixels["linear_auroc"] == linear_auroc(*images)
    assert pixels["linear_auroc"] > 0.9


def test_images_carry_the_label_that_the_row_says(found):
    run, (_, *rows) = found
    for row in rows:
        if row["rule"] == "median-quantile":
            label = "true" if row["carried"] == "plain" else row["carried"]
            shown, others = (
                run.activations(correct_only=False, carried=label, unseen=held)
                for held in (True, False)
            )
            known = unseen_class(
                shown.values, others.values, others.labels, classes=10, permutations=0
            )
            assert row["size"] == known[row["layer"] - 1].size


def test_without_a_held_out_class_there_are_no_rows():
    asked = Experiment(model="bp", dataset="digits", hidden=8, layers=1, epochs=1)
    assert unseen(fflib.train(asked, progress=False)) == ([], {})
