"""Activations and predictions, against naive versions of them."""

import pytest
import torch

from fflib.data import place_label
from fflib.goodness import GOODNESS, NORMS
from fflib.networks.base import examples_at_once
from fflib.networks.dense import NO_LABEL, Network
from fflib.training.gradients import HiddenPairs, ImagePairs
from fflib.training.stack import StackedLayer

ALONE = slice(0, 1)  # one run by itself


def network(goodness="l2", norm="l2", seed=0, **options):
    torch.manual_seed(seed)
    return Network(16, 12, 3, classes=4, goodness=goodness, norm=norm, lit=2.5, **options)


def pixels(n=23, seed=1):
    return torch.randn(n, 16, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("goodness", GOODNESS)
@pytest.mark.parametrize("norm", [*NORMS, None])
def test_prediction_equals_trying_ten_labels_one_by_one(goodness, norm):
    net, x = network(goodness, norm), pixels()
    by_label = []
    for label in range(4):
        hidden = net(place_label(x, torch.full((len(x),), label), 4, 2.5))
        by_label.append(torch.stack([net.goodness.value(h) for h in hidden]))
    naive = torch.stack(by_label, -1)  # layer, image, label
    torch.testing.assert_close(net.layer_scores(x), naive.transpose(0, 1))
    expected = naive.softmax(-1).sum(0).argmax(-1)
    assert torch.equal(net.predict(x), expected)


def test_images_are_streamed_without_changing_a_result(monkeypatch):
    net, x = network(), pixels(50)
    labels = torch.arange(50) % 4
    whole = net.layer_scores(x), net.activations(x, labels)
    monkeypatch.setattr("fflib.networks.base.CHUNK", 7)
    torch.testing.assert_close(net.layer_scores(x), whole[0])
    torch.testing.assert_close(net.activations(x, labels), whole[1])


@pytest.mark.parametrize("products", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"seen": [0, 2, 3]},
        {"goodness": None, "labelled": True, "heads": "every"},
        {"goodness": None, "norm": None},
        {"goodness": None, "norm": None, "heads": "every"},
    ],
    ids=["ff", "ff-hold-out", "local-contrast", "bp", "local-bp"],
)
def test_silencing_again_and_again_predicts_as_silencing_once(options, products, monkeypatch):
    monkeypatch.setattr("fflib.networks.base.CHUNK", 28)
    net, x = network(**options), pixels(40)
    net.products = products
    for layer in net.layers:  # so that what a unit does counts for more than biases
        layer.weight.data *= 10
    predict = net.without(x, net.layer_scores(x))
    rng = torch.Generator().manual_seed(2)
    different = 0
    # Layers in another order than up, several at once, none, and a layer as a whole.
    for layers in ([2], [1], [0], [1, 2], [2], [0, 2], [], [1], [0, 1, 2]):
        units = torch.zeros(3, 12, dtype=torch.bool)
        units[layers] = torch.rand(len(layers), 12, generator=rng) < 0.7
        expected = net.silenced(units).predict(x)
        assert torch.equal(predict(units), expected)
        different += int((expected != net.predict(x)).sum())
    assert different > 0


def test_only_the_layers_above_a_silenced_one_are_computed_again(monkeypatch):
    net, x = network(), pixels(40)
    predict = net.without(x, net.layer_scores(x))
    units = torch.zeros(3, 12, dtype=torch.bool)
    units[1, :5] = True
    first = predict(units)
    monkeypatch.setattr(Network, "_first", None)
    net.layers[1].weight.data.fill_(torch.nan)
    assert torch.equal(predict(units), first)


def test_a_card_computes_as_many_examples_at_once_as_half_its_free_memory_holds(monkeypatch):
    for name, value in {"memory_reserved": 3 << 20, "memory_allocated": 1 << 20}.items():
        monkeypatch.setattr(torch.cuda, name, lambda device, value=value: value)
    for free, expected in ((1 << 40, 65536), (78 << 20, 20480), (0, 1000)):
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device, free=free: (free, 1 << 40))
        assert examples_at_once(torch.device("cuda"), 512) == expected
    assert examples_at_once(torch.device("cpu"), 512) == 1000
    assert network().at_once == 250


