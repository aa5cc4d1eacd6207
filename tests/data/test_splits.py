"""Images are divided by what they show, in proportion, and whole groups stay on one side."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from fflib.data.leaks import difference_hash, nearly_equal
from fflib.data.splits import EVERY, drawn, grouped


def digest(number):
    return f"{hash((number, 'x')) % 2**64:016x}"


@given(st.lists(st.integers(5, 60), min_size=2, max_size=5))
def test_single_images_are_drawn_in_proportion(sizes):
    labels = np.repeat(np.arange(len(sizes)), sizes)
    chosen = drawn(labels, [[i] for i in np.random.default_rng(0).permutation(len(labels))])
    taken = np.bincount(labels[chosen], minlength=len(sizes))
    assert (np.abs(taken - np.array(sizes) / EVERY) <= 0.5).all()


@given(st.lists(st.integers(1, 8), min_size=4, max_size=30), st.randoms(use_true_random=False))
def test_groups_are_whole_on_one_side_and_both_sides_have_some(sizes, random):
    groups, count = [], 0
    for size in sizes:
        groups.append(list(range(count, count + size)))
        count += size
    random.shuffle(groups)
    chosen = drawn(np.zeros(count, int), groups)
    assert all(len(set(chosen[own])) == 1 for own in groups)
    assert 0 < chosen.sum() < count


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 4)), min_size=1), st.randoms())
def test_the_order_of_groups_does_not_depend_on_that_of_files(images, random):
    def shown(images):
        found = grouped([f"{d:02}" for d, _ in images], [g for _, g in images])
        return [[images[i] for i in own] for own in found]

    one = shown(sorted(set(images)))
    other = sorted(set(images))
    random.shuffle(other)
    again = shown(other)
    assert [sorted(own) for own in one] == [sorted(own) for own in again] or len(
        {d for d, _ in set(images)}
    ) < len(set(images)), "equal digests may stand either way round"


def test_a_hash_survives_scaling_brightness_and_mild_noise_and_tells_pictures_apart():
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand((40, 1, 5, 5), generator=generator) * 200
    images = torch.nn.functional.interpolate(coarse, size=28, mode="bicubic")[:, 0]
    larger = torch.nn.functional.interpolate(coarse, size=63, mode="bicubic")[:, 0]

    def apart(a, b):
        return np.bitwise_count(difference_hash(a) ^ difference_hash(b))

    noise = torch.randn(images.shape, generator=generator)
    for same in (larger, images * 0.7 + 20, images + noise):
        assert apart(images, same).max() <= 6
    assert apart(images, images.roll(1, 0)).min() > 6


def test_near_equality_needs_equal_pixels_too():
    """Two ramps have the same hash; they are pictures of the same only if they are alike."""
    ramp = torch.arange(28.0).repeat(28, 1)[None]
    curved = ramp**6
    assert difference_hash(ramp) == difference_hash(curved)
    assert nearly_equal(ramp, 2 * ramp + 3).tolist() == [True]
    assert nearly_equal(ramp, curved).tolist() == [False]


def test_colour_images_are_compared_too():
    images = torch.rand((6, 3, 28, 28), generator=torch.Generator().manual_seed(1)) * 255
    assert nearly_equal(images[:3], images).tolist() == [True] * 3 + [False] * 3
