"""Intervals over runs, permutation tests and correction for several claims."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from fflib.statistics import (
    Interval,
    bootstrap_interval,
    holm,
    mantel,
    mean_interval,
    orderings,
    paired_interval,
)

# Student's sleep data (Biometrika 6, 1908): extra hours under two drugs, ten patients.
FIRST = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
SECOND = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]

numbers = st.lists(st.floats(-100, 100), min_size=2, max_size=12)


def test_students_own_example():
    interval = paired_interval(SECOND, FIRST)
    assert interval.mean == pytest.approx(1.58)
    assert interval.low == pytest.approx(0.7001142, abs=1e-7)  # as printed in textbooks
    assert interval.high == pytest.approx(2.4598858, abs=1e-7)
    assert interval.n == 10


def test_two_runs_have_the_widest_quantile():
    interval = mean_interval([0.0, 2.0])
    assert interval.high - 1 == pytest.approx(12.7062, abs=1e-4)  # t(0.975, 1), standard error 1
    narrow = mean_interval([0.0, 2.0], confidence=0.5)
    assert narrow.high - 1 == pytest.approx(1)  # the quartile of t with one degree is 1


@given(values=numbers, shift=st.floats(-10, 10), factor=st.floats(0.1, 10))
def test_interval_moves_with_the_runs(values, shift, factor):
    before = mean_interval(values)
    after = mean_interval(np.array(values) * factor + shift)
    assert before.low <= before.mean <= before.high
    for a, b in ((before.low, after.low), (before.high, after.high), (before.mean, after.mean)):
        assert b == pytest.approx(a * factor + shift, abs=1e-6)


def test_interval_covers_as_often_as_it_says():
    repeats, confidence = 4000, 0.9
    runs = np.random.default_rng(0).normal(0.95, 0.01, (repeats, 5))
    intervals = [mean_interval(r, confidence) for r in runs]
    covered = np.mean([i.low <= 0.95 <= i.high for i in intervals])
    error = math.sqrt(confidence * (1 - confidence) / repeats)
    assert covered == pytest.approx(confidence, abs=4 * error)


@pytest.mark.parametrize("interval", [mean_interval, bootstrap_interval])
def test_one_run_has_no_interval(interval):
    single = interval([0.9])
    assert (single.mean, single.n) == (0.9, 1)
    assert math.isnan(single.low)
    assert math.isnan(single.high)
    assert single.give_or_take() == "0.900"


@pytest.mark.parametrize("interval", [mean_interval, bootstrap_interval])
def test_equal_runs_have_an_interval_of_no_width(interval):
    same = interval([0.25] * 4)
    assert same.low == same.mean == same.high == 0.25


@pytest.mark.parametrize("interval", [mean_interval, bootstrap_interval])
def test_a_run_without_a_number_is_not_passed_over(interval):
    assert all(map(math.isnan, (lambda i: (i.mean, i.low, i.high))(interval([0.1, 0.2, math.nan]))))


@pytest.mark.parametrize("interval", [mean_interval, bootstrap_interval])
@pytest.mark.parametrize("values", [[], 0.5, [[0.1, 0.2]]])
def test_an_interval_needs_one_number_per_run(interval, values):
    with pytest.raises(ValueError, match="one number per run"):
        interval(values)


def test_bootstrap_agrees_with_t_on_many_normal_runs():
    runs = np.random.default_rng(0).normal(0, 1, 200)
    t, boot = mean_interval(runs), bootstrap_interval(runs)
    width = t.high - t.low
    # Both approximate the same interval; resampling 9999 times moves a bound by about 1 % of it.
    assert boot.low == pytest.approx(t.low, abs=0.05 * width)
    assert boot.high == pytest.approx(t.high, abs=0.05 * width)


def test_bootstrap_follows_skew_and_seed():
    runs = np.random.default_rng(1).exponential(1, 30)
    interval = bootstrap_interval(runs)
    assert interval.high - interval.mean > interval.mean - interval.low
    assert bootstrap_interval(runs) == interval
    assert bootstrap_interval(runs, seed=1) != interval
    assert math.isnan(bootstrap_interval(runs[:2]).low)


def test_pairs_need_partners():
    with pytest.raises(ValueError, match="got 3 and 2"):
        paired_interval([1, 2, 3], [1, 2])
    assert paired_interval([1, 2, 3], [1, 2, 3]) == Interval(0, 0, 0, 3)


def test_interval_in_prose():
    interval = Interval(0.9531, 0.951, 0.9552, 10)
    assert f"{interval}" == "0.953 [0.951, 0.955]"
    assert f"{interval:.1%}" == "95.3% [95.1%, 95.5%]"
    assert str(interval) == "0.953 [0.951, 0.955] (n = 10)"
    assert str(mean_interval([0.9])) == "0.900 (n = 1)"


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


def distances(rng, n=10):
    points = rng.random((n, 2))
    return np.linalg.norm(points[:, None] - points, axis=-1)


def test_mantel_finds_a_relation():
    rng = np.random.default_rng(0)
    a = distances(rng)
    same = mantel(a, a, permutations=999)
    assert same.correlation == pytest.approx(1)
    assert same.p_value == 1 / 1000
    assert same.pairs == 45
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
    assert test.pairs == 14
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
