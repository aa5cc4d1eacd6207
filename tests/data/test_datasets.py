import hashlib
from collections import Counter
from math import sqrt

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from fflib import data
from fflib.data import digits as digits_module
from fflib.errors import DataError


def one_line(error):
    assert len(str(error.value).splitlines()) == 1
    return str(error.value)


# Splits and pixels


def coloured_set(**changes):
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(256, (20, 3, 4, 5), generator=generator, dtype=torch.uint8)
    split = data.Split(images, torch.arange(20) % 3)
    settings = {"name": "noise", "classes": ("a", "b", "c"), "checksums": {}} | changes
    return data.Dataset.of(train=split, test=split, **settings)


def test_validation_is_the_last_sixth_of_train_and_fit_the_rest():
    digits = data.load("digits")
    fit, validation = digits.split("fit"), digits.split("validation")
    assert len(validation) == len(digits.train) // 6
    assert torch.equal(torch.cat([fit.images, validation.images]), digits.train.images)
    assert torch.equal(torch.cat([fit.labels, validation.labels]), digits.train.labels)


def test_an_unknown_split_is_refused_with_the_nearest_first():
    with pytest.raises(DataError, match="unknown split 'valid': choose one of validation, "):
        data.load("digits").split("valid")


def test_training_pixels_are_standardised_and_the_lit_pixel_is_their_maximum():
    noise = coloured_set()
    pixels = noise.pixels("train")
    assert pixels.shape == (20, noise.inputs)
    assert pixels.dtype == torch.float32
    # Means over 1200 pixels in float32, whose rounding is about 1e-7.
    assert pixels.mean().item() == pytest.approx(0, abs=1e-5)
    assert pixels.std(correction=0).item() == pytest.approx(1, abs=1e-5)
    assert pixels.max().item() == noise.lit


def test_colours_are_flattened_channel_by_channel():
    noise = coloured_set()
    channels = noise.pixels("test").reshape(20, 3, 4, 5)
    expected = (noise.test.images / 255 - noise.mean) / noise.std
    torch.testing.assert_close(channels, expected)


def test_standardising_leaves_the_images_as_they_are():
    noise = coloured_set()
    before = noise.train.images.clone()
    noise.pixels("train")
    assert torch.equal(noise.train.images, before)


def test_a_label_of_more_classes_than_pixels_is_refused():
    with pytest.raises(DataError, match="which has 60 for 61 classes") as error:
        coloured_set(classes=tuple(map(str, range(61))))
    one_line(error)
    assert len(coloured_set(classes=tuple(map(str, range(60)))).classes) == 60


def test_images_that_do_not_vary_are_refused():
    blank = data.Split(torch.zeros(6, 4, 4, dtype=torch.uint8), torch.arange(6) % 2)
    with pytest.raises(DataError, match="must vary"):
        data.Dataset.of("blank", ("a", "b"), blank, blank, {})


# Labels on the border


@given(
    st.integers(2, 12).flatmap(
        lambda classes: st.tuples(
            st.just(classes),
            st.integers(classes, 30),
            st.lists(st.integers(-1, classes - 1), min_size=1, max_size=20),
        )
    )
)
def test_a_label_lights_its_own_pixel_and_touches_only_the_first_ones(case):
    classes, inputs, labels = case
    pixels = torch.rand(len(labels), inputs, generator=torch.Generator().manual_seed(0)) + 1
    before = pixels.clone()
    labelled = data.place_label(pixels, torch.tensor(labels), classes, lit=2.5)
    expected = torch.zeros(len(labels), classes)
    for row, label in enumerate(labels):
        if label >= 0:
            expected[row, label] = 2.5
    assert torch.equal(labelled[:, :classes], expected)
    assert torch.equal(labelled[:, classes:], before[:, classes:])
    assert torch.equal(pixels, before)


@pytest.mark.parametrize("label", [-2, 3])
def test_a_label_outside_the_classes_is_refused(label):
    with pytest.raises(DataError, match=rf"one of 0 to 2, or -1 for none, not {label}:") as error:
        data.place_label(torch.ones(2, 5), torch.tensor([0, label]), 3, 1.0)
    one_line(error)


def test_a_label_longer_than_the_image_is_refused():
    with pytest.raises(DataError, match="6 classes do not fit an image of 5 pixels"):
        data.place_label(torch.ones(1, 5), torch.tensor([0]), 6, 1.0)


# Wrong labels


@given(
    candidates=st.lists(st.integers(0, 11), min_size=2, unique=True),
    labels=st.lists(st.integers(-1, 12), max_size=50),
    seed=st.integers(0, 2**31),
)
def test_a_wrong_label_is_a_candidate_and_never_the_true_one(candidates, labels, seed):
    labels = torch.tensor(labels, dtype=torch.int64)
    wrong = data.wrong_labels(labels, candidates, torch.Generator().manual_seed(seed))
    assert wrong.shape == labels.shape
    assert wrong.dtype == torch.int64
    assert not (wrong == labels).any()
    assert set(wrong.tolist()) <= set(candidates)
    again = data.wrong_labels(labels, candidates, torch.Generator().manual_seed(seed))
    assert torch.equal(wrong, again)


