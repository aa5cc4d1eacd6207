import os
import shutil
import struct
import zlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fflib import data
from fflib.data.folder import spread
from fflib.errors import DataError


def one_line(error):
    assert len(str(error.value).splitlines()) == 1
    return str(error.value)


def draw(path, value, size=(8, 8), mode="L"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, value).save(path)


@pytest.fixture
def pictures(tmp_path):
    """Two classes, ten images of cats with grey values from 0 and six of dogs from 100."""
    folder = tmp_path / "pictures"
    for kind, first, count in (("cat", 0, 10), ("dog", 100, 6)):
        for i in range(count):
            draw(folder / kind / f"{i:02}.png", first + i)
    return folder


def greys(split):
    return sorted(split.images[:, 0, 0].tolist())


def test_every_fifth_image_of_each_class_is_for_testing(pictures):
    loaded = data.load(pictures)
    assert loaded.name == "folder:pictures"
    assert loaded.classes == ("cat", "dog")
    assert greys(loaded.test) == [4, 9, 104]
    assert greys(loaded.train) == [0, 1, 2, 3, 5, 6, 7, 8, 100, 101, 102, 103, 105]
    for split in (loaded.train, loaded.test):
        assert split.images.dtype == torch.uint8
        assert torch.equal(split.labels, (split.images[:, 0, 0] >= 100).long())


def test_a_folder_may_be_given_as_text_but_a_name_is_never_a_folder(pictures, monkeypatch):
    assert data.load(str(pictures)) is data.load(pictures)
    renamed = pictures.rename(pictures.parent / "digits")
    monkeypatch.chdir(renamed.parent)
    assert data.load(Path("digits")).name == "folder:digits"
    assert data.load("digits").name == "digits"


def test_train_and_test_folders_are_taken_as_they_are(tmp_path):
    for part, values in (("train", (10, 20, 30)), ("test", (40,))):
        for kind, shift in (("a", 0), ("b", 5)):
            for value in values:
                draw(tmp_path / part / kind / f"{value}.png", value + shift)
    loaded = data.load(tmp_path)
    assert greys(loaded.train) == [10, 15, 20, 25, 30, 35]
    assert greys(loaded.test) == [40, 45]
    assert loaded.classes == ("a", "b")


