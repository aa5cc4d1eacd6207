"""Intrinsic dimension: known where it is known, and distinguished from what only looks like it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fflib.measures.agreement import agreement
from fflib.measures.dimension import FEWEST, by_scale, distinct, gride, twonn
from fflib.measures.manifolds import DIMENSIONS, draw, random_layer, recover

seeds = st.integers(0, 2**16)


# Where the dimension is known


@pytest.mark.parametrize("dimension", DIMENSIONS)
@pytest.mark.parametrize("shape", ["plane", "sphere"])
def test_a_manifold_in_784_dimensions_has_its_own(shape, dimension):
    # One estimate errs by d / √n, about 2 % here; ten dimensions also lose some at the edge.
    for found in recover([shape], [dimension], seeds=range(3)):
        assert found.twonn == pytest.approx(dimension, rel=0.15)
        assert found.gride == pytest.approx(dimension, rel=0.15)


def test_circles_seen_from_too_far_look_like_more_dimensions():
    for found in recover(["torus"], [10], seeds=range(2)):
        assert 1.05 < found.twonn / 10 < 1.3
    assert twonn(draw("torus", 2)) == pytest.approx(2, rel=0.1)


@pytest.mark.parametrize("shape", ["plane", "sphere"])
def test_a_sparse_layer_looks_like_more_dimensions_and_not_fewer(shape):
    # At a tenth of the units active every point has more active units than dimensions.
    plain, sparse = recover([shape], [10], [None, 0.1], seeds=[0], n=1000)
    assert sparse.hoyer > 0.75
    assert sparse.left > 9.8
    assert plain.twonn < 10.5
    assert sparse.twonn > 1.1 * plain.twonn


def test_with_fewer_active_units_than_dimensions_only_so_many_are_left():
    [found] = recover(["plane"], [10], [0.01], seeds=[0], n=1000)
    assert found.left < 7
    assert found.twonn < 9


@given(active=st.floats(0.02, 0.9), seed=seeds)
@settings(max_examples=20)
def test_a_random_layer_is_as_active_as_it_is_asked_to_be(active, seed):
    values = random_layer(draw("sphere", 2, n=50, units=40, seed=seed), active, seed)
    assert (values >= 0).all()
    assert (values > 0).mean() == pytest.approx(active, abs=1 / values.size + 1e-9)


# Laws of the estimators


@given(seed=seeds, factor=st.floats(0.01, 100))
@settings(max_examples=20, deadline=None)
def test_neither_size_nor_place_nor_direction_matters(seed, factor):
    rng = np.random.default_rng(seed)
    points = rng.standard_normal((60, 3))
    turn, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    moved = factor * points @ turn + factor * rng.standard_normal(3)
    for one, other in zip(by_scale(points), by_scale(moved), strict=True):
        assert other.dimension == pytest.approx(one.dimension, rel=1e-6, nan_ok=True)


def test_the_nearest_neighbours_of_gride_are_those_of_twonn():
    points = draw("plane", 3, n=300, units=20)
    distances = np.sort(np.linalg.norm(points[:, None] - points[None], axis=-1), axis=1)
    ratios = np.log(distances[:, 2] / distances[:, 1])
    assert gride(points)[1] == pytest.approx((len(points) - 1) / ratios.sum(), rel=1e-6)
    keep = int(0.9 * len(points))
    kept = np.sort(ratios)[:keep]
    censored = kept.sum() + (len(points) - keep) * kept[-1]
    assert twonn(points) == pytest.approx((keep - 1) / censored, rel=1e-6)


def test_noise_differs_from_the_manifold_by_scale():
    rng = np.random.default_rng(0)
    noisy = draw("plane", 2, n=1500, units=50) + 0.02 * rng.standard_normal((1500, 50))
    found = gride(noisy)
    assert found[1] > 2 * found[32]
    assert found[32] == pytest.approx(2, rel=0.4)
    assert twonn(noisy, parts=8) < twonn(noisy)


def test_silent_samples_and_copies_are_left_out_and_counted():
    rng = np.random.default_rng(0)
    values = rng.standard_normal((100, 2)) @ rng.standard_normal((2, 30))
    spoilt = np.concatenate([values, np.zeros((40, 30)), -np.zeros((2, 30)), values[:25]])
    points = distinct(spoilt)
    assert (points.n, points.silent, len(points.values)) == (167, 42, 100)
    assert by_scale(points.values) == by_scale(values)
    zeros = distinct([[0.0, 1.0], [-0.0, 1.0]])
    assert len(zeros.values) == 1
    with pytest.raises(ValueError, match=r"shape \(n, units\), got shape \(3,\)"):
        distinct(np.ones(3))


@given(n=st.integers(0, 2 * FEWEST))
@settings(deadline=None)
def test_too_few_points_have_no_dimension(n):
    points = np.random.default_rng(n).standard_normal((n, 2))
    for found in by_scale(points):
        enough = (
            n // found.scale >= FEWEST
            if found.method == "twonn"
            else n >= max(FEWEST, 8 * found.scale)
        )
        assert np.isfinite(found.dimension) == enough


def test_equal_distances_have_no_dimension():
    corners = np.eye(40)
    assert all(np.isnan(found.dimension) for found in by_scale(corners))


# Correlation over classes


def test_agreement_is_within_layers():
    dimension = np.array([[1.0, 2, 3, 4], [11, 12, 13, 14]])
    falls = np.array([[4.0, 3, 2, 1], [14, 13, 12, 11]])
    assert agreement(dimension, falls) == pytest.approx(-1)
    assert agreement(dimension.reshape(1, -1), falls.reshape(1, -1)) > 0.5  # an effect of depth
    falls[1] = 7
    assert agreement(dimension, falls) == pytest.approx(-1)
    assert np.isnan(agreement(dimension[:, :2], falls[:, :2]))
    assert np.isnan(agreement(dimension, np.full((2, 4), np.nan)))


def test_what_both_follow_is_taken_out():
    rng = np.random.default_rng(0)
    of_image = rng.random(200)
    one, other = (of_image + 0.3 * rng.standard_normal((1, 200)) for _ in range(2))
    assert agreement(one, other) > 0.4
    assert abs(agreement(one, other, of_image)) < 0.2
    assert np.isnan(agreement(of_image[None], other, of_image))
