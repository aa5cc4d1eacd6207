"""Training: what learns, what must not, and that it is the same every time."""

import math
import time
from functools import partial

import pytest
import torch

import fflib
from fflib.data import wrong_labels
from fflib.errors import ExperimentError, TrainingError
from fflib.measures import sparsity
from fflib.networks.dense import Network
from fflib.presets import CONTROLS, MODELS
from fflib.records.obtain import record_of
from fflib.records.stores import Store
from fflib.training import device, gradients
from fflib.training.device import Replay, product_format, product_rate, resolve_device
from fflib.training.session import Session
from fflib.training.train import _initial, _streams, train_together

ALL = (*MODELS, *CONTROLS)


def experiment(model="ff", **fields):
    """Small and quick; a threshold of 1 is reached within few steps.

    Products are in float32, the format of what the tests compare with, on processors that multiply
    faster in bfloat16, too.
    """
    small = {"model": model, "dataset": "digits", "hidden": 48, "epochs": 4, "precision": "float32"}
    theta = {"theta": 1.0} if model in ("ff", "bp-ff") else {}
    return fflib.Experiment(**small | theta | fields)


def train(model="ff", **fields):
    return fflib.train(experiment(model, **fields), device="cpu", progress=False)


def same(a, b):
    return all(
        torch.equal(x, y)
        for x, y in zip(
            a.network.state_dict().values(), b.network.state_dict().values(), strict=True
        )
    )


@pytest.mark.parametrize("negatives", ["fixed", "hard"])
def test_training_is_the_same_whether_or_not_silent_units_are_left_out(negatives, monkeypatch):
    left_out = []
    usual = gradients.HiddenPairs.without_silent

    def counted(pairs, active, examples):
        fewer = usual(pairs, active, examples)
        left_out.append(pairs.below.shape[-1] - fewer.below.shape[-1])
        return fewer

    monkeypatch.setattr(gradients.HiddenPairs, "without_silent", counted)
    monkeypatch.setattr(gradients, "COPIES", 1)
    sparse = {"hidden": 100, "epochs": 10, "theta": 2.0, "negatives": negatives}
    fewer = train(**sparse)
    assert left_out[0] > 10  # otherwise nothing is tested
    monkeypatch.setattr(gradients, "COPIES", math.inf)
    every = train(**sparse)
    for (name, one), other in zip(
        fewer.network.state_dict().items(), every.network.state_dict().values(), strict=True
    ):
        # The sums are equal but for terms of zero, which may fall into other partial sums.
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4, msg=name)


@pytest.fixture(scope="module")
def trained():
    """FF and BP as published but narrower, on digits, which show what the large sets show."""
    narrow = {"dataset": "digits", "hidden": 256, "precision": "float32"}
    return {
        model: fflib.train(fflib.Experiment(model=model, **narrow), progress=False)
        for model in ("ff", "bp")
    }


def test_forward_forward_learns_digits(trained):
    # Measured 0.908 to 0.944 with three seeds: two of that range below their mean.
    assert trained["ff"].accuracy > 0.86
    assert len(trained["ff"].layer_accuracy) == 3


def test_back_propagation_learns_digits(trained):
    assert trained["bp"].accuracy > 0.92


def test_forward_forward_is_the_sparser_of_the_two(trained):
    first = {m: sparsity.mean_hoyer(run.activations().values[0]) for m, run in trained.items()}
    assert first["ff"] > first["bp"] + 0.2


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        ("bp", {}),
        ("local-bp", {}),
        ("local-bp", {"norm": "l2"}),
        ("local-contrast", {}),
        ("ff", {"order": "simultaneous"}),
        ("ff", {"signs": "dale", "layers": 1}),
    ]
    + [
        (model, {"negatives": kind})
        for model in ("ff", "bp-ff")
        for kind in ("fixed", "resampled", "hard", "unpaired")
    ],
)
def test_same_seed_same_weights_bit_for_bit(model, fields):
    assert same(train(model, **fields), train(model, **fields))


