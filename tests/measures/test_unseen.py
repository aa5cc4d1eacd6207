"""The unseen-class protocol on made-up activations whose answer is known."""

import math
from dataclasses import asdict
from functools import partial

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from fflib.measures import sparsity
from fflib.measures.ensembles import RULES, leave_one_out, median_quantile
from fflib.measures.robustness import THRESHOLDS, USUAL
from fflib.measures.unseen import told_by_threshold, unseen_class

UNITS, CLASSES, SAMPLES = 120, 4, 80
UNSEEN = 2  # the held-out class: labels 0, 1 and 3 are seen
FAST = [median_quantile, leave_one_out]
LOOSE = [partial(median_quantile, q=0.5), partial(leave_one_out, k=0.05)]  # take noise for members


def layer(unseen_units, seed=0, strength=3.0):
    """Noise, five own units for every seen class (class c: 10c … 10c + 4), given ones unseen."""
    rng = np.random.default_rng(seed)
    unseen = rng.exponential(0.2, (SAMPLES, UNITS))
    unseen[:, list(unseen_units)] += strength
    labels = np.repeat([0, 1, 3], SAMPLES)
    seen = rng.exponential(0.2, (len(labels), UNITS))
    for label in (0, 1, 3):
        seen[np.ix_(labels == label, np.arange(10 * label, 10 * label + 5))] += 3
    return unseen, seen, labels


def measure(unseen, seen, labels, rule=median_quantile, **settings):
    [result] = unseen_class([unseen], [seen], labels, rule, classes=CLASSES, **settings)
    return result


@pytest.mark.parametrize("rule", FAST)
def test_an_ensemble_of_its_own_is_found(rule):
    result = measure(*layer(range(60, 66)), rule=rule)
    assert result.size == 6
    assert result.stability == 1
    assert result.shared == (0, 0, 0, 0)
    assert result.jaccard[:2] == (0, 0)
    assert result.auroc == 1
    assert result.stability_p == 1 / 100  # no group of mixed images comes near


def test_the_slow_rule_sees_it_too():
    result = measure(*layer(range(60, 65)), rule=RULES["kolmogorov-smirnov"], permutations=0)
    assert (result.size, result.stability, result.auroc) == (5, 1, 1)


@pytest.mark.parametrize("rule", LOOSE)
def test_noise_forms_no_ensemble_and_cannot_be_told(rule):
    results = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        unseen, seen = rng.exponential(1, (60, UNITS)), rng.exponential(1, (180, UNITS))
        results.append(measure(unseen, seen, np.arange(180) % 3, rule=rule, permutations=19))
    assert all(r.size > 20 for r in results)
    # Binomial(20, 0.05): five or more have probability 0.003 for each p-value.
    assert sum(r.size_p <= 0.05 for r in results) < 5
    assert sum(r.stability_p <= 0.05 for r in results) < 5
    # Standard error of one AUROC of 30 against 180 is 0.057, of the mean of twenty 0.013. Scoring
    # the very images that chose the ensemble would give 0.79 and 0.86.
    assert np.mean([r.auroc for r in results]) == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("rule", FAST)
def test_units_that_answer_to_everything_are_no_sign_of_a_class(rule):
    rng = np.random.default_rng(0)
    unseen, seen = rng.exponential(0.2, (SAMPLES, UNITS)), rng.exponential(0.2, (240, UNITS))
    unseen[:, 100:106] += 3
    seen[:, 100:106] += 3
    result = measure(unseen, seen, np.arange(240) % 3, rule=rule)
    assert result.size == 6
    assert result.stability == 1  # stable, yet
    assert (result.chance_size, result.chance_stability) == (6, 1)  # so is any group of images
    assert result.size_p == result.stability_p == 1
    # Four standard errors of the AUROC of 80 images against 240.
    assert result.auroc == pytest.approx(0.5, abs=4 * 0.037)


@pytest.mark.parametrize("rule", FAST)
def test_what_is_shared_with_whom(rule):
    # Two of class 0's five units, four of class 3's, one of its own.
    result = measure(*layer([0, 1, 30, 31, 32, 33, 60]), rule=rule)
    assert result.size == 7
    assert result.shared == (2, 0, 0, 4)
    assert result.jaccard[0] == pytest.approx(2 / 10)
    assert result.jaccard[1] == 0
    assert math.isnan(result.jaccard[UNSEEN])
    assert result.jaccard[3] == pytest.approx(4 / 8)


