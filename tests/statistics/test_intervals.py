"""Intervals over runs: known answers, coverage, limits."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fflib.statistics import Interval, mean_interval, paired_interval

# Student's sleep data (Biometrika 6, 1908): extra hours under two drugs, ten patients.
FIRST = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
SECOND = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]

numbers = st.lists(st.floats(-100, 100), min_size=3, max_size=12)
shares = st.lists(st.floats(0, 1), min_size=3, max_size=12)


def test_students_own_example():
    interval = paired_interval(SECOND, FIRST)
    assert interval.mean == pytest.approx(1.58)
    assert interval.low == pytest.approx(0.7001142, abs=1e-7)  # as printed in textbooks
    assert interval.high == pytest.approx(2.4598858, abs=1e-7)
    assert interval.n == 10


def test_three_runs_have_the_widest_quantile():
    interval = mean_interval([0.0, 1.0, 2.0])
    # t(0.975, 2), standard error 1/√3
    assert interval.high - 1 == pytest.approx(4.302653 / math.sqrt(3), abs=1e-6)
    narrow = mean_interval([0.0, 1.0, 2.0], confidence=0.5)
    assert narrow.high - 1 == pytest.approx(0.816497 / math.sqrt(3), abs=1e-6)


def test_a_share_has_the_interval_of_its_logit():
    runs, t = [0.97, 0.99, 1.0], 4.302653
    mean, error = 2.96 / 3, np.std(runs, ddof=1) / math.sqrt(3)
    interval = mean_interval(runs, scale="share")
    for bound, sign in ((interval.low, -1), (interval.high, 1)):
        logit = math.log(mean / (1 - mean)) + sign * t * error / (mean * (1 - mean))
        assert bound == pytest.approx(1 / (1 + math.exp(-logit)), abs=1e-7)
    assert mean_interval(runs).high > 1  # what it is for


def test_a_correlation_has_the_interval_of_its_z():
    runs, t = [0.7, 0.8, 0.93], 4.302653
    mean, error = np.mean(runs), np.std(runs, ddof=1) / math.sqrt(3)
    interval = mean_interval(runs, scale="correlation")
    for bound, sign in ((interval.low, -1), (interval.high, 1)):
        z = math.atanh(mean) + sign * t * error / (1 - mean**2)
        assert bound == pytest.approx(math.tanh(z), abs=1e-7)
    turned = mean_interval([-r for r in runs], scale="correlation")
    assert (turned.low, turned.high) == pytest.approx((-interval.high, -interval.low))


@given(values=shares, confidence=st.floats(0.5, 0.9999))
def test_an_interval_stays_in_the_range_and_holds_the_mean(values, confidence):
    share = mean_interval(values, confidence, "share")
    assert 0 <= share.low <= share.mean <= share.high <= 1
    both_ways = mean_interval([2 * v - 1 for v in values], confidence, "correlation")
    assert -1 <= both_ways.low <= both_ways.mean <= both_ways.high <= 1


@given(values=shares, confidence=st.floats(0.5, 0.9999))
def test_the_interval_of_a_difference_is_students_within_the_range(values, confidence):
    apart = [2 * v - 1 for v in values]
    cut, plain = (
        mean_interval(apart, confidence, "share difference"),
        mean_interval(apart, confidence),
    )
    assert (cut.low, cut.high) == (max(plain.low, -1), min(plain.high, 1))
    wider = mean_interval([2 * v for v in apart], confidence, "correlation difference")
    assert -2 <= wider.low <= wider.mean <= wider.high <= 2


def test_far_from_the_ends_the_scale_makes_no_difference():
    runs = [0.49, 0.5, 0.51]
    plain, share = mean_interval(runs), mean_interval(runs, scale="share")
    assert (share.low, share.high) == pytest.approx((plain.low, plain.high), abs=1e-4)


@pytest.mark.parametrize(
    ("scale", "value"), [("share", 1.1), ("share", -0.1), ("correlation", -1.2)]
)
def test_a_number_outside_its_range_is_refused(scale, value):
    with pytest.raises(ValueError, match=rf"a {scale} lies in .*, got .*{value:g}"):
        mean_interval([value, 0.5, value], scale=scale)


@pytest.mark.parametrize("n", [5, 10])
@pytest.mark.parametrize("expected", [0.95, 0.7, 0.01])
def test_a_share_is_covered_as_often_as_it_says(n, expected):
    repeats, confidence = 4000, 0.9
    runs = np.random.default_rng(n).beta(50 * expected, 50 * (1 - expected), (repeats, n))
    intervals = [mean_interval(r, confidence, "share") for r in runs]
    covered = np.mean([i.low <= expected <= i.high for i in intervals])
    # Shares near an end are skewed, and covered less often, yet more often than by the plain interval.
    plain = [mean_interval(r, confidence) for r in runs]
    # The two differ in a thousandth of the runs where the mean is far from either end.
    assert covered >= np.mean([i.low <= expected <= i.high for i in plain]) - 0.002
    assert covered == pytest.approx(confidence, abs=0.02 if expected > 0.1 else 0.09)


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


@pytest.mark.parametrize("runs", [[0.9], [0.9, 0.9]])
def test_fewer_than_three_runs_have_no_interval(runs):
    few = mean_interval(runs)
    assert (few.mean, few.n) == (0.9, len(runs))
    assert math.isnan(few.low)
    assert math.isnan(few.high)
    assert few.give_or_take() == "0.900"
    assert str(few) == f"0.900 (n = {len(runs)}, no interval)"


def test_equal_runs_have_an_interval_of_no_width():
    same = mean_interval([0.25] * 4)
    assert same.low == same.mean == same.high == 0.25


def test_a_run_without_a_number_is_not_ignored():
    found = mean_interval([0.1, 0.2, math.nan])
    assert all(map(math.isnan, (found.mean, found.low, found.high)))


@pytest.mark.parametrize("values", [[], 0.5, [[0.1, 0.2]]])
def test_an_interval_needs_one_number_per_run(values):
    with pytest.raises(ValueError, match="one number per run"):
        mean_interval(values)


def test_the_interval_of_a_share_near_zero_misses_less_than_a_cut_off_one():
    # Nine of ten shares of this distribution are below its mean.
    rng, share, n = np.random.default_rng(0), 0.005, 5
    missed = {"share": 0, "plain": 0}
    for runs in rng.beta(50 * share, 50 * (1 - share), (1000, n)):
        for scale in missed:
            found = mean_interval(runs, scale=scale)
            missed[scale] += not max(found.low, 0) <= share <= found.high
    assert missed["share"] < 0.7 * missed["plain"]  # 130 and 260 of 1000 are expected


def test_pairs_need_partners():
    with pytest.raises(ValueError, match="got 3 and 2"):
        paired_interval([1, 2, 3], [1, 2])
    assert paired_interval([1, 2, 3], [1, 2, 3]) == Interval(0, 0, 0, 3)


def test_interval_in_prose():
    interval = Interval(0.9531, 0.951, 0.9552, 10)
    assert f"{interval}" == "0.953 [0.951, 0.955]"
    assert f"{interval:.1%}" == "95.3% [95.1%, 95.5%]"
    assert str(interval) == "0.953 [0.951, 0.955] (n = 10)"
    assert str(mean_interval([0.9])) == "0.900 (n = 1, no interval)"
