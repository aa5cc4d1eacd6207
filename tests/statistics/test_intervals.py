"""Intervals over runs: known answers, coverage, limits."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fflib.statistics import Interval, bootstrap_interval, mean_interval, paired_interval

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
def test_a_run_without_a_number_is_not_ignored(interval):
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
