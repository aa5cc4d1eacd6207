"""Records that are trained again agree, bit for bit or within the spread of seeds, or are named."""

import math

import numpy as np
import pytest
import synthetic

import fflib
from fflib.errors import ExperimentError
from fflib.experiment import Experiment
from fflib.records.obtain import record_of
from fflib.records.stores import Store
from fflib.statistics.prediction import allowed_difference
from fflib.sweeps.retraining import RISK, compare, draw, numbers, relatives, retrain
from fflib.sweeps.sweep import Outcome


def changed(record, *, accuracy=None, hoyer=None, seed=None, fflib=None, **circumstances):
    """A record with other numbers, another seed, or made elsewhere."""
    layers = [
        layer.model_copy(update={} if hoyer is None else {"hoyer": layer.hoyer + hoyer})
        for layer in record.metrics.layers
    ]
    update = {"layers": layers} | ({} if accuracy is None else {"accuracy": accuracy})
    made = record.provenance.circumstances
    fields = {name: getattr(made, name) for name in made.__dataclass_fields__} | circumstances
    experiment = record.experiment.model_copy(update={} if seed is None else {"seed": seed})
    return record.model_copy(
        update={
            "experiment": experiment,
            "metrics": record.metrics.model_copy(update=update),
            "provenance": record.provenance.model_copy(
                update={
                    "circumstances": type(made)(**fields),
                    "version": fflib or record.provenance.version,
                }
            ),
        }
    )


def again(record, **changes):
    return Outcome(record.experiment, changed(record, **changes))


BASE = synthetic.record("ff")
RUNS = [changed(BASE, accuracy=0.9 + 0.001 * seed, seed=seed) for seed in range(6)]


@pytest.fixture(scope="module")
def trained():
    """Records of FF and BP on digits, two seeds each."""
    experiments = [
        Experiment(model=model, dataset="digits", epochs=2, hidden=32, seed=seed)
        for model in ("bp", "ff")
        for seed in (0, 1)
        if model == "bp" or seed == 0
    ]
    # A narrow FF network learns in this many epochs if it has one layer.
    experiments[-1] = Experiment(model="ff", dataset="digits", epochs=5, hidden=64, layers=1)
    return [record_of(fflib.train(e, "cpu", progress=False)) for e in experiments]


@pytest.mark.cluster
def test_records_come_out_again_bit_for_bit_on_the_machine_that_made_them(trained, tmp_path):
    done = list(retrain(trained, Store(tmp_path)))
    assert {record.experiment for record, _ in done} == {r.experiment for r in trained}
    for record, outcome in done:
        found = compare(record, outcome, trained)
        assert (found.how, found.agree, found.difference) == ("bit for bit", True, 0.0)
        assert outcome.record.provenance.date > record.provenance.date  # it was trained again


@pytest.mark.cluster
def test_a_record_that_was_altered_is_named(trained, tmp_path):
    record = trained[0]
    altered = changed(record, accuracy=record.metrics.accuracy + 1e-6)
    [(_, outcome)] = retrain([altered], Store(tmp_path))
    found = compare(altered, outcome, trained)
    assert (found.how, found.agree, found.number) == ("bit for bit", False, "accuracy")
    assert "accuracy" in found.why
    arrays = record.arrays | {"mean": record.arrays["mean"] * 2}
    altered = record.model_copy(update={"arrays": arrays})
    found = compare(altered, outcome, trained)
    assert (found.agree, found.why) == (False, "not equal: array mean")


def test_what_an_old_record_does_not_have_is_not_asked_of_it(trained):
    record = trained[0]
    arrays = {name: a for name, a in record.arrays.items() if not name.startswith("damage")}
    old = record.model_copy(
        update={"metrics": record.metrics.model_copy(update={"readout": None}), "arrays": arrays}
    )
    assert compare(old, Outcome(record.experiment, record), trained).agree


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"processor": "another"},
        {"threads": 7},
        {"precision": "bfloat16 products"},
        {"fflib": "another"},
    ],
)
def test_elsewhere_runs_agree_within_the_spread_of_seeds(elsewhere):
    record, among = RUNS[2], 3
    others = [run.metrics.accuracy for run in RUNS if run is not record]
    risk = RISK / (among * len(numbers(record)))
    allowed = allowed_difference([others], 1 - risk)
    for share, agree in ((0.99, True), (-0.99, True), (1.01, False), (-1.01, False)):
        outcome = again(record, accuracy=record.metrics.accuracy + share * allowed, **elsewhere)
        found = compare(record, outcome, RUNS, among=among)
        assert (found.how, found.agree) == ("seeds' spread", agree)
        assert found.number == "accuracy"
        assert found.allowance == pytest.approx(allowed)
        assert next(iter(elsewhere)) in found.why


