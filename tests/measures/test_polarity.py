"""Signs of weights, and what positive weights connect."""

import math
from itertools import permutations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from fflib.measures.polarity import balance, negative_fraction, same_class_links
from fflib.statistics import permutations_needed

matrices = arrays(
    np.float64,
    array_shapes(min_dims=2, max_dims=2, max_side=8),
    elements=st.one_of(st.just(0.0), st.floats(1e-3, 1e3), st.floats(-1e3, -1e-3)),
)


def test_known_signs():
    w = torch.tensor([[-2.0, 0.0, 1.0], [-1.0, 0.5, 0.0]])
    assert negative_fraction(w) == pytest.approx(2 / 6)  # zeros count among all, not as negative
    assert balance(w) == pytest.approx(1.5 / 3)
    assert negative_fraction(w.bfloat16()) == pytest.approx(2 / 6)
    assert balance(w.bfloat16()) == pytest.approx(1.5 / 3)


def test_limits_of_balance():
    assert balance(np.ones((2, 2))) == math.inf
    assert balance(-np.ones((2, 2))) == 0
    assert math.isnan(balance(np.zeros((2, 2))))


@given(w=matrices)
def test_turning_signs_round_turns_the_measures_round(w):
    zeros = (w == 0).mean()
    assert negative_fraction(w) + negative_fraction(-w) + zeros == pytest.approx(1)
    if (w > 0).any() and (w < 0).any():
        assert balance(w) * balance(-w) == pytest.approx(1)
        assert balance(3 * w) == pytest.approx(balance(w))


def naive_fractions(weights, lower, upper):
    """Positive fractions of same-class and of different-class pairs, unit by unit."""
    same, different = [], []
    for u, row in enumerate(weights):
        for v, weight in enumerate(row):
            above, below = set(np.flatnonzero(upper[:, u])), set(np.flatnonzero(lower[:, v]))
            if above & below:
                same.append(weight > 0)
            elif above and below:
                different.append(weight > 0)
    return same, different


@given(seed=st.integers(0, 2**32 - 1), share=st.floats(0.15, 0.5))
def test_links_are_counted_pair_by_pair(seed, share):
    rng = np.random.default_rng(seed)
    weights = rng.standard_normal((9, 11))
    lower, upper = rng.random((3, 11)) < share, rng.random((3, 9)) < share
    links = same_class_links(weights, lower, upper)
    same, different = naive_fractions(weights, lower, upper)
    assert (links.same_class_pairs, links.different_class_pairs) == (len(same), len(different))
    if not same or not different:
        assert math.isnan(links.same_class if not same else links.different_class)
        assert math.isnan(links.p_value)
        return
    assert links.same_class == pytest.approx(np.mean(same))
    assert links.different_class == pytest.approx(np.mean(different))
    if 0 < np.mean(same) < 1 and 0 < np.mean(different) < 1:
        odds = np.mean(same) / (1 - np.mean(same)) / np.mean(different) * (1 - np.mean(different))
        assert links.odds_ratio == pytest.approx(odds)
    nulls = []
    for order in permutations(range(3)):
        s, d = naive_fractions(weights, lower, upper[list(order)])
        if s and d:
            nulls.append(np.mean(s) - np.mean(d))
    expected = np.mean(np.array(nulls) >= np.mean(same) - np.mean(different) - 1e-9)
    assert links.p_value == pytest.approx(expected)


def random_layers(seed, classes=10, units=120, members=6, preference=0.0):
    """Weights mostly negative; in same-class pairs positive ones are likelier by a preference."""
    rng = np.random.default_rng(seed)
    lower, upper = np.zeros((2, classes, units), dtype=bool)
    for layer in (lower, upper):
        for ensemble in layer:
            ensemble[rng.choice(units, members, replace=False)] = True
    same = upper.T.astype(int) @ lower.astype(int) > 0
    positive = rng.random((units, units)) < 0.1 + preference * same
    return np.where(positive, 1.0, -1.0) * rng.random((units, units)), lower, upper


def test_planted_links_are_found():
    links = same_class_links(*random_layers(0, preference=0.6))
    # 360 pairs of one class at most: four standard errors of a fraction of 0.7 are 0.1.
    assert links.same_class == pytest.approx(0.7, abs=0.1)
    assert links.different_class == pytest.approx(0.1, abs=0.03)
    assert links.odds_ratio > 10
    assert links.p_value == 1 / 1000


def test_unrelated_links_are_significant_as_often_as_chance_has_it():
    p = [same_class_links(*random_layers(s), permutations=99).p_value for s in range(60)]
    # Binomial(60, 0.1): 15 or more have probability 0.0007.
    assert sum(value <= 0.1 for value in p) < 15
    assert min(p) > 0


def test_links_that_avoid_the_own_class_are_not_significant():
    weights, lower, upper = random_layers(1, preference=0.6)
    links = same_class_links(-weights, lower, upper)
    assert links.odds_ratio < 0.2
    assert links.p_value > 0.99


def test_without_ensembles_nothing_is_claimed():
    weights, lower, upper = random_layers(2)
    links = same_class_links(weights, lower, np.zeros_like(upper))
    assert links.same_class_pairs == links.different_class_pairs == 0
    values = (links.same_class, links.different_class, links.odds_ratio, links.p_value)
    assert all(map(math.isnan, values))


def test_seed_decides_the_permutations():
    layers = random_layers(4)
    assert same_class_links(*layers, seed=1) == same_class_links(*layers, seed=1)
    assert len({same_class_links(*layers, seed=seed).p_value for seed in range(5)}) > 1


def test_permutations_are_counted_in_parts_as_at_once(monkeypatch):
    layers = random_layers(5, preference=0.1)
    whole = same_class_links(*layers)
    monkeypatch.setattr("fflib.measures.polarity.AT_ONCE", 1000)
    assert same_class_links(*layers) == whole


def test_more_permutations_find_smaller_p_values():
    layers = random_layers(0, preference=0.6)
    n = permutations_needed(57)
    assert same_class_links(*layers, permutations=n).p_value < 0.05 / 57
    assert same_class_links(*layers, permutations=999).p_value > 0.05 / 57


def test_transposed_weights_are_refused():
    weights, lower, upper = np.ones((4, 3)), np.ones((2, 3), bool), np.ones((2, 4), bool)
    assert same_class_links(weights, lower, upper).same_class == 1
    with pytest.raises(ValueError, match=r"got shapes \(3, 4\)"):
        same_class_links(weights.T, lower, upper)
