"""Records: the same bits come back or nothing does, and a store loses none to a damaged one."""

import json
import math
import os
import pickle
import struct
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

from fflib.data import Split
from fflib.errors import MissingRecord, RecordError
from fflib.experiment import Circumstances, Experiment
from fflib.measures.unseen import UnseenClass
from fflib.records import stores
from fflib.records.obtain import record_of
from fflib.records.schema import LayerMetrics, Metrics, Provenance
from fflib.records.sealed import DIGEST, DamagedRecord, _digest
from fflib.records.stores import Record, Store, find
from fflib.sweeps.sweep import missing, sweep
from fflib.training.train import train, train_together


def experiment(**fields):
    return Experiment(**{"dataset": "digits", "model": "bp"} | fields)


def record(number=0.5, curve=(), arrays=None, **fields):
    """A record that was never trained, all of whose measured numbers are one and the same."""
    layer = LayerMetrics(
        hoyer=number,
        hoyer_all=number,
        hoyer_above_rest=number,
        hoyer_by_class=[number, number],
        treves_rolls=number,
        active_fraction=number,
        silent_fraction=number,
        negative_weights=number,
        excitation=number,
        links={"share": number},
    )
    response = UnseenClass(
        3, number, number, number, number, number, number, number, (1, 2), (number, 0.0), number
    )
    return Record(
        experiment=experiment(**fields),
        metrics=Metrics(
            accuracy=number,
            layer_accuracy=[number],
            images=10,
            correct=5,
            layers=[layer],
            unseen={"plain": [response]},
        ),
        curve=list(curve),
        provenance=Provenance(
            version="0",
            commit="",
            python="3",
            torch="2",
            platform="π",
            circumstances=Circumstances("cpu", "", 1, "float32", 1.5),
            date=datetime(2024, 2, 29, 23, 59, 59, 123456, UTC),
            data={"images": "d41d8cd98f00b204e9800998ecf8427e"},
        ),
        arrays={"mean": np.arange(6, dtype=np.float16)} if arrays is None else arrays,
    )


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


def bits(value):
    """Numbers as bytes, so that nan equals itself and -0.0 differs from 0.0."""
    match value:
        case float():
            return np.float64(math.nan if math.isnan(value) else value).tobytes()
        case dict():
            return {key: bits(item) for key, item in value.items()}
        case list() | tuple():
            return [bits(item) for item in value]
    return value


# Round trip

# Numbers are drawn as bits, since a processor may be set to take subnormal ones for zero, and left
# out are these alone. Arrays are of any bits at all, every kind of nan among them.
special = st.sampled_from([math.nan, math.inf, -math.inf, 0.0, -0.0, 0.1, 1e22, 5e15 / 3])
normal = st.integers(0, 2**64 - 1).filter(lambda bits: bits >> 52 & 0x7FF)
number = special | normal.map(lambda bits: struct.unpack("d", struct.pack("Q", bits))[0])
array = st.builds(
    lambda content, dtype: np.frombuffer(content, dtype).reshape(2, -1),
    st.binary(min_size=32, max_size=32),
    st.sampled_from([np.float16, np.float32, np.float64, np.int32, np.uint8]),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    number,
    st.lists(
        st.dictionaries(st.text(max_size=5), st.none() | st.integers(-9, 9) | number, max_size=3),
        max_size=2,
    ),
    st.dictionaries(st.text(min_size=1, max_size=5).filter(lambda n: n != DIGEST), array),
)
def test_every_number_comes_back_bit_for_bit(store, value, curve, arrays):
    saved = record(value, curve, arrays)
    store.save(saved)
    loaded = store.load(saved.experiment)
    assert bits(loaded.model_dump(exclude={"arrays"})) == bits(saved.model_dump(exclude={"arrays"}))
    assert loaded.arrays.keys() == arrays.keys()
    for name, before in arrays.items():
        after = loaded.arrays[name]
        assert (after.dtype, after.shape) == (before.dtype, before.shape)
        assert after.tobytes() == before.tobytes()


