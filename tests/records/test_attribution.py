"""Image or label, on networks whose answer is known and on trained ones."""

import numpy as np
import pytest
import torch

import fflib
from fflib.experiment import Experiment
from fflib.networks.dense import Network
from fflib.records.attribution import image_or_label
from fflib.records.halves import found_on_half

SMALL = {"dataset": "digits", "hidden": 64, "layers": 2, "precision": "float32"}


@pytest.fixture(scope="module")
def ff():
    return fflib.train(Experiment(**SMALL, epochs=4, theta=1.0, label_gain=5.0), progress=False)


@pytest.fixture(scope="module")
def bp():
    trained = Experiment(**SMALL, model="bp", epochs=4, learning_rate=0.003)
    return fflib.train(trained, progress=False)


def test_ensembles_come_from_correct_images_of_the_half_that_is_not_used_again(ff):
    everything = ff.activations(correct_only=False)
    members, rest = found_on_half(ff, everything)
    assert members.shape == (2, 10, 64)
    assert len(rest.unique()) == len(rest) == len(everything.labels) // 2
    # Whatever the other half does, the ensembles stay.
    for h in everything.values:
        h[rest] = torch.rand(len(rest), 64)
    np.testing.assert_array_equal(found_on_half(ff, everything)[0], members)


def test_a_plain_network_follows_the_image_and_nothing_else(bp):
    rows, arrays = image_or_label(bp)
    assert arrays == {}
    assert [(row["about"], row["layer"]) for row in rows] == [
        ("image-or-label", 1),
        ("image-or-label", 2),
    ]
    for row in rows:
        # Equal images may be added up in another order under another label.
        for kind in ("", "activity_"):
            assert row[f"{kind}image"] == pytest.approx(1, abs=1e-6)
            for name in ("label", "agreement", "rest"):
                assert row[f"{kind}{name}"] == pytest.approx(0, abs=1e-6)
        assert row["decoded_true"] == row["decoded_none"] == pytest.approx(row["wrong_to_image"])
        assert row["decoded_none"] > 0.4
        assert row["wrong_to_label"] == pytest.approx((1 - row["decoded_none"]) / 9, abs=1e-12)
        assert row["blank"] <= 1
        assert row["noise"] < 0.3


def test_forward_forward_is_moved_by_the_label_too(ff):
    rows, _ = image_or_label(ff)
    for row in rows:
        for kind in ("", "activity_"):
            parts = [row[f"{kind}{name}"] for name in ("image", "label", "agreement", "rest")]
            assert sum(parts) == pytest.approx(1)
        assert row["activity_label"] > 0.005
        assert row["decoded_true"] > row["decoded_none"] > row["wrong_to_image"]
        assert row["noise"] > 0.25
        assert row["blank"] > 1


def test_a_network_that_sees_the_label_alone_follows_it_on_anything(ff):
    network = Network(784, 40, 1, 10, goodness="l2", norm=None, lit=ff.network.lit)
    with torch.no_grad():
        network.layers[0].bias.zero_()
        network.layers[0].weight.zero_()
        network.layers[0].weight[:, :10] = torch.eye(10).repeat_interleave(4, 0)
    run = fflib.training.run.Run(ff.experiment, network, ff.data, ff.circumstances)
    run.__dict__["scores"] = torch.nn.functional.one_hot(run.images("test")[1], 10)[:, None].float()
    (row,), _ = image_or_label(run)
    expected = {
        "image": 0, "label": 1, "agreement": 0, "rest": 0, "decoded_true": 1, "wrong_to_image": 0,
        "wrong_to_label": 1, "blank": 10, "noise": 1,
    }  # fmt: skip
    assert {name: row[name] for name in expected} == pytest.approx(expected, abs=1e-12)
