"""Numbers get a minus, names keep their hyphens."""

import pytest

from fflib.wording import minus


@pytest.mark.parametrize(
    ("typed", "set_"),
    [
        ("-1", "−1"),
        ("-.5", "−.5"),
        ("FF: -0.24 [-0.30, -0.18], n = 3", "FF: −0.24 [−0.30, −0.18], n = 3"),
        ("(-2)", "(−2)"),
        ("bound:-2", "bound:−2"),
        ("p = 1e-05", "p = 1e−05"),
        ("2.5E-3", "2.5E−3"),
    ],
)
def test_the_sign_of_a_number_becomes_a_minus(typed, set_):
    assert minus(typed) == set_


@pytest.mark.parametrize(
    "text",
    [
        "CIFAR-10", "Fashion-MNIST", "relu-l2", "10-what-makes-it-sparse", "2024-01-31", "3-5 runs",
        "well-known", "a - b", "FF − BP", "--retrain 3", "e-3", "layer[0]-1",
    ],
)  # fmt: skip
def test_other_hyphens_stay(text):
    assert minus(text) == text


def test_it_is_done_once():
    assert minus(minus("-1 on CIFAR-10")) == "−1 on CIFAR-10"