def test_a_strided_array_is_kept_as_it_looks(store):
    strided = np.arange(12).reshape(3, 4).T[::2]
    store.save(record(arrays={"a": strided}))
    assert np.array_equal(store.load(experiment()).arrays["a"], strided)


def test_a_record_is_found_by_the_content_of_its_experiment(store):
    store.save(record(0.25, seed=1))
    store.save(record(0.75, seed=2))
    assert store.load(experiment(seed=2)).metrics.accuracy == 0.75
    assert experiment(seed=3) not in store
    with pytest.raises(MissingRecord, match="seed 3"):
        store.load(experiment(seed=3))


def test_published_records_go_before_ones_own(store, monkeypatch):
    monkeypatch.setattr(stores, "PUBLISHED", store)
    with pytest.raises(MissingRecord):
        find(experiment())
    stores.own_store().save(record(0.25))
    assert find(experiment()).metrics.accuracy == 0.25
    store.save(record(0.75))
    assert find(experiment()).metrics.accuracy == 0.75


# Damage


def refused(path, content):
    """Replace a record by something else and return the message that refuses it."""
    path.write_bytes(content)
    with pytest.raises(DamagedRecord) as error:
        Record.from_file(path)
    message = str(error.value)
    assert str(path) in message
    assert len(message.splitlines()) == 1
    return message


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A record's file, which the tests of damage may overwrite, and its content."""
    path = Store(tmp_path_factory.mktemp("whole")).save(record(curve=[{"epoch": 1, "loss": 0.5}]))
    return path, path.read_bytes()


@settings(max_examples=300)
@given(st.data())
def test_one_bit_flipped_anywhere_is_noticed(whole, data):
    path, content = whole
    position = data.draw(st.integers(0, 8 * len(content) - 1))
    altered = bytearray(content)
    altered[position // 8] ^= 1 << position % 8
    refused(path, altered)


@given(st.data())
def test_a_truncated_record_is_refused(whole, data):
    path, content = whole
    refused(path, content[: data.draw(st.integers(0, len(content) - 1))])


@given(st.binary(max_size=300))
def test_random_bytes_are_refused(whole, content):
    refused(whole[0], content)


@given(st.binary(min_size=1, max_size=20))
def test_bytes_added_at_the_end_are_refused(whole, more):
    path, content = whole
    refused(path, content + more)


def header(**tensors):
    text = json.dumps(tensors).encode()
    return len(text).to_bytes(8, "little") + text


@pytest.mark.parametrize(
    "content",
    [
        header(),
        header(__metadata__={"record": "{}"}),
        header(__metadata__={"other": "{}"}),
        header(a={"dtype": "F64", "shape": [2**60, 2**60], "data_offsets": [0, 8]}),
        header(a={"dtype": "F8_E4M3", "shape": [1], "data_offsets": [0, 1]}) + b"\0",
        header(a={"dtype": "BF16", "shape": [1], "data_offsets": [0, 2]}) + b"\0\0",
        (2**63).to_bytes(8, "little") + b"{}",
        b"[" * 100_000,
        (100_000).to_bytes(8, "little") + b'{"a":' * 20_000,
        save({"a": np.zeros(3)}),
        save({DIGEST: np.zeros(32, np.uint8)}, {"record": "{}"}),
    ],
)
def test_other_files_are_refused(whole, content):
    refused(whole[0], content)


def test_nothing_in_a_file_is_executed(whole, tmp_path):
    witness = tmp_path / "executed"

    class Payload:
        def __reduce__(self):
            return Path.touch, (witness,)

    content = pickle.dumps(Payload())
    refused(whole[0], content)
    assert not witness.exists()
    pickle.loads(content)
    assert witness.exists()  # so the payload does bite where it is executed


def crafted(text, **arrays):
    """A file with a right digest over whatever it says."""
    return save(arrays | {DIGEST: _digest(text, arrays)}, {"record": text})


def altered(**changes):
    content = json.loads(record().model_dump_json(exclude={"arrays"}, by_alias=True))
    for place, value in changes.items():
        *parents, last = place.split("__")
        inner = content
        for parent in parents:
            inner = inner[parent]
        inner[last] = value
    return json.dumps(content)


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "null",
        "{",
        "{}",
        '{"arrays": {}}',
        "[" * 100_000,
        '{"curve": ' * 100_000,
        "9" * 10_000,
        altered(extra=1),
        altered(curve=[{"epoch": [[]]}]),
        altered(metrics__accuracy="high"),
        altered(metrics__images=1e300),
        altered(provenance__date="yesterday"),
        altered(experiment__hidden=-1),
        altered(experiment__theta=math.nan),
        altered(experiment__dataset="/no/such/folder"),
    ],
)
def test_a_whole_file_that_says_nonsense_is_refused_in_one_line(store, text):
    path = store.save(record())
    path.write_bytes(crafted(text))
    with pytest.raises(RecordError) as error:
        store.load(experiment())
    assert str(path) in str(error.value)
    assert len(str(error.value).splitlines()) == 1
    assert path.exists()  # it may be of use elsewhere, so it stays


