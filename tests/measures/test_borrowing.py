"""An ensemble of one's own, or a borrowed one: activations made by hand, whose answer is known."""

from dataclasses import asdict
from functools import partial
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge
from sklearn.metrics import roc_auc_score

from fflib.measures.borrowing import PENALTIES, _ridge, borrowing, linear_auroc, own_share
from fflib.measures.ensembles import leave_one_out, median_quantile
from fflib.measures.unseen import unseen_class

UNITS, CLASSES, SAMPLES = 120, 4, 80
SEEN = (0, 1, 3)
FAST = [median_quantile, leave_one_out]


def layer(unseen_units, seed=0):
    """Noise, five own units for every seen class (class c: 10c … 10c + 4), given ones unseen."""
    rng = np.random.default_rng(seed)
    unseen = rng.exponential(0.2, (SAMPLES, UNITS))
    unseen[:, list(unseen_units)] += 3
    labels = np.repeat(SEEN, SAMPLES)
    seen = rng.exponential(0.2, (len(labels), UNITS))
    for label in SEEN:
        seen[np.ix_(labels == label, np.arange(10 * label, 10 * label + 5))] += 3
    return unseen, seen, labels


@pytest.mark.parametrize("rule", FAST)
def test_an_ensemble_of_its_own(rule):
    found = borrowing(*layer(range(60, 66)), rule, classes=CLASSES)
    assert (found.size, found.own, found.auroc) == (6, 1, 1)
    assert found.own_by_chance == pytest.approx((1 - 5 / UNITS) ** 3)
    # There is nothing to borrow: each seen ensemble is driven by its own class alone.
    assert found.borrowed_auroc < 0.6


@pytest.mark.parametrize("rule", FAST)
def test_a_borrowed_ensemble(rule):
    found = borrowing(*layer(range(30, 35)), rule, classes=CLASSES)
    assert (found.size, found.own, found.borrowed) == (5, 0, 3)
    # Class 3's images are told apart by neither, those of the other two by both: 1 − 1/3 · 1/2. The
    # standard error is 0.056 for 40 against 40 images in that third.
    assert found.auroc == found.borrowed_auroc == pytest.approx(5 / 6, abs=4 * 0.056 / 3)


def test_some_of_its_own():
    found = borrowing(*layer([0, 1, 30, 31, 60]), leave_one_out, classes=CLASSES)
    assert found.own == pytest.approx(1 / 5)


@pytest.mark.parametrize("sizes", [(1, 1), (2, 3), (3, 2)])
def test_chance_is_the_mean_over_all_ensembles_of_these_sizes(sizes):
    own = np.array([True, True, False, False, False])
    drawn = [[np.isin(range(5), c) for c in combinations(range(5), k)] for k in sizes]
    shares = [own_share(own, np.array(others)) for others in product(*drawn)]
    assert np.mean([share for share, _ in shares]) == pytest.approx(shares[0][1])


def test_size_and_shares_are_those_of_the_unseen_protocol():
    unseen, seen, labels = layer([0, 1, 2, 60], seed=3)
    found = borrowing(unseen, seen, labels, median_quantile, classes=CLASSES)
    [known] = unseen_class([unseen], [seen], labels, classes=CLASSES, permutations=0)
    assert found.size == known.size
    assert found.own == pytest.approx(1 - sum(known.shared) / known.size)


def test_what_is_found_on_one_half_is_tested_on_the_other():
    rng = np.random.default_rng(5)
    unseen, seen = rng.exponential(1, (41, 30)), rng.exponential(1, (90, 30))
    labels = np.arange(90) % 3
    rule = partial(median_quantile, q=0.5)  # loose, so that noise has members, others on each half
    found = borrowing(unseen, seen, labels, rule, classes=3, seed=7)
    draw = np.random.default_rng(7)
    (u, v), (s, t) = (np.array_split(draw.permutation(n), 2) for n in (41, 90))

    def told(members, x, y):
        both = np.concatenate([x, y])
        drive = both[:, members].mean(1) / both.mean(1)
        return roc_auc_score(np.arange(len(both)) < len(x), drive)

    def members(x):
        return np.median(x, axis=0) > np.quantile(x, 0.5)

    others = [members(seen[s][labels[s] == c]) for c in range(3)]
    own = members(unseen[u])
    assert all(m.any() for m in (*others, own))
    best = int(np.argmax([told(m, unseen[u], seen[s]) for m in others]))
    assert found.borrowed == best
    assert found.borrowed_auroc == pytest.approx(told(others[best], unseen[v], seen[t]))
    assert found.auroc == pytest.approx(told(own, unseen[v], seen[t]))


