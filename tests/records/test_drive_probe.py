"""The drive of trained networks, and what is left of them without a part of it."""

from dataclasses import asdict

import numpy as np
import pytest
import torch
from torch.nn import functional as F

import fflib
from fflib.measures.drive import drive
from fflib.measures.polarity import negative_fraction
from fflib.measures.sparsity import mean_hoyer
from fflib.presets import CONTROLS, MODELS
from fflib.records import drive as probe
from fflib.records.drive import driven

# Products in float32, so that a network computes the same whichever way it is asked.
SMALL = {"dataset": "digits", "hidden": 24, "layers": 2, "epochs": 2, "precision": "float32"}
REMOVED = ["none", "negative", "positive", "random"]


@pytest.fixture(scope="module", autouse=True)
def _no_alarm():
    """So few epochs teach little."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fflib.training.monitor.Monitor.require_learning", lambda *_: None)
        yield


@pytest.fixture(scope="module")
def trained():
    """A run of each model."""
    return {
        model: fflib.train(fflib.Experiment(model=model, **SMALL), "cpu", progress=False)
        for model in (*MODELS, *CONTROLS)
    }


@pytest.mark.parametrize("model", [*MODELS, *CONTROLS])
def test_every_layer_has_its_drive_and_every_removal_its_effect(trained, model):
    run = trained[model]
    rows, _ = driven(run)
    assert rows == driven(run)[0]  # draws have a seed
    network, (pixels, labels) = run.network, run.images("test")
    images = network.with_label(pixels, labels)
    hidden = network(images)
    of_drive = [row for row in rows if row["about"] == "drive"]
    for depth, (row, below) in enumerate(zip(of_drive, (images, hidden[0]), strict=True)):
        layer = network.layers[depth]
        expected = drive(network.layer_input(below), layer.weight, layer.bias)
        assert row["layer"] == depth + 1
        assert row["negative_contributions"] == expected.negative_contributions
        assert row["negative_weights"] == negative_fraction(layer.weight)
    assert of_drive[0]["disguised"] > 0  # from pixels below zero,
    assert of_drive[1]["disguised"] == 0  # which activations of ReLU are not
    left = [row for row in rows if row["about"] == "drive-removed"]
    assert [(row["removed"], row["layer"]) for row in left] == [
        (name, depth) for name in REMOVED for depth in (1, 2)
    ]
    for row, h in zip(left, hidden, strict=False):
        assert row["accuracy"] == run.accuracy
        assert row["hoyer"] == pytest.approx(mean_hoyer(h))
    silent = [row for row in left if row["removed"] == "positive"]
    assert [row["hoyer"] for row in silent] == [None, None]  # ReLU passes nothing below zero
    assert len({row["accuracy"] for row in silent}) == 1


def test_a_random_cut_takes_as_large_a_share_of_each_unit_as_its_negative_contributions(trained):
    network = trained["ff"].network
    shares = [torch.rand(24), torch.zeros(24)]
    other = probe._thinned(network, shares, np.random.default_rng(0))
    first, second = network.layers, other.layers
    lost = (second[0].weight == 0).sum(1) + (second[0].bias == 0)
    torch.testing.assert_close(lost.float(), (shares[0] * (first[0].in_features + 1)).round())
    assert torch.equal(second[1].weight, first[1].weight)
    assert (network.layers[0].weight != 0).all()  # the network itself is as it was


def test_sigmoid_units_that_take_no_positive_drive_are_still_active():
    run = fflib.train(fflib.Experiment(protocol="sigmoid-linf", **SMALL), "cpu", progress=False)
    rows = [row for row in driven(run)[0] if row.get("removed") == "positive"]
    assert all(0 <= row["hoyer"] <= 1 for row in rows)


def test_a_convolution_is_a_dense_layer_at_every_place(monkeypatch):
    """With all places of a map, its contributions are those of the patches that unfolding gives."""
    monkeypatch.setattr(probe, "PLACES", 28 * 28)
    monkeypatch.setattr(probe, "IMAGES", 40)
    made = {"architecture": "conv", "dataset": "digits", "hidden": 4, "layers": 2, "epochs": 1}
    made |= {"scope": "projection", "precision": "float32"}
    run = fflib.train(fflib.Experiment(**made), "cpu", progress=False)
    moments = [norm.running_mean.clone() for norm in run.network.norms]
    rows, _ = driven(run)
    assert [(row["about"], row["layer"]) for row in rows] == [("drive", 1), ("drive", 2)]
    assert all(map(torch.equal, moments, [norm.running_mean for norm in run.network.norms]))
    network, (pixels, labels) = run.network.eval(), run.images("test")
    images = network.with_label(pixels[:40], labels[:40])
    for depth, (row, below) in enumerate(zip(rows, (images, network(images)[0]), strict=True)):
        patches = F.unfold(network.layer_input(below, depth), 3, padding=1).mT.flatten(0, 1)
        layer = network.layers[depth]
        expected = asdict(drive(patches, layer.weight.flatten(1), layer.bias))
        # The order of places makes a difference to rounding only.
        assert {name: row[name] for name in expected} == pytest.approx(
            expected, rel=1e-9, nan_ok=True
        )
