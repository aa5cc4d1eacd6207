"""The three ensemble rules: planted ensembles, naive versions, limits and laws."""

import warnings
from contextlib import suppress
from fractions import Fraction
from math import comb
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from fflib.measures.ensembles import (
    RULES,
    class_means,
    kolmogorov_smirnov,
    leave_one_out,
    median_quantile,
)
from fflib.measures.kolmogorov_smirnov import (
    NEGLIGIBLE,
    _count_gaps,
    _count_gaps_in_blocks,
    _p_values,
    summed_p_values,
)

every_rule = pytest.mark.parametrize("rule", RULES.values(), ids=RULES)


def activations(*values, labels=None):
    labels = np.zeros(len(values[0]), dtype=int) if labels is None else labels
    return SimpleNamespace(values=list(values), labels=labels)


def planted(seed=0, layers=2, classes=4, samples=60, units=120, members=5):
    """Every class has its own few strong units above exponential noise, and now and then none."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(classes), samples)
    truth = np.zeros((layers, classes, units), dtype=bool)
    values = rng.exponential(0.2, (layers, len(labels), units))
    for layer in range(layers):
        for label in range(classes):
            truth[layer, label, rng.choice(units, members, replace=False)] = True
    values += 3 * truth[:, labels]
    values[:, ::10] = 0.0  # a tenth of the samples is silent
    return activations(*values, labels=labels), truth


@every_rule
def test_planted_ensembles_are_found_exactly(rule):
    data, truth = planted()
    np.testing.assert_array_equal(rule(data), truth)


@every_rule
def test_order_of_units_and_samples_does_not_matter(rule):
    data, _ = planted(seed=1, layers=1)
    data.values[0] += np.random.default_rng(2).exponential(1.0, data.values[0].shape)
    units = np.random.default_rng(3).permutation(120)
    samples = np.random.default_rng(4).permutation(240)
    moved = activations(data.values[0][samples][:, units], labels=data.labels[samples])
    found = rule(data)
    assert 0 < found.sum() < found.size
    np.testing.assert_array_equal(rule(moved), found[..., units])


@every_rule
@pytest.mark.parametrize("factor", [0.125, 1024.0])  # powers of two: exact in floating point
def test_scale_does_not_matter(rule, factor):
    data, _ = planted(seed=5)
    scaled = activations(*(factor * v for v in data.values), labels=data.labels)
    np.testing.assert_array_equal(rule(scaled), rule(data))


@every_rule
def test_a_class_without_samples_has_an_empty_ensemble(rule):
    data, truth = planted()
    data.labels = np.where(data.labels == 2, 5, data.labels)
    found = rule(data, classes=8)
    assert found.shape == (2, 8, 120)
    assert found.dtype == bool
    assert not found[:, [2, 4, 6, 7]].any()
    np.testing.assert_array_equal(found[:, [0, 1, 5, 3]], truth)
    assert rule(data).shape == (2, 6, 120)


@every_rule
@pytest.mark.parametrize("level", [0.0, 0.7])
def test_units_that_are_all_alike_form_no_ensemble(rule, level):
    assert not rule(activations(np.full((20, 10), level))).any()


@every_rule
def test_one_sample_is_enough_to_ask(rule):
    found = rule(activations(np.array([[0.0, 0.0, 0.0, 9.0]])))
    # One sample against one is never significant; for the other rules it is what it is.
    expected = [False, False, False, rule is not kolmogorov_smirnov]
    np.testing.assert_array_equal(found[0, 0], expected)


@every_rule
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_tensors_of_any_precision_are_read_as_they_are(rule, dtype):
    data, _ = planted(seed=6, layers=1)
    tensor = torch.from_numpy(data.values[0]).to(dtype)
    low = activations(tensor, labels=torch.from_numpy(data.labels))
    same = activations(tensor.float().numpy(), labels=data.labels)
    np.testing.assert_array_equal(rule(low), rule(same))


@every_rule
def test_layers_of_different_widths_are_refused(rule):
    with pytest.raises(ValueError, match=r"one width.*\(5, 3\), \(5, 4\).*one by one"):
        rule(activations(np.ones((5, 3)), np.ones((5, 4))))
    with pytest.raises(ValueError, match="a row for each label"):
        rule(activations(np.ones((5, 3)), labels=np.zeros(4, dtype=int)))


@every_rule
@pytest.mark.parametrize("labels", [[0, 1, 3], [0, 1, -1]])
def test_labels_out_of_range_are_refused(rule, labels):
    with pytest.raises(ValueError, match="labels must lie in 0 … 2"):
        rule(activations(np.ones((3, 3)), labels=np.array(labels)), classes=3)


@pytest.mark.parametrize("rule", [leave_one_out, kolmogorov_smirnov])
def test_rules_that_compare_units_need_two(rule):
    with pytest.raises(ValueError, match="got a layer of 1"):
        rule(activations(np.ones((5, 1))))


# Few distinct values make ties, where the definitions are easily got wrong.
coarse = st.integers(0, 2**32 - 1).map(np.random.default_rng)
sizes = {"samples": st.integers(1, 9), "units": st.integers(2, 8), "levels": st.integers(1, 6)}


@given(rng=coarse, q=st.sampled_from([0, 0.25, 0.5, 0.75, 0.9, 1]), **sizes)
def test_median_quantile_is_its_definition(rng, samples, units, levels, q):
    x = rng.integers(0, levels, (samples, units)) * 0.5
    expected = np.median(x, axis=0) > np.quantile(x, q)
    np.testing.assert_array_equal(median_quantile(activations(x), q)[0, 0], expected)


def test_median_is_the_mean_of_the_middle_two():
    # The 0.7 quantile of these twelve values is 2.7; the medians are 0, 3.5 and 2, of which 3.5 is between two.
    x = np.array([[0, 1, 2], [0, 2, 2], [0, 5, 2], [0, 6, 2]])
    data = activations(x)
    np.testing.assert_array_equal(median_quantile(data, 0.7)[0, 0], [False, True, False])


@given(rng=coarse, k=st.sampled_from([0.0, 0.5, 1.0, 2.0]), **sizes)
def test_leave_one_out_is_its_definition(rng, samples, units, levels, k):
    x = rng.integers(0, levels, (samples, units)) * 0.5 + rng.choice([0, 0.3])
    found = leave_one_out(activations(x), k)[0, 0]
    for unit in range(units):
        mean = x[:, unit].mean()
        others = np.delete(x, unit, axis=1).mean()
        if others > 0:
            ratio = (mean - others) / others
            if ratio == pytest.approx(k, abs=1e-9):
                continue  # decided by rounding
        else:
            ratio = np.inf if mean > 0 else 0.0
        assert found[unit] == (ratio > k)


def test_leave_one_out_where_the_others_are_silent():
    x = np.zeros((4, 5))
    x[2, 3] = 1e-20
    np.testing.assert_array_equal(leave_one_out(activations(x))[0, 0], np.arange(5) == 3)


def test_a_ratio_of_k_is_not_above_it():
    data = activations(np.array([[1.0, 1.0, 3.0]]))
    assert not leave_one_out(data, 2.0).any()
    assert leave_one_out(data, np.nextafter(2.0, 0)).sum() == 1


def test_higher_thresholds_leave_fewer_members():
    data, _ = planted(seed=7, layers=1)
    data.values[0] += np.random.default_rng(8).exponential(1.0, data.values[0].shape)
    strict, loose = leave_one_out(data, 2.0), leave_one_out(data, 1.0)
    assert 0 < strict.sum() < loose.sum()
    assert not (strict & ~loose).any()
    assert not (median_quantile(data, 0.95) & ~median_quantile(data, 0.8)).any()
    assert not (kolmogorov_smirnov(data, 0.01) & ~kolmogorov_smirnov(data, 0.1)).any()


def naive_p_value(a, b):
    """By counting: the share of the orderings of both samples that drive them as far apart."""
    n, gap = len(a), max(abs((a <= x).sum() - (b <= x).sum()) for x in [*a, *b])
    if gap == 0:
        return 1.0
    terms = (
        (-1) ** (turn - 1) * 2 * comb(2 * n, n - turn * int(gap)) for turn in range(1, n // gap + 1)
    )
    return float(Fraction(sum(terms), comb(2 * n, n)))


def naive_mean_p_values(x):
    units = range(x.shape[1])
    return np.array(
        [np.mean([naive_p_value(x[:, u], x[:, v]) for v in units if v != u]) for u in units]
    )


@settings(max_examples=25, deadline=None)  # the naive version takes its time
@given(rng=coarse, samples=st.integers(1, 12), units=st.integers(2, 7), levels=st.integers(1, 20))
def test_kolmogorov_smirnov_is_its_definition(rng, samples, units, levels):
    x = rng.integers(0, levels, (samples, units)) * 0.1 + rng.integers(0, 2, units)
    means = naive_mean_p_values(x)
    # Bounds between the means that occur find every wrong one.
    ordered = np.unique(means.round(12))
    for p in [0.05, *(ordered[1:] + ordered[:-1]) / 2]:
        found = kolmogorov_smirnov(activations(x), p)[0, 0]
        np.testing.assert_array_equal(found, means < p)


@pytest.mark.parametrize("samples", [101, 2001])
def test_kolmogorov_smirnov_on_a_sparse_layer(samples):
    rng = np.random.default_rng(0)
    x = np.maximum(rng.standard_normal((samples, 12)) + np.linspace(-2, -1.8, 12), 0)
    x[:, :4] = 0.0
    means = naive_mean_p_values(x)
    for p in np.quantile(means, [0.3, 0.6, 0.9]) + 1e-9:
        found = kolmogorov_smirnov(activations(x), p)[0, 0]
        np.testing.assert_array_equal(found, means < p)


@pytest.mark.parametrize("samples", [50, 2**15 + 7])  # short and long counts
def test_count_gaps_are_the_statistic(samples):
    x = np.sort(np.random.default_rng(1).integers(0, 60, (4, samples)) // [[1], [2], [3], [3]])
    x[0] += 1000  # above all others: the counts differ by as much as they can
    ranks = np.unique(x, return_inverse=True)[1].reshape(x.shape)
    expected = [[ks_2samp(u, v, method="asymp").statistic for v in x] for u in x]
    np.testing.assert_allclose(_count_gaps(ranks, samples + 1) / samples, expected, atol=1e-12)


def test_gaps_are_the_same_in_blocks_and_cut_short_only_where_far(monkeypatch):
    x = np.sort(np.random.default_rng(2).exponential(np.arange(1, 13)[:, None], (12, 90)).round(1))
    ranks = np.unique(x, return_inverse=True)[1].reshape(x.shape)
    whole = _count_gaps(ranks, 91)
    for at_once in (1, 5 * ranks.size, 2**20):
        monkeypatch.setattr("fflib.measures.kolmogorov_smirnov.READ_AT_ONCE", at_once)
        np.testing.assert_array_equal(_count_gaps_in_blocks(torch.from_numpy(ranks)), whole)
    short = _count_gaps(ranks, 20)
    np.testing.assert_array_equal(short[whole < 20], whole[whole < 20])
    assert (short[whole >= 20] >= 20).all()
    assert (short <= whole).all()


def test_sums_of_p_values_are_those_of_every_pair():
    # So unlike that most pairs are cut short; a naive sum has terms that no double can tell from 0.
    x = np.random.default_rng(3).exponential(np.geomspace(1, 30, 12), (400, 12))
    ranks = np.unique(np.sort(x.T), return_inverse=True)[1].reshape(12, 400)
    p_values = _p_values(400)[_count_gaps(ranks, 401)]
    assert (p_values < NEGLIGIBLE).any()
    # The order of rows, in which products add up, is another there: a last bit each way.
    np.testing.assert_allclose(summed_p_values(x), p_values.sum(axis=1), rtol=1e-15)


@pytest.mark.parametrize("n", [1, 2, 10, 1000])
def test_p_values_come_from_scipy(n):
    ramp = np.arange(n)
    for gap in np.unique(np.linspace(0, n, 25).astype(int)):
        # Sums of some hundred terms near 1, each right to the last digits of a logarithm.
        with warnings.catch_warnings():  # where scipy's sum fails it falls back on the asymptote
            warnings.simplefilter("error")
            with suppress(RuntimeWarning):
                expected = ks_2samp(ramp, ramp + gap, method="exact").pvalue
                assert _p_values(n)[gap] == pytest.approx(expected, rel=1e-9)
        counted = naive_p_value(ramp, ramp + gap)
        assert _p_values(n)[gap] == pytest.approx(counted, rel=1e-9)


def test_kolmogorov_smirnov_has_no_direction():
    x = np.random.default_rng(0).random((40, 30)) + 1
    x[:, 7] = 0.0
    np.testing.assert_array_equal(np.flatnonzero(kolmogorov_smirnov(activations(x))), [7])


def test_class_means():
    values = np.array([[1.0, 2.0], [3.0, 4.0], [8.0, 9.0], [5.0, 5.0]])
    data = activations(values, -values, labels=torch.tensor([0, 0, 0, 2]))
    np.testing.assert_array_equal(class_means(data)[0], [[4, 5], [np.nan] * 2, [5, 5]])
    np.testing.assert_array_equal(class_means(data)[1], -class_means(data)[0])
    assert class_means(data, classes=5).shape == (2, 5, 2)


def test_means_of_many_samples_are_exact_in_single_precision():
    values = torch.full((100_000, 2), 0.1)
    np.testing.assert_allclose(class_means(activations(values)), values[0, 0].item(), rtol=1e-12)
