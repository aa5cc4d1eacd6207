import pytest
from hypothesis import given
from hypothesis import strategies as st

from fflib import errors

NAMES = ["digits", "fashion-mnist", "mnist"]


@pytest.mark.parametrize(
    ("value", "nearest"),
    [("mnits", "mnist"), ("MNIST", "mnist"), ("fashion", "fashion-mnist"), ("digit", "digits")],
)
def test_the_nearest_name_comes_first(value, nearest):
    message = errors.unknown("dataset", value, NAMES)
    assert message.startswith(f"unknown dataset {value!r}: choose one of {nearest}, ")


@given(st.text(), st.permutations(NAMES))
def test_every_valid_name_is_listed_once_and_on_one_line(value, names):
    message = errors.unknown("dataset", value, iter(names))
    listed = message.rpartition("choose one of ")[2].split(", ")
    assert sorted(listed) == NAMES
    assert len(message.splitlines()) == 1


@given(st.lists(st.sampled_from("abcdef"), min_size=2, unique=True))
def test_names_equally_near_keep_their_order(names):
    assert errors.unknown("letter", "z", names).endswith(", ".join(names))


def test_any_value_is_named_as_it_was_received():
    assert errors.unknown("dataset", None, NAMES).startswith("unknown dataset None: ")


def test_wrong_input_is_a_value_error_and_missing_things_are_a_kind_of_damaged_ones():
    assert issubclass(errors.ExperimentError, ValueError)
    assert issubclass(errors.DataError, ValueError)
    assert issubclass(errors.MissingData, errors.DataError)
    assert issubclass(errors.MissingRecord, errors.RecordError)


def test_one_clause_catches_every_error_of_the_package():
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    own = [kind for kind in kinds if kind.__module__ == errors.__name__]
    assert len(own) == 9
    assert all(issubclass(kind, errors.FflibError) for kind in own)
