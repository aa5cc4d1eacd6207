"""A network whose weights were rounded: what rounding leaves of it, its file, and its panel."""

import base64
import json
import re

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import fflib
from fflib.book.explorers import quantised
from fflib.book.explorers.handwriting import by_preference, explore_handwriting, handwriting_table
from fflib.book.explorers.quantised import eight_bits, quantise
from fflib.errors import ExperimentError, MissingRecord, RecordError
from fflib.records.sealed import DamagedRecord, seal

FINITE = st.floats(-1e3, 1e3, width=32)


@given(arrays(np.float32, st.tuples(st.integers(1, 4), st.integers(1, 6)), elements=FINITE))
def test_a_weight_is_within_half_a_step_of_what_it_was(weights):
    steps, scales = eight_bits(weights)
    assert np.abs(steps.astype(int)).max() <= 127
    error = np.abs(steps * scales[:, None] - weights)
    # Half a step, and what float32 loses where it divides and multiplies.
    assert (error <= scales[:, None] * (0.5 + 127 * 2**-22)).all()
    largest = np.abs(weights).max(axis=1) > 1e-30
    assert (np.abs(steps.astype(int)).max(axis=1)[largest] == 127).all()


def test_the_network_is_that_of_the_run_with_rounded_weights(narrow, kept):
    for depth, (layer, whole) in enumerate(
        zip(kept.network.layers, narrow.network.layers, strict=True)
    ):
        steps, scales = eight_bits(whole.weight.detach().numpy())
        np.testing.assert_array_equal(layer.weight.detach(), steps * scales[:, None])
        np.testing.assert_array_equal(layer.bias.detach(), whole.bias.detach())
        np.testing.assert_array_equal(kept.weights[depth], steps)
    pixels, labels = narrow.images("test")
    np.testing.assert_array_equal(kept.standardise(narrow.data.test.images), pixels)
    np.testing.assert_array_equal(kept.answers, narrow.network.predict(pixels))
    answers = kept.network.predict(pixels).numpy()
    assert kept.measured["accuracy"] == np.mean(answers == labels.numpy())
    assert kept.measured["same"] == np.mean(answers == kept.answers)
    assert kept.measured["same"] > 0.9


def test_goodness_is_averaged_over_images_under_their_own_and_under_wrong_labels(narrow, kept):
    pixels, labels = narrow.images("test")
    for depth in range(narrow.experiment.layers):
        own, wrong = [], []
        for label in range(10):
            hidden = kept.network.activations(pixels, torch.full_like(labels, label))[depth]
            for goodness, truth in zip(hidden.norm(dim=1).tolist(), labels.tolist(), strict=True):
                (own if truth == label else wrong).append(goodness)
        # To the precision of sums in float32.
        assert kept.measured["own"][depth] == pytest.approx(np.mean(own), rel=1e-5)
        assert kept.measured["wrong"][depth] == pytest.approx(np.mean(wrong), rel=1e-5)


def test_the_images_are_the_first_of_each_class(narrow, kept):
    labels = narrow.data.test.labels.tolist()
    assert kept.numbers.tolist() == [labels.index(c) for c in range(10)]
    np.testing.assert_array_equal(kept.images, narrow.data.test.images[kept.numbers])


@pytest.mark.parametrize("fields", [{"model": "bp"}, {"hold_out": 3}, {"protocol": "sigmoid-linf"}])
def test_a_network_that_the_page_cannot_run_is_refused(fields):
    other = fflib.Experiment(dataset="digits", hidden=8, epochs=0, **fields)
    with pytest.raises(ExperimentError, match=r"a page can run .*: train another"):
        quantise(fflib.train(other, "cpu", progress=False))


def test_a_file_gives_back_what_was_written(kept, tmp_path):
    path = quantised.write(kept, tmp_path)
    again = quantised.find(kept.experiment, tmp_path)
    for name, value in vars(again).items():
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(value, getattr(kept, name), strict=True)
    for one, other in zip(again.weights, kept.weights, strict=True):
        np.testing.assert_array_equal(one, other, strict=True)
    assert (again.experiment, again.provenance, again.pixels, again.measured) == (
        kept.experiment, kept.provenance, kept.pixels, kept.measured,
    )  # fmt: skip
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DamagedRecord, match="not a whole record"):
        quantised.find(kept.experiment, tmp_path)
    path.write_bytes(seal("{}", {}))
    with pytest.raises(RecordError, match="make it again with fflib explore"):
        quantised.find(kept.experiment, tmp_path)
    path.unlink()
    with pytest.raises(MissingRecord, match="make it with fflib explore"):
        quantised.find(kept.experiment, tmp_path)


@given(st.data(), st.integers(1, 4), st.integers(1, 9))
def test_every_unit_of_an_ensemble_is_under_one_class(data, classes, units):
    shape = classes, units
    mean = data.draw(arrays(np.float64, shape, elements=st.floats(0, 9)))
    members = data.draw(arrays(bool, shape))
    groups = by_preference(mean, members)
    assert len(groups) == classes
    assert (
        sorted(unit for group in groups for unit in group)
        == np.flatnonzero(members.any(axis=0)).tolist()
    )
    for label, group in enumerate(groups):
        heights = mean[label, group]
        assert (heights == mean[:, group].max(axis=0, initial=0)).all()
        assert (np.diff(heights) <= 0).all()


def embedded(page):
    return json.loads(re.search(r"^const data = (.*);$", page.data, re.MULTILINE)[1])


def test_the_page_holds_the_network_and_the_images(kept):
    data = embedded(explore_handwriting(kept))
    for depth, layer in enumerate(data["layers"]):
        for name, kind in (("weights", np.int8), ("scales", np.float32), ("biases", np.float32)):
            found = np.frombuffer(base64.b64decode(layer[name]), kind)
            np.testing.assert_array_equal(found, getattr(kept, name)[depth].ravel())
    images = np.frombuffer(base64.b64decode(data["images"]), np.uint8)
    np.testing.assert_array_equal(images, kept.images.ravel())
    assert {name: data[name] for name in kept.pixels} == kept.pixels
    assert kept.experiment.key in data["said"]


def test_the_table_says_what_the_network_makes_of_the_images(kept):
    table = handwriting_table(kept)
    pixels = kept.standardise(kept.images)
    assert table["answer"].tolist() == kept.network.predict(pixels).tolist()
    for digit in range(10):
        for depth in range(3):
            tried = [
                kept.network.activations(pixels[[digit]], torch.tensor([label]))[depth]
                .norm()
                .item()
                for label in range(10)
            ]
            own = tried.pop(digit)
            assert table.loc[digit, f"layer {depth + 1}"] == f"{own:.1f} ({max(tried):.1f})"


def test_the_published_network_is_that_of_its_name_and_light():
    published = quantised.find(quantised.tried())
    path = quantised.FOLDER / f"{published.experiment.key}{quantised.SUFFIX}"
    assert published.experiment == quantised.tried()
    assert [file.stem for file in quantised.FOLDER.glob("*")] == [published.experiment.key]
    assert path.stat().st_size < 500_000
    assert published.measured["same"] > 0.98
    # The page's own styles and scripts come to another 300 kB.
    assert len(explore_handwriting(published).data.encode()) < 680_000