def test_another_seed_gives_other_weights():
    assert not same(train(seed=0), train(seed=1))


def test_training_leaves_the_global_random_state_alone():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    train("bp", epochs=1)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_gradient_of_a_layer_never_reaches_the_one_below():
    # Training a third layer on top must leave the two below exactly as they were.
    two, three = train(layers=2), train(layers=3)
    for shallow, deep in zip(two.network.layers[:2], three.network.layers[:2], strict=True):
        assert torch.equal(shallow.weight, deep.weight)
        assert torch.equal(shallow.bias, deep.bias)


def test_the_gradient_of_back_propagated_goodness_does():
    two, three = train("bp-ff", layers=2), train("bp-ff", layers=3)
    assert not torch.equal(two.network.layers[0].weight, three.network.layers[0].weight)


def test_a_forward_forward_layer_takes_the_step_that_autograd_and_adam_would(monkeypatch):
    monkeypatch.setattr("fflib.training.monitor.Monitor.require_learning", lambda *_: None)
    run = train(layers=1, epochs=1, batch_size=10_000, schedule="constant", hidden=8)
    e, data = run.experiment, run.data
    weights, negatives, _ = _streams(e.seed)
    torch.manual_seed(weights)
    network = Network(data.inputs, e.hidden, 1, 10, goodness="l2", norm="l2", lit=data.lit)
    optimiser = torch.optim.Adam(network.parameters(), lr=e.learning_rate)
    labels = data.train.labels
    wrong = wrong_labels(labels, range(10), torch.Generator().manual_seed(negatives))
    pixels = data.pixels("train")
    good, bad = (network(network.with_label(pixels, y))[0].norm(dim=1) for y in (labels, wrong))
    softplus = torch.nn.functional.softplus
    torch.cat([softplus(e.theta - good), softplus(bad - e.theta)]).mean().backward()
    optimiser.step()
    # Adam divides by the root of a squared gradient: where that is tiny, rounding shows.
    torch.testing.assert_close(
        run.network.layers[0].weight, network.layers[0].weight, rtol=1e-3, atol=1e-4
    )


def test_the_curve_has_a_row_for_every_epoch_of_every_layer():
    run = train(epochs=3)
    assert [(row["layer"], row["epoch"]) for row in run.curve] == [
        (layer, epoch) for layer in range(3) for epoch in (1, 2, 3)
    ]
    assert run.seconds == run.curve[-1]["seconds"] > 0
    last = run.curve[-1]
    assert last["positive"] > last["negative"]
    assert 0.5 < last["ordered"] <= 1
    assert last["accuracy"] == pytest.approx(run.accuracy)


@pytest.mark.parametrize("model", ALL)
def test_a_held_out_class_takes_no_part(model):
    run = train(model, hold_out=3, epochs=4)
    _, labels = run.images("train")
    assert 3 not in labels
    assert 3 not in run.network.predict(run.data.pixels("test"))
    unseen = run.activations(unseen=True)
    assert set(unseen.labels.tolist()) == {3}
    assert 3 not in run.activations().labels


def test_the_weights_of_a_label_that_is_never_lit_stay_as_they_began():
    brief, long = train(hold_out=3, epochs=3, layers=1), train(hold_out=3, epochs=6, layers=1)
    first, later = (run.network.layers[0].weight[:, :10] for run in (brief, long))
    unmoved = [label for label in range(10) if torch.equal(first[:, label], later[:, label])]
    assert unmoved == [3]


def test_unseen_images_may_carry_their_own_label_none_or_the_best_of_the_seen():
    run = train(hold_out=3, epochs=4)
    shown = {
        carried: run.activations(unseen=True, carried=carried).values[0]
        for carried in ("true", "none", "predicted")
    }
    pixels, labels = run.images("test", unseen=True)
    best = run.network.predict(pixels)
    torch.testing.assert_close(shown["predicted"], run.network.activations(pixels, best)[0])
    torch.testing.assert_close(shown["true"], run.network.activations(pixels, labels)[0])
    assert not torch.equal(shown["none"], shown["true"])


