"""The test of the mechanism by which a second layer loses accuracy, on curves made up for it."""

import synthetic

from fflib.experiment import Experiment
from fflib.study.analyses.overtraining import FLOAT32, by_change, in_words, kept, rounding
from fflib.study.plans.overtraining import CHANGES, KEPT, SEEDS, UNCHANGED, in_float32

LOST = 0.04
BY_FIELD = {next(iter(change)): change for change in CHANGES.values()}
NAMES = {next(iter(change)): name for name, change in CHANGES.items()}
TEMPLATE = synthetic.record("ff", 0)


def stage(layer, accuracies):
    return [
        {"layer": layer, "epoch": n, "loss": 0.1, "accuracy": a}
        for n, a in enumerate(accuracies, start=1)
    ]


def made(change, seed, end):
    """A run whose second layer begins at 0.95 and ends at so much accuracy."""
    experiment = Experiment(model="ff", seed=seed, **UNCHANGED | change)
    curve = stage(0, [0.9, 0.95, 0.95]) + stage(1, [0.9, 0.95, end])
    return TEMPLATE.model_copy(update={"experiment": experiment, "curve": curve})


def table(ends, lost=LOST):
    """What is found where unchanged runs lose so much, and changed ones gain what `ends` has by field."""
    unchanged = [made({}, s, 0.95 - lost - 0.001 * s) for s in SEEDS]
    changed = [
        made(BY_FIELD[field], s, 0.95 + gain(s)) for field, gain in ends.items() for s in SEEDS
    ]
    return kept(unchanged + changed)


def test_each_change_is_of_one_field_and_has_a_name():
    assert set(NAMES) == {"negatives", "epsilon", "weight_decay"}
    assert all(len(change) == 1 for change in CHANGES.values())


def test_what_ends_where_it_began_keeps_what_is_lost_and_what_falls_as_far_does_not():
    found = table({"negatives": lambda s: 0.0, "epsilon": lambda s: -LOST - 0.001 * s})
    assert found.loc[NAMES["negatives"], "answer"] == "keeps it"
    assert found.loc[NAMES["epsilon"], "answer"] == "does not"
    assert found.loc["unchanged", "answer"] == ""
    assert found.loc["unchanged", "change in accuracy"].startswith("−0.042 [")
    assert in_words(found) == (
        f"It is kept with {NAMES['negatives']}; it is lost with {NAMES['epsilon']} all the same."
    )


def test_a_difference_of_the_size_that_counts_leaves_the_question_open():
    # Runs lie on both sides of what counts, so that their interval holds it.
    found = table({"weight_decay": lambda s: -LOST + KEPT + 0.004 * (s % 2 - 0.4) - 0.001 * s})
    assert found.loc[NAMES["weight_decay"], "answer"] == "open"


def test_what_keeps_accuracy_and_yet_loses_some_keeps_part_of_it():
    found = table({"weight_decay": lambda s: -LOST / 4 - 0.001 * s})
    assert found.loc[NAMES["weight_decay"], "answer"] == "keeps part of it"
    assert in_words(found) == f"Part of it is kept with {NAMES['weight_decay']}."


def test_a_run_in_float32_has_a_row_and_no_answer():
    exact = made({}, 0, 0.85).model_copy(update={"experiment": in_float32()})
    found = kept([*(made({}, s, 0.9 + 0.001 * s) for s in SEEDS), exact])
    assert list(found.index) == ["unchanged", FLOAT32]
    assert found.loc[FLOAT32, ["runs", "change in accuracy"]].tolist() == [1, "−0.100"]
    assert in_words(found) == "No run of the test is on record."


def test_rounding_is_not_the_reason_where_the_run_without_it_loses_as_well():
    for end, reason in (
        (0.95 - 2 * KEPT, "is not the reason"),
        (0.95 - KEPT / 2, "may be the reason"),
    ):
        exact = made({}, 0, end).model_copy(update={"experiment": in_float32()})
        assert rounding([made({}, 0, 0.8), exact]) == f"Rounding {reason}."


def test_nothing_is_kept_where_nothing_is_lost():
    found = table({"negatives": lambda s: 0.01}, lost=-0.01)
    assert found.loc[NAMES["negatives"], "answer"] == "nothing to keep"


def test_a_single_run_and_none_are_tables_too():
    found = kept([made({}, 0, 0.9)])
    assert found["best epoch"].tolist() == ["2 (2 to 2)"]
    assert found["at its floor"].tolist() == ["never"]
    assert in_words(kept([])) == "No run of the test is on record."


def test_runs_are_sorted_by_what_is_changed():
    runs = [made(c, s, 0.9) for s in (0, 1) for c in (BY_FIELD["epsilon"], {})]
    found = by_change(runs)
    assert list(found) == ["unchanged", NAMES["epsilon"]]
    assert [r.experiment.seed for r in found["unchanged"]] == [0, 1]