@pytest.mark.parametrize("rule", FAST)
def test_in_a_silent_layer_shares_and_borrowing_are_not_defined(rule):
    unseen, seen, labels = layer([])
    found = borrowing(0 * unseen, 0 * seen, labels, rule, classes=CLASSES)
    nothing = {"own": None, "own_by_chance": None, "borrowed": None, "borrowed_auroc": None}
    assert asdict(found) == {"size": 0, "auroc": 0.5} | nothing
    assert linear_auroc(0 * unseen, 0 * seen) == 0.5


def test_the_linear_probe_is_ridge_regression_whose_penalty_is_chosen_where_it_is_fitted():
    rng = np.random.default_rng(1)
    unseen, seen = rng.normal(0.2, 1, (60, 40)), rng.normal(0, 1, (160, 40))

    def halves(*sizes):
        draw = np.random.default_rng(0)
        return [np.array_split(draw.permutation(n), 2) for n in sizes]

    def told(penalty, fit, test):
        (u, s), (v, t) = fit, test
        x, y = np.concatenate([unseen[u], seen[s]]), np.arange(len(u) + len(s)) < len(u)
        ridge = Ridge(alpha=penalty * len(x) * x.var(axis=0).mean()).fit(x, y)
        score = ridge.predict(np.concatenate([unseen[v], seen[t]]))
        return roc_auc_score(np.arange(len(score)) < len(v), score)

    (u, v), (s, t) = halves(60, 160)
    (a, b), (c, d) = halves(30, 80)
    tried = [told(penalty, (u[a], s[c]), (u[b], s[d])) for penalty in PENALTIES]
    best = PENALTIES[int(np.argmax(tried))]
    assert linear_auroc(unseen, seen) == pytest.approx(told(best, (u, s), (v, t)))


def test_a_linear_probe_finds_what_varies_a_thousand_times_less_than_the_rest():
    rng = np.random.default_rng(0)
    unseen, seen = rng.normal(size=(60, 20)), rng.normal(size=(200, 20))
    for values, shift in ((unseen, 4), (seen, 0)):
        values[:, 0] = 0.001 * (values[:, 0] + shift)
    # Four standard deviations apart: 1 − Φ(−4 / √2) = 0.998.
    assert linear_auroc(unseen, seen) > 0.98


def test_a_linear_probe_learns_nothing_from_noise():
    # The standard error of one AUROC of 50 against 150 is 0.047, of the mean of twenty 0.011. Tested on
    # the images that it was fitted on it would be about 0.9.
    rng = np.random.default_rng(0)
    found = [
        linear_auroc(rng.normal(size=(100, 60)), rng.normal(size=(300, 60))) for _ in range(20)
    ]
    assert np.mean(found) == pytest.approx(0.5, abs=0.045)


@settings(max_examples=20)
@given(st.floats(1e-3, 1e3), st.permutations(range(8)), st.integers(0, 5))
def test_neither_scale_nor_order_of_units_matters(scale, order, seed):
    rng = np.random.default_rng(seed)
    unseen, seen = rng.exponential(1, (20, 8)), rng.exponential(1, (40, 8))
    labels = np.arange(40) % 2
    changed = scale * unseen[:, order], scale * seen[:, order]
    # Rounding may order two scores anew that are all but equal: one pair in 200.
    assert linear_auroc(*changed) == pytest.approx(linear_auroc(unseen, seen), abs=1 / 200)
    one, other = (
        borrowing(*h, labels, leave_one_out, classes=2) for h in ((unseen, seen), changed)
    )
    assert (one.size, one.own, one.own_by_chance) == (other.size, other.own, other.own_by_chance)


def test_too_few_images_are_refused():
    unseen, seen, labels = layer([])
    with pytest.raises(
        ValueError, match=r"two unseen and two seen images are needed.* got 1 and 240"
    ):
        borrowing(unseen[:1], seen, labels, leave_one_out, classes=CLASSES)


@pytest.mark.parametrize("images", [12, 40])
def test_directions_of_the_probe_solve_ridge_regression_for_few_and_many_images(images):
    rng = np.random.default_rng(images)
    unseen, seen = rng.normal(size=(images // 3, 20)), rng.normal(size=(images, 20))
    x = np.concatenate([unseen, seen])
    x = x - x.mean(axis=0)
    target = np.arange(len(x)) < len(unseen)
    scale = np.trace(x.T @ x) / 20
    for penalty, found in zip(PENALTIES[4:], _ridge(unseen, seen)[4:], strict=True):
        expected = np.linalg.solve(x.T @ x + penalty * scale * np.eye(20), x.T @ target)
        # Systems with the smallest penalties that are tried here have a condition of ten thousand.
        np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-10)
