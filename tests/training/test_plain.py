"""The trainers held against the algorithm in plain PyTorch, :mod:`fflib.training.plain`."""

import inspect

import pytest
import torch
from torch.optim.optimizer import register_optimizer_step_pre_hook

import fflib
from fflib.bench.baseline import Plain, train_plainly, untrained
from fflib.data import load, place_label, wrong_labels, wrong_pairs
from fflib.presets import MODELS, PROTOCOLS
from fflib.training import plain
from fflib.training.adam import Adam
from fflib.training.train import _streams

ONE_STEP = {"epochs": 1, "batch_size": 10_000}  # more images than there are


@pytest.fixture(scope="module")
def digits():
    return load("digits")


@pytest.fixture
def steps(monkeypatch):
    """The parameters and their gradients before every step of any optimiser."""
    monkeypatch.setattr("fflib.training.monitor.Monitor.require_learning", lambda *_: None)
    taken = []

    def note(parameters):
        taken.append([(p.detach().clone(), p.grad.clone()) for p in parameters])

    usual = Adam.step

    def step(optimiser):
        note(optimiser.parameters)
        usual(optimiser)

    monkeypatch.setattr(Adam, "step", step)
    handle = register_optimizer_step_pre_hook(
        lambda other, *_: note(other.param_groups[0]["params"])
    )
    yield taken
    handle.remove()


def examples(data, e):
    """Positive and negative examples with the wrong labels that an experiment draws."""
    pixels, labels, classes = data.pixels("train"), data.train.labels, len(data.classes)
    stream = torch.Generator().manual_seed(_streams(e.seed)[1])
    if e.negatives == "unpaired":
        places, wrong = wrong_pairs(labels, range(classes), stream)
    else:
        places, wrong = slice(None), wrong_labels(labels, range(classes), stream)
    shown = (pixels, labels), (pixels[places], wrong)
    return [plain.with_label(x, y, classes, data.lit) for x, y in shown]


def start(network, step):
    """Give a plain network the parameters that were there before a step."""
    with torch.no_grad():
        for parameter, (before, _) in zip(network.parameters(), step, strict=True):
            parameter.copy_(before)


def assert_same_step(step, expected, got, wanted):
    """Equal gradients, and equal parameters after the step.

    Gradients are sums over some thousand products of float32 numbers, which the two add up in
    different orders: they agree to 1e-5 of the largest one. The first step of Adam goes by the sign
    of a gradient alone, and so it is compared where the gradient is a hundred times that.
    """
    parts = zip(step, expected, got.parameters(), wanted.parameters(), strict=True)
    for (_, gradient), (_, reference), after, reference_after in parts:
        largest = float(reference.abs().max())
        assert largest > 0
        torch.testing.assert_close(gradient, reference, rtol=0, atol=1e-5 * largest)
        clear = reference.abs() > 1e-3 * largest
        torch.testing.assert_close(after[clear], reference_after[clear], rtol=0, atol=1e-6)


def one_step(model, protocol, **fields):
    small = {"dataset": "digits", "hidden": 48, "precision": "float32"} | ONE_STEP
    return fflib.Experiment(model=model, protocol=protocol, **small | fields)


@pytest.mark.parametrize("negatives", ["fixed", "unpaired"])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_step_of_every_layer_of_forward_forward_is_that_of_the_plain_one(
    protocol, negatives, steps, digits
):
    e = one_step("ff", protocol, negatives=negatives)
    trained = fflib.train(e, "cpu", progress=False).network.layers
    layers, (positive, negative) = untrained(e, digits), examples(digits, e)
    for layer, finished, step in zip(layers, trained, list(steps), strict=True):
        start(layer, step)
        plain.train_ff(
            [layer], positive, negative, e.theta, learning_rate=e.learning_rate, **ONE_STEP
        )
        assert_same_step(step, steps[-1], finished, layer)
        # What the next layer receives is no matter of this layer's rounding.
        layer.load_state_dict(finished.state_dict())
        with torch.no_grad():
            positive, negative = layer(positive), layer(negative)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    ("model", "fields"), [("bp-ff", {}), ("bp-ff", {"negatives": "unpaired"}), ("bp", {})]
)
def test_a_step_of_back_propagation_is_that_of_the_plain_one(
    model, fields, protocol, steps, digits
):
    e = one_step(model, protocol, **fields)
    network = fflib.train(e, "cpu", progress=False).network
    training = ONE_STEP | {"learning_rate": e.learning_rate}
    reference = untrained(e, digits)
    if model == "bp":
        start(reference, steps[0])
        plain.train_bp(reference, digits.pixels("train"), digits.train.labels, **training)
    else:
        reference = torch.nn.ModuleList(reference)
        start(reference, steps[0])
        plain.train_bp_ff(reference, *examples(digits, e), e.theta, **training)
    step, expected = steps
    assert_same_step(step, expected, network, reference)


