"""Shared units, Jaccard index and visual similarity."""

from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fflib.measures.sharing import (
    follows_similarity,
    jaccard,
    jaccard_by_chance,
    mean_overlap,
    overlap,
    shared_units,
    visual_similarity,
)

ensembles = arrays(bool, st.tuples(st.integers(1, 3), st.integers(1, 5), st.integers(1, 12)))


@given(members=ensembles)
def test_sharing_is_intersection_and_union_of_sets(members):
    shared, index = shared_units(members), jaccard(members)
    for layer, classes in enumerate(members):
        units = [set(np.flatnonzero(ensemble)) for ensemble in classes]
        for a, first in enumerate(units):
            for b, second in enumerate(units):
                assert shared[layer, a, b] == len(first & second)
                if first | second:
                    assert index[layer, a, b] == len(first & second) / len(first | second)
                else:
                    assert np.isnan(index[layer, a, b])


@given(members=ensembles, seed=st.integers(0, 99))
def test_overlap_with_others_is_the_index_of_each_pair(members, seed):
    others = np.random.default_rng(seed).permutation(members, axis=1)
    for layer, first, second in zip(overlap(members, others), members, others, strict=True):
        pairs = [jaccard([a, b])[0, 1] for a, b in zip(first, second, strict=True)]
        np.testing.assert_array_equal(layer, pairs)


@given(members=ensembles, seed=st.integers(0, 99))
def test_order_of_units_does_not_matter(members, seed):
    order = np.random.default_rng(seed).permutation(members.shape[-1])
    np.testing.assert_array_equal(jaccard(members[..., order]), jaccard(members))


@given(members=ensembles)
def test_mean_overlap_is_over_pairs_that_have_one(members):
    for layer, mean in zip(jaccard(members), mean_overlap(members), strict=True):
        pairs = [x for x in layer[np.triu_indices(len(layer), 1)] if not np.isnan(x)]
        if pairs:
            # Sums of at most ten numbers in two orders.
            assert mean == pytest.approx(np.mean(pairs), abs=1e-12)
        else:
            assert np.isnan(mean)


def test_overlap_that_is_the_similarity_follows_it_perfectly():
    members = np.random.default_rng(0).random((2, 6, 40)) < 0.5
    similarity = 2 * jaccard(members[0]) - 1
    along, other = follows_similarity(members, similarity)
    assert along == pytest.approx(1)  # a linear function of itself
    assert other < 0.9


def test_empty_ensembles_do_not_overlap():
    # 0 and 1 share a unit and look alike; 2 and 3 are empty and look like nothing else.
    members = [[True, True], [True, False], [False, False], [False, False]]
    similarity = np.full((4, 4), -0.2)
    similarity[0, 1] = similarity[1, 0] = 0.8
    assert follows_similarity(members, similarity) == pytest.approx(1)


def test_equal_overlaps_follow_nothing():
    members = np.eye(4, dtype=bool)
    similarity = np.corrcoef(np.random.default_rng(0).random((4, 9)))
    assert np.isnan(follows_similarity(members, similarity))


def test_many_shared_units_do_not_overflow():
    members = torch.ones(2, 3000, dtype=torch.bool)
    np.testing.assert_array_equal(shared_units(members), np.full((2, 2), 3000))
    np.testing.assert_array_equal(jaccard(members), np.ones((2, 2)))


def test_similarity_is_the_correlation_of_mean_images():
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 3
    images = rng.random((60, 7, 7)) + rng.random((3, 7, 7))[labels]
    means = [images[labels == c].mean(0).ravel() for c in range(3)]
    similarity = visual_similarity(torch.from_numpy(images), torch.from_numpy(labels), 3)
    np.testing.assert_allclose(similarity, np.corrcoef(means), atol=1e-12)
    # Brightness and contrast of all images do not change a correlation.
    np.testing.assert_allclose(visual_similarity(3 * images - 1, labels, 3), similarity)


def test_bytes_are_images_too():
    images = np.random.default_rng(1).integers(0, 256, (20, 5, 5), dtype=np.uint8)
    labels = np.arange(20) % 2
    expected = visual_similarity(images.astype(float), labels, 2)
    np.testing.assert_allclose(visual_similarity(images, labels, 2), expected)


def test_a_class_without_images_or_of_one_shade_has_no_similarity():
    images = np.array([[0.0, 1.0, 5.0], [1.0, 0.0, 2.0], [4.0, 4.0, 4.0]])
    similarity = visual_similarity(images, [0, 1, 3], 4)
    known = np.array([True, True, False, False])
    np.testing.assert_array_equal(np.isnan(similarity), ~np.outer(known, known))
    assert similarity[0, 0] == pytest.approx(1)


@pytest.mark.parametrize(("one", "other", "units"), [(1, 2, 4), (2, 3, 5), (0, 2, 4), (3, 3, 6)])
def test_the_index_by_chance_is_the_mean_over_all_draws(one, other, units):
    first = set(range(one))
    draws = [set(drawn) for drawn in combinations(range(units), other)]
    expected = np.mean([len(first & d) / len(first | d) for d in draws])
    assert jaccard_by_chance([one, other], units)[0, 1] == pytest.approx(expected)


def test_the_index_by_chance_keeps_its_shape_and_has_none_for_two_empty_ensembles():
    sizes = np.array([[3, 0, 0], [1, 2, 3]])
    index = jaccard_by_chance(sizes, 10)
    assert index.shape == (2, 3, 3)
    np.testing.assert_allclose(index, index.swapaxes(-1, -2), rtol=1e-12)  # but for rounding
    assert np.isnan(index[0, 1, 2])
    assert index[0, 0, 1] == 0
