"""Folders as people have them are learned as easily as what is in them: an easy task is solved."""

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from fflib.cli import app
from fflib.experiment import Experiment
from fflib.training.train import train

KINDS = ("left", "middle", "right")


def stripe(generator, kind, side=24):
    """A bright stripe at one of three places in mild noise, as a number for each pixel."""
    image = generator.integers(0, 50, (side, side))
    image[:, kind * side // 3 : (kind + 1) * side // 3] += 170
    return image.astype(np.uint8)


def turned(image, i):
    """Every second photograph is stored as the camera was held."""
    tag = Image.Exif()
    tag[0x0112] = 6
    stored = Image.fromarray(image)
    if i % 2:
        return "jpg", stored.transpose(Image.Transpose.ROTATE_90), {"exif": tag, "quality": 95}
    return "jpg", stored, {"quality": 95}


def ink(value):
    def drawn(image, i):
        colour = np.full_like(image, value)
        return "png", Image.fromarray(np.dstack([colour, colour, colour, image])), {}

    return drawn


def inverted_palette(image, i):
    """The numbers in the file run against the brightness that they stand for."""
    stored = Image.fromarray(255 - image).convert("P")
    stored.putpalette([255 - v for v in range(256) for _ in range(3)])
    return "png", stored, {}


def mixed(image, i):
    """Depths, modes and suffixes side by side."""
    grey = Image.fromarray(image)
    return [
        ("png", grey, {}),
        ("jfif", grey.convert("RGB"), {"format": "JPEG", "quality": 95}),
        ("tif", Image.fromarray(image.astype(np.uint16) * 257), {}),
        ("png", grey.convert("LA"), {}),
        ("jpg", grey.convert("CMYK"), {"quality": 95}),
        ("webp", grey, {"lossless": True}),
    ][i % 6]


STORED = {
    "turned": turned,
    "black ink": ink(0),
    "white ink": ink(255),
    "palette": inverted_palette,
    "mixed": mixed,
}


def write(folder, stored=mixed, count=30, side=24, seed=0):
    generator = np.random.default_rng(seed)
    for kind, name in enumerate(KINDS):
        (folder / name).mkdir(parents=True)
        for i in range(count):
            suffix, image, options = stored(stripe(generator, kind, side), i)
            image.save(folder / name / f"{i:03}.{suffix}", **options)
    return folder


def accuracy(folder, **fields):
    experiment = Experiment(
        model="bp",
        dataset=str(folder),
        hidden=32,
        layers=1,
        epochs=30,
        precision="float32",
        **fields,
    )
    return train(experiment, device="cpu", progress=False).accuracy


@pytest.mark.parametrize("stored", STORED)
def test_an_easy_task_is_solved_however_its_images_are_stored(tmp_path, stored):
    assert accuracy(write(tmp_path / "images", STORED[stored])) >= 0.95


def test_series_do_not_give_one_side_to_training_and_the_other_to_testing(tmp_path):
    """Every fifth view of an object is from its other side, which looks like the other class."""
    generator = np.random.default_rng(0)
    for kind, name in enumerate(("left", "right")):
        (tmp_path / name).mkdir()
        for i in range(60):
            image = stripe(generator, 2 * (kind ^ (i % 5 == 4)))
            Image.fromarray(image).save(tmp_path / name / f"object{i // 5:02}_{i % 5}.png")
    # Four views in five are right at best, whichever are drawn; 24 are tested with.
    assert accuracy(tmp_path) >= 0.6
    assert accuracy(tmp_path, groups=r"object\d+") == pytest.approx(0.8, abs=0.1)


def test_images_that_mean_nothing_are_not_confused_with_those_of_another_folder(
    tmp_path, monkeypatch
):
    noise = tmp_path / "two" / "photos"
    generator = np.random.default_rng(1)
    for name in KINDS:
        (noise / name).mkdir(parents=True)
        for i in range(30):
            pixels = generator.integers(0, 256, (24, 24), np.uint8)
            Image.fromarray(pixels).save(noise / name / f"{i}.png")
    write(tmp_path / "one" / "photos")
    reached = []
    for place in ("one", "two"):
        monkeypatch.chdir(tmp_path / place)
        reached.append(accuracy("photos"))
    assert reached[0] >= 0.95
    assert reached[1] <= 0.7  # a third by chance, of 18 images


def test_photographs_of_twelve_megapixels_are_taken_small_by_every_command(tmp_path, monkeypatch):
    folder = tmp_path / "photographs"
    for kind, name in enumerate(KINDS):
        (folder / name).mkdir(parents=True)
        for i in range(5):
            size = (4000, 3000) if i == 0 else (400, 300)
            grey = Image.fromarray(stripe(np.random.default_rng(kind), kind)).resize((300, 300))
            photograph = Image.new("L", (400, 300), 20)
            photograph.paste(grey, (50, 0))
            photograph.resize(size).save(folder / name / f"{i}.jpg")
    monkeypatch.setenv("FFLIB_STORE", str(tmp_path / "own"))
    assert accuracy(folder) == 1
    assert Experiment(dataset=str(folder)).data().shape == (1, 28, 28)
    monkeypatch.setattr("fflib.data.copies.read_picture", lambda *_: pytest.fail("read again"))
    from fflib.data import folder as reader

    before = Experiment(dataset=str(folder)).data()
    reader._read.cache_clear()
    again = Experiment(dataset=str(folder)).data()
    assert again is not before
    assert again.checksums == before.checksums
    assert again.remarks == before.remarks
    assert (again.test.images == before.test.images).all()


def test_the_command_says_what_it_decided(tmp_path, monkeypatch):
    folder = write(tmp_path / "images", ink(0))
    (folder / "left" / "phone.heic").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    tiny = ("--model", "bp", "--hidden", "4", "--layers", "1", "--epochs", "1", "--device", "cpu")
    result = CliRunner().invoke(app, ["train", "--dataset", "images", "--size", "12", *tiny])
    assert result.exit_code == 0, result.output
    assert result.stderr.splitlines()[:4] == [
        "images: left out, since they are not read: 1 .heic (install pillow-heif to read them)",
        "images: drawn for testing, about one in 5 of each class: 18 of 90 images",
        "images: the largest square around the middle, brought to 12×12 pixels: all images",
        "images: transparent parts laid on grey, 128 of 255: 90 of 90 images",
    ]
    assert result.stdout.startswith("bp on images (relu-l2), seed 0, size 12, hidden 4")