def test_only_labels_seen_in_training_are_predicted():
    net = network(seen=[0, 2, 3])
    assert set(net.predict(pixels(200)).tolist()) <= {0, 2, 3}
    plain = network(goodness=None, norm=None, seen=[0, 2, 3])
    assert set(plain.predict(pixels(200)).tolist()) <= {0, 2, 3}


def test_depth_uses_the_first_layers_only():
    net, x = network(), pixels()
    torch.testing.assert_close(net.layer_scores(x, depth=2), net.layer_scores(x)[:, :2])


def test_a_plain_network_sees_no_label():
    net, x = network(goodness=None, norm=None), pixels()
    dark = net.activations(x, torch.full((len(x),), NO_LABEL))
    torch.testing.assert_close(net.activations(x, torch.zeros(len(x)).long()), dark)


def test_activations_are_those_of_a_stack_written_out():
    net, x, labels = network(), pixels(), torch.arange(23) % 4
    h = place_label(x, labels, 4, 2.5)
    for layer, got in zip(net.layers, net.activations(x, labels), strict=True):
        h = torch.relu(h / h.norm(dim=1, keepdim=True) @ layer.weight.T + layer.bias)
        torch.testing.assert_close(got, h.detach())


@pytest.mark.parametrize("norm", [*NORMS, None])
def test_the_shared_image_product_equals_the_labelled_image(norm):
    net, x = network(norm=norm), pixels()
    both = torch.stack([torch.arange(23) % 4, (torch.arange(23) + 1) % 4])
    image, strength = net.image_and_strength(x)
    pairs = ImagePairs(image, torch.nn.functional.one_hot(both, 4)[None] * strength)
    rows = torch.tensor([3, 0, 11])
    z = pairs.at(ALONE, rows[None]).preactivation(StackedLayer([net.layers[0]]), ALONE)[0]
    for kind in (0, 1):
        plain = net.layers[0](net.layer_input(net.with_label(x, both[kind])))[rows]
        torch.testing.assert_close(z[kind], plain)


@pytest.mark.parametrize("first", [True, False])
def test_weight_gradients_equal_autograd(first):
    nets, x = [network(), network()], pixels()
    rows = torch.tensor([[5, 2, 9, 20], [1, 0, 22, 2]])
    generator = torch.Generator().manual_seed(2)
    if first:
        label = torch.rand(2, 2, 23, 4, generator=generator)
        image = x.clone()
        image[:, :4] = 0  # a dark border
        pairs = ImagePairs(image, label)
        inputs = torch.cat([label, image[:, 4:].expand(2, 2, -1, -1)], -1)
    else:
        inputs = torch.randn(2, 2, 23, 16, generator=generator)
        pairs = HiddenPairs(inputs)
    stacked = StackedLayer([net.layers[0] for net in nets])
    runs = slice(0, 2)
    batch = pairs.at(runs, rows)
    dz = torch.randn(2, 2, 4, 12, generator=generator)
    weights, biases = batch.gradient(dz)
    for run, net in enumerate(nets):
        layer = torch.nn.Linear(16, 12)
        layer.load_state_dict(net.layers[0].state_dict())
        z = layer(inputs[run][:, rows[run]])
        torch.testing.assert_close(batch.preactivation(stacked, runs)[run], z)
        z.backward(dz[run])
        torch.testing.assert_close(weights[run], layer.weight.grad)
        torch.testing.assert_close(biases[run], layer.bias.grad)


def test_units_below_that_are_silent_need_no_products():
    net, generator = network(), torch.Generator().manual_seed(4)
    below = torch.rand(1, 2, 23, 16, generator=generator)
    active = torch.arange(16) % 3 == 0
    below[..., ~active] = 0
    whole = HiddenPairs(below)
    fewer = whole.without_silent(active, examples=1024)
    assert fewer.below.shape == (1, 2, 23, 6)
    rows, dz = torch.tensor([[5, 2, 9]]), torch.randn(1, 2, 3, 12, generator=generator)
    found = []
    for pairs in (whole, fewer):
        layer, batch = StackedLayer([net.layers[0]]), pairs.at(ALONE, rows)
        batch.teach(layer, ALONE, dz)
        found.append([batch.preactivation(layer, ALONE), *(p.grad for p in layer.parameters)])
    for with_all, without in zip(*found, strict=True):
        torch.testing.assert_close(without, with_all)
    assert not found[1][1][:, ~active].any()
    # Where nearly all are active or a step is short, the copy costs more than it saves.
    assert whole.without_silent(torch.arange(16) > 0, examples=1024) is whole
    assert whole.without_silent(active, examples=64) is whole


