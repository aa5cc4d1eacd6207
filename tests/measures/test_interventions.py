"""Interventions on weights by their sign: which weights, what they do, and nothing at dose zero."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fflib
from fflib.measures.interventions import OPERATIONS, TARGETS, affected, interventions
from fflib.measures.selectivity import mean_selectivity, selectivity
from fflib.records.obtain import record_of
from fflib.records.stores import Store

seeds = st.integers(0, 2**16)
doses = st.floats(0, 1)


def matrix(seed, shape=(20, 30)):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


@given(seed=seeds, dose=doses)
def test_a_dose_takes_its_share_of_the_negative_weights_and_as_many_at_random(seed, dose):
    weights = matrix(seed)
    negative, random = (
        affected(weights, target, dose, np.random.default_rng(1))
        for target in ("negative", "random")
    )
    assert (weights[negative] < 0).all()
    assert negative.sum() == random.sum() == round(dose * (weights < 0).sum())


@given(seed=seeds, dose=doses, shift=st.floats(-0.5, 0.5))
def test_positive_weights_match_the_magnitude_of_the_negative_ones(seed, dose, shift):
    weights = matrix(seed) + np.float32(shift)
    chosen = affected(weights, "positive", dose, np.random.default_rng(1))
    wanted = dose * -weights[weights < 0].sum(dtype=float)
    available = weights[weights > 0].sum(dtype=float)
    assert (weights[chosen] > 0).all()
    # The next weight in line would be one too many; none is larger than the largest.
    taken = weights[chosen].sum(dtype=float)
    assert taken <= wanted + 1e-3
    assert taken >= min(wanted, available) - weights.max() - 1e-3


@given(seed=seeds, target=st.sampled_from(TARGETS), low=doses, high=doses)
def test_a_larger_dose_takes_all_that_a_smaller_one_takes(seed, target, low, high):
    low, high = sorted((low, high))
    small, large = (
        affected(matrix(seed), target, dose, np.random.default_rng(2)) for dose in (low, high)
    )
    assert not (small & ~large).any()


def linear(weights):
    """A layer of rectified units, one image a class, and the strongest of the first units wins."""
    h = np.maximum(np.eye(weights[0].shape[1], dtype=np.float32) @ weights[0].T, 0)
    return h[:, : len(h)].argmax(axis=1), [h]


def test_an_untouched_network_has_no_effect_at_all():
    weights = [matrix(3, (12, 4))]
    effects = interventions(weights, linear, np.arange(4), 4)
    untouched = [e for e in effects if e.dose == 0]
    assert len(untouched) == len(OPERATIONS) * len(TARGETS) * 2  # everywhere, and layer 1
    first = replace(untouched[0], operation="", target="", place=0)
    assert first.identity == 1
    assert first.changed == 0
    assert all(replace(e, operation="", target="", place=0) == first for e in untouched)


def test_effects_are_those_of_networks_changed_by_hand():
    weights = [matrix(4, (12, 4))]
    found = {
        (e.operation, e.target): e
        for e in interventions(weights, linear, np.arange(4), 4, doses=(1.0,))
        if e.place == 1
    }
    for operation, factor in OPERATIONS.items():
        by_hand = np.where(weights[0] < 0, weights[0] * factor, weights[0])
        predicted, (h,) = linear([by_hand])
        effect = found[operation, "negative"]
        assert effect.accuracy == (predicted == np.arange(4)).mean()
        assert effect.changed == (weights[0] < 0).mean()
        assert effect.selectivity == pytest.approx(np.nanmean(selectivity(h)))
    # With half or none of the inhibition rectified activity is the same: one input drives a unit.
    assert found["zero", "negative"].identity == found["halve", "negative"].identity == 1
    assert found["flip", "negative"].hoyer < found["zero", "negative"].hoyer


def test_a_layer_that_falls_silent_has_no_sparseness_and_no_ensembles():
    weights = [np.full((3, 2), 1.0, dtype=np.float32)]

    def silent(changed):
        return np.zeros(2, int), [np.zeros((2, 3), np.float32)]

    effects = interventions(weights, silent, np.arange(2), 2, doses=(0.0,))
    assert {(e.hoyer, e.identity, e.selectivity) for e in effects} == {(None, None, None)}


@given(means=st.lists(st.floats(0, 100), min_size=2, max_size=6), factor=st.floats(0.01, 100))
def test_selectivity_lies_between_none_and_one_and_has_no_scale(means, factor):
    unit = np.array(means)[:, None]
    index = selectivity(unit)
    if unit.max() < 1e-200:  # silent, or so nearly that its square is
        return
    assert 0 <= index[0] <= 1
    np.testing.assert_allclose(selectivity(unit * factor), index, atol=1e-9)


def test_selectivity_leaves_out_silent_units_and_classes_without_images():
    means = np.array([[4.0, 0.0], [np.nan, np.nan], [2.0, 0.0]])
    np.testing.assert_allclose(selectivity(means), [2 / 6, np.nan])
    assert mean_selectivity(means) == pytest.approx(1 / 3)
    assert np.isnan(mean_selectivity(np.zeros((2, 3))))


def test_a_run_that_asks_for_it_keeps_what_its_probe_found(tmp_path, monkeypatch):
    monkeypatch.setattr("fflib.records.probes.IMAGES", 60)
    small = {"dataset": "digits", "hidden": 24, "epochs": 3, "theta": 1.0, "layers": 2}
    asked = fflib.Experiment(**small, probe="weight-signs")
    record = record_of(fflib.train(asked, progress=False))
    rows = record.metrics.probe
    assert {row["dose"] for row in rows} == {0.0, 0.1, 0.3, 1.0}
    assert {row["place"] for row in rows} == {0, 1, 2}
    untouched = [row for row in rows if row["dose"] == 0]
    assert {(r["accuracy"], r["hoyer"], r["identity"]) for r in untouched} == {
        (untouched[0]["accuracy"], untouched[0]["hoyer"], 1.0)
    }
    store = Store(tmp_path)
    store.save(record)
    assert store.load(asked).metrics.probe == rows
    assert record_of(fflib.train(fflib.Experiment(**small), progress=False)).metrics.probe is None
