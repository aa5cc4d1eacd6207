"""An experiment on a folder is one on its images: what changes its key, and what does not."""

import os
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fflib import data
from fflib.errors import DataError, ExperimentError
from fflib.experiment import Experiment
from fflib.records.obtain import obtain
from fflib.records.stores import find, own_store

FAST = {"model": "bp", "hidden": 4, "layers": 1, "epochs": 1}

WITHOUT_LOSS = {"png": {}, "bmp": {}, "tif": {}, "ppm": {}, "webp": {"lossless": True}}


def key(folder, **fields):
    return Experiment(dataset=str(folder), **FAST, **fields).key


def put(image, path, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path, **options)


def write(root, classes, divided=False):
    """Write images, by class; every third of them to test with if they are divided."""
    for name, images in classes.items():
        for i, image in enumerate(images):
            part = ("test" if i % 3 == 0 else "train") if divided else ""
            put(image, root / part / name / f"{i}.png")
    return root


@st.composite
def folders(draw):
    seed, kinds = draw(st.integers(0, 2**32 - 1)), draw(st.integers(2, 3))
    shape = (5, 6, 3) if draw(st.booleans()) else (5, 6)
    generator = np.random.default_rng(seed)
    count = draw(st.integers(5, 8))
    return {
        name: list(generator.integers(0, 256, (count, *shape), np.uint8))
        for name in ("cat", "dog 2", "dog 10")[:kinds]
    }


@pytest.fixture
def pictures(tmp_path):
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (2, 12, 6, 6), np.uint8)
    return write(tmp_path / "pictures", {"cat": list(images[0]), "dog": list(images[1])})


@pytest.fixture(autouse=True)
def own(tmp_path, monkeypatch):
    monkeypatch.setenv("FFLIB_STORE", str(tmp_path / "own"))


@settings(max_examples=40)
@given(folders(), st.booleans(), st.randoms(use_true_random=False))
def test_names_places_formats_and_hidden_files_leave_the_key_alone(classes, divided, random):
    with TemporaryDirectory() as root:
        before = write(Path(root, "a"), classes, divided)
        expected = key(before)
        after = Path(root, "b", "of another name")
        for path in sorted(before.rglob("*.png")):
            place = (after / path.relative_to(before)).parent
            place.mkdir(parents=True, exist_ok=True)
            suffix = random.choice(list(WITHOUT_LOSS))
            with Image.open(path) as image:
                name = f"{random.randrange(10**6)}-{path.stem}.{suffix}"
                image.save(place / name, **WITHOUT_LOSS[suffix])
            random.choice([place, after]).joinpath(f".{path.name}").write_bytes(b"hidden")
        (after / "__MACOSX" / "cat").mkdir(parents=True)
        assert key(after) == expected
        one, other = data.load(before), data.load(after)
        for split in ("train", "test"):
            assert (one.split(split).images == other.split(split).images).all()
            assert (one.split(split).labels == other.split(split).labels).all()


@settings(max_examples=40)
@given(folders(), st.booleans(), st.randoms(use_true_random=False))
def test_a_pixel_a_class_or_the_division_changes_the_key(classes, divided, random):
    with TemporaryDirectory() as root:
        folder = write(Path(root, "a"), classes, divided)
        before = key(folder)
        path = random.choice(sorted(folder.rglob("*.png")))
        change = random.choice(["pixel", "class", "name", "one less", "division"])
        if change == "pixel":
            image = np.array(Image.open(path))
            image[random.randrange(5), random.randrange(6)] ^= 1 << random.randrange(8)
            put(image, path)
        elif change == "class":
            other = random.choice([p for p in path.parent.parent.iterdir() if p != path.parent])
            path.rename(other / "moved.png")
            spare = np.full_like(np.array(Image.open(other / "moved.png")), 7)
            put(spare, path)
        elif change == "name":
            for parent in {p.parent for p in folder.rglob("*.png") if p.parent.name == "cat"}:
                parent.rename(parent.parent / "lynx")
        elif change == "one less":
            shutil.copy(path, path.with_name("again.png"))
        elif divided:
            part = "train" if "test" in path.parts else "test"
            path.rename(folder / part / path.parent.name / "moved.png")
        else:
            for part in ("train", "test"):
                shutil.copytree(write(Path(root, "c"), classes), folder / part, dirs_exist_ok=True)
        assert key(folder) != before


def test_spellings_of_a_path_are_one_experiment(pictures, monkeypatch):
    monkeypatch.chdir(pictures.parent)
    found = {Experiment(dataset=name, **FAST) for name in ("pictures", "./pictures", str(pictures))}
    assert len(found) == 1
    (one,) = found
    assert one.dataset == str(pictures)
    assert str(one).startswith("bp on pictures (relu-l2)")


def test_folders_of_one_name_are_two_experiments(pictures, tmp_path, monkeypatch):
    other = shutil.copytree(pictures, tmp_path / "two" / "pictures")
    put(np.zeros((6, 6), np.uint8), other / "cat" / "0.png")
    found = []
    for place in (pictures.parent, other.parent):
        monkeypatch.chdir(place)
        found.append(obtain(Experiment(dataset="pictures", **FAST), progress=False))
    assert found[0].experiment.key != found[1].experiment.key
    assert found[0].provenance.data != found[1].provenance.data


def test_replaced_images_are_trained_again(pictures):
    before = obtain(Experiment(dataset=str(pictures), **FAST), progress=False)
    status = (pictures / "cat" / "0.png").stat()
    put(np.zeros((6, 6), np.uint8), pictures / "cat" / "0.png")
    os.utime(pictures / "cat" / "0.png", ns=(status.st_atime_ns, status.st_mtime_ns))
    after = obtain(Experiment(dataset=str(pictures), **FAST), progress=False)
    assert after.experiment.key != before.experiment.key
    assert len(list(own_store())) == 2


def test_a_record_is_found_where_the_folder_has_moved_and_named_as_it_is_now(pictures):
    made = obtain(Experiment(dataset=str(pictures), **FAST), progress=False)
    moved = pictures.rename(pictures.with_name("photos"))
    again = Experiment(dataset=str(moved), **FAST)
    found = find(again)
    assert found.provenance == made.provenance
    assert found.experiment == again
    assert found.experiment.data().name == "folder:photos"


def test_a_record_can_be_read_when_its_folder_is_gone(pictures):
    made = obtain(Experiment(dataset=str(pictures), **FAST), progress=False)
    shutil.rmtree(pictures)
    (listed,) = own_store()
    assert listed.experiment == made.experiment
    with pytest.raises(DataError, match="unknown dataset"):
        listed.experiment.data()


def test_an_experiment_is_not_trained_on_other_images_than_its_own(pictures):
    experiment = Experiment(dataset=str(pictures), **FAST)
    put(np.zeros((6, 6), np.uint8), pictures / "cat" / "0.png")
    with pytest.raises(DataError, match="must hold the images of this experiment") as error:
        obtain(experiment, progress=False)
    assert len(str(error.value).splitlines()) == 1


def test_the_key_of_a_folder_is_that_of_what_is_trained_on_and_not_of_how_it_was_asked_for(
    pictures,
):
    assert key(pictures, size=6) == key(pictures)
    assert key(pictures, size=5) != key(pictures)
    assert key(pictures, groups=r"\d+") != key(pictures)


@pytest.mark.parametrize("field", [{"size": 20}, {"groups": "x"}, {"images": "0" * 32}])
def test_what_is_said_of_folders_is_refused_for_a_published_data_set(field):
    with pytest.raises(ExperimentError, match=r"is for a folder of images, got .* leave it out"):
        Experiment(dataset="digits", **field)
