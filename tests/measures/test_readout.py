"""What can be read from ensembles: decoding, silencing and cutting, on networks whose answer is known."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal

from fflib.measures.readout import accuracy_by_class, cut, damage, decode
from fflib.networks.dense import Network

CLASSES, LAYERS = 4, 3
# Three units per class in every layer, and four that are in no ensemble.
MEMBERS = np.stack([np.hstack([np.repeat(np.eye(CLASSES, dtype=bool), 3, axis=1),
                               np.zeros((CLASSES, 4), dtype=bool)])] * LAYERS)  # fmt: skip
LABELS = np.arange(20) % CLASSES


def predict(silent):
    """A network that loses a class if any of its first-layer units is silent."""
    hurt = (MEMBERS[0] & silent[0]).any(axis=1)
    return np.where(hurt[LABELS], -1, LABELS)


@pytest.mark.parametrize("scale", [0.01, 1, 100])
def test_the_class_is_read_off_the_units_that_answer(scale):
    rng = np.random.default_rng(0)
    activations = scale * (rng.random((20, 16)) + 5 * MEMBERS[0][LABELS])
    assert_array_equal(decode(torch.from_numpy(activations), MEMBERS[0]), LABELS)


def test_decoding_a_silent_layer_is_a_guess_of_the_first_class():
    assert_array_equal(decode(np.zeros((3, 16)), MEMBERS[0]), [0, 0, 0])


def test_decoding_unrelated_activations_is_chance():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, CLASSES, 20_000)
    right = (decode(rng.random((20_000, 16)), MEMBERS[0]) == labels).mean()
    assert right == pytest.approx(1 / CLASSES, abs=5 * np.sqrt(0.25 * 0.75 / 20_000))


def test_accuracy_by_class_equals_the_naive_one():
    rng = np.random.default_rng(1)
    labels, predicted = rng.integers(0, 5, (2, 200))
    naive = [(predicted[labels == c] == c).mean() for c in range(5)]
    assert accuracy_by_class(predicted, labels, 5) == pytest.approx(naive)


def test_a_class_loses_what_its_own_ensemble_carried():
    own, random = damage(predict, MEMBERS, LABELS)
    assert_array_equal(own[0], np.eye(CLASSES))
    assert_array_equal(own[1:], 0)
    assert random[0].sum() > 0
    assert_array_equal(random[1:], 0)


def test_an_empty_ensemble_does_exactly_no_damage():
    nothing = np.zeros_like(MEMBERS)
    rng = np.random.default_rng(2)

    def never_the_same(silent):
        return rng.integers(0, CLASSES, 20)

    for found in damage(never_the_same, nothing, LABELS):
        assert_array_equal(found, 0)


def test_units_in_no_ensemble_can_be_cut():
    found = cut(predict, MEMBERS, LABELS)
    assert found.outside == (0.25,) * LAYERS
    assert (found.intact, found.without) == (1, 1)
    assert found.random < 1


@pytest.mark.parametrize("goodness", ["l2", None])
def test_a_silent_unit_is_as_good_as_absent(goodness):
    """A network of half the units, built from the other half of a wider one's weights."""
    torch.manual_seed(0)
    norm = "l2" if goodness else None
    wide, narrow = (
        Network(16, hidden, 3, 3, goodness=goodness, norm=norm, activation="sigmoid")
        for hidden in (8, 4)
    )
    with torch.no_grad():
        for depth, (whole, half) in enumerate(zip(wide.layers, narrow.layers, strict=True)):
            half.weight.copy_(whole.weight[:4, : 4 if depth else 16])
            half.bias.copy_(whole.bias[:4])
        for whole, half in zip(wide.heads, narrow.heads, strict=True):
            half.weight.copy_(whole.weight[:, :4])
            half.bias.copy_(whole.bias)
    pixels = torch.rand(6, 16)
    silent = torch.zeros(3, 8, dtype=torch.bool)
    silent[:, 4:] = True
    before = wide.label_scores(pixels)
    found = wide.silenced(silent).label_scores(pixels)
    torch.testing.assert_close(found, narrow.label_scores(pixels))
    for h in wide.silenced(silent).activations(pixels, torch.zeros(6).long()):
        assert not h[:, 4:].any()
    torch.testing.assert_close(wide.label_scores(pixels), before, rtol=0, atol=0)


def test_silencing_nothing_changes_nothing():
    torch.manual_seed(0)
    network = Network(16, 8, 2, 3, goodness="l2", norm="l2")
    pixels = torch.rand(5, 16)
    untouched = network.silenced(torch.zeros(2, 8, dtype=torch.bool)).label_scores(pixels)
    torch.testing.assert_close(untouched, network.label_scores(pixels), rtol=0, atol=0)
