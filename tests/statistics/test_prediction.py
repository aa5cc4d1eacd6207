"""What one further run may give: known answers, and coverage of runs that are drawn."""

import numpy as np
import pytest
from scipy import stats

from fflib.statistics import mean_interval
from fflib.statistics.prediction import allowed_difference, prediction_interval


def test_one_further_run_is_held_as_often_as_it_says():
    runs = np.random.default_rng(0).normal(0.9, 0.01, (4000, 6))
    held = [
        found.low <= last <= found.high
        for *known, last in runs
        for found in [prediction_interval(known, 0.9)]
    ]
    # The standard error of a share of 0.9 over 4000 draws is 0.005.
    assert np.mean(held) == pytest.approx(0.9, abs=0.015)


def test_a_prediction_is_wider_than_the_interval_of_the_mean():
    runs = [0.94, 0.95, 0.97, 0.96]
    mean, run = mean_interval(runs), prediction_interval(runs)
    assert run.mean == mean.mean
    assert (run.high - run.low) / (mean.high - mean.low) == pytest.approx(np.sqrt(len(runs) + 1))


def test_a_single_run_predicts_nothing():
    assert np.isnan(prediction_interval([0.9]).low)
    with pytest.raises(ValueError, match="one number per run"):
        prediction_interval([])


def test_two_further_runs_differ_as_rarely_as_it_says():
    runs = np.random.default_rng(1).normal(0, 1, (4000, 7))
    further = [
        abs(one - two) <= allowed_difference([a, b], 0.9)
        for *known, one, two in runs
        for a, b in [(known[:3], known[3:])]
    ]
    assert np.mean(further) == pytest.approx(0.9, abs=0.015)


def test_groups_differ_in_their_means_but_share_a_spread():
    close, far = [[1.0, 2.0], [1.0, 2.0]], [[1.0, 2.0], [101.0, 102.0]]
    assert allowed_difference(close) == pytest.approx(allowed_difference(far))
    # s² = 1/2 with two degrees of freedom
    assert allowed_difference(close) == pytest.approx(float(stats.t.ppf(0.975, 2)))


def test_single_runs_have_no_spread():
    assert np.isnan(allowed_difference([[1.0], [2.0], []]))
