import hashlib
import io
import pickle
import tarfile
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from fflib import data
from fflib.data import published
from fflib.data.archive import read_archive
from fflib.errors import DataError, MissingData

KINDS = ("cat", "dog")


def png(value, size=(8, 8)):
    """A picture of one colour, (value, 0, 0)."""
    out = io.BytesIO()
    Image.new("RGB", size, (value, 0, 0)).save(out, "PNG")
    return out.getvalue()


def pack(path, files):
    with tarfile.open(path, "w:gz") as packed:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            packed.addfile(member, io.BytesIO(content))
    return path


PICTURES = {
    f"{part}/{kind}/{i}.png": png(100 * label + i)
    for part, count in (("train", 4), ("test", 2))
    for label, kind in enumerate(KINDS)
    for i in range(count)
}


def test_an_archive_is_read_like_the_folder_that_was_packed(tmp_path):
    for name, content in PICTURES.items():
        path = tmp_path / "folder" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    folder = data.load(tmp_path / "folder")
    train, test = read_archive(pack(tmp_path / "a.tar.gz", PICTURES), KINDS)
    for split, same in ((train, folder.train), (test, folder.test)):
        assert split.labels.tolist() == same.labels.tolist()
        for label in range(2):  # within a class, a folder has an order of its own
            ours, theirs = (s.images[s.labels == label][:, :, 0, 0] for s in (split, same))
            assert sorted(ours.tolist()) == sorted(theirs.tolist())
        assert torch.equal(split.labels, (split.images[:, 0, 0, 0] >= 100).long())


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"train/cow/0.png": png(0)}, r"must lie in train/<class> or test/<class>"),
        ({"../train/cat/0.png": png(0)}, r"must lie in train/<class> or test/<class>"),
        ({"train/cat/0.png": b"no image"}, "must be a readable image"),
        ({"test/dog/0.png": png(0, size=(9, 8))}, "must have one size"),
    ],
    ids=["other class", "outside", "broken image", "other size"],
)
def test_a_strange_member_is_named_and_nothing_is_unpacked(tmp_path, files, said):
    archive = pack(tmp_path / "a.tar.gz", PICTURES | files)
    with pytest.raises(DataError, match=said) as error:
        read_archive(archive, KINDS)
    assert len(str(error.value).splitlines()) == 1
    assert next(iter(files)).split("/")[-1] in str(error.value)
    assert list(tmp_path.iterdir()) == [archive]


def test_a_class_without_images_is_an_error(tmp_path):
    no_dogs = {name: content for name, content in PICTURES.items() if "train/dog" not in name}
    with pytest.raises(DataError, match="images of every class"):
        read_archive(pack(tmp_path / "a.tar.gz", no_dogs), KINDS)


@pytest.mark.parametrize("cut", [0, 1, 40, 400])
def test_a_truncated_archive_is_an_error(tmp_path, cut):
    archive = pack(tmp_path / "a.tar.gz", PICTURES)
    archive.write_bytes(archive.read_bytes()[:cut])
    with pytest.raises(DataError, match=r"readable tar archive|images of every class"):
        read_archive(archive, KINDS)


def test_an_altered_archive_is_an_error(tmp_path):
    archive = pack(tmp_path / "a.tar.gz", PICTURES)
    content = bytearray(archive.read_bytes())
    content[len(content) // 2] ^= 0xFF
    archive.write_bytes(content)
    with pytest.raises(DataError):
        read_archive(archive, KINDS)


def test_an_archive_of_a_published_name_is_checked_and_has_no_download(tmp_path, monkeypatch):
    archive = pack(tmp_path / "cifar10-jpeg.tar.gz", PICTURES)
    tiny = replace(
        published.PUBLISHED["cifar-10-jpeg"],
        classes=KINDS,
        md5={archive.name: hashlib.md5(archive.read_bytes()).hexdigest()},
    )
    monkeypatch.setitem(published.PUBLISHED, "cifar-10-jpeg", tiny)
    loaded = data.load("cifar-10-jpeg", root=tmp_path)
    assert (len(loaded.train), len(loaded.test), loaded.inputs) == (8, 4, 192)
    assert loaded.checksums == tiny.md5
    archive.write_bytes(b"other")
    with pytest.raises(DataError, match="truncated or altered"):
        published.read_published("cifar-10-jpeg", tmp_path)
    archive.unlink()
    with pytest.raises(MissingData, match="not offered for download") as error:
        data.load("cifar-10-jpeg", root=tmp_path)
    assert "data fetch" not in str(error.value)


def test_torchvisions_cifar_comes_channels_first(tmp_path, monkeypatch):
    """Batches as published: rows of 3072 bytes, a colour after the other."""
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    rng = np.random.default_rng(0)
    batches = {}
    for name in published.PUBLISHED["cifar-10"].md5:
        rows = rng.integers(256, size=(10, 3072), dtype=np.uint8)
        rows[0, :2] = 0, 255  # so that there is something to standardise
        batch = {"data": rows, "labels": list(range(10)), "label_names": list(published.CIFAR_10)}
        (folder / name).write_bytes(pickle.dumps(batch))
        batches[name] = rows
    md5 = {n: hashlib.md5((folder / n).read_bytes()).hexdigest() for n in batches}
    own = replace(published.PUBLISHED["cifar-10"], md5=md5)
    monkeypatch.setitem(published.PUBLISHED, "cifar-10", own)
    from torchvision.datasets import CIFAR10

    train = [[name, md5[name]] for name in md5 if name.startswith("data")]
    monkeypatch.setattr(CIFAR10, "train_list", train)
    monkeypatch.setattr(CIFAR10, "test_list", [["test_batch", md5["test_batch"]]])
    monkeypatch.setattr(CIFAR10, "meta", CIFAR10.meta | {"md5": md5["batches.meta"]})
    loaded = data.load("cifar-10", root=tmp_path)
    assert loaded.train.images.shape == (50, 3, 32, 32)
    np.testing.assert_array_equal(loaded.test.images.flatten(1).numpy(), batches["test_batch"])
    assert loaded.train.labels.tolist() == [*range(10)] * 5