def test_a_damaged_record_is_set_aside_named_and_not_found_again(store):
    path = store.save(record())
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DamagedRecord, match=f"{path} is not a whole .* aside as {path.stem}.dam"):
        store.load(experiment())
    assert [file.name for file in store.folder.iterdir()] == [f"{path.stem}.damaged"]
    with pytest.raises(MissingRecord):
        store.load(experiment())
    store.save(record())
    assert store.load(experiment()).metrics.accuracy == 0.5


def test_a_record_under_the_name_of_another_is_refused(store):
    path = store.save(record(seed=1))
    path.rename(store.path(experiment(seed=2)))
    with pytest.raises(DamagedRecord, match=f"another experiment, {experiment(seed=1).key}"):
        store.load(experiment(seed=2))


def test_reading_without_setting_aside_leaves_the_file(store):
    path = store.save(record())
    path.write_bytes(b"")
    with pytest.raises(DamagedRecord):
        Record.from_file(path)
    assert path.exists()


@pytest.mark.skipif(os.name == "nt", reason="needs file permissions")
def test_a_record_that_cannot_be_opened_is_not_called_damaged(store):
    path = store.path(experiment())
    path.mkdir(parents=True)  # even a superuser cannot read a folder as a file
    with pytest.raises(RecordError, match="cannot be read") as error:
        Record.from_file(path)
    assert not isinstance(error.value, DamagedRecord)


# Many records


def test_a_damaged_record_does_not_keep_the_others_back(store):
    paths = [store.save(record(seed=seed)) for seed in range(4)]
    paths[1].write_bytes(b"junk")
    found, faults = store.survey()
    assert set(found) == {paths[0], paths[2], paths[3]}
    assert list(faults) == [paths[1]]
    assert paths[1].exists()


def test_verify_tells_intact_damaged_orphaned_and_missing_apart(store):
    wanted = [experiment(seed=seed) for seed in range(3)]
    store.save(record(seed=0))
    store.save(record(seed=0, evaluate_on="validation"))
    store.save(record(seed=9))
    damaged = store.save(record(seed=1))
    damaged.write_bytes(b"junk")
    before = store.paths()
    checked = store.verify(wanted)
    assert set(checked.intact) == {wanted[0], experiment(evaluate_on="validation")}
    assert list(checked.damaged) == [damaged]
    assert checked.orphaned == [experiment(seed=9)]
    assert checked.missing == wanted[1:]
    assert store.paths() == before


def test_verify_remembers_what_was_set_aside_until_it_is_replaced(store):
    path = store.save(record())
    aside = store.set_aside(path)
    assert list(store.verify([]).damaged) == [aside]
    store.save(record())
    assert not store.verify([]).damaged


def test_an_empty_store_misses_everything(store):
    checked = store.verify([experiment()])
    assert (checked.intact, checked.damaged, checked.orphaned) == ([], {}, [])
    assert checked.missing == [experiment()]
    assert list(store) == []