def test_correct_only_keeps_the_correct_ones():
    run = train(epochs=4)
    kept, everything = run.activations(), run.activations(correct_only=False)
    assert len(everything.labels) == len(run.data.test)
    assert len(kept.labels) == round(run.accuracy * len(everything.labels))


def test_validation_runs_never_see_the_validation_images_in_training():
    run = train("bp", evaluate_on="validation", epochs=1)
    assert len(run.activations("validation", correct_only=False).labels) == 239
    assert len(run.images("fit")[0]) == 1437 - 239


def test_hard_negatives_are_never_true(monkeypatch):
    drawn = []
    original = Session.wrong

    def spy(self, depth):
        wrong = original(self, depth)
        drawn.append((wrong != self.labels).all().item())
        return wrong

    monkeypatch.setattr(Session, "wrong", spy)
    train(negatives="hard", epochs=3)
    assert len(drawn) == 1 + 3 * 2
    assert all(drawn)


@pytest.mark.parametrize("fields", [{}, {"model": "local-contrast"}, {"order": "simultaneous"}])
def test_unpaired_negatives_are_drawn_once_from_all_wrong_labels_of_seen_images(
    fields, monkeypatch
):
    drawn = []
    original = Session.wrong

    def spy(self, depth):
        drawn.append(original(self, depth))
        return drawn[-1]

    monkeypatch.setattr(Session, "wrong", spy)
    monkeypatch.setattr("fflib.training.monitor.Monitor.require_learning", lambda *_: None)
    run = train(negatives="unpaired", hold_out=3, epochs=2, **fields)
    (((wrong, places),),) = drawn
    labels = run.data.train.labels
    seen = labels != 3
    wrong, images = wrong[seen], labels[places[seen]]
    assert 3 not in wrong
    assert 3 not in images
    assert (wrong != images).all()
    # Of nine classes, an image has eight wrong labels: each is left out with a chance of 7/8.
    assert len(places[seen].unique()) / len(wrong) == pytest.approx(1 - (7 / 8) ** 8, abs=0.04)


def test_a_penalty_on_activity_makes_it_sparser():
    free, penalised = (train("bp", l1=l1, epochs=8, learning_rate=0.003) for l1 in (0.0, 0.001))
    assert penalised.accuracy > 0.9
    # Measured 0.77, 0.54 and 0.48 with it; 0.49, 0.42 and 0.42 without.
    for h, usual in zip(penalised.activations().values, free.activations().values, strict=True):
        assert sparsity.mean_hoyer(h) > sparsity.mean_hoyer(usual)


UNTRAINED = [(model, {}) for model in ALL]
UNTRAINED += [("ff", {"hold_out": 3}), ("bp", {"protocol": "sigmoid-linf"})]
UNTRAINED += [
    (model, {"architecture": "conv", "hidden": 12, "layers": 2, "theta": None} | fields)
    for model, fields in (("bp", {}), ("bp-ff", {"scope": "class"}), ("ff", {"loss": "symmetric"}))
]


@pytest.mark.parametrize(("model", "fields"), UNTRAINED)
def test_without_epochs_a_network_stays_as_it_began_and_is_measured_like_any_other(
    model, fields, tmp_path
):
    e = experiment(model, epochs=0, **fields)
    run = fflib.train(e, device="cpu", progress=False)
    begun = _initial(e, run.data, _streams(e.seed)[0])
    for (name, trained), initial in zip(
        run.network.state_dict().items(), begun.state_dict().values(), strict=True
    ):
        assert torch.equal(trained, initial), name
    assert (run.curve, run.snapshots, run.seconds) == ([], [], 0)
    store = Store(tmp_path)
    store.save(record_of(run))
    record = store.load(e)
    assert record.curve == []
    assert record.metrics.accuracy == run.accuracy
    assert record.metrics.images > record.metrics.correct > 0


def test_nothing_can_be_watched_of_a_training_without_epochs():
    with pytest.raises(
        ExperimentError, match="snapshots are taken in training, got 4 with epochs 0"
    ):
        experiment(epochs=0, snapshots=4)


