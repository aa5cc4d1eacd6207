import hashlib
import io
import pickle
import tarfile
from dataclasses import replace

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image
from scipy.io import savemat

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


@pytest.mark.parametrize(
    ("name", "labels", "classes", "meta"),
    [
        ("cifar-10", "labels", 10, "label_names"),
        ("cifar-100", "fine_labels", 100, "fine_label_names"),
    ],
)
def test_torchvisions_cifar_comes_channels_first(
    name, labels, classes, meta, tmp_path, monkeypatch
):
    """Batches as published: rows of 3072 bytes, a colour after the other."""
    folder = tmp_path / published.PUBLISHED[name].folder
    folder.mkdir()
    rng = np.random.default_rng(0)
    batches = {}
    for file in published.PUBLISHED[name].md5:
        rows = rng.integers(256, size=(classes, 3072), dtype=np.uint8)
        rows[0, :2] = 0, 255  # so that there is something to standardise
        batch = {"data": rows, labels: list(range(classes))}
        batch[meta] = list(published.PUBLISHED[name].classes)
        (folder / file).write_bytes(pickle.dumps(batch))
        batches[file] = rows
    md5 = {n: hashlib.md5((folder / n).read_bytes()).hexdigest() for n in batches}
    monkeypatch.setitem(published.PUBLISHED, name, replace(published.PUBLISHED[name], md5=md5))
    kind = getattr(torchvision.datasets, published.PUBLISHED[name].reader)
    parts = {
        part: [[file, md5[file]] for file in md5 if file.startswith(starts)]
        for part, starts in (("train", ("data", "train")), ("test", "test"))
    }
    for part, listed in parts.items():
        monkeypatch.setattr(kind, f"{part}_list", listed)
    monkeypatch.setattr(kind, "meta", kind.meta | {"md5": md5[kind.meta["filename"]]})
    loaded = data.load(name, root=tmp_path)
    assert loaded.train.images.shape == (len(parts["train"]) * classes, 3, 32, 32)
    ((last, _),) = parts["test"]
    np.testing.assert_array_equal(loaded.test.images.flatten(1).numpy(), batches[last])
    assert loaded.train.labels.tolist() == [*range(classes)] * len(parts["train"])
    assert sorted(set(loaded.classes)) == list(loaded.classes)
    assert len(loaded.classes) == classes


def test_house_numbers_come_from_matlab_with_zero_for_ten(tmp_path, monkeypatch):
    """Files as published: images last, rows first, and the digit 0 called 10."""
    rng = np.random.default_rng(0)
    own = {}
    for part, count in (("train", 12), ("test", 10)):
        images = rng.integers(256, size=(count, 3, 32, 32), dtype=np.uint8)
        labels = np.arange(count) % 10
        named = np.where(labels == 0, 10, labels).astype(np.uint8)[:, None]
        savemat(tmp_path / f"{part}_32x32.mat", {"X": images.transpose(2, 3, 1, 0), "y": named})
        own[part] = images, labels
    files = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    md5 = {name: hashlib.md5(files[name]).hexdigest() for name in published.PUBLISHED["svhn"].md5}
    monkeypatch.setitem(published.PUBLISHED, "svhn", replace(published.PUBLISHED["svhn"], md5=md5))
    listed = {part: ["", f"{part}_32x32.mat", md5[f"{part}_32x32.mat"]] for part in own}
    monkeypatch.setattr(torchvision.datasets.SVHN, "split_list", listed)
    loaded = data.load("svhn", root=tmp_path)
    for part, (images, labels) in own.items():
        np.testing.assert_array_equal(loaded.split(part).images.numpy(), images)
        assert loaded.split(part).labels.tolist() == labels.tolist()
    with pytest.raises(MissingData, match="fflib data fetch svhn") as error:
        data.load("svhn", root=tmp_path / "elsewhere", download=False)
    assert str(tmp_path / "elsewhere" / "train_32x32.mat") in str(error.value)


@pytest.mark.parametrize("name", ["cifar-10", "cifar-100", "svhn"])
def test_checksums_are_those_that_torchvision_knows(name):
    kind = getattr(torchvision.datasets, published.PUBLISHED[name].reader)
    if name == "svhn":
        known = {file: md5 for _, file, md5 in kind.split_list.values()}
        del known["extra_32x32.mat"]
    else:
        known = dict([*kind.train_list, *kind.test_list])
        known[kind.meta["filename"]] = kind.meta["md5"]
    assert published.PUBLISHED[name].md5 == known
