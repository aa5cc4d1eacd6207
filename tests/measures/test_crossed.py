"""The crossed design: shares whose answer is known, laws, and the same by regression."""

from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fflib.measures.crossed import explained

K, UNITS = 5, 7
seeds = st.integers(0, 2**16)
sizes = st.integers(3, 6)


def noise(seed, k=K, units=UNITS):
    return np.random.default_rng(seed).standard_normal((k, k, units))


def shares(cells):
    return np.array(astuple(explained(cells)))


def by_least_squares(cells):
    """The same by regression, unit by unit: each part is what its dummies add to those before."""
    k, _, units = cells.shape
    image, label = (place.ravel() for place in np.indices((k, k)))
    same = np.where(image == label, image, -1)
    dummies = [np.equal.outer(found, np.arange(k)) for found in (image, label, same)]
    design, squares, degrees = np.ones((k * k, 1)), [], []
    for step in [np.empty((k * k, 0)), *dummies]:
        design = np.hstack([design, step])
        residual = sum(
            ((x - design @ np.linalg.lstsq(design, x, rcond=None)[0]) ** 2).sum()
            for x in cells.reshape(k * k, units).T
        )
        squares.append(residual)
        degrees.append(np.linalg.matrix_rank(design))
    total, error = squares[0], squares[-1] / (k * k - degrees[-1])
    shares = (-np.diff(squares) - error * np.diff(degrees)) / total
    return [*shares, 1 - shares.sum()]


@given(seed=seeds, k=sizes)
def test_shares_are_those_of_least_squares(seed, k):
    cells = noise(seed, k)
    np.testing.assert_allclose(shares(cells), by_least_squares(cells), atol=1e-10)


ROWS = np.random.default_rng(0).random((K, 1, UNITS))
SAME = np.eye(K)[:, :, None] * np.random.default_rng(1).random((K, 1, UNITS))
PAIR = np.eye(K)[:, :, None] * np.eye(K)[:, None]  # a unit for each class, and for it alone


@pytest.mark.parametrize(
    ("cells", "answer"),
    [
        (ROWS + np.zeros((K, K, UNITS)), [1, 0, 0, 0]),
        (ROWS.swapaxes(0, 1) + np.zeros((K, K, UNITS)), [0, 1, 0, 0]),
        (np.eye(K)[:, :, None] * np.ones(UNITS), [0, 0, 1, 0]),
        (np.eye(K, dtype=bool)[:, :, None], [0, 0, 1, 0]),
    ],
    ids=["the image", "the label", "their agreement", "their agreement, in members"],
)
def test_cells_that_follow_one_thing_alone_are_explained_by_it(cells, answer):
    np.testing.assert_allclose(shares(cells), answer, atol=1e-12)


def test_a_unit_that_needs_both_is_mostly_explained_by_their_agreement():
    """Of the variance 1 − 1/k² of a single cell, (k − 1)/k² is its row's and as much its column's."""
    k = K
    main = (k - 1) / (k**2 - 1)
    np.testing.assert_allclose(shares(PAIR), [main, main, 1 - 2 * main, 0], atol=1e-12)


def test_parts_of_equal_variance_share_it_equally():
    """Units that follow the image, and as many that follow the label."""
    image = ROWS + np.zeros((K, K, UNITS))
    both = np.concatenate([image, image.swapaxes(0, 1)], axis=-1)
    np.testing.assert_allclose(shares(both), [0.5, 0.5, 0, 0], atol=1e-12)


def test_noise_is_explained_by_nothing():
    # Of 20,000 units, the standard error of the largest share is below 0.003.
    np.testing.assert_allclose(shares(noise(0, units=20_000)), [0, 0, 0, 1], atol=0.01)


@given(seed=seeds, k=sizes)
def test_shares_sum_to_one(seed, k):
    assert shares(noise(seed, k)).sum() == pytest.approx(1)


@given(seed=seeds)
def test_image_and_label_change_places_with_the_cells(seed):
    cells = noise(seed) + ROWS
    image, label, agreement, rest = shares(cells)
    np.testing.assert_allclose(shares(cells.swapaxes(0, 1)), [label, image, agreement, rest])


@given(seed=seeds, order=st.permutations(range(K)), scale=st.sampled_from([-3.0, 0.01, 100.0]))
def test_neither_the_order_of_classes_nor_level_and_scale_matter(seed, order, scale):
    cells = noise(seed) + ROWS + SAME
    level = np.random.default_rng(seed).uniform(-5, 5, UNITS)
    changed = scale * (cells + level)[order][:, order]
    np.testing.assert_allclose(shares(changed), shares(cells), atol=1e-9)


@pytest.mark.parametrize("cells", [np.full((4, 4, 3), 0.1), np.eye(2)[:, :, None]])
def test_without_variance_or_a_rest_nothing_is_explained(cells):
    assert np.isnan(shares(cells)).all()


@pytest.mark.parametrize("shape", [(3, 4, 2), (3, 3)])
def test_a_design_that_is_not_crossed_is_refused(shape):
    with pytest.raises(ValueError, match="cross all classes with all labels"):
        explained(np.ones(shape))
