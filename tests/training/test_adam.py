"""Adam and the schedules of its rate: the same numbers as torch's own, bit for bit."""

from itertools import pairwise
from math import prod
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim.lr_scheduler import CosineAnnealingLR, LambdaLR

from fflib.training import adam
from fflib.training.adam import SCHEDULES, Adam, pieces, rates

SHAPES = [(5, 3), (1,), (700, 11)]


def parameters(seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.nn.Parameter(torch.randn(shape, generator=generator)) for shape in SHAPES]


def gradients(step):
    generator = torch.Generator().manual_seed(100 + step)
    scales = (1.0, 1e-6, 1e4)
    found = [
        scale * torch.randn(shape, generator=generator)
        for shape, scale in zip(SHAPES, scales, strict=True)
    ]
    return [None if step % 3 == 1 and place == 1 else g for place, g in enumerate(found)]


def groups(parameters, decay):
    """AdamW's own way to spare the biases, which have one dimension."""
    weights, biases = (
        [p for p in parameters if (p.dim() > 1) == wanted] for wanted in (True, False)
    )
    return [{"params": weights, "weight_decay": decay}, {"params": biases, "weight_decay": 0.0}]


@pytest.mark.parametrize(("epsilon", "decay"), [(1e-8, 0.0), (1e-3, 0.0), (1e-8, 0.1), (1e-4, 0.5)])
def test_steps_are_those_of_torch(epsilon, decay):
    ours, theirs = parameters(), parameters()
    optimiser = Adam(ours, epsilon=epsilon, weight_decay=decay)
    kind = torch.optim.AdamW if decay else torch.optim.Adam
    reference = kind(groups(theirs, decay), eps=epsilon, fused=True)
    for step in range(7):
        rate = 0.1 / (step + 1)
        optimiser.rate = rate
        for group in reference.param_groups:
            group["lr"] = rate
        for one, other, gradient in zip(ours, theirs, gradients(step), strict=True):
            one.grad, other.grad = gradient, gradient
        optimiser.step()
        reference.step()
        for one, other in zip(ours, theirs, strict=True):
            assert torch.equal(one, other)
    assert [moments["step"].tolist() for moments in optimiser.moments] == [[7], [5], [7]]
    assert optimiser.rate == rate


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_steps_in_pieces_are_those_of_the_whole(decay, monkeypatch):
    whole, cut = parameters(), parameters()
    one = Adam(whole, weight_decay=decay)
    monkeypatch.setattr(adam, "pieces", lambda of: [2, 1, 9])
    other = Adam(cut, weight_decay=decay)
    for step in range(5):
        for optimiser in (one, other):
            for parameter, gradient in zip(optimiser.parameters, gradients(step), strict=True):
                parameter.grad = gradient
            optimiser.rate = 0.1
            optimiser.step()
    for ours, theirs in zip(cut, whole, strict=True):
        # The end of a piece is computed number by number, and rounded otherwise than the rest.
        torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-7)
    assert [moments["step"].tolist() for moments in other.moments] == [[5] * 2, [3], [5] * 9]


def test_a_step_of_a_card_is_cut_as_far_as_one_launch_goes():
    def on_a_card(*shape):
        return SimpleNamespace(is_cuda=True, is_contiguous=lambda: True, numel=lambda: prod(shape))

    layer = [on_a_card(784, 784), on_a_card(784)]
    assert pieces(layer) == [35, 1]
    assert pieces(layer * 3) == [11, 1] * 3
    assert pieces(layer * 40) == [1] * 80  # which fill it as they are
    assert pieces(parameters()) == [1] * 3


def test_what_follows_a_step_is_done_after_it():
    (parameter, *_) = ours = parameters()
    seen = []
    optimiser = Adam(ours[:1], [lambda: seen.append(parameter.detach().clone())])
    optimiser.rate = 1.0
    parameter.grad = torch.ones_like(parameter)
    optimiser.step()
    assert torch.equal(seen[0], parameter)
    optimiser.zero_grad()
    assert parameter.grad is None


@pytest.mark.parametrize("epochs", [1, 2, 7, 30])
def test_rates_are_those_of_torch(epochs):
    for name, make in (
        ("cosine", lambda optimiser: CosineAnnealingLR(optimiser, epochs)),
        ("constant", lambda optimiser: LambdaLR(optimiser, lambda epoch: 1.0)),
    ):
        optimiser = torch.optim.Adam(parameters(), lr=0.03)
        schedule, expected = make(optimiser), []
        for _ in range(epochs):
            expected.append(optimiser.param_groups[0]["lr"])
            optimiser.step()
            schedule.step()
        assert SCHEDULES[name](0.03, epochs) == expected


@given(st.sampled_from(sorted(SCHEDULES)), st.integers(1, 30), st.integers(0, 9))
def test_rates_rise_in_equal_steps_before_the_schedule_begins(schedule, epochs, warm_up):
    found = rates(schedule, 0.03, epochs + warm_up, warm_up)
    assert found[warm_up:] == SCHEDULES[schedule](0.03, epochs)
    rising = [0.0, *found[: warm_up + 1]]
    for before, after in pairwise(rising):
        assert after - before == pytest.approx(0.03 / (warm_up + 1))