def test_wrong_pairs_are_different_ones_of_all_pairs_of_an_image_and_a_wrong_label():
    labels = torch.arange(6000) % 10
    places, wrong = data.wrong_pairs(labels, range(10), torch.Generator().manual_seed(0))
    assert (wrong != labels[places]).all()
    assert len(set(zip(places.tolist(), wrong.tolist(), strict=True))) == len(labels)
    # Five standard errors of a share of 6000, as if images were drawn independently.
    assert 1 - len(places.unique()) / 6000 == pytest.approx((8 / 9) ** 9, abs=0.031)
    assert wrong.bincount() / 6000 == pytest.approx([0.1] * 10, abs=0.02)
    without = data.wrong_pairs(labels % 3, [0, 1, 2], torch.Generator().manual_seed(0))[1]
    assert set(without.tolist()) == {0, 1, 2}


@pytest.mark.parametrize("candidates", [range(10), [0, 1, 2, 4, 5, 6, 7, 8, 9], [7, 2]])
@pytest.mark.parametrize("label", [2, 3, 7])
def test_wrong_labels_are_uniform_over_the_other_candidates(candidates, label):
    others = [candidate for candidate in candidates if candidate != label]
    draws = 20_000
    wrong = data.wrong_labels(
        torch.full((draws,), label), candidates, torch.Generator().manual_seed(label)
    )
    counts = Counter(wrong.tolist())
    p = 1 / len(others)
    # Each count is binomial. Five standard deviations, once in a million counts, leave the
    # 60 counts of this test no chance to fail by bad luck, yet reveal a bias of a tenth.
    tolerance = 5 * sqrt(draws * p * (1 - p))
    assert sorted(counts) == sorted(others)
    assert all(abs(count - draws * p) <= tolerance for count in counts.values())


def test_labels_may_be_every_second_of_others():
    labels = torch.arange(20)[::2] % 3
    wrong = data.wrong_labels(labels, range(3), torch.Generator().manual_seed(0))
    assert not (wrong == labels).any()


@pytest.mark.parametrize("candidates", [[], [4], [4, 4]])
def test_fewer_than_two_candidates_are_refused(candidates):
    with pytest.raises(DataError, match="at least two candidates") as error:
        data.wrong_labels(torch.tensor([4]), candidates, torch.Generator())
    one_line(error)


# Digits


def test_digits_are_the_same_bytes_each_time_they_are_read():
    first, second = digits_module.read_digits(), digits_module.read_digits()
    assert torch.equal(first.train.images, second.train.images)
    assert torch.equal(first.test.labels, second.test.labels)
    assert first.checksums == second.checksums
    assert first.checksums["test-images"] == hashlib.md5(first.test.images.numpy()).hexdigest()


def test_digits_are_split_into_a_fifth_and_four_with_each_class_in_proportion():
    digits = data.load("digits")
    assert (len(digits.train), len(digits.test)) == (1437, 360)
    train, test = (part.labels.bincount() for part in (digits.train, digits.test))
    # A class of n images has n / 5 in the test set, rounded up or down.
    assert ((test - (train + test) / 5).abs() < 1).all()
    assert test.sum() + train.sum() == len(load_digits().target)


def test_digits_and_their_split_are_those_of_scikit_learn():
    bunch = load_digits()
    parts = train_test_split(
        digits_module.enlarge(bunch.images),
        bunch.target,
        test_size=0.2,
        stratify=bunch.target,
        random_state=0,
    )
    digits = data.load("digits")
    ours = (digits.train.images, digits.test.images, digits.train.labels, digits.test.labels)
    assert all(np.array_equal(ours, theirs) for ours, theirs in zip(ours, parts, strict=True))


def test_digits_fill_a_box_of_20_in_an_empty_margin_of_4():
    digits = data.load("digits")
    images = torch.cat([digits.train.images, digits.test.images])
    box = torch.zeros(28, 28, dtype=torch.bool)
    box[4:24, 4:24] = True
    assert images.dtype == torch.uint8
    assert not images[:, ~box].any()
    used = images.amax(dim=0)[box].reshape(20, 20)
    assert used[0].any()
    assert used[-1].any()
    assert images.max() == 255


def test_enlarged_digits_equal_bilinear_interpolation():
    small = load_digits().images[:50]
    torch_version = torch.nn.functional.interpolate(
        torch.from_numpy(small)[:, None] * 255 / 16, size=20, mode="bilinear"
    )[:, 0]
    enlarged = digits_module.enlarge(small)[:, 4:24, 4:24]
    # Ours is rounded to whole numbers; 1e-9 is for the rounding of float64.
    assert np.abs(enlarged - torch_version.numpy()).max() <= 0.5 + 1e-9
