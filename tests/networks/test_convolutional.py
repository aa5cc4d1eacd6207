"""Convolutional networks: labels, goodness by scope, local losses, and the ways to train them."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fflib.data import load
from fflib.errors import ExperimentError
from fflib.experiment import Circumstances, Experiment
from fflib.goodness import ff_loss
from fflib.networks.convolutional import ConvNetwork, sizes
from fflib.networks.label_codes import LabelCodes
from fflib.records.obtain import record_of
from fflib.records.probes import _views
from fflib.training.convolutional import descend, peer_penalty, symmetric_loss
from fflib.training.run import Run
from fflib.training.train import train, train_together

SHAPE = (3, 8, 8)
PIXELS = torch.randn(6, 192, generator=torch.Generator().manual_seed(0))
LABELS = torch.tensor([0, 1, 2, 2, 1, 0])


def network(**options):
    torch.manual_seed(1)
    options = {"goodness": "mean-square", "norm": "l2", "label": "planes"} | options
    return ConvNetwork(SHAPE, 6, 3, classes=3, **options)


def small(**fields):
    usual = {"dataset": "digits", "architecture": "conv", "hidden": 20, "layers": 2, "epochs": 2}
    return Experiment(**usual | fields)


@pytest.mark.parametrize("code", ["border", "planes", "wave", "learned"])
def test_labels_differ_only_in_what_stands_for_them(code):
    codes = LabelCodes(code, 3, SHAPE, lit=2.0)
    first, second, none = (codes(PIXELS, torch.full((6,), label)) for label in (0, 1, -1))
    assert first.shape == (6, codes.channels, 8, 8)
    assert not torch.equal(first, second)
    images = PIXELS.unflatten(1, SHAPE)
    torch.testing.assert_close(none[:, :3, 1:], images[:, :, 1:])  # below the border
    if code == "wave":
        torch.testing.assert_close((first - none)[0], (first - none)[5])
    if code == "planes":
        assert first[:, 3].eq(2).all()
        assert first[:, 4:].eq(0).all()
    assert (code == "learned") == any(True for _ in codes.parameters())


@pytest.mark.parametrize("scope", ["layer", "location", "channel", "class"])
def test_goodness_by_scope_equals_a_loop_over_its_places(scope):
    maps = torch.rand(4, 6, 2, 2)
    found = network(scope=scope, symmetric=False).goodness_of(maps)
    square = maps.square()
    naive = {
        "layer": lambda: [square.mean((1, 2, 3))],
        "location": lambda: [square[:, :, i, j].mean(1) for i in range(2) for j in range(2)],
        "channel": lambda: [square[:, c].mean((1, 2)) for c in range(6)],
        "class": lambda: [4 * square[:, 2 * c : 2 * c + 2].mean((1, 2, 3)) for c in range(3)],
    }[scope]()
    torch.testing.assert_close(found, torch.stack(naive, 1))


def test_a_projection_mixes_the_goodness_of_channels_by_fixed_weights():
    own, same = (network(scope="projection", norm=None) for _ in "12")
    assert torch.equal(own.projection, same.projection)  # by the seed
    assert own.projection.shape == (6, 3)
    assert not any(p is own.projection for p in own.parameters())
    maps = torch.rand(4, 6, 2, 2)
    naive = [
        [
            sum(4 * maps[i, c].square().mean() * own.projection[c, label] for c in range(6))
            for label in range(3)
        ]
        for i in range(4)
    ]
    torch.testing.assert_close(own.goodness_of(maps), torch.tensor(naive))


def test_a_projection_predicts_in_one_pass_whatever_the_label(monkeypatch):
    own, passes = network(scope="projection"), []
    forward = own.forward
    monkeypatch.setattr(own, "forward", lambda x: passes.append(len(x)) or forward(x))
    assert own.layer_scores(PIXELS).shape == (6, 3, 3)
    assert passes == [6]
    first, second = (own.activations(PIXELS, labels)[0] for labels in (LABELS, 2 - LABELS))
    assert torch.equal(first, second)


def test_of_a_block_the_last_layer_alone_has_a_say():
    torch.manual_seed(0)
    options = {"goodness": "mean-square", "scope": "projection"}
    own = ConvNetwork(SHAPE, 6, 4, classes=3, block=2, **options)
    scores = own.layer_scores(PIXELS)
    assert scores.shape == (6, 4, 3)
    expected = scores[:, [1, 3]].softmax(-1).sum(1)
    torch.testing.assert_close(own.label_scores(PIXELS), expected)
    assert own.predict(PIXELS).tolist() == expected.argmax(1).tolist()


@given(st.integers(1, 70), st.integers(1, 70), st.integers(1, 9), st.integers(1, 4))
def test_maps_shrink_by_halves_and_never_below_the_smallest(height, width, layers, pooling):
    found = sizes((height, width), layers, pooling)
    assert len(found) == layers + 1
    for depth, (below, above) in enumerate(pairwise(found)):
        pools = depth % pooling == 0 and below[0] > 4
        assert above == ((below[0] // 2, below[1] // 2) if pools else below)


@pytest.mark.parametrize("pooling", [1, 2, 3])
def test_maps_have_the_sizes_that_are_said(pooling):
    own = ConvNetwork((1, 28, 28), 2, 4, classes=2, pooling=pooling)
    maps = own(torch.rand(2, 1, 28, 28))
    assert [tuple(h.shape[2:]) for h in maps] == own.sizes[1:]
    assert own.layer_scores(torch.rand(2, 784)).shape == (2, 1, 2)  # the head fits


def test_channels_beyond_a_multiple_of_the_classes_belong_to_none():
    maps = torch.rand(2, 7, 2, 2)
    own = ConvNetwork(SHAPE, 7, 1, classes=3, goodness="l1", scope="class")
    changed = maps.clone()
    changed[:, 6] = 9
    torch.testing.assert_close(own.goodness_of(maps), own.goodness_of(changed))


@pytest.mark.parametrize("norm", ["l2", "layer", "batch"])
def test_a_normalised_input_has_the_promised_moments(norm):
    x = 3 + 2 * torch.randn(50, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    y = network(norm=norm, scope="class").layer_input(x, 0)
    if norm == "batch":
        torch.testing.assert_close(y.mean((0, 2, 3)), torch.zeros(3), atol=1e-5, rtol=0)
        torch.testing.assert_close(y.var((0, 2, 3)), torch.ones(3), atol=1e-3, rtol=0)
    else:
        mean = 0 if norm == "layer" else None
        torch.testing.assert_close(y.square().mean((1, 2, 3)), torch.ones(50), atol=1e-4, rtol=0)
        if mean is not None:
            torch.testing.assert_close(y.mean((1, 2, 3)), torch.zeros(50), atol=1e-5, rtol=0)


def test_an_activation_may_come_after_pooling():
    """Maxima are taken of pre-activations, since a rising activation keeps their order."""
    own = network(norm=None, scope="class")
    x = PIXELS.unflatten(1, SHAPE)
    z = torch.nn.functional.conv2d(x, own.layers[0].weight, own.layers[0].bias, padding=1)
    torch.testing.assert_close(own(x)[0], torch.nn.functional.max_pool2d(z.relu(), 2))


def test_silent_channels_add_nothing_and_the_others_stay():
    own = network(scope="class", norm=None)
    silent = torch.zeros(3, 6, dtype=torch.bool)
    silent[0, 2] = True
    quiet = own.silenced(silent)
    before, after = own.activations(PIXELS, LABELS), quiet.activations(PIXELS, LABELS)
    assert after[0][:, 2].eq(0).all()
    torch.testing.assert_close(after[0][:, [0, 1, 3, 4, 5]], before[0][:, [0, 1, 3, 4, 5]])
    assert own.silent is None


def test_other_weights_leave_the_network_as_it_was():
    own = network(scope="class")
    other = own.with_weights([-w for w in own.weights])
    for before, after in zip(own.weights, other.weights, strict=True):
        torch.testing.assert_close(after, -before)
    same = own.with_weights(own.weights)
    torch.testing.assert_close(same.layer_scores(PIXELS), own.layer_scores(PIXELS))


def test_scores_are_the_goodness_under_every_label():
    own = network()
    scores = own.layer_scores(PIXELS)
    for label in range(3):
        maps = own(own.with_label(PIXELS, torch.full((6,), label)))
        expected = torch.stack([h.square().mean((1, 2, 3)) for h in maps], 1)
        torch.testing.assert_close(scores[..., label], expected)
    assert own.predict(PIXELS).tolist() == scores.softmax(-1).sum(1).argmax(1).tolist()


def test_evaluation_does_not_depend_on_the_batch_and_leaves_training_on():
    own = network(norm="batch")
    whole = own.layer_scores(PIXELS)
    torch.testing.assert_close(whole[:1], own.layer_scores(PIXELS[:1]))
    assert own.training


def losses(own):
    maps = own(own.with_label(torch.cat([PIXELS, PIXELS]), torch.cat([LABELS, (LABELS + 1) % 3])))
    return [ff_loss(*own.goodness_of(h).flatten().chunk(2), 1.0) for h in maps]


@pytest.mark.parametrize("reach", [1, 2, 3])
@pytest.mark.parametrize("label", ["planes", "learned"])
def test_a_loss_reaches_as_many_layers_as_it_should(reach, label):
    own = network(label=label)
    descend(own, losses(own), reach)
    for depth, learned in enumerate(own.parameters_by_layer):
        reaching = range(depth, min(depth + reach, 3))
        expected = [torch.zeros_like(p) for p in learned]
        for above in reaching:
            found = torch.autograd.grad(losses(own)[above], learned)
            expected = [e + f for e, f in zip(expected, found, strict=True)]
        for parameter, gradient in zip(learned, expected, strict=True):
            torch.testing.assert_close(parameter.grad, gradient)
            # The fused optimiser walks through both in the order of memory.
            assert parameter.grad.stride() == parameter.stride()


@given(st.floats(-5, 5), st.floats(-5, 5), st.floats(-3, 3))
def test_the_symmetric_loss_knows_differences_only(positive, negative, shift):
    pair = torch.tensor([positive]), torch.tensor([negative])
    moved = torch.tensor([positive + shift]), torch.tensor([negative + shift])
    torch.testing.assert_close(symmetric_loss(*pair), symmetric_loss(*moved), atol=1e-5, rtol=1e-5)
    same = torch.tensor([positive])
    assert float(symmetric_loss(same, same)) == pytest.approx(0.6931, abs=1e-4)


def test_peers_that_are_equally_active_cost_nothing_and_a_winner_the_most():
    maps = torch.zeros(2, 4, 3, 3)
    maps[:, 0] = 1
    assert float(peer_penalty(torch.full((2, 4, 3, 3), 0.7))) == pytest.approx(0, abs=1e-12)
    assert float(peer_penalty(maps)) == pytest.approx(3)  # (3² + 3 · 1) / 4
    torch.testing.assert_close(peer_penalty(maps), peer_penalty(5 * maps))


VARIANTS = {
    "by class": {"scope": "class"},
    "border": {},
    "planes, location": {"label": "planes", "scope": "location"},
    "wave, symmetric": {"label": "wave", "loss": "symmetric"},
    "learned, reach": {"label": "learned", "reach": 2},
    "hard, peers": {"negatives": "hard", "peer": 0.1, "label": "planes"},
    "projection": {"scope": "projection", "augment": "crop-flip-jitter"},
    "block": {"scope": "projection", "block": 2, "averaging": 0.9, "pooling": 2},
    "BP/FF": {"model": "bp-ff", "scope": "class"},
    "BP/FF, projection": {"model": "bp-ff", "scope": "projection"},
    "BP, same recipe": {"model": "bp", "norm": "batch", "augment": "crop-flip", "averaging": 0.9},
    "BP": {"model": "bp"},
}


@pytest.mark.parametrize("fields", VARIANTS.values(), ids=VARIANTS)
def test_every_variant_takes_steps_and_is_repeatable(fields, monkeypatch):
    from fflib.training.monitor import Monitor

    # Two epochs teach few of them enough to pass for learning, which is not in question here.
    monkeypatch.setattr(Monitor, "require_learning", lambda *_: None)
    one, again = (train(small(epochs=1, batch_size=256, **fields), progress=False) for _ in "12")
    assert one.accuracy == again.accuracy
    for a, b in zip(one.network.parameters(), again.network.parameters(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("model", ["ff", "bp-ff", "bp"])
def test_a_convolutional_network_learns_the_digits_and_is_measured_like_any_other(model):
    # Six times what guessing gets; single runs reach 0.8 and more.
    scope = {} if model == "bp" else {"scope": "class"}
    run = train(
        small(model=model, epochs=8, batch_size=32, learning_rate=0.01, **scope), progress=False
    )
    assert run.accuracy > 0.6
    record = record_of(run)
    assert record.metrics.readout is not None
    assert len(record.metrics.layers) == 2
    assert record.arrays["mean"].shape == (2, 10, 20)
    assert record.metrics.layers[1].links is not None


def test_runs_side_by_side_are_those_trained_alone():
    recipe = {"norm": "batch", "augment": "crop-flip-jitter", "averaging": 0.9}
    experiments = [small(model="bp", epochs=1, seed=seed, **recipe) for seed in (0, 1)]
    together = train_together(experiments, progress=False)
    for e, run in zip(experiments, together, strict=True):
        alone = train(e, progress=False).network.state_dict()
        for name, value in run.network.state_dict().items():
            assert torch.equal(value, alone[name]), name


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"architecture": "dense", "label": "wave"}, "label is for architecture 'conv'"),
        ({"architecture": "dense", "reach": 2}, "reach is for architecture 'conv'"),
        ({"norm": "linf"}, "unknown norm 'linf'"),
        ({"model": "local-bp"}, "architecture 'conv' is for ff, bp-ff, bp"),
        ({"signs": "dale"}, "signs is for architecture 'dense'"),
        ({"snapshots": 3}, "snapshots is for architecture 'dense'"),
        ({"order": "sequential"}, "learn at once"),
        ({"model": "bp", "scope": "class"}, "scope has no meaning for model 'bp'"),
        ({"scope": "class", "theta": 1.0}, "theta has no meaning"),
        ({"scope": "class", "negatives": "hard"}, "negatives has no meaning"),
        ({"loss": "symmetric", "theta": 1.0}, "theta has no meaning"),
        ({"theta": None}, "theta is needed"),
        ({"reach": 0}, "reach: input should be greater than or equal to 1"),
    ],
)
def test_fields_that_do_not_fit_are_told(fields, said):
    with pytest.raises(ExperimentError, match=said):
        small(**fields)


def test_fields_of_the_architecture_leave_earlier_addresses_as_they_were():
    dumped = Experiment().model_dump(exclude_defaults=True)
    assert not {"architecture", "label", "scope", "loss", "peer", "reach"} & set(dumped)
    conv = Experiment(architecture="conv").model_dump(exclude_defaults=True)
    assert not {"block", "pooling", "augment", "warm_up", "averaging"} & set(conv)


@pytest.mark.parametrize("label", ["planes", "learned"])
def test_the_dimension_of_images_with_a_label_is_measured(label):
    e = Experiment(dataset="digits", architecture="conv", hidden=2, layers=1, label=label)
    data, where = load("digits"), Circumstances("cpu", "", 1, "float32", 1.0)
    net = ConvNetwork(data.shape, 2, 1, classes=10, goodness="mean-square", label=label)
    run = Run(e, net, data, where)
    views = _views(run, *(x[:5] for x in run.images("test")))
    shapes = {h.shape for view, layer, h in views if layer == 0}
    assert shapes == {(5, 784 * net.codes.channels)}


def test_goodness_by_class_needs_a_channel_for_every_class():
    few = small(scope="class", hidden=9)
    with pytest.raises(ExperimentError, match="hidden must be at least 10 for digits, got 9"):
        train(few, progress=False)
