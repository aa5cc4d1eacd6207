"""Snapshots: when they are taken, that they disturb nothing, and that they lead to the same end."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import fflib
from fflib.records.obtain import record_of
from fflib.records.timeline import timeline
from fflib.training.snapshots import replay, schedule
from fflib.training.train import train_together

SMALL = {"dataset": "digits", "hidden": 48, "epochs": 5, "batch_size": 32}
FF = {"model": "ff", "theta": 1.0}  # a threshold that few units and epochs reach
WAYS = [
    FF,
    FF | {"negatives": "hard"},
    FF | {"order": "simultaneous"},
    {"model": "bp-ff", "theta": 1.0},
    {"model": "bp"},
    {"model": "local-bp"},
    {"model": "local-contrast"},
]


def train(**fields):
    return fflib.train(fflib.Experiment(**SMALL | fields), device="cpu", progress=False)


def same(one, other):
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


@given(steps=st.integers(1, 10**6), most=st.integers(2, 60))
def test_the_schedule_is_bounded_and_goes_from_the_first_step_to_the_last(steps, most):
    taken = schedule(steps, most)
    assert len(taken) <= most
    assert (taken[0], taken[-1]) == (0, steps)
    assert all(a < b for a, b in itertools.pairwise(taken))


@given(steps=st.integers(2, 10**6), most=st.integers(3, 60))
def test_the_schedule_is_dense_at_the_start_and_then_thins(steps, most):
    taken = schedule(steps, most)
    first = sum(2 * step <= steps for step in taken)
    assert 2 * first >= len(taken)
    # Rounding to whole steps may shorten a gap by one, and no more.
    gaps = np.diff(taken)
    assert (gaps[1:] >= gaps[:-1] - 1).all()


@given(steps=st.integers(1, 100))
def test_every_step_is_kept_where_there_is_room(steps):
    assert schedule(steps, steps + 1) == list(range(steps + 1))


def test_no_snapshots_and_a_single_one():
    assert schedule(10, 0) == []
    assert schedule(10, 1) == [0]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: "-".join(map(str, way.values())))
def test_training_is_the_same_bit_for_bit_and_the_last_snapshot_is_its_end(way):
    plain, watched = train(**way), train(**way, snapshots=5)
    assert same(plain.network, watched.network)
    unclocked = [[row | {"seconds": 0} for row in run.curve] for run in (plain, watched)]
    assert unclocked[0] == unclocked[1]
    assert plain.snapshots == []
    stages = watched.experiment.stages
    assert len(watched.snapshots) == 5 * stages
    *_, (snapshot, then) = replay(watched.network, watched.snapshots)
    assert snapshot is watched.snapshots[-1]
    assert same(then, watched.network)
    assert snapshot.seen == stages * SMALL["epochs"] * len(watched.data.train)


def test_the_first_snapshot_is_the_network_before_training():
    watched = train(model="bp", snapshots=3)
    again = train(model="bp", epochs=1, snapshots=3)
    (_, start), (_, other) = (next(replay(run.network, run.snapshots)) for run in (watched, again))
    assert same(start, other)
    assert not same(start, watched.network)


def test_layer_by_layer_a_snapshot_holds_only_the_layer_that_learns():
    run = train(model="local-bp", snapshots=4)
    held = [(s.layer, s.step == 0, sorted(s.changed)) for s in run.snapshots]
    # Hidden layers are 0, 1, 2 and their heads 3, 4, 5.
    assert held[0] == (0, True, [0, 1, 2, 3, 4, 5])
    for layer, at_the_start, changed in held[1:]:
        assert changed == ([] if at_the_start else [layer, layer + 3])


def test_snapshots_fit_into_the_memory_that_is_promised():
    run = train(**FF, snapshots=6)
    network = sum(p.nbytes for p in run.network.parameters())
    held = sum(t.nbytes for s in run.snapshots for pair in s.changed.values() for t in pair)
    assert held == 6 * network


def test_side_by_side_each_run_has_its_own():
    # A class that is held out leaves fewer images, and so fewer steps.
    experiments = [
        fflib.Experiment(**SMALL, model="bp", seed=seed, hold_out=held, snapshots=5)
        for seed, held in ((0, None), (1, 3), (2, None))
    ]
    plain = [e.model_copy(update={"snapshots": 0}) for e in experiments]
    together, without = (
        train_together(runs, device="cpu", progress=False) for runs in (experiments, plain)
    )
    for run, other in zip(together, without, strict=True):
        assert same(run.network, other.network)
        labels = run.data.train.labels
        kept = (
            int((labels != run.experiment.hold_out).sum())
            if run.experiment.hold_out
            else len(labels)
        )
        assert run.snapshots[-1].step == 5 * -(-kept // 32)
        assert run.snapshots[-1].seen == 5 * kept
        *_, (_, then) = replay(run.network, run.snapshots)
        assert same(then, run.network)


@pytest.fixture(scope="module")
def measured():
    run = train(**FF, snapshots=4)
    return run, *timeline(run)


def test_the_last_moment_is_the_trained_network(measured):
    run, rows, arrays = measured
    last = rows[-3:]
    assert [row["identity"] for row in last] == [1, 1, 1]
    assert [row["agreement"] for row in last] == [1, 1, 1]
    assert [row["alike"] for row in last] == [1, 1, 1]
    # Digits have fewer evaluation images than are measured at most, so that these are all.
    assert last[0]["accuracy"] == pytest.approx(run.accuracy)
    assert [row["alone"] for row in last] == pytest.approx(run.layer_accuracy)
    metrics = record_of(run).metrics
    assert [row["hoyer"] for row in last] == pytest.approx([h.hoyer for h in metrics.layers])
    assert [row["negative"] for row in last] == [h.negative_weights for h in metrics.layers]
    ensembles = record_of(run).arrays["ensembles/median-quantile"]
    np.testing.assert_array_equal(arrays["snapshots/ensembles"][-1], ensembles)


def test_layers_below_stand_still_while_one_learns(measured):
    _, rows, arrays = measured
    learns = np.array([row["learns"] for row in rows[::3]])
    packed = arrays["snapshots/ensembles"]
    for layer in (0, 1):
        later = packed[learns > layer + 1, layer]
        assert (later == packed[-1, layer]).all()
    assert [row["identity"] for row in rows if row["layer"] < row["learns"]] == [1] * 4 * 3


def test_a_record_keeps_the_timeline(measured):
    run, rows, arrays = measured
    record = record_of(run)
    assert record.metrics.timeline == rows
    for name, array in arrays.items():
        np.testing.assert_array_equal(record.arrays[name], array)
    assert "ensembles/kolmogorov-smirnov" not in record.arrays
    without = record_of(train(model="bp"))
    assert without.metrics.timeline is None
    assert not any(name.startswith("snapshots/") for name in without.arrays)
