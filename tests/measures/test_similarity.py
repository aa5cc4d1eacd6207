"""Similarity of representations: what it is by definition, what leaves it alone, and where it is 0."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.distance import pdist
from scipy.stats import ortho_group, spearmanr

from fflib.measures.similarity import cka, distances, first_of_each, rsa

BOTH = [rsa, cka]


def layers(n=30, units=(5, 12), seed=0):
    rng = np.random.default_rng(seed)
    return [rng.gamma(0.5, size=(n, width)) for width in units]


def unbiased_hsic(k, m):
    """Song et al.'s estimate, term by term."""
    n = len(k)
    k, m = k - np.diag(np.diag(k)), m - np.diag(np.diag(m))
    one = np.ones(n)
    return (
        np.trace(k @ m)
        + (one @ k @ one) * (one @ m @ one) / ((n - 1) * (n - 2))
        - 2 / (n - 2) * (one @ k @ m @ one)
    ) / (n * (n - 3))


def test_cka_from_distances_is_cka_from_activations():
    x, y = layers()
    k, m = x @ x.T, y @ y.T
    by_definition = unbiased_hsic(k, m) / np.sqrt(unbiased_hsic(k, k) * unbiased_hsic(m, m))
    assert cka([pdist(x)], [pdist(y)]) == pytest.approx(by_definition, abs=1e-12)


def test_double_centred_squared_distances_are_the_centred_gram_matrix():
    from scipy.spatial.distance import squareform

    x, _ = layers()
    centring = np.eye(len(x)) - 1 / len(x)
    from_distances = -0.5 * centring @ squareform(pdist(x) ** 2) @ centring
    centred = x - x.mean(axis=0)
    np.testing.assert_allclose(from_distances, centred @ centred.T, atol=1e-12)


def test_rsa_is_the_rank_correlation_of_distances():
    one = np.stack([pdist(x) for x in layers(seed=1)])
    other = np.stack([pdist(x.round()) for x in layers(units=(3, 4, 5), seed=1)])  # with ties
    found = rsa(one, other)
    assert found.shape == (2, 3)
    expected = [[spearmanr(x, y).statistic for y in other] for x in one]
    np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("measure", BOTH)
def test_a_rotated_scaled_and_shifted_layer_is_the_same(measure):
    x, _ = layers()
    turned = 7 * x @ ortho_group.rvs(x.shape[1], random_state=0) - 3
    # The rank of two distances that are all but equal may change in the last digits.
    assert measure([pdist(x)], [pdist(turned)]) == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("measure", BOTH)
def test_unrelated_layers_have_none_on_average(measure):
    # Far more units than images, where CKA with its bias would be about 0.95.
    rng = np.random.default_rng(0)
    noise = np.stack([pdist(rng.normal(size=(20, 400))) for _ in range(40)])
    found = measure(noise[:20], noise[20:])
    # Each has a standard deviation of about 0.1, and their mean, of 20 by 20, one of at most 0.1 / √20.
    assert abs(found.mean()) < 0.05


@pytest.mark.parametrize("measure", BOTH)
def test_half_precision_costs_nothing_that_counts(measure):
    x, y = layers(n=100, units=(50, 50))
    exact = measure([pdist(x)], [pdist(y)])
    # Half precision keeps distances to 1 in 2000.
    assert measure([distances(x)], [distances(y)]) == pytest.approx(exact, abs=1e-3)


@pytest.mark.parametrize("measure", BOTH)
@given(
    arrays(np.float64, (3, 6, 2), elements=st.integers(-9, 9).map(float)), st.permutations(range(6))
)
def test_laws(measure, values, order):
    rows = np.stack([distances(layer) for layer in values])
    found = measure(rows, rows)
    known = np.ptp(rows, axis=1) > 0
    np.testing.assert_allclose(found, found.T, atol=1e-12)
    assert np.isnan(found[~known]).all()
    assert (np.abs(found[np.isfinite(found)]) <= 1).all()
    np.testing.assert_allclose(np.diag(found)[known & np.isfinite(np.diag(found))], 1, atol=1e-9)
    again = np.stack([distances(layer[order]) for layer in values])
    np.testing.assert_allclose(
        measure(again, again), found, atol=1e-3
    )  # rounding to half precision


def test_distances_have_a_scale_of_one_whatever_the_layer():
    x, _ = layers()
    assert np.sqrt((distances(1e6 * x).astype(float) ** 2).mean()) == pytest.approx(1, abs=1e-3)
    assert not distances(np.ones((4, 3))).any()


def test_the_first_of_each_class_come_in_order_of_class():
    labels = np.array([2, 0, 2, 1, 2, 0])
    assert first_of_each(labels, 3, 2).tolist() == [1, 5, 3, 0, 2]


def test_too_few_samples_are_refused():
    with pytest.raises(ValueError, match="at least four samples, got 3"):
        cka([[1.0, 2.0, 1.0]], [[1.0, 1.0, 1.0]])
