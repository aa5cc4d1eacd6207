"""Checkpoints: an interrupted training ends with the very bits of one that was not."""

import pytest
import torch

from fflib.errors import TrainingError
from fflib.experiment import Experiment
from fflib.sweeps.checkpoints import Checkpoints
from fflib.training.monitor import Monitor
from fflib.training.train import train_together

SMALL = {
    "dataset": "digits",
    "hidden": 32,
    "layers": 2,
    "epochs": 3,
    "theta": 0.5,
    "batch_size": 64,
    "learning_rate": 0.01,
}
PLAIN = {key: value for key, value in SMALL.items() if key != "theta"}
KINDS = {
    "fixed": SMALL,
    "resampled": SMALL | {"negatives": "resampled"},
    "hard": SMALL | {"negatives": "hard"},
    "unpaired": SMALL | {"negatives": "unpaired"},
    "constant": SMALL | {"schedule": "constant"},
    "dale": SMALL | {"signs": "dale"},
    "simultaneous": SMALL | {"order": "simultaneous", "negatives": "resampled"},
    "bp-ff": SMALL | {"model": "bp-ff", "negatives": "resampled"},
    "bp": PLAIN | {"model": "bp"},
    "local-bp": PLAIN | {"model": "local-bp"},
    "local-contrast": PLAIN | {"model": "local-contrast"},
}


class Interrupted(Exception):  # noqa: N818
    """Stands for whatever ends a process."""


def finish(experiments, path=None, *, stop_after=None):
    """Train; with the epochs that were reported."""
    reported = []

    def report(done, epochs):
        if done - 1 == stop_after:  # its checkpoint has been written
            raise Interrupted
        reported.append(done)

    keeper = path and Checkpoints(path, 0, report)
    return train_together(experiments, "cpu", progress=False, keeper=keeper), reported


def same(run, other):
    weights, others = run.network.state_dict(), other.network.state_dict()
    assert weights.keys() == others.keys()
    for name, value in weights.items():
        assert torch.equal(value, others[name]), name
    for row, again in zip(run.curve, other.curve, strict=True):
        assert {**row, "seconds": 0} == {**again, "seconds": 0}


@pytest.mark.parametrize("kind", KINDS)
def test_an_interrupted_training_ends_bit_for_bit_as_an_undisturbed_one(
    kind, tmp_path, monkeypatch
):
    monkeypatch.setattr(Monitor, "require_learning", lambda *_: None)  # as below
    experiments = [Experiment(**KINDS[kind], seed=seed) for seed in (0, 1)]
    whole, _ = finish(experiments)
    last = 3 * experiments[0].stages
    for stop in range(1, last):
        path = tmp_path / str(stop)
        with pytest.raises(Interrupted):
            finish(experiments, path, stop_after=stop)
        runs, reported = finish(experiments, path)
        assert reported == list(range(stop + 1, last + 1))  # it did go on, and did not begin again
        for run, other in zip(runs, whole, strict=True):
            same(run, other)


CONVOLUTIONS = {
    "by class": {"model": "ff", "scope": "class"},
    "labels": {"model": "ff", "label": "learned", "negatives": "resampled", "peer": 0.1},
    "bp": {"model": "bp"},
    "projection": {
        **{"scope": "projection", "block": 2, "augment": "crop-flip-jitter"},
        **{"averaging": 0.9, "warm_up": 2, "weight_decay": 0.1},
    },
}


@pytest.mark.parametrize("runs", [1, 2])
@pytest.mark.parametrize("kind", CONVOLUTIONS)
def test_so_do_interrupted_convolutional_networks(kind, runs, tmp_path, monkeypatch):
    # Three epochs teach few of them enough to pass for learning, which is not in question here.
    monkeypatch.setattr(Monitor, "require_learning", lambda *_: None)
    usual = {"dataset": "digits", "architecture": "conv", "hidden": 10, "layers": 2, "epochs": 3}
    experiments = [
        Experiment(**usual, batch_size=256, **CONVOLUTIONS[kind], seed=seed) for seed in range(runs)
    ]
    whole, _ = finish(experiments)
    with pytest.raises(Interrupted):
        finish(experiments, tmp_path / "state", stop_after=1)
    resumed, reported = finish(experiments, tmp_path / "state")
    assert reported == [2, 3]
    for run, other in zip(resumed, whole, strict=True):
        same(run, other)


def test_a_training_with_snapshots_keeps_no_checkpoint(tmp_path):
    experiment = Experiment(**PLAIN, model="bp", snapshots=3)
    finish([experiment], tmp_path / "state")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_run_beside_another_stays_failed(tmp_path):
    # One of two runs loses its way at once: its loss is not a number, whatever its weights are.
    experiments = [Experiment(**PLAIN, model="bp", seed=seed) for seed in (0, 1)]
    path = tmp_path / "state"

    class Failing(Checkpoints):
        def epoch_ended(self, session, depth, epoch, optimiser):
            session.monitor.failures.setdefault(1, TrainingError("lost"))
            super().epoch_ended(session, depth, epoch, optimiser)

    def stop(done, epochs):
        if done == 2:
            raise Interrupted

    with pytest.raises(Interrupted):
        train_together(experiments, "cpu", progress=False, keeper=Failing(path, 0, stop))
    (_, failed), reported = finish(experiments, path)
    assert str(failed) == "lost"
    assert reported == [2, 3]


@pytest.mark.parametrize("fault", ["cut", "flipped", "empty", "of another"])
def test_a_checkpoint_that_does_not_fit_is_ignored(fault, tmp_path):
    wanted = Experiment(**SMALL)
    path = tmp_path / "state"
    made = Experiment(**SMALL, seed=5) if fault == "of another" else wanted
    with pytest.raises(Interrupted):
        finish([made], path, stop_after=1)
    content = bytearray(path.read_bytes())
    match fault:
        case "cut":
            del content[-1]
        case "flipped":
            content[-1] ^= 1
        case "empty":
            content.clear()
    path.write_bytes(content)
    (run,), reported = finish([wanted], path)
    assert reported[0] == 1
    (whole,), _ = finish([wanted])
    same(run, whole)


@pytest.mark.parametrize(
    ("name", "first", "later"),
    [
        ("torch.get_num_threads", 1, 99),
        # What "auto" is measured to be.
        ("fflib.training.train.product_format", torch.float32, torch.bfloat16),
    ],
)
def test_another_number_of_threads_or_format_begins_again(
    name, first, later, tmp_path, monkeypatch
):
    path = tmp_path / "state"
    monkeypatch.setattr(name, lambda *_: first)
    with pytest.raises(Interrupted):
        finish([Experiment(**SMALL)], path, stop_after=1)
    monkeypatch.setattr(name, lambda *_: later)
    assert finish([Experiment(**SMALL)], path)[1][0] == 1


def test_short_trainings_leave_no_checkpoint_and_a_full_disk_stops_none(tmp_path, monkeypatch):
    path = tmp_path / "state"
    keeper = Checkpoints(path, 3600)
    train_together([Experiment(**SMALL)], "cpu", progress=False, keeper=keeper)
    assert not path.exists()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    (run,), reported = finish([Experiment(**SMALL)], path)
    assert not isinstance(run, TrainingError)
    assert reported[-1] == 6
    assert list(tmp_path.iterdir()) == []