@given(st.lists(st.integers(5, 40), min_size=2, max_size=5))
def test_the_validation_part_holds_every_class(sizes):
    train = [[Path(f"{label}/{i}") for i in range(size)] for label, size in enumerate(sizes)]
    labels = [label for _, label in spread(train)]
    assert Counter(labels) == dict(enumerate(sizes))
    held = Counter(labels[len(labels) - len(labels) // 6 :])
    # The last sixth of each class, up to one image for rounding each boundary.
    assert all(abs(held[label] - size / 6) <= 1.5 for label, size in enumerate(sizes))


def test_colour_gives_three_channels_to_grey_images_too(pictures):
    draw(pictures / "cat" / "00.png", (10, 20, 30), mode="RGB")
    train = data.load(pictures).train
    assert train.images.shape == (13, 3, 8, 8)
    values = {tuple(image[:, 0, 0].tolist()) for image in train.images}
    assert {(10, 20, 30), (1, 1, 1), (100, 100, 100)} <= values


@pytest.mark.parametrize("suffix", ["png", "bmp", "pgm", "tif", "webp", "gif", "JPG"])
def test_each_format_is_read(tmp_path, suffix):
    for kind, value in (("a", 0), ("b", 255)):
        for i in range(5):
            draw(tmp_path / kind / f"{i}.{suffix}", value)
    loaded = data.load(tmp_path)
    means = loaded.train.images.float().flatten(1).mean(1)
    # Lossy formats keep plain black and white within a step or two of 255.
    assert ((means - 255 * loaded.train.labels).abs() <= 2).all()


def test_hidden_and_other_files_are_passed_over(pictures):
    before = data.load(pictures)
    (pictures / "cat" / "notes.txt").write_text("no image")
    (pictures / "cat" / "._00.png").write_bytes(b"a resource fork")
    (pictures / ".cache").mkdir()
    assert data.load(pictures) is before


def test_a_folder_is_read_again_when_a_file_changes(pictures):
    before = data.load(pictures)
    draw(pictures / "cat" / "00.png", 77)
    os.utime(pictures / "cat" / "00.png", ns=(1, 1))
    after = data.load(pictures)
    assert 77 in greys(after.train)
    assert after.checksums != before.checksums


def test_the_checksum_is_of_names_and_contents_wherever_the_folder_is(pictures, tmp_path):
    (checksum,) = data.load(pictures).checksums.values()
    copied = shutil.copytree(pictures, tmp_path / "elsewhere" / "pictures")
    assert data.load(copied).checksums == {"pictures": checksum}
    (copied / "dog" / "05.png").rename(copied / "dog" / "06.png")
    assert data.load(copied).checksums != {"pictures": checksum}


def test_an_image_of_another_size_is_named_with_both_sizes(pictures):
    odd = pictures / "dog" / "02.png"
    draw(odd, 1, size=(9, 7))
    with pytest.raises(DataError, match=r"one size, this has 9×7 pixels and .* has 8×8") as error:
        data.load(pictures)
    assert one_line(error).startswith(str(odd))


def huge_png(side):
    """Make a PNG of few bytes whose header promises side × side pixels."""

    def chunk(kind, content):
        checksum = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + checksum

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(100))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "must be a readable image"),
        (b"<html>not found</html>", "must be a readable image"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n", "must be a readable image"),
        (huge_png(10_000), "an image may have 1048576 pixels"),
        (huge_png(60_000), "must be a readable image"),
    ],
    ids=["empty", "text", "program", "huge", "bomb"],
)
def test_a_file_that_is_no_decent_image_is_named(pictures, content, reason):
    broken = pictures / "dog" / "03.png"
    broken.write_bytes(content)
    with pytest.raises(DataError, match=reason) as error:
        data.load(pictures)
    assert one_line(error).startswith(str(broken))


def test_a_truncated_image_is_named(pictures):
    broken = pictures / "cat" / "03.png"
    generator = np.random.default_rng(0)
    Image.fromarray(generator.integers(256, size=(8, 8), dtype=np.uint8)).save(broken)
    broken.write_bytes(broken.read_bytes()[:60])
    with pytest.raises(DataError, match="must be a readable image") as error:
        data.load(pictures)
    assert one_line(error).startswith(str(broken))


def test_images_of_16_bits_are_refused(pictures):
    draw(pictures / "cat" / "03.png", 1000, mode="I;16")
    with pytest.raises(DataError, match="8 bits per channel, the mode of this is I;16"):
        data.load(pictures)


def test_fewer_than_two_classes_are_refused(pictures, tmp_path):
    shutil.rmtree(pictures / "dog")
    with pytest.raises(DataError, match="at least two class folders are needed, found 1") as error:
        data.load(pictures)
    one_line(error)


def test_a_class_without_images_is_refused(pictures):
    (pictures / "empty").mkdir()
    with pytest.raises(DataError, match="empty: a class needs images") as error:
        data.load(pictures)
    one_line(error)


def test_a_class_too_small_to_be_split_is_refused(pictures):
    for i in range(4):
        draw(pictures / "bird" / f"{i}.png", i)
    with pytest.raises(DataError, match=r"bird: every fifth image .* found 4") as error:
        data.load(pictures)
    one_line(error)


def test_train_and_test_must_hold_the_same_classes(tmp_path):
    for part, kinds in (("train", "abc"), ("test", "abd")):
        for kind in kinds:
            draw(tmp_path / part / kind / "0.png", 1)
    with pytest.raises(DataError, match="only one of them has c, d: ") as error:
        data.load(tmp_path)
    one_line(error)


def test_a_folder_that_may_not_be_read_is_named(pictures):
    (pictures / "dog").chmod(0)
    try:
        if os.access(pictures / "dog", os.R_OK):
            pytest.skip("this user may read everything")
        with pytest.raises(DataError, match="dog must be readable") as error:
            data.load(pictures)
    finally:
        (pictures / "dog").chmod(0o700)
    one_line(error)
