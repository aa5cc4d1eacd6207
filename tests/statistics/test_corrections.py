"""Correction of p-values for several claims."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fflib.statistics import holm


def test_holm_by_hand():
    # Sorted: 0.005·4, 0.01·3, 0.03·2, 0.04·1, each at least the one before.
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_array_equal(holm([0.6, 0.7]), [1, 1])
    np.testing.assert_array_equal(holm([0.02, math.nan, 0.03]), [0.04, math.nan, 0.04])
    assert holm([]).shape == (0,)


@given(p=st.lists(st.floats(0, 1), min_size=1, max_size=10))
def test_holm_is_between_nothing_and_bonferroni(p):
    adjusted = holm(p)
    assert (adjusted >= p).all()
    assert (adjusted <= np.minimum(1, len(p) * np.array(p)).max()).all()
    assert (np.diff(adjusted[np.argsort(p)]) >= 0).all()
    assert adjusted.min() == pytest.approx(min(1, len(p) * min(p)))


def test_holm_keeps_the_chance_of_any_false_rejection():
    p = np.random.default_rng(0).random((4000, 5))
    wrong = np.mean([holm(row).min() <= 0.05 for row in p])
    assert wrong <= 0.05 + 4 * math.sqrt(0.05 * 0.95 / 4000)
