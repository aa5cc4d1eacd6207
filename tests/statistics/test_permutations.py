"""Permutation tests: orderings, and the test of Mantel."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from fflib.statistics import holm, mantel, orderings, permutations_needed


def test_orderings_are_all_of_them_or_a_seeded_draw():
    every = orderings(4, 24)
    assert len(np.unique(every, axis=0)) == len(every) == 24
    some = orderings(8, 50, seed=3)
    assert some.shape == (51, 8)
    np.testing.assert_array_equal(np.sort(some, axis=1), np.tile(np.arange(8), (51, 1)))
    np.testing.assert_array_equal(some, orderings(8, 50, seed=3))
    assert (some != orderings(8, 50, seed=4)).any()
    for drawn in (every, some):
        np.testing.assert_array_equal(drawn[0], np.arange(drawn.shape[1]))


@given(tests=st.integers(1, 500), risk=st.floats(0.001, 0.2))
def test_corrected_p_values_can_fall_to_a_tenth_of_the_risk(tests, risk):
    n = permutations_needed(tests, risk)
    p = np.full(tests, 0.9)
    p[0] = 1 / (n + 1)
    tenth = risk / 10 * (1 + 1e-12)  # a quotient is rounded
    assert holm(p)[0] <= tenth
    assert tests / n > risk / 10 * (1 - 1e-12)  # and one fewer would not do


def distances(rng, n=10):
    points = rng.random((n, 2))
    return np.linalg.norm(points[:, None] - points, axis=-1)


def test_mantel_finds_a_relation():
    rng = np.random.default_rng(0)
    a = distances(rng)
    same = mantel(a, a, permutations=999)
    assert same.correlation == pytest.approx(1)
    assert same.p_value == 1 / 1000
    opposite = mantel(a, -a, permutations=999)
    assert opposite.correlation == pytest.approx(-1)
    assert opposite.p_value == 1  # one-sided
    noisy = a + 0.1 * (lambda e: e + e.T)(rng.standard_normal((10, 10)))
    assert mantel(a, noisy, permutations=999).p_value < 0.01


def test_mantel_is_fair_to_unrelated_matrices():
    rng = np.random.default_rng(1)
    p = [mantel(distances(rng), distances(rng), permutations=99).p_value for _ in range(300)]
    # The share of p-values up to 0.1 is 0.1 under independence; four standard errors are 0.069.
    assert np.mean(np.array(p) <= 0.1) == pytest.approx(0.1, abs=0.07)
    assert np.mean(p) == pytest.approx(0.5, abs=0.07)


def test_mantel_is_pearson_over_pairs_and_counts_permutations():
    rng = np.random.default_rng(2)
    a, b = distances(rng, 5), distances(rng, 5)
    pairs = np.triu_indices(5, 1)
    nulls = [stats.pearsonr(a[np.ix_(o, o)][pairs], b[pairs])[0] for o in orderings(5, 120)]
    test = mantel(a, b)  # all 120 orders are tried
    assert test.correlation == pytest.approx(nulls[0])
    assert test.p_value == np.mean(np.array(nulls) >= nulls[0] - 1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_mantel_counts_ties_whatever_the_rounding(seed):
    line = np.abs(np.subtract.outer(np.arange(6), np.arange(6))) * 0.1
    test = mantel(distances(np.random.default_rng(seed), 6), line)
    # Turning the line round changes nothing, so that orders come in pairs.
    assert test.p_value * 360 == pytest.approx(round(test.p_value * 360))


def test_mantel_leaves_out_unknown_pairs():
    rng = np.random.default_rng(3)
    a, b = distances(rng, 6), distances(rng, 6)
    known = b.copy()
    b[4, 5] = b[5, 4] = np.nan
    pairs = np.triu_indices(6, 1)
    kept = ~np.isnan(b[pairs])
    test = mantel(a, b)
    expected = stats.pearsonr(a[pairs][kept], known[pairs][kept])[0]
    assert test.correlation == pytest.approx(expected)
    assert mantel(b, a).correlation == pytest.approx(expected)
    np.fill_diagonal(a, np.nan)  # as Jaccard indices of empty ensembles have it
    assert mantel(a, b) == test


@pytest.mark.parametrize("flat", [np.full((5, 5), 0.1), np.full((5, 5), np.nan)])
def test_mantel_says_nothing_of_a_flat_matrix(flat):
    test = mantel(flat, distances(np.random.default_rng(4), 5))
    assert math.isnan(test.correlation)
    assert math.isnan(test.p_value)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (np.ones((3, 3)), np.ones((4, 4))),
        (np.ones((3, 2)), np.ones((3, 2))),
        (np.ones(3), np.ones(3)),
        (np.arange(9).reshape(3, 3), np.ones((3, 3))),
    ],
)
def test_mantel_refuses_what_is_no_relation(a, b):
    with pytest.raises(ValueError, match="symmetric and of one size"):
        mantel(a, b)