def test_a_record_made_beside_others_is_compared_within_the_spread_of_seeds():
    # Those beside it then and now need not be the same, so that bits may differ.
    beside = [changed(run, together=3) for run in RUNS]
    found = compare(beside[2], again(beside[2]), RUNS)
    assert (found.how, found.agree) == ("seeds' spread", True)
    assert "3 runs together, perhaps of other seeds" in found.why


def test_what_was_made_alone_is_made_alone_again(tmp_path, monkeypatch):
    asked = []

    def swept(experiments, store, *, jobs, threads, together):
        asked.append((sorted(e.seed for e in experiments), threads, together))
        return iter([])

    monkeypatch.setattr("fflib.sweeps.retraining.sweep", swept)
    beside = [changed(run, together=2) for run in RUNS[:2]]
    list(retrain([*beside, *RUNS[2:4], changed(RUNS[4], threads=7)], Store(tmp_path)))
    threads = RUNS[2].provenance.circumstances.threads
    assert asked == [([2, 3], threads, 1), ([0, 1], threads, None), ([4], 7, 1)]


def test_a_record_does_not_widen_its_own_allowance():
    far = changed(RUNS[2], accuracy=0.2)
    outcome = again(RUNS[2], processor="another")
    assert not compare(far, outcome, [*RUNS[:2], far, *RUNS[3:]]).agree


def test_every_layer_counts():
    outcome = again(RUNS[0], hoyer=1e-3, processor="another")
    found = compare(RUNS[0], outcome, RUNS)  # these runs do not differ in their sparseness at all
    assert not found.agree
    assert "Hoyer, layer 3" in found.why


def test_silent_layers_agree():
    silent = [changed(run, hoyer=math.nan) for run in RUNS]
    assert compare(silent[0], again(silent[0], processor="another"), silent).agree
    assert not compare(RUNS[0], again(silent[0], processor="another"), RUNS).agree


def test_few_seeds_decide_nothing_but_held_out_classes_add_up():
    record, other = RUNS[:2]
    outcome = again(record, processor="another")
    found = compare(record, outcome, [record, other])
    assert (found.how, found.agree) == ("not decidable", None)
    held = [
        changed(synthetic.record("ff", hold_out=label), accuracy=0.9 + 0.001 * seed, seed=seed)
        for label in (1, 2, 3)
        for seed in (0, 1)
    ]
    assert [len(group) for group in relatives(held[0], held)] == [1, 2, 2]
    found = compare(held[0], again(held[0], processor="another"), held)
    assert (found.how, found.agree) == ("seeds' spread", True)
    assert all(
        run.experiment.hold_out is None for g in relatives(record, [*RUNS, *held]) for run in g
    )


def test_a_training_that_fails_disagrees():
    found = compare(RUNS[0], Outcome(RUNS[0].experiment, None, "it diverged"), RUNS)
    assert (found.how, found.agree) == ("not trained", False)
    assert "it diverged" in str(found)


def test_a_draw_has_both_kinds_of_model_and_depends_on_its_seed_alone():
    store = [synthetic.record(m, s) for m in ("bp-ff", "ff", "bp") for s in range(5)]
    for seed in range(20):
        models = {record.experiment.model for record in draw(store, 2, seed)}
        assert models == {"ff", "bp"}
    keys = [[r.experiment.key for r in draw(s, 4, 1)] for s in (store, store[::-1])]
    assert keys[0] == keys[1]
    assert len(set(keys[0])) == 4
    drawn = {r.experiment.key for seed in range(60) for r in draw(store, 3, seed)}
    assert drawn == {r.experiment.key for r in store}


def test_what_can_be_compared_is_drawn_first():
    alone = [synthetic.record(m, dataset="fashion-mnist") for m in ("ff", "bp")]
    several = [synthetic.record(m, s) for m in ("ff", "bp") for s in range(4)]
    for seed in range(10):
        assert not {r.experiment.key for r in draw([*alone, *several], 4, seed)} & {
            r.experiment.key for r in alone
        }
    assert len(draw([*alone, *several], 10)) == 10


def test_a_draw_needs_records():
    with pytest.raises(ExperimentError, match="cannot draw 3 records from a store of 0"):
        draw([], 3)
    with pytest.raises(ExperimentError, match="a draw must include bp"):
        draw(RUNS, 2)
    assert np.shape(draw(RUNS, 1)) == (1,)
