"""Training layer by layer without a goodness, all layers in one step, and weights with a rule."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import fflib
from fflib.data import place_label, wrong_labels
from fflib.errors import ExperimentError
from fflib.networks.dense import Network
from fflib.training.stack import StackedLayer
from fflib.training.train import _streams

# In float32 on every processor: where one multiplies bfloat16 in units of its own, the default is that.
SMALL = {"dataset": "digits", "hidden": 48, "epochs": 4, "precision": "float32"}
ONE_STEP = SMALL | {"epochs": 1, "batch_size": 10_000, "schedule": "constant"}


def train(model, fields=SMALL, **more):
    return fflib.train(fflib.Experiment(model=model, **fields | more), "cpu", progress=False)


@pytest.fixture
def no_alarm(monkeypatch):
    """One step teaches little."""
    monkeypatch.setattr("fflib.training.monitor.Monitor.require_learning", lambda *_: None)


def untrained(run, **options):
    """The network as it was before training."""
    e = run.experiment
    torch.manual_seed(_streams(e.seed)[0])
    classes = len(run.data.classes)
    return Network(run.data.inputs, e.hidden, e.layers, classes, lit=run.data.lit, **options)


def assert_same_step(run, network):
    for got, expected in zip(run.network.weights, network.weights, strict=True):
        # Adam divides by the root of a squared gradient: where that is tiny, rounding shows.
        torch.testing.assert_close(got, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("norm", [None, "l2"])
def test_local_backprop_takes_the_steps_of_one_classifier_a_layer(norm):
    run = train("local-bp", ONE_STEP, norm=norm)
    network = untrained(run, heads="every", norm=norm)
    x, labels = run.data.pixels("train"), run.data.train.labels
    for layer, head in zip(network.layers, network.heads, strict=True):
        optimiser = torch.optim.Adam(
            [*layer.parameters(), *head.parameters()], lr=run.experiment.learning_rate
        )
        x = network.layer_input(x)
        F.cross_entropy(head(torch.relu(layer(x))), labels).backward()
        optimiser.step()
        x = torch.relu(layer(x)).detach()
    assert_same_step(run, network)


def test_local_contrast_takes_the_steps_of_one_logistic_unit_a_layer(no_alarm):
    run = train("local-contrast", ONE_STEP, layers=2)
    network = untrained(run, heads="every", labelled=True, norm="l2")
    pixels, labels = run.data.pixels("train"), run.data.train.labels
    negatives = torch.Generator().manual_seed(_streams(run.experiment.seed)[1])
    wrong = wrong_labels(labels, range(10), negatives)
    x = torch.cat([place_label(pixels, y, 10, run.data.lit) for y in (labels, wrong)])
    right = torch.cat([torch.ones(len(labels)), torch.zeros(len(labels))])
    for layer, head in zip(network.layers, network.heads, strict=True):
        optimiser = torch.optim.Adam(
            [*layer.parameters(), *head.parameters()], lr=run.experiment.learning_rate
        )
        x = network.layer_input(x)
        score = head(torch.relu(layer(x))).squeeze(-1)
        F.binary_cross_entropy_with_logits(score, right).backward()
        optimiser.step()
        x = torch.relu(layer(x)).detach()
    assert_same_step(run, network)


@pytest.mark.parametrize("model", ["local-bp", "local-contrast"])
def test_controls_learn_with_every_layer(model):
    run = train(model, SMALL, epochs=40, learning_rate=0.01)
    # Measured 0.98 (local-bp) and 0.91 (local-contrast); seeds differ by 0.01.
    assert run.accuracy > 0.85
    assert len(run.layer_accuracy) == 3
    assert min(run.layer_accuracy) > 0.8


@pytest.mark.parametrize("model", ["local-bp", "local-contrast"])
def test_controls_are_trained_one_layer_after_the_other(model, no_alarm):
    rows = [(row["layer"], row["epoch"]) for row in train(model).curve]
    assert rows == [(layer, epoch) for layer in range(3) for epoch in (1, 2, 3, 4)]


def test_simultaneous_training_takes_the_first_step_of_each_layer_on_untrained_ones(no_alarm):
    run = train("ff", ONE_STEP, order="simultaneous", theta=1.0)
    network = untrained(run, goodness="l2", norm="l2")
    pixels, labels = run.data.pixels("train"), run.data.train.labels
    negatives = torch.Generator().manual_seed(_streams(run.experiment.seed)[1])
    wrong = wrong_labels(labels, range(10), negatives)
    optimiser = torch.optim.Adam(network.parameters(), lr=run.experiment.learning_rate)
    x = torch.cat([place_label(pixels, y, 10, run.data.lit) for y in (labels, wrong)])
    for layer in network.layers:
        h = torch.relu(layer(network.layer_input(x)))
        good, bad = h.norm(dim=1).chunk(2)
        torch.cat([F.softplus(1 - good), F.softplus(bad - 1)]).mean().backward()
        x = h.detach()
    optimiser.step()
    assert_same_step(run, network)
    assert [row["layer"] for row in run.curve] == [None]


@pytest.mark.parametrize("negatives", ["fixed", "resampled", "hard"])
def test_a_first_layer_learns_simultaneously_with_others(negatives):
    run = train("ff", order="simultaneous", negatives=negatives, theta=1.0, epochs=20)
    # It hears nothing of the layers above; measured 0.73 to 0.86, chance is 0.1. These chase a
    # moving target and may learn nothing in so short a time.
    assert run.layer_accuracy[0] > 0.6


@pytest.mark.parametrize("model", ["bp", "bp-ff", "local-bp"])
def test_only_layers_with_a_loss_of_their_own_can_learn_simultaneously(model):
    with pytest.raises(ExperimentError, match="'ff' and 'local-contrast'"):
        fflib.Experiment(model=model, order="simultaneous")


@pytest.mark.parametrize("model", ["ff", "bp-ff", "bp", "local-bp"])
def test_positive_weights_stay_positive(model, no_alarm):
    run = train(model, signs="positive")
    assert all((w >= 0).all() for w in run.network.weights)
    assert all((w > 0).any() for w in run.network.weights)


@pytest.mark.parametrize("model", ["ff", "bp"])
def test_under_dale_every_unit_keeps_to_one_sign(model, no_alarm):
    run = train(model, signs="dale")
    pixels, *hidden = run.network.weights
    assert (pixels < 0).any()
    assert ((pixels > 0).any(0) & (pixels < 0).any(0)).any()
    for weight in hidden:
        excites, inhibits = (weight > 0).any(0), (weight < 0).any(0)
        assert not (excites & inhibits).any()
        # Of 48 fair coins, 10 to 38 show heads with a chance of more than 0.9999.
        assert 10 <= int(excites.sum()) <= 38


def test_signs_are_where_the_weights_are():
    # A step that a CUDA device records must fetch nothing from the CPU.
    layer = StackedLayer([nn.Linear(4, 3, device="meta")], [torch.ones(4)])
    assert layer.signs.device == layer.weight.device == torch.device("meta")
    layer.keep_signs()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"model": "local-bp", "theta": 2.0}, "theta has no meaning for model 'local-bp'"),
        ({"model": "local-contrast", "goodness": "l2"}, "goodness has no meaning"),
        ({"model": "local-contrast", "negatives": None}, "negatives is needed"),
        ({"signs": "negative"}, "signs"),
    ],
)
def test_what_a_control_has_no_use_for_is_refused(fields, message):
    with pytest.raises(ExperimentError, match=message):
        fflib.Experiment(**fields)


def test_new_fields_leave_the_keys_of_older_experiments_alone():
    assert fflib.Experiment(order="sequential", signs="free", probe=None) == fflib.Experiment()
    assert fflib.Experiment().key == "a3ddf1275590f179"  # of a published record
