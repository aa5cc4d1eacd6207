"""Goodness, normalisation and the loss, against known values and autograd."""

import math
import re
import subprocess
import sys

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fflib.activation import ACTIVATIONS, Activation
from fflib.errors import ExperimentError
from fflib.experiment import Experiment
from fflib.goodness import (
    BUILT_IN,
    GOODNESS,
    NORMS,
    Goodness,
    ff_loss,
    normalise,
    register,
    vector_norm,
)
from fflib.records.obtain import record_of
from fflib.records.stores import Store
from fflib.training.gradients import hidden_gradient, layer_gradient
from fflib.training.train import train

SEEDS = st.integers(0, 2**16)
ACTIVITY = torch.tensor([3.0, 0.0, -4.0])


@pytest.mark.parametrize(
    ("name", "expected"), [("l1", 7.0), ("l2", 5.0), ("linf", 4.0), ("mean-square", 25 / 3)]
)
def test_goodness_of_a_vector_worked_by_hand(name, expected):
    assert GOODNESS[name].value(ACTIVITY).item() == pytest.approx(expected)


@pytest.mark.parametrize("name", BUILT_IN)
def test_no_bounded_activity_exceeds_the_ceiling(name):
    units = 7
    saturated = torch.ones(units)
    goodness = GOODNESS[name]
    assert goodness.value(saturated).item() == pytest.approx(goodness.ceiling(units))


@given(SEEDS, st.sampled_from(sorted(NORMS)), st.floats(0.01, 100))
def test_normalising_keeps_direction_and_forgets_length(seed, norm, scale):
    x = torch.randn(4, 9, generator=torch.Generator().manual_seed(seed))
    unit = normalise(x, norm)
    lengths = torch.linalg.vector_norm(unit, ord=NORMS[norm], dim=-1)
    torch.testing.assert_close(lengths, torch.ones(4))
    torch.testing.assert_close(normalise(scale * x, norm), unit)
    torch.testing.assert_close(torch.cosine_similarity(x, unit), torch.ones(4))


@given(SEEDS, st.sampled_from(sorted(NORMS.values())), st.booleans())
def test_a_norm_is_that_of_torch(seed, order, keepdim):
    x = torch.randn(3, 5, 7, generator=torch.Generator().manual_seed(seed)).bfloat16().float()
    x[0] = 0  # silent, and of a few values, so that the largest is often there twice
    expected = torch.linalg.vector_norm(x, ord=order, dim=-1, keepdim=keepdim)
    assert torch.equal(vector_norm(x, order, keepdim=keepdim), expected)


@given(SEEDS)
def test_units_that_are_equally_active_share_the_gradient_of_the_largest(seed):
    h = torch.randint(-2, 3, (4, 9), generator=torch.Generator().manual_seed(seed)).float()
    goodness = GOODNESS["linf"]
    g, pull = goodness.value(h), torch.arange(1.0, 5.0)
    largest = h.abs() == g[:, None]
    expected = h.sign() * largest * (pull / largest.sum(-1))[:, None]
    assert torch.equal(goodness.gradient(h, g, pull), expected)


def test_silent_examples_stay_silent():
    assert not normalise(torch.zeros(2, 5), "l2").any()


def test_the_loss_is_log_two_on_the_threshold_and_vanishes_far_from_it():
    on = torch.full((3,), 2.0)
    assert ff_loss(on, on, 2.0).item() == pytest.approx(math.log(2))
    assert ff_loss(on + 50, on - 50, 2.0).item() == pytest.approx(0)


def test_a_goodness_of_one_under_a_threshold_of_three_is_stuck_at_its_recorded_loss():
    # The published trap: with sigmoid units and the maximum norm nothing gets below 1.127.
    assert ff_loss(torch.ones(1), torch.ones(1), 3.0).item() == pytest.approx(1.127, abs=5e-4)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("goodness", BUILT_IN)
