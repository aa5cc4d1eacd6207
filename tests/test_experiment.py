"""The description of an experiment: presets, origins, keys, and what is refused."""

import math
import pickle
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticUndefined

import fflib
from fflib.data import class_names
from fflib.errors import ExperimentError
from fflib.experiment import KINDS, Experiment, crossed, fields, properties
from fflib.presets import MODELS, PROTOCOLS, preset
from fflib.records.stores import PUBLISHED, Record
from fflib.study.plans.grids import GRIDS


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
        ({"hold_out": "bag"}, "unknown class of mnist 'bag': choose one of "),
        ({"negatives": "soft"}, "negatives: .*, got 'soft'"),
        ({"protocol": "sigmoid-linf", "theta": 1.0}, "theta must stay below 1, .*, got 1"),
        ({"model": "bp", "theta": 2.0}, "theta has no meaning for model 'bp'"),
        ({"theta": None}, "theta is needed by model 'ff'"),
        ({"dataset": "cifar-100", "hold_out": 100}, "one of the classes 0 to 99 of cifar-100"),
        ({"l1": 0.1}, "l1 is for model 'bp', got 0.1 with 'ff'"),
        ({"model": "bp", "l1": -1}, "l1: .*, got -1"),
        ({"epsilon": 0}, "epsilon: .*, got 0"),
        ({"weight_decay": -0.1}, "weight_decay: .*, got -0.1"),
    ],
)
def test_the_impossible_is_refused_before_any_data_is_read(fields, said, monkeypatch):
    monkeypatch.setattr(
        "fflib.experiment.images.load", lambda *_, **__: pytest.fail("data were read")
    )
    with pytest.raises(ExperimentError, match=said) as caught:
        Experiment(**fields)
    assert "\n" not in str(caught.value)


def test_the_sum_of_layers_may_have_a_higher_threshold_than_one_layer():
    assert Experiment(model="bp-ff", protocol="sigmoid-linf", theta=2.5).theta == 2.5
    with pytest.raises(ExperimentError, match="theta must stay below 3"):
        Experiment(model="bp-ff", protocol="sigmoid-linf", theta=3.0)


def test_a_class_is_held_out_by_its_name_and_said_by_it(tmp_path):
    sandal = Experiment(dataset="fashion-mnist", hold_out="Sandal")
    assert sandal == Experiment(dataset="fashion-mnist", hold_out=5)
    assert str(sandal).endswith("seed 0 without class Sandal")
    for name in ("1", "2", "11"):
        (tmp_path / name).mkdir()
        for i in range(5):
            Image.effect_noise((8, 8), 50).save(tmp_path / name / f"{i}.png")
    classes = class_names(tmp_path)
    held = Experiment(dataset=str(tmp_path), hold_out="11")
    assert classes[held.hold_out] == "11"
    assert str(held).endswith("without class 11")
    assert Experiment(dataset=str(tmp_path), hold_out="0").hold_out == 0  # none is called so
    shutil.rmtree(tmp_path / "1")
    assert str(held.model_copy(update={"hold_out": 2})).endswith("without class 2")


def test_an_experiment_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        fflib.Experiment().seed = 3


# What an experiment is called on disk

KEYS = [
    ({}, "a3ddf1275590f179"),
    ({"model": "local-bp"}, "9b8e19978355139d"),
    ({"protocol": "sigmoid-linf"}, "10ee06431ee1c872"),
    ({"signs": "dale", "probe": "weight-signs", "snapshots": 4}, "3ab388580d0315d1"),
    ({"label_gain": 2.5}, "b65119c9089120f2"),
    ({"architecture": "conv"}, "282e3652ff674b0b"),
    ({"architecture": "conv", "model": "bp"}, "c5fe490cc0c3f395"),
    ({"architecture": "conv", "model": "bp-ff", "scope": "class"}, "0d8d886990676de9"),
    ({"architecture": "conv", "scope": "location"}, "5ffd40bd46ac5fd9"),
    ({"architecture": "conv", "norm": None}, "0c1151883c30085a"),
    ({"architecture": "conv", "label": "learned", "negatives": "hard"}, "a0a060b8379b07ec"),
    ({"architecture": "conv", "label": "wave", "loss": "symmetric"}, "62118f4bc647101d"),
    (
        {"architecture": "conv", "dataset": "cifar-10", "scope": "class", "peer": 0.1, "reach": 2},
        "bc851c6bb47808cb",
    ),
]


@pytest.mark.parametrize(("given", "key"), KEYS, ids=[key for _, key in KEYS])
def test_keys_are_those_of_earlier_versions(given, key):
    assert Experiment(**given).key == key


def test_every_planned_run_has_a_record_or_a_noted_failure_under_its_key():
    keys = {e.key for grid in GRIDS.values() for e in grid}
    files = {path.name.partition(".")[0]: path for path in PUBLISHED.folder.iterdir()}
    assert keys <= files.keys()
    beside = [Record.from_file(files[key]) for key in files.keys() - keys]
    assert {record.experiment.evaluate_on for record in beside} == {"validation"}
    assert sum(path.suffix == ".safetensors" for path in files.values()) == 1322
    assert len(keys) + len(beside) == len(files)


# Dense and convolutional experiments


@pytest.mark.parametrize(("architecture", "kind"), KINDS.items())
def test_an_experiment_is_of_the_class_of_its_architecture(architecture, kind):
    e = Experiment(architecture=architecture)
    assert type(e) is kind
    assert isinstance(e, Experiment)
    for copy in (
        kind(architecture=architecture),
        Experiment(**e.model_dump()),
        Experiment.model_validate(e.model_dump()),
        Experiment.model_validate_json(e.model_dump_json()),
        pickle.loads(pickle.dumps(e)),
        e.model_copy(),
        Held(experiment=e).experiment,
        Held.model_validate_json(Held(experiment=e).model_dump_json()).experiment,
    ):
        assert type(copy) is kind
        assert (copy, hash(copy), copy.key) == (e, hash(e), e.key)


