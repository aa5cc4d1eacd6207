"""Runs trained side by side by a sweep: one record each, whoever fails, dies or shares the store."""

import threading
import time
from dataclasses import replace

import faults
import numpy as np
import pytest
import torch
from faults import experiments, leftovers
from hypothesis import given
from hypothesis import strategies as st

from fflib.data import load
from fflib.errors import ExperimentError, TrainingError
from fflib.experiment import Experiment
from fflib.records.stores import Store
from fflib.sweeps import groups, worker
from fflib.sweeps.checkpoints import Checkpoints
from fflib.sweeps.groups import balanced, fit, grouped, memory
from fflib.sweeps.identity import identity
from fflib.sweeps.reservations import Reservations
from fflib.sweeps.sweep import sweep
from fflib.sweeps.worker import Request, work
from fflib.training.train import train_together

TINY = {"epochs": 2, "hidden": 8, "layers": 1}


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


@pytest.fixture
def ask(store):
    """Make the request for some runs, whose worker is this process."""

    def ask(runs, checkpoint=300.0):
        return Request(
            experiment=runs[0].model_dump(mode="json"),
            runs=[e.model_dump(include={"seed", "hold_out"}) for e in runs],
            store=str(store.folder),
            mark=mark,
            identity=identity(),
            data=load("digits").checksums,
            threads=None,
            checkpoint=checkpoint,
            sharing=1,
        )

    with Reservations(store).sweep() as mark:
        yield ask


def states(request):
    return [answer["state"] for answer in work(request)]


@pytest.fixture
def trained(monkeypatch):
    """The seeds of every group that is trained, in order."""
    seen = []

    def watched(runs, *args, **options):
        seen.append([e.seed for e in runs])
        return train_together(runs, *args, **options)

    monkeypatch.setattr(worker, "train_together", watched)
    return seen


# Which runs


def test_runs_that_differ_in_seed_and_held_out_class_are_grouped():
    free = [Experiment(dataset="digits", seed=s, hold_out=h) for s in (0, 1) for h in (None, 3)]
    faster = [e.model_copy(update={"learning_rate": 0.5}) for e in free[:2]]
    conv = [Experiment(dataset="digits", architecture="conv", seed=s) for s in (0, 1)]
    mixed = [conv[0], free[0], faster[0], *free[1:], conv[1], faster[1]]
    assert grouped(mixed, 9) == [[conv[0]], free, faster, [conv[1]]]
    assert grouped(mixed, 1) == [[e] for e in mixed]


@given(runs=st.integers(0, 40), most=st.integers(1, 50))
def test_parts_are_few_and_of_nearly_equal_length(runs, most):
    parts = balanced(range(runs), most)
    assert [run for part in parts for run in part] == list(range(runs))
    assert len(parts) == -(-runs // most)
    assert all(0 < len(part) <= most for part in parts)


def test_the_memory_of_a_run_by_hand():
    e = Experiment(dataset="digits", hidden=100, layers=2, negatives="fixed", batch_size=2000)
    shared, each = memory(e, load("digits"), torch.bfloat16)
    assert shared == 1437 * 784 * (4 + 2)
    weights = (784 * 100 + 100 + 100 * 100 + 100) + 2 * (100 + 1) * 10
    inputs = 2 * 1437 * 100 * 2
    labels = 2 * 1437 * 10 * (8 + 2)
    batch = 2 * 2 * 2000 * (784 * 2 + 8 * 4 * 100)
    assert each == weights * (4 + 4 + 8 + 2) + inputs + labels + batch
    again = e.model_copy(update={"negatives": "resampled"})
    assert memory(again, load("digits"), torch.bfloat16)[1] == each
    unpaired = e.model_copy(update={"negatives": "unpaired"})
    assert memory(unpaired, load("digits"), torch.bfloat16)[1] == each + 2 * 1437 * 784 * 2


def test_as_many_runs_as_there_is_memory_for(monkeypatch):
    e = Experiment(dataset="digits")
    monkeypatch.setattr(groups, "resolve_device", lambda name: torch.device("cpu"))
    assert fit(e, load("digits"), 1) is None  # there the sweep decides
    monkeypatch.setattr(groups, "resolve_device", lambda name: torch.device("cuda"))
    monkeypatch.setattr(groups, "memory", lambda *_: (100, 70))
    monkeypatch.setattr(groups, "product_format", lambda *_: torch.bfloat16)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (1000, 1500))
    # .8 of 1000 that are free; of 750 for each of two workers; of 15 for each of 100.
    assert [fit(e, load("digits"), workers) for workers in (1, 2, 100)] == [10, 7, 1]


