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
from fflib.data.splits import spread
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


def remarks(folder, **options):
    return " | ".join(data.load(folder, **options).remarks)


def test_a_fifth_of_each_class_is_drawn_for_testing_and_it_is_said(pictures):
    loaded = data.load(pictures)
    assert loaded.name == "folder:pictures"
    assert loaded.classes == ("cat", "dog")
    assert greys(loaded.train) + greys(loaded.test) != sorted(
        greys(loaded.train) + greys(loaded.test)
    )
    assert sorted(greys(loaded.train) + greys(loaded.test)) == [*range(10), *range(100, 106)]
    assert [sum(v < 100 for v in greys(s)) for s in (loaded.train, loaded.test)] == [8, 2]
    for split in (loaded.train, loaded.test):
        assert split.images.dtype == torch.uint8
        assert torch.equal(split.labels, (split.images[:, 0, 0] >= 100).long())
    assert "drawn for testing, about one in 5 of each class: 3 of 16 images" in loaded.remarks


def test_a_folder_may_be_given_as_text_but_a_name_is_never_a_folder(pictures, monkeypatch):
    assert data.load(str(pictures)) is data.load(pictures)
    renamed = pictures.rename(pictures.parent / "digits")
    monkeypatch.chdir(renamed.parent)
    assert data.load(Path("digits")).name == "folder:digits"
    assert data.load("digits").name == "digits"


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        (("train", "test"), ()),
        (("Train", "TEST"), ()),
        (("training", "testing"), ()),
        (("train", "val"), ("val/ is tested with, since there is no test/",)),
        (("train", "Validation"), ("Validation/ is tested with, since there is no test/",)),
    ],
)
def test_a_divided_folder_is_taken_as_it_is_whatever_people_call_its_parts(tmp_path, parts, said):
    for part, values in zip(parts, ((10, 20, 30), (40,)), strict=True):
        for kind, shift in (("a", 0), ("b", 5)):
            for value in values:
                draw(tmp_path / part / kind / f"{value}.png", value + shift)
    loaded = data.load(tmp_path)
    assert greys(loaded.train) == [10, 15, 20, 25, 30, 35]
    assert greys(loaded.test) == [40, 45]
    assert loaded.classes == ("a", "b")
    assert loaded.remarks == said


def test_a_third_part_is_left_out_and_it_is_said(pictures, tmp_path):
    for part in ("train", "Val", "test"):
        shutil.copytree(pictures, tmp_path / "all" / part)
    draw(tmp_path / "all" / "train" / "cat" / "only.png", 50)
    loaded = data.load(tmp_path / "all")
    assert (len(loaded.train), len(loaded.test)) == (17, 16)
    assert loaded.remarks[0] == (
        "Val/ is left out, 16 images: train/ is trained on, and test/ tested with"
    )


def test_two_folders_for_one_part_are_refused(pictures, tmp_path):
    for part in ("train", "test", "testing"):
        shutil.copytree(pictures, tmp_path / "all" / part)
    with pytest.raises(
        DataError, match="one folder for each part, found test and testing"
    ) as error:
        data.load(tmp_path / "all")
    one_line(error)


def test_classes_named_like_a_part_are_classes_where_the_other_part_is_missing(pictures):
    (pictures / "cat").rename(pictures / "train")
    (pictures / "dog").rename(pictures / "bus")
    assert data.load(pictures).classes == ("bus", "train")


def test_classes_are_in_natural_order(pictures):
    for name in ("10", "2", "1", "Class 11", "class 3"):
        shutil.copytree(pictures / "cat", pictures / name)
    assert data.load(pictures).classes == ("1", "2", "10", "cat", "class 3", "Class 11", "dog")
    assert data.class_names(pictures) == data.load(pictures).classes


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
    loaded = data.load(pictures)
    assert loaded.train.images.shape == (13, 3, 8, 8)
    images = [*loaded.train.images, *loaded.test.images]
    values = {tuple(image[:, 0, 0].tolist()) for image in images}
    assert {(10, 20, 30), (1, 1, 1), (100, 100, 100)} <= values


@pytest.mark.parametrize("suffix", ["png", "bmp", "pgm", "tif", "webp", "gif", "JPG", "jfif"])
def test_each_format_is_read(tmp_path, suffix):
    for kind, value in (("a", 0), ("b", 255)):
        for i in range(5):
            draw(tmp_path / kind / f"{i}.{suffix}", value)
    loaded = data.load(tmp_path)
    means = loaded.train.images.float().flatten(1).mean(1)
    # Lossy formats keep plain black and white within a step or two of 255.
    assert ((means - 255 * loaded.train.labels).abs() <= 2).all()


def test_hidden_files_are_passed_over(pictures):
    before = data.load(pictures)
    (pictures / "cat" / "._00.png").write_bytes(b"a resource fork")
    (pictures / "cat" / "Thumbs.db").write_bytes(b"a cache")
    for name in (".cache", "__MACOSX"):
        (pictures / name).mkdir()
    assert data.load(pictures) is before