def test_a_step_with_a_penalty_on_activity_is_that_of_autograd(steps, digits):
    e = one_step("bp", "relu-l2", l1=0.01)
    run = fflib.train(e, "cpu", progress=False)
    reference = untrained(e, digits)
    start(reference, steps[0])

    def loss(x, labels):
        penalty = 0
        for part in reference:
            x = part(x)
            if isinstance(part, torch.nn.ReLU):
                penalty = penalty + x.abs().sum(1).mean()
        return torch.nn.functional.cross_entropy(x, labels) + e.l1 * penalty

    pixels, labels = digits.pixels("train"), digits.train.labels
    with torch.no_grad():
        assert run.curve[0]["loss"] == pytest.approx(float(loss(pixels, labels)), rel=1e-5)
    training = ONE_STEP | {"learning_rate": e.learning_rate}
    plain.descend(loss, reference, pixels, labels, **training)
    assert_same_step(*steps, run.network, reference)


@pytest.mark.parametrize("model", MODELS)
def test_steps_are_taken_with_the_epsilon_and_the_weight_decay_of_the_experiment(model, steps):
    e = one_step(model, "relu-l2", epsilon=1e-3, weight_decay=0.5, layers=1)
    after = fflib.train(e, "cpu", progress=False).network.parameters()
    for (before, gradient), trained in zip(steps[0], after, strict=True):
        before.grad = gradient
        decay = e.weight_decay if before.dim() > 1 else 0.0
        settings = {"lr": e.learning_rate, "eps": e.epsilon, "weight_decay": decay}
        torch.optim.AdamW([before], **settings, fused=True).step()
        assert torch.equal(trained, before)


def test_layers_are_trained_one_after_the_other_on_finished_ones(digits):
    e = one_step("ff", "relu-l2")
    pairs = examples(digits, e)
    training = ONE_STEP | {"learning_rate": e.learning_rate}
    torch.manual_seed(0)
    layers = untrained(e, digits)
    lonely = plain.Layer(digits.inputs, e.hidden)
    lonely.load_state_dict(layers[0].state_dict())
    torch.manual_seed(1)
    plain.train_ff(layers, *pairs, e.theta, **training)
    torch.manual_seed(1)
    plain.train_ff([lonely], *pairs, e.theta, **training)
    assert torch.equal(layers[0].weight, lonely.weight)


def test_labels_are_written_as_the_data_write_them(digits):
    pixels, labels = digits.pixels("test"), digits.test.labels
    expected = place_label(pixels, labels, 10, digits.lit)
    assert torch.equal(plain.with_label(pixels, labels, 10, digits.lit), expected)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("model", MODELS)
def test_equal_weights_give_equal_answers(model, protocol, digits):
    e = fflib.Experiment(
        model=model, dataset="digits", protocol=protocol, hidden=200, epochs=8, precision="float32"
    )
    run = fflib.train(e, "cpu", progress=False)
    network = untrained(e, digits)
    parts = network if model == "bp" else torch.nn.ModuleList(network)
    with torch.no_grad():
        for ours, theirs in zip(parts.parameters(), run.network.parameters(), strict=True):
            ours.copy_(theirs)
    pixels = digits.pixels("test")
    same = Plain(network, digits).predict(pixels) == run.network.predict(pixels)
    assert same.double().mean() > 0.99  # rounding decides between labels that are equally good


@pytest.mark.training
@pytest.mark.parametrize("model", MODELS)
def test_both_reach_the_same_accuracy_on_digits(model, digits):
    e = fflib.Experiment(
        model=model, dataset="digits", schedule="constant", hidden=200, precision="float32"
    )
    run = fflib.train(e, "cpu", progress=False)
    reference = train_plainly(e, digits)
    right = reference.predict(digits.pixels("test")) == digits.test.labels
    accuracy = float(right.double().mean())
    # Other initial weights, negatives and orders: as far apart as two seeds, which differ by up to
    # 0.03 on these 360 images. One answer that is off is 0.003 of them.
    assert accuracy == pytest.approx(run.accuracy, abs=0.06)
    assert accuracy > 0.8


def test_the_algorithm_fits_on_two_screens_and_needs_nothing_but_torch():
    source = inspect.getsource(plain)
    assert len(source.splitlines()) <= 120
    imported = [
        line.split()[1].split(".")[0]
        for line in source.splitlines()
        if line.startswith(("import ", "from "))
    ]
    assert set(imported) <= {"collections", "torch", "typing"}