def test_records_are_found_by_how_their_key_begins(store):
    paths = [store.save(record(seed=seed)) for seed in range(3)]
    assert store.with_prefix(paths[1].stem) == [paths[1]]
    assert store.with_prefix("") == sorted(paths)
    assert store.with_prefix("../") == []


# Writing


@pytest.mark.parametrize("step", ["fsync", "chmod", "replace"])
def test_a_failed_write_leaves_the_last_record_and_nothing_else(store, monkeypatch, step):
    store.save(record(0.25))

    def full_disk(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr(os, step, full_disk)
    with pytest.raises(OSError, match="no space left"):
        store.save(record(0.75))
    monkeypatch.undo()
    assert len(list(store.folder.iterdir())) == 1
    assert store.load(experiment()).metrics.accuracy == 0.25


def test_an_interrupted_write_leaves_nothing(store, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        store.save(record())
    assert list(store.folder.iterdir()) == []


SAVE_AGAIN_AND_AGAIN = """
import sys
from pathlib import Path
from fflib.records.stores import Record, Store
path = Path(sys.argv[1])
record = Record.from_file(path)
print("ready", flush=True)
sys.stdin.readline()
for _ in range(30):
    Store(path.parent).save(record)
"""


@pytest.mark.cluster
def test_two_processes_may_save_the_same_record(store):
    path = store.save(record(arrays={"large": np.zeros(50_000)}))
    content = path.read_bytes()
    command = [sys.executable, "-c", SAVE_AGAIN_AND_AGAIN, str(path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, **pipes) as one, subprocess.Popen(command, **pipes) as other:
        both = (one, other)
        for process in both:
            assert process.stdout.readline().strip() == b"ready"
        for process in both:
            process.stdin.write(b"go\n")
            process.stdin.flush()
        reads = 0
        while any(process.poll() is None for process in both):
            assert path.read_bytes() == content
            reads += 1
        assert reads > 10
        assert [process.returncode for process in both] == [0, 0]
    assert list(store.folder.iterdir()) == [path]


@pytest.mark.cluster
def test_a_failure_is_noted_with_its_reason_and_not_tried_again(tmp_path):
    # Two layers of two units each, and a threshold that they never come near.
    hopeless = experiment(model="ff", hidden=2, theta=40.0, epochs=1, learning_rate=1e-9)
    store = Store(tmp_path)
    (outcome,) = sweep([hopeless], store, jobs=1)
    assert outcome.record is None
    assert store.failures() == {hopeless: outcome.error}
    assert "layer 1" in outcome.error
    assert missing([hopeless], store) == []
    checked = store.verify([hopeless])
    assert (checked.missing, checked.failed) == ([], {hopeless: outcome.error})
    store.forget_failure(hopeless)
    assert missing([hopeless], store) == [hopeless]


def test_a_record_takes_the_place_of_a_failure(tmp_path):
    store = Store(tmp_path)
    store.save_failure(experiment(), "no luck")
    store.save(record())
    assert store.failures() == {}


@pytest.mark.parametrize("content", ["", "{}", "[1, 2]", '{"experiment": {}, "error": "x"}'])
def test_a_damaged_note_of_a_failure_is_named(tmp_path, content):
    (tmp_path / "0123456789abcdef.failed.json").write_text(content)
    with pytest.raises(RecordError, match=r"0123456789abcdef\.failed\.json"):
        Store(tmp_path).failures()


def test_a_network_that_gets_no_image_right_has_a_record():
    untrained = experiment(hidden=16, epochs=0)
    run = train(untrained, progress=False)
    said = run.network.predict(run.data.pixels("test")[:50])
    wrong = replace(run.data, test=Split(run.data.test.images[:50], (said + 1) % 10))
    (again,) = train_together([untrained], progress=False, data=wrong)
    metrics = record_of(again).metrics
    assert (metrics.accuracy, metrics.correct) == (0, 0)
    assert all(
        math.isnan(layer.hoyer) and math.isnan(layer.treves_rolls) for layer in metrics.layers
    )