@pytest.mark.parametrize("model", ALL)
def test_runs_side_by_side_are_the_runs_one_by_one(model):
    # Held-out classes differ in their number of images, so that batches fall apart at the end.
    calm = {"batch_size": 100}  # small batches of this tiny network magnify every rounding
    experiments = [
        experiment(model, seed=seed, hold_out=held_out, **({} if model == "ff" else calm))
        for seed, held_out in ((0, None), (1, 3), (0, 8))
    ]
    together = train_together(experiments, device="cpu", progress=False)
    for one, e in zip(together, experiments, strict=True):
        alone = fflib.train(e, device="cpu", progress=False)
        assert one.circumstances.together == 3
        assert [row["epoch"] for row in one.curve] == [row["epoch"] for row in alone.curve]
        for ours, theirs in zip(one.network.weights, alone.network.weights, strict=True):
            # Equal up to the order in which a product sums, which training magnifies; a
            # weight travels 0.05 in these steps.
            if model not in CONTROLS:
                torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-3)
            # Where a gradient is nothing but rounding, Adam's steps are as large as elsewhere: a
            # few weights of the controls may part.
            assert float((ours - theirs).abs().mean()) < 1e-4


def test_weights_of_runs_trained_together_are_their_own_afterwards():
    one, other = train_together([experiment(seed=s) for s in (0, 1)], "cpu", progress=False)
    before = other.network.weights[0].clone()
    with torch.no_grad():
        one.network.layers[0].weight.zero_()
    assert torch.equal(other.network.weights[0], before)


def test_experiments_trained_together_share_all_but_seed_and_held_out_class():
    with pytest.raises(ExperimentError, match=r"theta 1\.0 and 2\.0"):
        train_together([experiment(), experiment(theta=2.0)], progress=False)
    with pytest.raises(ExperimentError, match="got none"):
        train_together([])


def test_a_failing_run_does_not_stop_the_others(monkeypatch):
    from fflib.training import train as training

    initial = training._initial

    def spoilt(e, data, seed):
        network = initial(e, data, seed)
        if e.seed == 1:
            with torch.no_grad():
                network.layers[0].bias.fill_(float("nan"))
        return network

    monkeypatch.setattr(training, "_initial", spoilt)
    good, bad = train_together([experiment(seed=s) for s in (0, 1)], "cpu", progress=False)
    assert isinstance(bad, TrainingError)
    assert "is nan" in str(bad)
    assert good.accuracy == pytest.approx(train().accuracy, abs=0.1)


def test_a_loss_of_nan_is_reported_with_what_to_change():
    with pytest.raises(TrainingError, match=r"loss of .* is nan.*learning_rate"):
        train("bp", learning_rate=1e30, epochs=3, activation="gelu")


def test_a_dead_layer_is_reported_with_what_to_change():
    with pytest.raises(TrainingError, match=r"layer 1 .*learning_rate"):
        train(learning_rate=1e-9, epochs=1, theta=30.0)


def test_a_held_out_class_beyond_the_data_is_refused():
    with pytest.raises(ExperimentError, match="got 10"):
        experiment(hold_out=10)


def test_devices_are_chosen_or_named():
    assert resolve_device("cpu") == torch.device("cpu")
    assert resolve_device("auto").type in ("cpu", "cuda", "mps")
    with pytest.raises(ExperimentError, match="unknown device 'gpu'"):
        resolve_device("gpu")