class Held(BaseModel):
    """What declares an experiment as one of its fields, as a record does."""

    experiment: Experiment


def test_each_architecture_has_its_own_fields_only():
    dense, conv = (Experiment(architecture=name).model_dump().keys() for name in KINDS)
    assert dense - conv == {"label_gain", "l1", "signs", "snapshots"}
    assert conv - dense == {
        *("label", "scope", "loss", "peer", "reach"),
        *("block", "pooling", "augment", "warm_up", "averaging"),
    }
    assert fields().keys() == dense | conv == properties().keys() | {"images"}


@pytest.mark.parametrize("architecture", KINDS)
def test_fields_of_the_other_architecture_may_be_given_their_defaults(architecture):
    every = {name: f.default for name, f in fields().items() if f.default is not PydanticUndefined}
    e = Experiment(**every | {"architecture": architecture, "order": usual_order(architecture)})
    assert e == Experiment(architecture=architecture)


def usual_order(architecture):
    return "simultaneous" if architecture == "conv" else "sequential"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"scope": "class"}, "scope is for architecture 'conv', got 'class' with 'dense'"),
        ({"peer": 1}, "peer is for architecture 'conv', got 1 with 'dense'"),
        ({"signs": "dale"}, "signs is for architecture 'dense', got 'dale' with 'conv'"),
        ({"l1": 0.1}, "l1 is for architecture 'dense', got 0.1 with 'conv'"),
        ({"snapshots": 3}, "snapshots is for architecture 'dense', got 3 with 'conv'"),
        ({"order": "sequential"}, "the layers of a 'conv' network learn at once, got order"),
        ({"model": "local-bp"}, "architecture 'conv' is for ff, bp-ff, bp, got model 'local-bp'"),
        ({"model": "bp", "scope": "class"}, "scope has no meaning for model 'bp', got 'class'"),
        (
            {"negatives": "unpaired"},
            "negatives 'unpaired' are for architecture 'dense', got 'conv'",
        ),
        ({"theta": 2, "loss": "symmetric"}, "theta has no meaning with scope 'layer' and loss"),
        ({"block": 2, "layers": 3}, "a block is for model 'ff' with reach 1 and a multiple of it"),
        ({"block": 2, "reach": 2}, "a block is for model 'ff' with reach 1 and a multiple of it"),
        ({"block": 2, "model": "bp"}, "a block is for model 'ff' with reach 1 and a multiple of"),
        ({"warm_up": 3, "epochs": 3}, "warm_up must be shorter than 3 epochs, got 3"),
        ({"averaging": 1.0}, "averaging: input should be less than 1, got 1.0"),
        ({"augment": "crop"}, "augment: input should be 'crop-flip' or 'crop-flip-jitter', got"),
        ({"norm": "l1"}, "unknown norm 'l1': choose one of l2, layer, batch"),
        ({"architecture": "cnn"}, "unknown architecture 'cnn': choose one of conv, dense"),
    ],
)
def test_what_an_architecture_does_not_know_is_refused(given, said):
    with pytest.raises(ExperimentError) as caught:
        Experiment(**{"architecture": "dense" if "'dense'" in said[-8:] else "conv"} | given)
    assert str(caught.value).startswith(said)


def test_fields_of_an_architecture_are_listed_beside_those_they_are_akin_to():
    changed = {"probe": "weight-signs", "snapshots": 2, "signs": "dale", "label_gain": 2.0}
    dense = Experiment(dataset="digits", seed=1, precision="mixed", **changed)
    listed = ["label_gain", "precision", "signs", "probe", "snapshots"]
    assert list(dense.own_settings()) == listed
    assert [name for name in dense.model_dump() if name in listed] == listed
    assert str(dense) == (
        "ff on digits (relu-l2), seed 1, label_gain 2.0, precision mixed, signs dale, "
        "probe weight-signs, snapshots 2"
    )
    conv = Experiment(dataset="digits", architecture="conv", reach=2, scope="class", epochs=3)
    assert str(conv) == (
        "ff on digits (relu-l2), seed 0, theta None, negatives None, epochs 3, "
        "architecture conv, scope class, reach 2"
    )
    assert list(fields())[-14:] == [
        *("signs", "probe", "snapshots", "architecture", "label", "scope", "loss", "peer", "reach"),
        *("block", "pooling", "augment", "warm_up", "averaging"),
    ]


def test_every_field_says_what_it_means_and_what_it_may_be():
    for name, schema in properties().items():
        assert schema["description"].endswith("."), name
    assert properties()["norm"]["anyOf"][0]["enum"] == ["l1", "l2", "linf", "layer", "batch"]
    assert properties()["architecture"]["enum"] == ["dense", "conv"]


def test_values_are_crossed_and_the_last_change_fastest():
    made = crossed({"seed": [1, 2], "model": ["ff", "bp"]}, dataset="digits")
    assert [(e.seed, e.model) for e in made] == [(1, "ff"), (1, "bp"), (2, "ff"), (2, "bp")]
    assert {e.dataset for e in made} == {"digits"}
    assert crossed({}) == [Experiment()]


@pytest.mark.parametrize("wrong", [0.5, None, "ff on digits", ["architecture"]])
def test_what_is_no_experiment_is_refused_where_one_is_declared(wrong):
    class Holder(BaseModel):
        experiment: Experiment

    with pytest.raises(ValidationError, match="valid dictionary or instance of DenseExperiment"):
        Holder.model_validate({"experiment": wrong})