def test_what_is_not_read_is_counted_by_suffix_with_the_way_to_read_it(pictures):
    before = data.load(pictures)
    for i in range(3):
        (pictures / "cat" / f"{i}.HEIC").write_bytes(b"")
    (pictures / "dog" / "notes.txt").write_text("no image")
    (pictures / "dog" / "more").mkdir()
    draw(pictures / "loose.png", 1)
    after = data.load(pictures)
    assert after.checksums == before.checksums
    assert after.remarks == (
        "left out, since they are not read: 3 .heic (install pillow-heif to read them), 1 .png "
        "outside of the class folders, 1 .txt, 1 folder in a class folder",
        *before.remarks,
    )


def test_a_folder_without_a_readable_image_names_those_it_has(pictures):
    (pictures / "phone").mkdir()
    (pictures / "phone" / "1.heic").write_bytes(b"")
    with pytest.raises(
        DataError, match=r"found none beside 1 \.heic \(install pillow-heif"
    ) as error:
        data.load(pictures)
    one_line(error)


def test_a_folder_is_read_again_when_a_file_changes(pictures):
    before = data.load(pictures)
    draw(pictures / "cat" / "00.png", 77)
    os.utime(pictures / "cat" / "00.png", ns=(1, 1))
    after = data.load(pictures)
    assert 77 in greys(after.train)
    assert after.checksums != before.checksums


def test_images_of_several_sizes_are_brought_to_one_and_it_is_said(pictures):
    draw(pictures / "dog" / "02.png", 102, size=(9, 7))
    loaded = data.load(pictures)
    assert loaded.shape == (1, 28, 28)
    said = "the largest square around the middle, brought to 28×28 pixels: all images"
    assert said in loaded.remarks
    smaller = data.load(pictures, size=10)
    assert smaller.shape == (1, 10, 10)
    assert smaller.checksums != loaded.checksums
    assert greys(smaller.test) == greys(loaded.test), "the division does not depend on the size"


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
        (huge_png(10_000), "an image may have 67108864 pixels"),
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
    with pytest.raises(DataError, match=r"bird: one image in 5 .* found 4") as error:
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


def series(folder, objects=10, views=5):
    """Objects that were taken several times each: the grey value says which, and of what view."""
    for kind, first in (("cat", 0), ("dog", 100)):
        for o in range(objects):
            for view in range(views):
                draw(folder / kind / f"object{o:02}_{view}.png", first + o * views + view)
    return folder


def test_pictures_of_one_object_are_all_trained_on_or_all_tested_with(tmp_path):
    folder = series(tmp_path)
    loaded = data.load(folder, groups=r"object(\d+)")
    train, test = ({v // 5 for v in greys(split)} for split in (loaded.train, loaded.test))
    assert not train & test
    assert sorted(train | test) == [*range(10), *range(20, 30)]
    assert len(loaded.test) == 20
    assert "in 10 groups that stay whole" in remarks(folder, groups=r"object(\d+)")
    assert loaded.checksums != data.load(folder).checksums


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        ("cat", r"must be in a group, but 'cat' is not in its name"),
        ("(", "groups must be a regular expression, got '\\('"),
        ("object", "a class needs images in two groups"),
    ],
)
def test_groups_that_do_not_divide_are_refused(tmp_path, groups, said):
    with pytest.raises(DataError, match=said) as error:
        data.load(series(tmp_path), groups=groups)
    one_line(error)


def test_groups_of_a_divided_folder_are_refused(pictures, tmp_path):
    for part in ("train", "test"):
        shutil.copytree(pictures, tmp_path / "all" / part)
    with pytest.raises(DataError, match="groups are for a folder that is not divided") as error:
        data.load(tmp_path / "all", groups="0")
    one_line(error)


def noisy(folder, count, seed, kinds=("cat", "dog")):
    generator = np.random.default_rng(seed)
    for kind in kinds:
        (folder / kind).mkdir(parents=True, exist_ok=True)
        for i in range(count):
            image = Image.fromarray(generator.integers(0, 256, (6, 6), np.uint8))
            image.resize((24, 24), Image.Resampling.BICUBIC).save(folder / kind / f"{seed}-{i}.png")


def test_images_to_test_with_that_are_also_trained_on_are_counted(tmp_path):
    noisy(tmp_path / "train", 10, 0)
    noisy(tmp_path / "test", 10, 1)
    assert "also to train on" not in remarks(tmp_path)
    for i in range(4):
        shutil.copy(
            tmp_path / "train" / "cat" / f"0-{i}.png", tmp_path / "test" / "cat" / f"a{i}.png"
        )
    with Image.open(tmp_path / "train" / "dog" / "0-3.png") as image:
        image.save(tmp_path / "test" / "dog" / "again.jpg", quality=80)
    assert "also to train on: 4 of 25 images to test with, and 1 more very nearly" in remarks(
        tmp_path
    )