@pytest.mark.parametrize(
    ("model", "fields", "stages"),
    [("bp", {}, 1), ("local-bp", {}, 3), ("local-contrast", {}, 3)]
    + [(m, {"negatives": n}, s) for m, s in (("ff", 3), ("bp-ff", 1)) for n in ("fixed", "hard")],
)
def test_a_step_that_is_recorded_once_is_the_step_of_every_epoch(
    model, fields, stages, monkeypatch
):
    expected, kept = train(model, **fields), []

    def record(step):
        kept.append(step)
        return step

    monkeypatch.setattr(gradients, "COPIES", math.inf)  # a card computes silent units, too
    monkeypatch.setattr("fflib.training.trainers.Replay", partial(Replay, record=record))
    assert same(expected, train(model, **fields))
    assert len(kept) == 2 * stages  # the last batch of an epoch has a length of its own


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")
@pytest.mark.parametrize(
    ("model", "fields"),
    [(model, {}) for model in ALL]
    + [
        ("ff", fields)
        for fields in (
            {"negatives": "hard"},
            {"negatives": "unpaired"},
            {"order": "simultaneous"},
            {"signs": "dale", "layers": 1},
            {"hold_out": 3},
            {"snapshots": 3},
            {"probe": "attribution"},
        )
    ]
    + [
        (model, {"architecture": "conv", "hidden": 12, "layers": 2, "theta": None} | fields)
        for model, fields in (("bp", {}), ("ff", {"scope": "class"}))
    ],
)
def test_a_gpu_gives_what_the_cpu_gives(model, fields):
    e = experiment(model, **fields)
    here, there = train(model, **fields), fflib.train(e, "cuda", progress=False)
    # Sums in another order differ in the last digits, and training magnifies them.
    assert there.accuracy == pytest.approx(here.accuracy, abs=0.05)
    ours, theirs = record_of(here).metrics, record_of(there).metrics
    for one, other in zip(ours.layers, theirs.layers, strict=True):
        assert other.hoyer == pytest.approx(one.hoyer, abs=0.05)
    for found in ("unseen", "timeline", "probe", "readout"):
        assert (getattr(theirs, found) is None) == (getattr(ours, found) is None)


@pytest.mark.parametrize("model", ALL)
def test_mixed_precision_is_another_rounding_of_the_same_training(model, monkeypatch):
    monkeypatch.setattr("fflib.training.monitor.Monitor.require_learning", lambda *_: None)
    one_step = {"epochs": 1, "batch_size": 10_000}
    full, mixed = train(model, **one_step), train(model, precision="mixed", **one_step)
    assert not same(full, mixed)
    assert mixed.circumstances.precision == "bfloat16 products"
    # A bfloat16 number is right to one part in 256.
    assert mixed.curve[0]["loss"] == pytest.approx(full.curve[0]["loss"], rel=1 / 256)


# GFLOP/s in float32 and bfloat16: a processor with such products, one with a matrix unit, one with
# neither; two formats that are alike but for noise; a device that does not know bfloat16.
RATES = [(162, 403, True), (218, 955, True), (311, 170, False), (100, 110, False), (100, 0, False)]


@pytest.mark.parametrize(("full", "half", "faster"), RATES)
def test_products_take_the_format_that_is_asked_for_or_that_is_measured_to_be_faster(
    full, half, faster, monkeypatch
):
    cpu, measured = torch.device("cpu"), []

    def rate(products, where, seconds):
        measured.append(products)
        return {torch.float32: full, torch.bfloat16: half}[products]

    monkeypatch.setattr(device, "product_rate", rate)
    device._fastest_format.cache_clear()
    assert product_format("float32", cpu) == torch.float32
    assert product_format("mixed", cpu) == torch.bfloat16
    assert measured == []
    for _ in range(3):
        assert product_format("auto", cpu) == (torch.bfloat16 if faster else torch.float32)
    assert measured == [torch.float32, torch.bfloat16]  # once in a process
    device._fastest_format.cache_clear()


def test_the_product_rate_is_that_of_a_product():
    cpu = torch.device("cpu")
    assert product_rate(torch.float32, cpu, seconds=0.05) > 1e8  # a pocket calculator's is lower
    assert product_rate(torch.bool, cpu, seconds=0.05) == 0  # a format without products


def test_the_faster_format_is_soon_known():
    device._fastest_format.cache_clear()
    started = time.perf_counter()
    product_format("auto", torch.device("cpu"))
    assert time.perf_counter() - started < 1
