"""Learning curves on record: columns give the rows back, and long ones lose the right rows only."""

import lzma
import math
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save
from synthetic import record

from fflib.errors import RecordError
from fflib.records.curves import EVERY, columns, rows, thinned
from fflib.records.sealed import seal, unseal
from fflib.records.stores import Record
from fflib.study.analyses.cost import learning_curve, multiply_adds


def curve(epochs, layers=1, measured=()):
    return [
        {"layer": layer, "epoch": epoch, "accuracy": 0.5 if epoch in measured else None}
        for layer in range(layers)
        for epoch in range(1, epochs + 1)
    ]


def kept(epochs, **fields):
    return [row["epoch"] for row in thinned(curve(epochs, **fields))]


# Columns

whole = st.lists(st.integers(-(2**40), 2**40), min_size=4, max_size=4)
real = st.lists(st.none() | st.floats(allow_nan=False), min_size=4, max_size=4)


@given(st.dictionaries(st.text(max_size=5), whole | real, min_size=1, max_size=4))
def test_columns_give_the_rows_back_in_their_order_and_bit_for_bit(table):
    before = [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]
    after = rows(columns(before))
    assert repr(after) == repr(before)  # -0.0 differs from 0.0, and 1 from 1.0


@pytest.mark.parametrize(
    "irregular",
    [
        [],
        [{}, {"epoch": 1}],
        [{"epoch": 1}, {"epoch": None}],
        [{"loss": 1}, {"loss": 0.5}],
        [{"loss": math.nan}],
        [{"epoch": 2**70}],
    ],
)
def test_rows_that_columns_would_alter_are_left_alone(irregular):
    assert columns(irregular) == {}


def test_whole_numbers_take_one_or_two_bytes_where_they_can():
    types = [columns([{"n": 0}, {"n": n}])["n"].dtype for n in (255, 256, 65535, 65536, -1)]
    assert types == [np.uint8, np.uint16, np.uint16, np.int64, np.int64]


# Thinning


@given(st.integers(1, EVERY), st.integers(1, 3))
def test_a_short_training_keeps_every_row(epochs, layers):
    assert thinned(curve(epochs, layers)) == curve(epochs, layers)


@given(st.integers(1, 5000), st.sets(st.integers(1, 5000)))
def test_the_last_epoch_and_those_with_an_accuracy_stay(epochs, measured):
    left = kept(epochs, measured=measured)
    assert left[-1] == epochs
    assert {epoch for epoch in measured if epoch <= epochs} <= set(left)


def test_each_doubling_of_the_epochs_adds_as_many_rows():
    for doubling in range(5):
        first = EVERY << doubling
        assert sum(first <= epoch < 2 * first for epoch in kept(4096)) == EVERY / 2


def test_layers_are_thinned_alike_and_twice_is_as_once():
    left = thinned(curve(1200, layers=3))
    assert [row["epoch"] for row in left] == 3 * kept(1200)
    assert thinned(left) == left


# On record


def test_a_thinned_curve_costs_what_the_whole_one_does():
    for model in ("ff", "bp-ff", "bp"):
        run = record(model)
        epochs, layers = 300, 3 if model == "ff" else 1
        long = [
            {**row, "layer": row["layer"] if layers > 1 else None, "seconds": float(place)}
            for place, row in enumerate(curve(epochs, layers, measured=(1, 128, 300)), start=1)
        ]
        experiment = run.experiment.model_copy(update={"epochs": epochs})
        full = run.model_copy(update={"curve": long, "experiment": experiment})
        short = full.model_copy(update={"curve": thinned(long)})
        assert len(short.curve) < len(full.curve) / 2
        assert learning_curve(short).values.tolist() == learning_curve(full).values.tolist()
        assert learning_curve(short)["epochs"].iloc[-1] == len(full.curve)
        assert multiply_adds(short)[-1] == multiply_adds(full)[-1]


@pytest.mark.parametrize("model", ["ff", "bp"])
def test_a_record_with_all_but_its_arrays_in_the_header_is_read_and_kept_anew(model, tmp_path):
    now = record(model)
    path = tmp_path / f"{now.experiment.key}.safetensors"
    text = now.model_dump_json(exclude={"arrays"}, by_alias=True)
    path.write_bytes(seal(text, now.arrays))
    read = Record.from_file(path)
    path.write_bytes(read.to_bytes())
    again = Record.from_file(path)
    for known in (read, again):
        assert known.model_dump_json(exclude={"arrays"}, by_alias=True) == text
        assert save(known.arrays) == save(now.arrays)


def packed(content, compress=zlib.compress):
    return np.frombuffer(compress(content), np.uint8)


def test_a_record_compressed_by_zlib_is_read_and_kept_anew_in_less_space(tmp_path):
    now = record("ff")
    path = tmp_path / f"{now.experiment.key}.safetensors"
    path.write_bytes(now.to_bytes())
    text, parts = unseal(path)
    before = {name: packed(lzma.decompress(part.tobytes())) for name, part in parts.items()}
    path.write_bytes(seal(text, before))
    read = Record.from_file(path)
    assert read.to_bytes() == now.to_bytes()
    assert len(read.to_bytes()) < path.stat().st_size


NUMBERS = packed(b'{"metrics": {}, "curve": ["epoch"]}')


@pytest.mark.parametrize(
    "parts",
    [
        {"numbers": NUMBERS},
        {"numbers": NUMBERS[:-1]},
        {"numbers": packed(b"{}", lzma.compress)[:-1]},
        {"numbers": packed(b"[]"), "curve": packed(save({})), "arrays": packed(save({}))},
        {"numbers": NUMBERS, "curve": packed(b"junk"), "arrays": packed(save({}))},
        {"numbers": NUMBERS, "curve": packed(save({"loss": np.zeros(1)}))},
        {"numbers": NUMBERS, "curve": packed(save({"epoch": np.zeros(())})), "arrays": NUMBERS},
        {"numbers": np.zeros(3)},
    ],
)
def test_a_whole_file_with_nonsense_in_it_is_refused_in_one_line(parts, tmp_path):
    run = record("ff")
    path = tmp_path / f"{run.experiment.key}.safetensors"
    path.write_bytes(seal(run.model_dump_json(include={"experiment", "provenance"}), parts))
    with pytest.raises(RecordError) as error:
        Record.from_file(path)
    assert str(path) in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_a_long_training_takes_little_more_space_than_a_short_one():
    short = record("ff")
    rng = np.random.default_rng(0)
    long = [
        {**short.curve[0], **row, "loss": rng.random(), "seconds": rng.random()}
        for row in curve(1200, layers=3)
    ]
    longer = short.model_copy(update={"curve": thinned(long)})
    added = len(longer.to_bytes()) - len(short.to_bytes())
    assert added < 8 * 3 * (2 + 0.5) * len(kept(1200))  # two columns of float64 and change
