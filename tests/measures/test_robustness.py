"""Ensembles along the range of each rule's threshold."""

import inspect
from itertools import pairwise

import numpy as np
import pytest

from fflib.measures.ensembles import RULES, Activations
from fflib.measures.robustness import THRESHOLDS, USUAL, by_threshold, members_by_threshold

CLASSES, UNITS = 4, 24
# What the threshold grows to, and whether more units are members the higher it is.
GROWS = {"median-quantile": False, "leave-one-out": False, "kolmogorov-smirnov": True}


def activations(seed=0, layers=2, images=80):
    """Every class excites six units of its own, the more the higher the unit's number."""
    rng = np.random.default_rng(seed)
    labels = np.arange(images) % CLASSES
    own = np.arange(UNITS) // 6 == labels[:, None]
    values = [
        rng.exponential(1, (images, UNITS)) + own * np.arange(UNITS) * rng.random((images, 1))
        for _ in range(layers)
    ]
    return Activations(values, labels)


@pytest.mark.parametrize("rule", RULES)
def test_at_the_usual_threshold_it_is_the_rule_itself(rule):
    shown = activations()
    found = members_by_threshold(rule, shown, THRESHOLDS[rule])
    assert found.shape == (len(THRESHOLDS[rule]), 2, CLASSES, UNITS)
    usual = found[THRESHOLDS[rule].index(USUAL[rule])]
    assert 0 < usual.sum() < usual.size
    assert np.array_equal(usual, RULES[rule](shown))


@pytest.mark.parametrize("rule", RULES)
def test_usual_thresholds_are_those_of_the_rules(rule):
    _, threshold, *_ = inspect.signature(RULES[rule]).parameters.values()
    assert USUAL[rule] == threshold.default


@pytest.mark.parametrize("rule", RULES)
def test_stricter_thresholds_keep_a_part_of_the_members(rule):
    found = members_by_threshold(rule, activations(1), THRESHOLDS[rule])
    loose_first = found[::-1] if GROWS[rule] else found
    assert list(THRESHOLDS[rule]) == sorted(THRESHOLDS[rule])
    for loose, strict in pairwise(loose_first):
        assert not (strict & ~loose).any()
    assert loose_first[0].sum() > loose_first[-1].sum()


def test_measures_are_taken_at_each_threshold():
    alone = np.repeat(np.eye(3, dtype=bool), 2, axis=1)
    everything = np.ones_like(alone)
    nothing = np.zeros_like(alone)
    similarity = np.array([[1, 0.9, 0.1], [0.9, 1, 0.2], [0.1, 0.2, 1]])
    thresholds = [[m] for m in (everything, *[alone] * 5, nothing)]
    choices = by_threshold("median-quantile", thresholds, similarity, "all")
    assert [c.threshold for c in choices] == list(THRESHOLDS["median-quantile"])
    assert {c.images for c in choices} == {"all"}
    assert [c.size for c in choices] == [(6.0,), *[(2.0,)] * 5, (0.0,)]
    assert [c.overlap for c in choices[:-1]] == [(1.0,), *[(0.0,)] * 5]
    assert np.isnan(choices[-1].overlap).all()
    assert np.isnan([c.follows for c in choices]).all()
