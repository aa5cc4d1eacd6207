"""How far gradients travel: as autograd says it, and as training shows it from outside."""

import pytest
import torch

from fflib.experiment import Experiment, gradient_reach
from fflib.training import train as training
from fflib.training.locality import layers_taught
from fflib.training.monitor import Monitor

CONV = {"architecture": "conv", "layers": 4, "hidden": 6}
VARIANTS = {
    "FF": ({}, 1),
    "FF at once": ({"order": "simultaneous"}, 1),
    "BP/FF": ({"model": "bp-ff"}, 3),
    "BP": ({"model": "bp"}, 3),
    "local classifiers": ({"model": "local-bp"}, 1),
    "local contrast": ({"model": "local-contrast"}, 1),
    "convolutions": (CONV | {"label": "learned"}, 1),
    "by class": (CONV | {"scope": "class", "hidden": 20}, 1),
    "projection": (CONV | {"scope": "projection", "augment": "crop-flip", "averaging": 0.5}, 1),
    "reach": (CONV | {"scope": "projection", "reach": 3}, 3),
    "block": (CONV | {"scope": "projection", "block": 2}, 2),
    "one block": (CONV | {"scope": "projection", "block": 4}, 4),
    "BP/FF convolutions": (CONV | {"model": "bp-ff", "scope": "projection"}, 4),
    "BP convolutions": (CONV | {"model": "bp", "norm": "batch"}, 4),
}


def made(fields):
    usual = {"dataset": "digits", "layers": 3, "hidden": 12, "epochs": 1, "batch_size": 1500}
    return Experiment(**usual | {"precision": "float32"} | fields)


@pytest.mark.parametrize(("fields", "reach"), VARIANTS.values(), ids=VARIANTS)
def test_other_weights_above_change_a_step_as_far_down_as_a_gradient_travels(
    fields, reach, monkeypatch
):
    """What is above can reach a layer by its gradient only: images go the other way."""
    monkeypatch.setattr(Monitor, "require_learning", lambda *_: None)
    e, initial = made(fields), training._initial
    before = training.train(e, "cpu", progress=False).network.layers

    def changed(*given):
        network = initial(*given)
        with torch.no_grad():
            network.layers[-1].weight.mul_(1.5)
        return network

    monkeypatch.setattr(training, "_initial", changed)
    after = training.train(e, "cpu", progress=False).network.layers
    same = [torch.equal(a.weight, b.weight) for a, b in zip(before, after, strict=True)]
    assert same == [True] * (e.layers - reach) + [False] * reach
    assert gradient_reach(e) == reach


@pytest.mark.parametrize(
    ("fields", "taught"),
    [
        ({}, [[0], [1], [2], [3]]),
        ({"label": "learned"}, [[0], [1], [2], [3]]),
        ({"scope": "projection"}, [[0], [1], [2], [3]]),
        ({"scope": "projection", "reach": 2}, [[0], [0, 1], [1, 2], [2, 3]]),
        ({"scope": "projection", "block": 2}, [[0, 1], [2, 3]]),
        ({"model": "bp-ff"}, [[0, 1, 2, 3]]),
        ({"model": "bp", "norm": "batch"}, [[0, 1, 2, 3]]),
    ],
)
def test_a_loss_teaches_its_own_layer_and_those_within_reach(fields, taught):
    e = made(CONV | fields)
    data = e.data()
    network = training._initial(e, data, seed=0)
    pixels, labels = data.pixels("train")[:20], data.train.labels[:20]
    wrong = (labels + 1) % 10 if network.labelled else None
    assert layers_taught(e, network, pixels, labels, wrong) == taught
    assert gradient_reach(e) == max(map(len, taught))
