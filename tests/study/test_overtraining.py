"""The test of the mechanism by which a second layer loses accuracy, on curves made up for it."""

import pytest

from fflib.experiment import Experiment
from fflib.study.analyses.overtraining import kept
from fflib.study.plans.overtraining import CHANGES, KEPT, SEEDS, UNCHANGED

LOST = 0.04
BY_FIELD = {next(iter(change)): change for change in CHANGES.values()}
NAMES = {next(iter(change)): name for name, change in CHANGES.items()}


def stage(layer, accuracies):
    return [
        {"layer": layer, "epoch": n, "loss": 0.1, "accuracy": a}
        for n, a in enumerate(accuracies, start=1)
    ]


def made(template, change, seed, end):
    """A run whose second layer begins at 0.95 and ends at so much accuracy."""
    experiment = Experiment(model="ff", seed=seed, **UNCHANGED | change)
    curve = stage(0, [0.9, 0.95, 0.95]) + stage(1, [0.9, 0.95, end])
    return template.model_copy(update={"experiment": experiment, "curve": curve})


@pytest.fixture
def table():
    import synthetic

    template = synthetic.record("ff", 0)

    def of(ends, lost=LOST):
        unchanged = [made(template, {}, s, 0.95 - lost - 0.001 * s) for s in SEEDS]
        changed = [
            made(template, BY_FIELD[field], s, 0.95 + gain(s))
            for field, gain in ends.items()
            for s in SEEDS
        ]
        return kept(unchanged + changed)

    return of


def test_each_change_is_of_one_field_and_has_a_name():
    assert set(NAMES) == {"negatives", "epsilon", "weight_decay"}
    assert all(len(change) == 1 for change in CHANGES.values())


def test_what_ends_where_it_began_keeps_what_is_lost_and_what_falls_as_far_does_not(table):
    found = table({"negatives": lambda s: 0.0, "epsilon": lambda s: -LOST - 0.001 * s})
    assert found.loc[NAMES["negatives"], "answer"] == "keeps it"
    assert found.loc[NAMES["epsilon"], "answer"] == "does not"
    assert found.loc["unchanged", "answer"] == ""
    assert found.loc["unchanged", "change in accuracy"].startswith("−0.042 [")


def test_a_difference_of_the_size_that_counts_leaves_the_question_open(table):
    # Runs lie on both sides of what counts, so that their interval holds it.
    found = table({"weight_decay": lambda s: -LOST + KEPT + 0.004 * (s % 2 - 0.4) - 0.001 * s})
    assert found.loc[NAMES["weight_decay"], "answer"] == "open"


def test_nothing_is_kept_where_nothing_is_lost(table):
    found = table({"negatives": lambda s: 0.01}, lost=-0.01)
    assert found.loc[NAMES["negatives"], "answer"] == "nothing to keep"
