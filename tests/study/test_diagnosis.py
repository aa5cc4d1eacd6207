"""Signs of a training gone wrong: provoked, named, and silent where there is nothing."""

import numpy as np
import pytest
from matplotlib import pyplot as plt

import fflib
from fflib.book.figures.diagnosis import signatures
from fflib.study.diagnosis import Signature, diagnose, provoke, signature_table

DIGITS = {"dataset": "digits", "seed": 0}


@pytest.fixture(scope="module")
def provoked():
    """One mistake each, on digits with the settings of chapter 13."""
    mistakes = {
        "none": {},
        "global": {"model": "bp-ff"},
        "brief": {"epochs": 4},
        "large steps": {"learning_rate": 0.3},
        "small steps": {"learning_rate": 1e-5},
        "no inhibition": {"signs": "positive"},
    }
    return {s.name: s for s in provoke(mistakes, **DIGITS, layers=2, epochs=14)}


def test_a_healthy_network_has_no_signs(provoked):
    assert provoked["none"].said == ()


def test_a_loss_on_all_layers_shows_as_a_dense_layer(provoked):
    (said,) = provoked["global"].said
    assert said.startswith("not sparse: layer 2")
    assert "use model='ff'" in said


def test_too_few_epochs_show_as_poor_accuracy(provoked):
    assert any(s.startswith("poor accuracy") and "more epochs" in s for s in provoked["brief"].said)


def test_steps_too_large_show_as_layers_of_single_units(provoked):
    assert any("hardly more than one unit" in s for s in provoked["large steps"].said)
    assert provoked["large steps"].accuracy < 0.5


def test_steps_too_small_end_in_an_error_that_says_so(provoked):
    (said,) = provoked["small steps"].said
    assert "cannot tell positive from negative" in said
    assert np.isnan(provoked["small steps"].accuracy)


def test_weights_of_one_sign_are_out_of_balance(provoked):
    assert provoked["no inhibition"].balance == (np.inf,) * 2
    (said,) = (s for s in provoked["no inhibition"].said if s.startswith("out of balance"))
    assert said.count("inf times its negative ones") == 2


def test_plain_networks_and_other_units_are_not_judged_by_sparseness_and_balance():
    for fields in ({"model": "bp"}, {"protocol": "sigmoid-linf", "model": "bp-ff"}):
        run = fflib.train(fflib.Experiment(**DIGITS, epochs=8, **fields), progress=False)
        assert {f.sign for f in diagnose(run)} <= {"poor accuracy"}


def test_the_table_says_what_training_says(provoked):
    table = signature_table(list(provoked.values()))
    assert table.loc["none", "training says"] == "nothing"
    assert table.loc["small steps", "accuracy"] == "failed"
    assert "layer 2" in table.loc["global", "training says"]


def test_the_figure_marks_what_failed_and_what_has_no_bound():
    figure = signatures(
        [
            Signature("good", 0.9, (0.8, 0.7), (1.0, 0.9), ()),
            Signature("failed", np.nan, (), (), ("why",)),
            Signature("one sign", 0.5, (0.8, 0.7), (np.inf, np.inf), ("why",)),
        ]
    )
    texts = [t.get_text() for ax in figure.axes for t in ax.texts]
    assert sorted(texts) == ["training failed", "∞"]
    plt.close(figure)