def test_a_look_alike_among_the_seen_cannot_be_told():
    result = measure(*layer(range(10)[:5]), rule=leave_one_out)  # exactly the units of class 0
    # Half of class 0's images score higher, none of the other two classes': 1 − 1/3 · 1/2,
    # with a standard error of 0.057 for 40 against 80 images in that third.
    assert result.auroc == pytest.approx(1 - 1 / 6, abs=4 * 0.057 / 3)
    assert result.jaccard[0] == 1


def test_auroc_is_taken_on_the_other_half():
    unseen, seen, labels = layer([60, 61], strength=0.1)
    seed, expected = 11, []
    rule = partial(median_quantile, q=0.5)  # members differ from half to half
    result = measure(unseen, seen, labels, rule, splits=1, permutations=0, seed=seed)
    order = np.array_split(np.random.default_rng(seed).permutation(SAMPLES), 2)
    for fit, score in (order, order[::-1]):
        x = unseen[fit]
        members = np.median(x, axis=0) > np.quantile(x, 0.5)
        both = np.concatenate([unseen[score], seen])
        drive = both[:, members].mean(1) / both.mean(1)
        expected.append(roc_auc_score(np.arange(len(both)) < len(score), drive))
    assert result.auroc == pytest.approx(np.mean(expected))


def test_silent_images_are_counted_and_score_nothing():
    unseen, seen, labels = layer(range(60, 66))
    unseen[:20] = 0
    result = measure(unseen, seen, labels, permutations=0)
    assert result.silent == 0.25
    assert result.hoyer == pytest.approx(sparsity.mean_hoyer(unseen[20:]))
    # A silent quarter lies below every seen image, the rest above: exactly three quarters.
    assert result.auroc == pytest.approx(0.75)


@pytest.mark.parametrize("rule", FAST)
def test_a_dead_layer_has_no_ensemble(rule):
    unseen, seen, labels = layer([])
    result = measure(0 * unseen, 0 * seen, labels, rule=rule, permutations=5)
    assert (result.size, result.stability, result.auroc, result.silent) == (0, 0, 0.5, 1)
    assert result.size_p == result.stability_p == 1
    assert math.isnan(result.hoyer)


def test_layers_are_measured_one_by_one_on_the_same_draws():
    unseen, seen, labels = layer([60, 61], strength=0.3)
    wide = [np.pad(x, [(0, 0), (0, 30)]) for x in (unseen, seen)]  # widths may differ
    both = unseen_class(
        [torch.from_numpy(unseen), torch.from_numpy(wide[0])],
        [torch.from_numpy(seen), torch.from_numpy(wide[1])],
        torch.from_numpy(labels),
        partial(leave_one_out, k=1.0),
        classes=CLASSES,
        permutations=9,
    )
    for together, pair in zip(both, [(unseen, seen), wide], strict=True):
        alone = measure(*pair, labels, partial(leave_one_out, k=1.0), permutations=9)
        np.testing.assert_equal(asdict(together), asdict(alone))  # nan equals nan here


def test_seed_decides_the_halves():
    data = *layer([60, 61], strength=0.3), LOOSE[1]
    first, again, other = (measure(*data, permutations=9, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_equal(asdict(first), asdict(again))
    assert first.auroc != other.auroc
    assert first.stability != other.stability


def test_without_permutations_there_is_no_p_value():
    result = measure(*layer(range(60, 66)), permutations=0)
    chance = (result.chance_size, result.chance_stability, result.size_p, result.stability_p)
    assert all(map(math.isnan, chance))


def test_too_few_images_are_refused():
    unseen, seen, labels = layer([])
    with pytest.raises(ValueError, match=r"two unseen ones to halve, got 240 and \[1\]"):
        measure(unseen[:1], seen, labels)
    with pytest.raises(ValueError, match=r"got 0 and \[80\]"):
        measure(unseen, seen[:0], labels[:0])


@pytest.mark.parametrize("rule", RULES)
def test_at_the_usual_threshold_a_range_says_what_the_rule_says(rule):
    unseen, seen, labels = layer(range(60, 66), strength=1.0)
    alone = measure(unseen, seen, labels, rule=RULES[rule], permutations=0, seed=3)
    choices = told_by_threshold([unseen], [seen], rule, seed=3)
    assert [choice.threshold for choice in choices] == list(THRESHOLDS[rule])
    (usual,) = [choice for choice in choices if choice.threshold == USUAL[rule]]
    assert usual.auroc == (alone.auroc,)
    assert 0.5 < alone.auroc <= 1


def test_a_threshold_that_nothing_reaches_tells_nothing():
    unseen, seen, _ = layer(range(60, 66), strength=0.1)
    strictest = told_by_threshold([unseen, unseen], [seen, seen], "leave-one-out")[-1]
    assert strictest.size == (0, 0)
    assert strictest.auroc == (0.5, 0.5)
