"""Distances on record: of the same images in every run, with and without their label."""

import numpy as np
import pytest
import torch
from scipy.spatial.distance import pdist

import fflib
from fflib.experiment import Experiment
from fflib.measures.similarity import cka, rsa
from fflib.records.distances import OF_A_CLASS, image_distances


def train(model, **fields):
    theta = {"theta": 1.0} if model == "ff" else {}
    asked = Experiment(
        model=model, dataset="digits", hidden=24, layers=2, epochs=2, learning_rate=0.01,
        precision="float32", **theta, **fields,
    )  # fmt: skip
    return fflib.train(asked, progress=False)


@pytest.fixture(scope="module")
def ff():
    return train("ff")


def test_they_are_those_of_the_first_ten_images_of_each_class(ff):
    rows, arrays = image_distances(ff)
    assert rows == []
    split = ff.data.split("test")
    places = [int(i) for c in range(10) for i in torch.nonzero(split.labels == c)[:OF_A_CLASS, 0]]
    pixels, labels = ff.data.pixels("test")[places], split.labels[places]
    assert arrays["distances/classes"].tolist() == labels.tolist() == sorted(labels.tolist())
    for name, shown in (("distances", labels), ("distances/none", torch.full_like(labels, -1))):
        array = arrays[name]
        assert (array.shape, array.dtype) == ((2, 4950), np.float16)
        for layer, h in zip(array, ff.network.activations(pixels, shown), strict=True):
            expected = pdist(h.double().numpy())
            expected /= np.sqrt((expected**2).mean())
            # Half precision keeps 11 binary digits.
            np.testing.assert_allclose(layer, expected, rtol=2**-11, atol=1e-7)
    assert rsa([arrays["distances/pixels"]], [pdist(pixels.numpy())]) == pytest.approx(1, abs=1e-5)


def test_the_label_that_is_lit_changes_what_a_labelled_network_sees(ff):
    _, arrays = image_distances(ff)
    [lit] = arrays["distances"][:1]
    assert cka([lit], arrays["distances/none"][:1]) < 0.999


def test_a_plain_network_sees_no_label_and_images_are_the_same_with_a_class_held_out(ff):
    _, plain = image_distances(train("bp", hold_out=3))
    assert set(plain) == {"distances", "distances/pixels", "distances/classes"}
    _, arrays = image_distances(ff)
    for name in ("distances/pixels", "distances/classes"):
        np.testing.assert_array_equal(plain[name], arrays[name])
