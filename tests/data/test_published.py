import gzip
import hashlib
import os
import shutil
import struct
import threading
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision

from fflib import data
from fflib.data import published
from fflib.errors import DataError, MissingData

FILES = {
    name: [f"{published.PUBLISHED[name].folder}/{file}" for file in published.PUBLISHED[name].md5]
    for name in ("mnist", "fashion-mnist")
}
needs_mnist = pytest.mark.skipif(
    not os.environ.get("FFLIB_DATA"), reason="needs MNIST: set FFLIB_DATA to the folder that has it"
)


def one_line(error):
    assert len(str(error.value).splitlines()) == 1
    return str(error.value)


@pytest.fixture
def nowhere(monkeypatch, tmp_path):
    """No data on the machine, and mirrors that do not answer."""
    monkeypatch.delenv("FFLIB_DATA", raising=False)
    monkeypatch.setattr(published, "download_folder", lambda: tmp_path / "data")
    for kind in (torchvision.datasets.MNIST, torchvision.datasets.FashionMNIST):
        monkeypatch.setattr(kind, "mirrors", ["http://127.0.0.1:9/"])
    return tmp_path


def idx(array):
    """Bytes of an array of bytes in the format of MNIST's files."""
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


@pytest.fixture
def mirror(monkeypatch, nowhere):
    """A web server with a tiny MNIST of its own checksums, and the folder it serves."""
    source = nowhere / "mirror"
    source.mkdir()
    generator = np.random.default_rng(0)
    md5, resources = {}, []
    for part, count in (("train", 12), ("t10k", 4)):
        images = generator.integers(256, size=(count, 28, 28), dtype=np.uint8)
        labels = (np.arange(count) % 10).astype(np.uint8)
        for file, array in (("images-idx3", images), ("labels-idx1", labels)):
            name, content = f"{part}-{file}-ubyte", idx(array)
            packed = gzip.compress(content)
            (source / f"{name}.gz").write_bytes(packed)
            md5[name] = hashlib.md5(content).hexdigest()
            resources.append((f"{name}.gz", hashlib.md5(packed).hexdigest()))
    tiny = replace(published.PUBLISHED["mnist"], md5=md5)
    monkeypatch.setitem(published.PUBLISHED, "mnist", tiny)

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=source)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        address = f"http://127.0.0.1:{server.server_port}/"
        monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", [address])
        monkeypatch.setattr(torchvision.datasets.MNIST, "resources", resources)
        yield source
        server.shutdown()
        thread.join()


def place_bogus(root, name):
    for file in FILES[name]:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_bytes(b"not what was published")


@pytest.mark.parametrize("name", FILES)
def test_missing_data_say_where_they_were_looked_for_and_the_three_ways_out(
    monkeypatch, nowhere, name
):
    monkeypatch.setenv("FFLIB_DATA", str(nowhere / "mine"))
    folder = published.PUBLISHED[name].folder
    for download, reason in ((False, "downloading was switched off"), (True, "refused")):
        with pytest.raises(MissingData, match=reason) as error:
            data.load(name, download=download)
        message = one_line(error)
        assert f"{nowhere / 'mine' / folder} and {nowhere / 'data' / folder}" in message
        assert "set FFLIB_DATA" in message
        assert f"`fflib data fetch {name}`" in message
        assert "use the embedded dataset 'digits'" in message


def test_an_explicit_root_is_the_only_place_looked_in(monkeypatch, nowhere):
    monkeypatch.setenv("FFLIB_DATA", str(nowhere / "mine"))
    place_bogus(nowhere / "mine", "mnist")
    with pytest.raises(MissingData) as error:
        data.load("mnist", root=nowhere / "root", download=False)
    assert str(nowhere / "mine") not in one_line(error)


@pytest.mark.parametrize("name", FILES)
def test_an_altered_file_is_refused_with_both_checksums(nowhere, name):
    place_bogus(nowhere / "data", name)
    with pytest.raises(DataError, match="truncated or altered") as error:
        data.load(name)
    message = one_line(error)
    assert str(nowhere / "data" / FILES[name][0]) in message
    assert hashlib.md5(b"not what was published").hexdigest() in message
    assert next(iter(published.PUBLISHED[name].md5.values())) in message
    assert f"`fflib data fetch {name}`" in message


def test_a_check_tells_missing_altered_and_right_files_apart(mirror, nowhere):
    data.fetch("mnist")
    folder = nowhere / "data" / "MNIST" / "raw"
    (folder / "train-labels-idx1-ubyte").write_bytes(b"other")
    (folder / "t10k-labels-idx1-ubyte").unlink()
    found = {file.path.name: (file.ok, file.found) for file in data.check("mnist")}
    right = published.PUBLISHED["mnist"].md5
    assert found == {
        "train-images-idx3-ubyte": (True, right["train-images-idx3-ubyte"]),
        "train-labels-idx1-ubyte": (False, hashlib.md5(b"other").hexdigest()),
        "t10k-images-idx3-ubyte": (True, right["t10k-images-idx3-ubyte"]),
        "t10k-labels-idx1-ubyte": (False, None),
    }


