"""Sparseness of activation vectors: known answers, limits and laws."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from fflib.measures.sparsity import (
    active_fraction,
    hoyer,
    mean_hoyer,
    silent_fraction,
    treves_rolls,
)

SPARSENESS = [hoyer, treves_rolls]
# Zeros or magnitudes far above the smallest double: their ratios are exact to rounding.
magnitudes = st.one_of(st.just(0.0), st.floats(1e-3, 1e3))
vectors = arrays(np.float64, st.integers(2, 40), elements=magnitudes).filter(np.any)


@pytest.mark.parametrize("measure", SPARSENESS)
@pytest.mark.parametrize("n", [2, 3, 784])
def test_one_active_unit_is_one_and_equal_activity_is_zero(measure, n):
    one_hot = np.eye(n)[n // 2] * 7.5
    assert measure(one_hot) == pytest.approx(1, abs=1e-12)
    assert measure(np.full(n, 0.3)) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(("n", "active"), [(784, 1), (784, 40), (9, 4), (100, 100)])
def test_equally_active_units_follow_the_formula(n, active):
    x = np.r_[np.full(active, 2.0), np.zeros(n - active)]
    root = math.sqrt(n)
    assert hoyer(x) == pytest.approx((root - math.sqrt(active)) / (root - 1))
    assert treves_rolls(x) == pytest.approx((1 - active / n) / (1 - 1 / n), abs=1e-12)


def test_unequal_activity_by_hand():
    x = np.array([3.0, 4.0])  # norms 7 and 5; mean 3.5, mean square 12.5
    assert hoyer(x) == pytest.approx((math.sqrt(2) - 7 / 5) / (math.sqrt(2) - 1))
    assert treves_rolls(x) == pytest.approx((1 - 3.5**2 / 12.5) / (1 - 1 / 2))


@pytest.mark.parametrize("measure", SPARSENESS)
@given(x=vectors, factor=st.floats(1e-6, 1e6), seed=st.integers(0, 99))
def test_range_scale_sign_and_order_of_units(measure, x, factor, seed):
    rng = np.random.default_rng(seed)
    value = measure(x)
    assert 0 <= value <= 1
    changed = rng.permutation(x * rng.choice([-1.0, 1.0], len(x))) * factor
    assert measure(changed) == pytest.approx(value, abs=1e-9)


@pytest.mark.parametrize("measure", SPARSENESS)
@given(x=vectors)
def test_a_silent_unit_more_never_makes_denser(measure, x):
    assert measure(np.append(x, 0.0)) >= measure(x) - 1e-9


@given(x=arrays(np.float64, array_shapes(min_dims=1, max_dims=4, min_side=2), elements=magnitudes))
def test_vectors_are_measured_one_by_one(x):
    one_by_one = np.array([hoyer(row) for row in x.reshape(-1, x.shape[-1])])
    np.testing.assert_allclose(hoyer(x), one_by_one.reshape(x.shape[:-1]), atol=1e-12)


@pytest.mark.parametrize("measure", SPARSENESS)
def test_tensors_and_arrays_keep_their_kind_and_gain_precision(measure):
    x = torch.rand(5, 64, generator=torch.Generator().manual_seed(0))
    result = measure(x)
    assert isinstance(result, torch.Tensor)
    assert result.dtype == torch.float32
    assert isinstance(measure(x.numpy()), np.ndarray)
    np.testing.assert_array_equal(measure(x.numpy()), result.numpy())
    assert measure(x.double()).dtype == torch.float64
    assert measure(x.double().numpy()).dtype == np.float64
    for low in (torch.bfloat16, torch.float16):  # measured as the number it is, in float32
        assert torch.equal(measure(x.to(low)), measure(x.to(low).float()))


def test_views_that_torch_cannot_share_are_accepted():
    x = np.random.default_rng(0).random((4, 6))
    expected = hoyer(x)
    x.flags.writeable = False
    np.testing.assert_array_equal(hoyer(x), expected)
    np.testing.assert_array_equal(hoyer(x[::-1]), expected[::-1])


@pytest.mark.parametrize("measure", SPARSENESS)
@pytest.mark.parametrize("size", [1e-30, 1e30])
def test_squares_beyond_single_precision_do_no_harm(measure, size):
    x = torch.tensor([3.0, 4.0, 0.0])
    assert torch.allclose(measure(x * size), measure(x), atol=1e-6)


@pytest.mark.parametrize("measure", SPARSENESS)
@pytest.mark.parametrize("shape", [(), (1,), (5, 1), (5, 0)])
def test_fewer_than_two_units_have_no_sparseness(measure, shape):
    with pytest.raises(ValueError, match="at least two units, got shape"):
        measure(np.ones(shape))


def test_silent_samples_are_nan_counted_and_left_out_of_the_mean():
    x = np.array([[0.0, 0.0, 1.0], [0.0, 0.0, 0.0], [1.0, 1.0, 1.0], [0.0, 0.0, 0.0]])
    np.testing.assert_array_equal(np.isnan(hoyer(x)), [False, True, False, True])
    np.testing.assert_array_equal(np.isnan(treves_rolls(x)), [False, True, False, True])
    assert silent_fraction(x) == 0.5
    assert mean_hoyer(x) == pytest.approx(0.5)
    assert math.isnan(mean_hoyer(np.zeros((3, 4))))


def test_a_broken_sample_is_not_hidden_by_the_mean():
    assert math.isnan(mean_hoyer(np.array([[0.0, 1.0], [np.nan, 1.0]])))


def test_active_fraction_counts_what_is_above_the_threshold():
    x = torch.tensor([[0.0, 0.5, 1.0, 2.0], [0.0, 0.0, -3.0, 0.5]])
    assert active_fraction(x) == 4 / 8
    assert active_fraction(x, threshold=0.5) == 2 / 8  # at the threshold is not above it
    assert active_fraction(x.numpy(), threshold=9) == 0


def test_resting_level_reveals_the_unit_that_stands_out():
    rest = np.linspace(0.2, 0.8, 784)  # units that all rest above zero look dense
    x = np.tile(rest, (10, 1))
    x[np.arange(10), np.arange(10)] += 0.2
    x[:, 500:] -= 0.1  # below rest is no activity
    assert mean_hoyer(x) < 0.1
    assert mean_hoyer(x, resting=rest) == pytest.approx(1)
    assert mean_hoyer(torch.from_numpy(x), resting=torch.from_numpy(rest)) == pytest.approx(1)