def test_the_closed_form_gradient_equals_autograd(activation, goodness):
    z = torch.randn(2, 6, 8, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    act, good = ACTIVATIONS[activation], GOODNESS[goodness]
    assert act.backward is not None
    assert good.gradient is not None
    dz, g = layer_gradient(z.clone(), act, good, theta=0.5)  # which overwrites its argument
    z.requires_grad_()
    expected_g = good.value(act.value(z))
    ff_loss(expected_g[0], expected_g[1], 0.5).backward()
    torch.testing.assert_close(g, expected_g.detach())
    torch.testing.assert_close(dz, z.grad)


@pytest.mark.parametrize("goodness", BUILT_IN)
def test_a_goodness_has_the_gradient_of_autograd(goodness):
    h = torch.randn(3, 5, 8, generator=torch.Generator().manual_seed(6), dtype=torch.float64)
    h = h.abs().requires_grad_()
    good = GOODNESS[goodness]
    (closed,) = torch.autograd.grad(good(h).square().sum(), h)
    (expected,) = torch.autograd.grad(good.value(h).square().sum(), h)
    torch.testing.assert_close(closed, expected)


OWN = {
    "sum": lambda h: h.sum(-1),
    "logarithm": lambda h: (1 + h.square().sum(-1)).log(),
    "largest": lambda h: h.amax(-1),
}
"""Goodnesses without a gradient; that of a sum is one number, which autograd repeats."""


def made(goodness):
    return GOODNESS[goodness] if goodness in GOODNESS else Goodness(OWN[goodness])


@pytest.mark.parametrize("goodness", [*BUILT_IN, *OWN])
@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_gradient_comes_by_the_goodness_and_by_the_direction(goodness, norm, activation):
    draw = torch.Generator().manual_seed(8)
    z, du = (torch.randn(2, 5, 8, generator=draw, dtype=torch.float64) for _ in range(2))
    pull = torch.randn(2, 5, generator=draw, dtype=torch.float64)
    act, good, given = ACTIVATIONS[activation], made(goodness), (pull.clone(), du.clone())
    over = z.clone()
    h = act.over(over)
    dh = hidden_gradient(h, good.value(h), pull, du, good, norm)
    dz = act.pull_back(dh, over, h)
    z.requires_grad_()
    expected_h = act.value(z)
    length = torch.linalg.vector_norm(expected_h, ord=NORMS[norm], dim=-1, keepdim=True)
    total = (pull * good.value(expected_h)).sum() + (du * expected_h / length).sum()
    (expected,) = torch.autograd.grad(total, z)
    torch.testing.assert_close(dz, expected)
    assert torch.equal(pull, given[0])
    assert torch.equal(du, given[1])


@pytest.mark.parametrize("goodness", [*BUILT_IN, *OWN])
@pytest.mark.parametrize("norm", NORMS)
def test_a_silent_example_has_no_gradient_by_its_direction(goodness, norm):
    h, du, good = torch.zeros(2, 3, 4), torch.ones(2, 3, 4), made(goodness)
    dh = hidden_gradient(h, good.value(h), torch.zeros(2, 3), du, good, norm)
    assert not dh.isnan().any()
    assert not ACTIVATIONS["relu"].pull_back(dh, h, h).any()


@pytest.mark.parametrize("goodness", OWN)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_goodness_without_a_gradient_has_that_of_autograd(goodness, activation):
    z = torch.randn(2, 6, 8, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    act, good = ACTIVATIONS[activation], made(goodness)
    dz, g = layer_gradient(z.clone(), act, good, theta=0.5)
    z.requires_grad_()
    expected = good.value(act.value(z))
    ff_loss(expected[0], expected[1], 0.5).backward()
    torch.testing.assert_close(g, expected.detach())
    torch.testing.assert_close(dz, z.grad)


def test_an_activation_without_a_chain_rule_has_that_of_autograd():
    z = torch.randn(2, 6, 8, generator=torch.Generator().manual_seed(3))
    bare = Activation(torch.sigmoid, in_place=torch.sigmoid_)
    found, _ = layer_gradient(z.clone(), bare, GOODNESS["l2"], theta=1.0)
    expected, _ = layer_gradient(z.clone(), ACTIVATIONS["sigmoid"], GOODNESS["l2"], theta=1.0)
    torch.testing.assert_close(found, expected)


def test_a_new_goodness_takes_one_function():
    z = torch.randn(2, 6, 8, generator=torch.Generator().manual_seed(4))
    relu, l2 = ACTIVATIONS["relu"], GOODNESS["l2"]
    by_autograd = layer_gradient(z.clone(), relu, Goodness(l2.value), theta=1.0)
    torch.testing.assert_close(by_autograd, layer_gradient(z.clone(), relu, l2, theta=1.0))


@pytest.mark.parametrize("goodness", BUILT_IN)
def test_a_silent_layer_has_a_finite_gradient(goodness):
    dz, _ = layer_gradient(
        torch.full((2, 3, 4), -1.0), ACTIVATIONS["relu"], GOODNESS[goodness], theta=1.0
    )
    assert torch.equal(dz, torch.zeros_like(dz))


# A goodness of one's own


def cubic(h):
    return h.abs().pow(3).sum(-1)


SMALL = {"dataset": "digits", "hidden": 32, "layers": 1, "epochs": 6, "theta": 0.5}


def test_a_registered_goodness_trains_under_its_name():
    full = register("cubic", cubic)
    experiment = Experiment(goodness="cubic", **SMALL)
    assert experiment.goodness == full
    run = train(experiment, "cpu", progress=False)
    built_in = train(Experiment(**SMALL), "cpu", progress=False)
    assert run.network.goodness.value is cubic
    assert run.curve[0]["loss"] != built_in.curve[0]["loss"]


def test_a_gradient_in_closed_form_is_used_and_changes_no_address():
    known = GOODNESS["mean-square"]
    by_autograd = register("square", lambda h: h.square().mean(-1))
    assert GOODNESS[by_autograd].gradient is None
    assert register("square", known.value, gradient=known.gradient) == by_autograd
    assert GOODNESS[by_autograd].gradient is known.gradient


def test_a_changed_function_has_experiments_of_its_own():
    before = Experiment(goodness=register("mine", cubic), **SMALL)
    again = Experiment(goodness=register("mine", lambda h: (h * h * h.abs()).sum(-1)), **SMALL)  # fmt: skip
    assert again.key == before.key
    changed = Experiment(goodness=register("mine", lambda h: 2 * cubic(h)), **SMALL)
    assert changed.goodness.partition("@")[0] == "mine"
    assert changed.key != before.key
    assert Experiment(goodness="mine", **SMALL) == changed
    assert Experiment(**before.model_dump()) == before  # its function is still there


def test_a_record_is_found_again_and_read_only_where_the_function_is_registered(tmp_path):
    full = register("kept", cubic)
    store = Store(tmp_path)
    path = store.save(record_of(train(Experiment(goodness="kept", **SMALL), progress=False)))
    assert store.load(Experiment(goodness="kept", **SMALL)).experiment.goodness == full
    program = f"from fflib.records.stores import Record; Record.from_file(__import__('pathlib').Path({str(path)!r}))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    said = done.stderr.splitlines()[-1]
    assert re.search(
        r"RecordError: .* goodness 'kept' \(\w{8}\) is somebody's own and not known here: register "
        r"its function with fflib\.goodness\.register\('kept', \.\.\.\)",
        said,
    )


def test_a_record_of_another_function_of_that_name_says_so():
    register("other", cubic)
    with pytest.raises(ExperimentError, match=r"^goodness 'other' is registered with another"):
        Experiment(goodness="other@00000000", **SMALL)


def test_a_bound_refuses_a_threshold_out_of_reach():
    register("bounded", lambda h: h.square().mean(-1), bound=1.0)
    register("wide", cubic, bound=float)
    sigmoid = SMALL | {"activation": "sigmoid"}
    with pytest.raises(ExperimentError, match="theta must stay below 1, the largest goodness"):
        Experiment(goodness="bounded", **sigmoid | {"theta": 1.0})
    with pytest.raises(ExperimentError, match="theta must stay below 32"):
        Experiment(goodness="wide", **sigmoid | {"theta": 40.0})
    assert Experiment(goodness="wide", **sigmoid | {"theta": 1.0}).theta == 1


@pytest.mark.parametrize(
    ("name", "function", "message"),
    [
        ("l2", cubic, r"a name without '@' that is not one of l1, .*, got 'l2': choose another$"),
        ("", cubic, "got '': choose another$"),
        ("a@b", cubic, "got 'a@b': choose another$"),
        ("new", lambda h: h.sum(), r"got shape \(\) from \(2, 17, 64\): reduce the last dimension"),
        ("new", lambda h: h, r"got shape \(2, 17, 64\)"),
        (
            "new",
            lambda h: h.no_such_thing(),
            "got AttributeError: 'Tensor' object has no .* correct",
        ),
        ("new", lambda h: "much", "got AttributeError: 'str' object has no attribute 'shape'"),
        ("new", lambda h: h.detach().sum(-1), "without a gradient: write it in torch$"),
        ("new", lambda h: h.square().sum(-1).sqrt(), "must be finite, also where units are silent"),
    ],
)
def test_what_is_no_goodness_is_refused_in_one_line(name, function, message):
    before = dict(GOODNESS)
    with pytest.raises(ExperimentError, match=message) as refused:
        register(name, function)
    assert "\n" not in str(refused.value)
    assert before == GOODNESS


def test_a_gradient_must_be_that_of_its_function():
    known = GOODNESS["mean-square"]
    with pytest.raises(ExperimentError, match=r"^the gradient of goodness 'steep' must be that of"):
        register("steep", lambda h: 2 * known.value(h), gradient=known.gradient)
