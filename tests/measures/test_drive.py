"""Drive: contributions, excitation and inhibition, against layers made by hand and a naive loop."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fflib.measures.drive import contributions, drive, excitation, kept_at_random

value = st.integers(-20, 20).map(lambda quarters: quarters / 4)
"""A number whose products and their sums are exact."""


@st.composite
def layers(draw):
    """Inputs, weights and biases of a layer, in double precision."""
    images, units, inputs = (draw(st.integers(1, 5)) for _ in range(3))
    shapes = (images, inputs), (units, inputs), (units,)
    return tuple(torch.from_numpy(draw(arrays(np.float64, s, elements=value))) for s in shapes)


def one_by_one(inputs, weight, bias):
    """All contributions, shape (image, unit, input), the bias as the last input."""
    return np.array(
        [
            [
                [*(w * x for w, x in zip(row, image, strict=True)), b]
                for row, b in zip(weight.tolist(), bias.tolist(), strict=True)
            ]
            for image in inputs.tolist()
        ]
    )


def test_a_layer_by_hand():
    """Two images, two units, three inputs, of which the first is below zero on one image."""
    inputs = torch.tensor([[-1.0, 2.0, 0.0], [1.0, 1.0, 0.0]])
    weight = torch.tensor([[2.0, 1.0, -5.0], [-1.0, -1.0, 3.0]])
    bias = torch.tensor([-1.0, 0.0])
    # Unit 1 takes -2, 2, bias -1 and 2, 1, bias -1; unit 2 takes 1, -2 and -1, -1.
    assert excitation(inputs, weight, bias).tolist() == [[2, 1], [3, 0]]
    assert excitation(inputs, -weight, -bias).tolist() == [[3, 2], [1, 2]]
    counts = contributions(inputs, weight, bias)
    assert counts.positive.tolist() == [3, 1]
    assert counts.negative.tolist() == [3, 3]
    assert counts.disguised.tolist() == [1, 0]
    assert counts.negative_share.tolist() == [0.5, 0.75]
    found = drive(inputs, weight, bias)
    assert found.negative_weights == 0.5
    assert found.negative_contributions == 0.6
    assert found.negative_drive == pytest.approx(8 / 14)
    by_unit = np.mean([[-1 / 5, 2 / 4], [-1 / 3, -1]], axis=1)
    assert found.balance == pytest.approx(by_unit.mean())
    assert found.balance_sd == pytest.approx(by_unit.std())
    assert found.correlation == pytest.approx(-1)  # of unit 1; I of unit 2 is 2 on both images
    assert found.disguised == pytest.approx(1 / 6)
    assert found.bias == -0.5


@given(layer=layers())
def test_drive_is_that_of_contributions_one_by_one(layer):
    each = one_by_one(*layer)
    counts = contributions(*layer)
    np.testing.assert_array_equal(counts.positive, (each > 0).sum((0, 2)))
    np.testing.assert_array_equal(counts.negative, (each < 0).sum((0, 2)))
    from_positive = layer[1].numpy() > 0
    np.testing.assert_array_equal(
        counts.disguised, ((each[..., :-1] < 0) & from_positive).sum((0, 2))
    )
    e, i = each.clip(min=0).sum(2), -each.clip(max=0).sum(2)
    np.testing.assert_array_equal(excitation(*layer), e)
    found = drive(*layer)
    if not each.any():
        undefined = (found.negative_contributions, found.negative_drive, found.balance)
        assert all(map(math.isnan, (*undefined, found.balance_sd, found.correlation)))
        return
    assert found.negative_contributions == pytest.approx((each < 0).sum() / (each != 0).sum())
    assert found.negative_drive == pytest.approx(i.sum() / (e + i).sum())
    driven = np.ma.masked_array(e - i, e + i == 0) / (e + i)
    assert found.balance == pytest.approx(driven.mean())
    assert found.balance_sd == pytest.approx(driven.mean(0).std())
    vary = [u for u in range(e.shape[1]) if min(np.ptp(e[:, u]), np.ptp(i[:, u])) > 0]
    expected = [np.corrcoef(e[:, u], i[:, u])[0, 1] for u in vary]
    assert found.correlation == pytest.approx(np.mean(expected) if vary else math.nan, nan_ok=True)


@given(layer=layers())
def test_excitation_less_inhibition_goes_into_the_activation_function(layer):
    inputs, weight, bias = layer
    e, i = excitation(inputs, weight, bias), excitation(inputs, -weight, -bias)
    assert torch.equal(e - i, inputs @ weight.T + bias)
    assert (e >= 0).all()
    assert (i >= 0).all()


@given(layer=layers())
def test_contributions_have_the_sign_of_weight_and_input_together(layer):
    inputs, weight, bias = layer
    one, turned = contributions(*layer), contributions(-inputs, -weight, bias)
    assert torch.equal(one.negative, turned.negative)
    assert torch.equal(one.positive, turned.positive)
    opposite = contributions(inputs, -weight, -bias)
    assert torch.equal(one.negative, opposite.positive)
    both = one.negative_share + opposite.negative_share
    assert torch.allclose(both[~both.isnan()], torch.ones_like(both[~both.isnan()]))


def test_inputs_that_are_silent_contribute_nothing_and_a_bias_does_on_every_image():
    inputs, weight = torch.zeros(7, 3), torch.ones(2, 3)
    counts = contributions(inputs, weight, torch.tensor([-0.5, 0.0]))
    assert counts.negative.tolist() == [7, 0]
    assert counts.positive.tolist() == [0, 0]
    assert math.isnan(counts.negative_share[1])
    found = drive(inputs, weight, torch.tensor([-0.5, 0.0]))
    assert found.negative_contributions == found.negative_drive == 1
    assert found.balance == -1  # of the unit that is driven at all
    assert math.isnan(found.correlation)


def test_counts_are_exact_where_single_precision_is_not():
    counts = contributions(torch.ones(1, 1).expand(2**24 + 1, 1), torch.ones(1, 1), torch.zeros(1))
    assert int(counts.positive) == 2**24 + 1


@given(
    shares=st.lists(st.floats(0, 1), min_size=1, max_size=5),
    connections=st.integers(1, 30),
    seed=st.integers(0, 99),
)
def test_each_unit_loses_its_share_of_connections(shares, connections, seed):
    kept = kept_at_random(torch.tensor(shares), connections, np.random.default_rng(seed))
    lost = connections - kept.sum(1)
    # Half a connection is rounded either way, after a share in single precision.
    np.testing.assert_array_less(np.abs(lost - np.array(shares) * connections), 0.5 + 1e-5)


def test_connections_are_lost_with_equal_chances():
    kept = kept_at_random(torch.full((4000,), 0.3), 10, np.random.default_rng(0))
    assert (kept.sum(1) == 7).all()
    # A share of 4000 draws has a standard error of 0.0072: five of them.
    np.testing.assert_allclose(kept.mean(0), 0.7, atol=0.036)
    nothing_known = kept_at_random(torch.tensor([torch.nan]), 10, np.random.default_rng(0))
    assert nothing_known.all()
