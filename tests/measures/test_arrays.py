"""Order statistics, against those of numpy."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fflib.measures.arrays import median, quantiles, sort

SHARES = (0.0, 0.1, 1 / 3, 0.5, 0.9, 0.99, 1.0)
sizes = {"samples": st.integers(1, 40), "units": st.integers(1, 5), "levels": st.integers(1, 50)}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(seed=st.integers(0, 2**32 - 1), **sizes)
def test_order_statistics_are_those_of_numpy_bit_for_bit(dtype, seed, samples, units, levels):
    rng = np.random.default_rng(seed)
    x = (rng.integers(0, levels, (samples, units)) * rng.random()).astype(dtype)
    np.testing.assert_array_equal(sort(torch.from_numpy(x), 0), np.sort(x, axis=0), strict=True)
    np.testing.assert_array_equal(median(torch.from_numpy(x)), np.median(x, axis=0), strict=True)
    expected = np.array([np.quantile(x, share) for share in SHARES])
    np.testing.assert_array_equal(quantiles(torch.from_numpy(x), SHARES), expected, strict=True)


def test_what_is_no_number_has_no_order():
    x = torch.tensor([[1.0, np.nan], [2.0, 3.0]])
    np.testing.assert_array_equal(median(x), [1.5, np.nan])
    np.testing.assert_array_equal(median(x[:0]), [np.nan, np.nan])
    assert np.isnan(quantiles(x, (0.0, 0.5))).all()
    with pytest.raises(ValueError, match=r"quantiles lie in \[0, 1\], got \[1.5\]"):
        quantiles(x, (1.5,))