# One record each


def test_runs_side_by_side_leave_the_records_of_runs_alone(ask, store, trained, tmp_path):
    runs = [*experiments(2, **TINY), *experiments(1, hold_out=3, **TINY)]
    assert states(ask(runs)) == ["recorded"] * 3
    assert trained == [[0, 1, 0]]
    assert [path.suffix for path in leftovers(store)] == ["", ".sweep"]  # .working, and the mark
    for e in runs[1:]:
        made = store.load(e)
        alone = worker.train_and_measure(e, Checkpoints(tmp_path / "state", 300.0))
        assert made.provenance.circumstances.together == 3
        assert replace(made.provenance.circumstances, seconds=0, together=1) == replace(
            alone.provenance.circumstances, seconds=0
        )
        # Sums are rounded in another order, which two epochs of 1437 images make little of.
        assert made.metrics.accuracy == pytest.approx(alone.metrics.accuracy, abs=2 / 360)
        np.testing.assert_allclose(made.arrays["mean"], alone.arrays["mean"], atol=1e-2)


def test_what_is_done_or_under_way_is_left_out(ask, store, trained):
    recorded, failed, busy, *rest = runs = experiments(5, **TINY)
    states(ask([recorded]))
    store.save_failure(failed, "no luck")
    with Reservations(store).reserve(busy):
        assert states(ask(runs)) == ["recorded", "failed", "busy", "recorded", "recorded"]
    assert trained == [[e.seed for e in rest]]
    assert states(ask(runs)) == ["recorded", "failed", "recorded", "recorded", "recorded"]


def test_a_run_that_fails_stops_none_of_the_others(ask, store, monkeypatch):
    def unlucky(runs, *args, **options):
        made = train_together(runs, *args, **options)
        return [
            TrainingError("lost") if e.seed == 1 else r for e, r in zip(runs, made, strict=True)
        ]

    monkeypatch.setattr(worker, "train_together", unlucky)
    runs = experiments(3, **TINY)
    assert states(ask(runs)) == ["recorded", "failed", "recorded"]
    assert store.failures() == {runs[1]: "lost"}


def test_a_run_that_cannot_be_measured_stops_none_of_the_others(ask, store, monkeypatch):
    record_of = worker.record_of

    def unlucky(run):
        if run.experiment.seed == 0:
            raise MemoryError
        return record_of(run)

    monkeypatch.setattr(worker, "record_of", unlucky)
    assert states(ask(experiments(2, **TINY))) == ["aborted", "recorded"]
    assert store.failures() == {}


def test_a_group_without_memory_is_halved_down_to_one(ask, store, trained, monkeypatch):
    watched = worker.train_together

    def short(runs, *args, **options):
        if len(runs) > 2:
            trained.append([e.seed for e in runs])
            raise torch.OutOfMemoryError
        return watched(runs, *args, **options)

    monkeypatch.setattr(worker, "train_together", short)
    runs = experiments(5, **TINY)
    assert states(ask(runs)) == ["recorded"] * 5
    assert trained == [[0, 1, 2, 3, 4], [0, 1, 2], [0, 1], [3, 4]]  # and 2 alone
    together = [store.load(e).provenance.circumstances.together for e in runs]
    assert together == [2, 2, 1, 2, 2]


def test_what_is_wrong_with_one_run_is_noted_of_it_alone(ask, store, monkeypatch):
    for name, train in (("train_together", train_together), ("train", worker.train)):

        def unfit(runs, *args, train=train, **options):
            if 1 in [e.seed for e in (runs if isinstance(runs, list) else [runs])]:
                raise ExperimentError("it does not fit the data")
            return train(runs, *args, **options)

        monkeypatch.setattr(worker, name, unfit)
    runs = experiments(3, **TINY)
    assert states(ask(runs)) == ["recorded", "failed", "recorded"]
    assert store.failures() == {runs[1]: "it does not fit the data"}


# Interrupted


class Dead(BaseException):
    """Stands for whatever ends a process."""


