"""The description of an experiment: presets, origins, keys, and what is refused."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

import fflib
from fflib.errors import ExperimentError
from fflib.experiment import Experiment
from fflib.presets import MODELS, PROTOCOLS, preset


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("model", MODELS)
def test_every_value_of_a_preset_says_where_it_came_from(protocol, model):
    experiment = Experiment(model=model, dataset="mnist", protocol=protocol)
    for field, setting in preset(protocol, model, "mnist").items():
        assert getattr(experiment, field) == setting.value
        assert experiment.origin(field) == setting.origin


def test_a_value_of_the_user_is_said_to_be_theirs():
    assert Experiment(dataset="digits", epochs=3).origin("epochs") == "set for this experiment"


def test_the_published_configuration_is_the_default():
    e = Experiment(model="ff", dataset="mnist", protocol="relu-l2")
    assert (e.hidden, e.layers, e.activation, e.goodness, e.norm) == (784, 3, "relu", "l2", "l2")
    assert (e.theta, e.negatives, e.learning_rate) == (3.0, "fixed", 0.01)


@given(st.integers(0, 5), st.integers(1, 9), st.sampled_from(["ff", "bp"]))
def test_the_key_is_that_of_the_content(seed, epochs, model):
    e = Experiment(model=model, dataset="digits", seed=seed, epochs=epochs)
    assert e.key == Experiment(**e.model_dump()).key
    assert e.key == Experiment.model_validate_json(e.model_dump_json()).key
    assert e.key != Experiment(**e.model_dump() | {"seed": seed + 1}).key


def test_a_preset_spelt_out_is_the_same_experiment():
    assert Experiment(theta=3.0).key == Experiment().key


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"model": "fp"}, "unknown model 'fp': choose one of ff, bp"),
        ({"dataset": "mnits"}, "unknown dataset 'mnits': choose one of mnist"),
        ({"protocol": "relu-l1"}, "unknown protocol 'relu-l1': choose one of relu-l2"),
        ({"activation": "rleu"}, "unknown activation 'rleu': choose one of relu"),
        ({"goodness": "l3"}, "unknown goodness 'l3': choose one of l"),
        ({"epoch": 3}, "unknown field 'epoch': choose one of epochs"),
        ({"batch_size": 0}, "batch_size: .* greater than or equal to 1, got 0"),
        ({"epochs": -1}, "epochs: .*, got -1"),
        ({"epochs": 2.5}, "epochs: .*, got 2.5"),
        ({"theta": math.nan}, "theta: .*, got nan"),
        ({"learning_rate": math.inf}, "learning_rate: .*, got inf"),
        ({"seed": -1}, "seed: .*, got -1"),
        ({"hold_out": 10}, "hold_out must be one of the classes 0 to 9 .*, got 10"),
        ({"negatives": "soft"}, "negatives: .*, got 'soft'"),
        ({"protocol": "sigmoid-linf", "theta": 1.0}, "theta must stay below 1, .*, got 1"),
        ({"model": "bp", "theta": 2.0}, "theta has no meaning for model 'bp'"),
        ({"theta": None}, "theta is needed by model 'ff'"),
    ],
)
def test_the_impossible_is_refused_before_any_data_is_read(fields, said, monkeypatch):
    monkeypatch.setattr("fflib.data.load", lambda *_: pytest.fail("data were read"))
    with pytest.raises(ExperimentError, match=said) as caught:
        Experiment(**fields)
    assert "\n" not in str(caught.value)


def test_the_sum_of_layers_may_have_a_higher_threshold_than_one_layer():
    assert Experiment(model="bp-ff", protocol="sigmoid-linf", theta=2.5).theta == 2.5
    with pytest.raises(ExperimentError, match="theta must stay below 3"):
        Experiment(model="bp-ff", protocol="sigmoid-linf", theta=3.0)


def test_an_experiment_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        fflib.Experiment().seed = 3