def test_loading_downloads_once_with_a_progress_bar_and_leaves_only_the_files(
    mirror, nowhere, capsys
):
    assert data.where("mnist") is None
    mnist = data.load("mnist")
    captured = capsys.readouterr()
    assert "100%" in captured.err
    assert captured.out == ""
    assert (len(mnist.train), len(mnist.test), mnist.inputs) == (12, 4, 784)
    assert mnist.train.labels.tolist() == [*range(10), 0, 1]
    assert mnist.checksums == published.PUBLISHED["mnist"].md5
    assert data.where("mnist") == nowhere / "data"
    left = {path.relative_to(nowhere / "data") for path in (nowhere / "data").rglob("*-*")}
    assert left == {Path(file) for file in FILES["mnist"]}
    shutil.rmtree(mirror)
    assert data.load("mnist") is mnist


def test_fetching_replaces_a_damaged_file(mirror, nowhere):
    data.fetch("mnist")
    (nowhere / "data" / FILES["mnist"][2]).write_bytes(b"damaged")
    assert [file.ok for file in data.check("mnist")] == [True, True, False, True]
    assert all(file.ok for file in data.fetch("mnist"))


def test_an_intact_set_is_not_fetched_again(mirror, nowhere):
    data.fetch("mnist")
    shutil.rmtree(mirror)
    assert all(file.ok for file in data.fetch("mnist"))


def test_a_broken_download_leaves_nothing_behind(mirror, nowhere):
    last = mirror / "t10k-labels-idx1-ubyte.gz"
    last.write_bytes(last.read_bytes()[:-5])
    with pytest.raises(MissingData, match="could not be downloaded") as error:
        data.load("mnist")
    one_line(error)
    assert list((nowhere / "data").iterdir()) == []


def test_what_an_old_torchvision_pickled_is_not_read(mirror, nowhere):
    data.fetch("mnist")
    processed = nowhere / "data" / "MNIST" / "processed"
    processed.mkdir()
    other = (torch.zeros(1, 28, 28, dtype=torch.uint8), torch.zeros(1, dtype=torch.int64))
    for name in ("training.pt", "test.pt"):
        torch.save(other, processed / name)
    assert len(data.load("mnist").train) == 12


def test_embedded_data_are_always_here_and_have_no_files(nowhere):
    assert data.where("digits") is None
    assert data.check("digits") == data.fetch("digits") == ()


@pytest.mark.parametrize("act", [data.load, data.check, data.fetch, data.where])
def test_an_unknown_name_lists_the_valid_ones_with_the_nearest_first(act):
    with pytest.raises(DataError, match=r"'mnits': choose one of mnist, digits, fashion") as error:
        act("mnits")
    one_line(error)


def test_no_data_set_stands_in_for_another(nowhere):
    for name in ("mnist", "fashion-mnist"):
        with pytest.raises(MissingData):
            data.load(name)
    assert data.load("digits").name == "digits"


@needs_mnist
@pytest.mark.parametrize(
    ("name", "mean", "std", "first"),
    [("mnist", 0.1307, 0.3081, [5, 0, 4, 1]), ("fashion-mnist", 0.2860, 0.3530, [9, 0, 0, 3])],
)
def test_published_data_have_their_known_statistics(name, mean, std, first):
    loaded = data.load(name, download=False)
    assert (round(loaded.mean, 4), round(loaded.std, 4)) == (mean, std)
    assert [len(loaded.split(split)) for split in data.SPLITS] == [60_000, 50_000, 10_000, 10_000]
    assert loaded.train.labels[:4].tolist() == first
    assert len(loaded.classes) == 10
    assert all(file.ok for file in data.check(name))


@needs_mnist
@pytest.mark.parametrize("damage", ["truncated", "altered"])
def test_a_damaged_copy_of_mnist_is_refused(tmp_path, damage):
    expected = {file.path: file.found for file in data.check("mnist")}
    for path in expected:
        target = tmp_path / "MNIST" / "raw" / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        content = bytearray(path.read_bytes())
        if path.name == "t10k-images-idx3-ubyte":
            if damage == "truncated":
                del content[-1:]
            else:
                content[1000] ^= 1
            damaged, found, right = target, hashlib.md5(content).hexdigest(), expected[path]
        target.write_bytes(content)
    with pytest.raises(DataError) as error:
        data.load("mnist", root=tmp_path, download=False)
    message = one_line(error)
    assert str(damaged) in message
    assert found in message
    assert right in message


def test_a_file_that_may_not_be_read_is_named(nowhere):
    place_bogus(nowhere / "data", "mnist")
    locked = nowhere / "data" / FILES["mnist"][0]
    locked.chmod(0)
    if os.access(locked, os.R_OK):
        pytest.skip("this user may read everything")
    with pytest.raises(DataError, match="must be readable") as error:
        data.load("mnist")
    assert one_line(error).startswith(str(locked))