@pytest.fixture
def reported(monkeypatch):
    """Epochs that trainings report; at the third report the process ends."""
    reported = []

    def kept(path, seconds, report=None):
        def report(done, epochs):
            reported.append(done)
            if len(reported) == 3:
                raise Dead

        return Checkpoints(path, seconds, report)

    monkeypatch.setattr(worker, "Checkpoints", kept)
    return reported


def test_an_interrupted_group_goes_on_and_another_one_begins_again(ask, store, reported):
    runs = experiments(3, **TINY | {"epochs": 4})
    request = ask(runs, checkpoint=0.0)
    with pytest.raises(Dead):
        work(request)
    (checkpoint,) = Reservations(store).folder.glob("*.checkpoint")
    assert checkpoint.name.startswith(f"{runs[0].key}-")
    assert states(ask(runs[:2], checkpoint=300.0)) == ["recorded"] * 2  # another composition
    assert reported == [1, 2, 3, 1, 2, 3, 4]
    assert not checkpoint.exists()  # its first run will not be asked for again


def test_an_interrupted_group_ends_as_an_undisturbed_one(ask, store, reported):
    runs = experiments(3, **TINY | {"epochs": 4})
    with pytest.raises(Dead):
        work(ask(runs, checkpoint=0.0))
    assert states(ask(runs, checkpoint=0.0)) == ["recorded"] * 3
    assert reported == [1, 2, 3, 3, 4]  # the third had not been written yet
    assert not list(Reservations(store).folder.glob("*.checkpoint"))
    for e, run in zip(runs, train_together(runs, progress=False), strict=True):
        assert faults.content(store.load(e)) == faults.content(worker.record_of(run))


def test_two_groups_never_share_a_checkpoint(store):
    one, two, three = experiments(3, **TINY)
    reservations = Reservations(store)
    asked = [(one,), (one, two), (one, three), (one, two, three), (two, one)]
    assert len({reservations.checkpoint(*runs) for runs in asked}) == len(asked)


# Sweeps


def test_two_grouped_sweeps_share_the_work(ask, store, monkeypatch):
    runs = experiments(6, **TINY)
    begun, done = [], []

    def slow(group, *args, **options):
        begun.extend(group)
        time.sleep(0.2)
        return train_together(group, *args, **options)

    # What a client finds reserved by the other may leave it a single run, which is trained alone.
    def alone(experiment, *args, train=worker.train, **options):
        begun.append(experiment)
        return train(experiment, *args, **options)

    monkeypatch.setattr(worker, "train_together", slow)
    monkeypatch.setattr(worker, "train", alone)
    monkeypatch.setattr(worker.torch, "set_num_threads", lambda n: None)

    def client(order):
        while "busy" in (answers := states(ask(order))):
            time.sleep(0.05)
        done.append(answers)

    clients = [threading.Thread(target=client, args=(order,)) for order in (runs, runs[::-1])]
    for one in clients:
        one.start()
    for one in clients:
        one.join()
    assert done == [["recorded"] * 6] * 2
    assert sorted(e.seed for e in begun) == list(range(6))


def test_progress_is_that_of_every_run(monkeypatch):
    heard = []

    class Listening:
        def log_event(self, topic, progress):
            heard.append((progress["run"], progress["done"], progress["epochs"]))

    monkeypatch.setattr(worker, "REPORT_EVERY", 0)
    runs = experiments(2, **TINY)
    worker._reporter(Listening(), runs)(1, 2)
    assert heard == [(str(e), 1, 2) for e in runs]


@pytest.mark.cluster
def test_a_sweep_whose_worker_is_killed_while_it_trains_a_group(store):
    import psutil

    runs = experiments(3, **TINY | {"epochs": 40})
    checkpoints = Reservations(store).folder

    def kill():
        faults.until(lambda: any(checkpoints.glob("*.checkpoint")))
        for child in psutil.Process().children(recursive=True):
            if child.children() == [] and "spawn" in " ".join(child.cmdline()):
                child.kill()

    killer = threading.Thread(target=kill)
    killer.start()
    outcomes = list(sweep(runs, store, jobs=1, threads=1, together=3, checkpoint=0.02))
    killer.join()
    assert {o.experiment for o in outcomes if o.record} == set(runs)
    assert {o.record.provenance.circumstances.together for o in outcomes} == {3}
    assert leftovers(store) == []