def test_a_product_has_the_gradients_of_autograd():
    generator = torch.Generator().manual_seed(3)
    layers = [torch.nn.Linear(6, 5, dtype=torch.float32) for _ in range(2)]
    stacked = StackedLayer(layers)
    x = torch.randn(2, 7, 6, generator=generator, requires_grad=True)
    dz = torch.randn(2, 7, 5, generator=generator)
    z = stacked(x, slice(0, 2))
    expected = x @ stacked.weight.mT + stacked.bias
    torch.testing.assert_close(z, expected)
    inputs = [x, stacked.weight, stacked.bias]
    for got, want in zip(
        torch.autograd.grad(z, inputs, dz), torch.autograd.grad(expected, inputs, dz), strict=True
    ):
        torch.testing.assert_close(got, want)


def test_heads_on_every_layer_classify_what_their_layer_says():
    net, x = network(goodness=None, norm="l2", heads="every", seen=[0, 2]), pixels()
    hidden = net.activations(x, torch.zeros(23).long())
    scores = net.layer_scores(x)
    for depth, (head, h) in enumerate(zip(net.heads, hidden, strict=True)):
        torch.testing.assert_close(scores[:, depth], head(h)[:, [0, 2]].detach())
    torch.testing.assert_close(net.layer_scores(x, depth=2), scores[:, :2])
    assert set(net.predict(x).tolist()) <= {0, 2}


def test_a_contrast_head_takes_the_place_of_the_goodness():
    net, x = network(goodness=None, labelled=True, heads="every"), pixels()
    by_label = []
    for label in range(4):
        hidden = net.activations(x, torch.full((len(x),), label))
        by_label.append([head(h)[:, 0] for head, h in zip(net.heads, hidden, strict=True)])
    naive = torch.stack([torch.stack(layers, 1) for layers in by_label], -1).detach()
    torch.testing.assert_close(net.layer_scores(x), naive)


def test_a_plain_network_has_the_score_of_its_head():
    net, x = network(goodness=None, norm=None), pixels()
    logits = net.heads[0](net(x)[-1])
    torch.testing.assert_close(net.layer_scores(x), logits[:, None].detach())
    torch.testing.assert_close(net.label_scores(x), logits.softmax(-1).detach())


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    "options",
    [{}, {"seen": [0, 2, 3]}, {"goodness": None, "norm": None}, {"activation": "tanh"}],
    ids=["ff", "ff-hold-out", "bp", "tanh"],
)
def test_units_of_one_sign_take_those_contributions_alone(sign, options):
    net, x = network(**options), pixels()
    net.layers[0].bias.data -= 0.1
    one = net.one_signed(sign)

    def naive(images):
        hidden = []
        for layer in net.layers:
            each = torch.cat(
                [
                    net.layer_input(images)[:, None] * layer.weight,
                    layer.bias[:, None].expand(len(images), -1, 1),
                ],
                -1,
            )
            images = net.activation.value(sign * (sign * each).clamp(min=0).sum(-1))
            hidden.append(images)
        return hidden

    labels = torch.arange(23) % 4
    for got, expected in zip(
        one.activations(x, labels), naive(net.with_label(x, labels)), strict=True
    ):
        torch.testing.assert_close(got, expected)
    for place, label in enumerate(net.seen):
        hidden = naive(net.with_label(x, torch.full((23,), label)))
        scores = one.layer_scores(x)[..., place]
        if net.labelled:
            expected = torch.stack([net.goodness.value(h) for h in hidden], 1)
        else:
            expected = net.heads[0](hidden[-1])[:, label, None]
        torch.testing.assert_close(scores, expected)
    assert net.drive_sign == 0
