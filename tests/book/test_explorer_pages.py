"""What the explorers of a static page hold is what the records hold."""

import base64
import json
import re
from html.parser import HTMLParser
from io import BytesIO

import numpy as np
import pytest
import synthetic
from PIL import Image
from synthetic import images_of, nothing, of_another_network

import fflib
from fflib.book.explorers import drivers, ensembles, overlap, runs
from fflib.book.explorers.drivers import drivers_of, explored
from fflib.book.explorers.ensembles import ensemble_portraits, ensemble_table, explore_ensembles
from fflib.book.explorers.overlap import explore_overlap, overlap_table
from fflib.errors import MissingRecord, RecordError
from fflib.measures.drivers import NO_IMAGE, strongest
from fflib.measures.ensembles import RULES
from fflib.measures.sharing import jaccard, shared_units
from fflib.records.sealed import DamagedRecord, seal
from fflib.records.stores import PUBLISHED
from fflib.study.claims import members

NAMES = ["</script><script>alert(1)</script>", "<!-- b", 'c "quoted" & more', "d"]
MODELS = ("ff", "bp-ff", "bp")
RECORDS = [synthetic.record(m, dataset=d) for d in ("mnist", "fashion-mnist") for m in MODELS]
SHAPE = synthetic.LAYERS, synthetic.CLASSES, synthetic.UNITS


@pytest.fixture(autouse=True)
def _few_classes(monkeypatch):
    monkeypatch.setattr(runs, "class_names", lambda dataset: NAMES)


def embedded(page):
    return json.loads(re.search(r"^const data = (.*);$", page.data, re.MULTILINE)[1])


def booleans(text, shape=SHAPE):
    packed = np.frombuffer(base64.b64decode(text), np.uint8)
    return np.unpackbits(packed.reshape(*shape[:-1], -1), axis=-1, count=shape[-1]).astype(bool)


def numbers(text):
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(SHAPE)


def altered(record):
    """The same record with one unit more or less in one ensemble."""
    packed = record.arrays["ensembles/median-quantile"].copy()
    packed[1, 2, 0] ^= 128
    arrays = record.arrays | {"ensembles/median-quantile": packed}
    return record.model_copy(update={"arrays": arrays})


@pytest.mark.parametrize("explore", [lambda r: explore_ensembles(r, nothing), explore_overlap])
def test_each_run_is_there_with_its_ensembles(explore):
    data = embedded(explore(RECORDS))
    assert [run["key"] for run in data["runs"]] == [r.experiment.key for r in RECORDS]
    for run, record in zip(data["runs"], RECORDS, strict=True):
        for rule, packed in zip(RULES, np.ravel(run["members"]), strict=False):
            np.testing.assert_array_equal(booleans(packed), members(record, rule))
    assert all(run["classes"] == NAMES for run in data["runs"])


@pytest.mark.parametrize("explore", [lambda r: explore_ensembles(r, nothing), explore_overlap])
def test_a_changed_record_changes_its_run_and_no_other(explore):
    before = embedded(explore(RECORDS))["runs"]
    after = embedded(explore([altered(RECORDS[0]), *RECORDS[1:]]))["runs"]
    assert before[0] != after[0]
    assert before[1:] == after[1:]


def test_means_are_those_of_the_record_to_the_precision_of_a_byte():
    for run, record in zip(
        embedded(explore_ensembles(RECORDS, nothing))["runs"], RECORDS, strict=True
    ):
        tops = np.reshape(run["tops"], (-1, 1, 1))
        shown = numbers(run["means"]) / 255 * tops
        recorded = record.arrays["mean"].astype(float)
        assert (np.abs(shown - recorded) <= tops / 255 / 2 + 1e-9).all()


@pytest.mark.parametrize("explore", [lambda r: explore_ensembles(r, nothing), explore_overlap])
def test_names_cannot_leave_their_place_and_nothing_is_loaded(explore):
    page = explore(RECORDS).data
    tags = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attrs: tags.append((tag, dict(attrs)))
    parser.feed(page)
    assert [tag for tag, _ in tags].count("script") == 1
    assert page.count("</script") == 1
    assert "<!--" not in page
    assert "http" not in page
    assert not any("src" in attrs for _, attrs in tags)
    assert all(attrs.get("href", "#").startswith("#") for _, attrs in tags)  # within the page


def test_every_control_has_a_label_of_its_own():
    for page in (explore_ensembles(RECORDS, nothing), explore_overlap(RECORDS)):
        controls = set(re.findall(r'<(?:select|input)[^>]* id="([^"]+)"', page.data))
        assert len(controls) >= 4
        assert controls == set(re.findall(r'<label[^>]* for="([^"]+)"', page.data))
        assert "<noscript>" in page.data


def test_only_the_first_run_of_a_data_set_and_model_is_offered():
    many = [synthetic.record("bp", 3), *RECORDS, synthetic.record("ff", 1)]
    shown = runs.one_each(many)
    assert [(r.experiment.model, r.experiment.seed) for r in shown[:3]] == [
        ("ff", 0), ("bp-ff", 0), ("bp", 3),
    ]  # fmt: skip
    assert len(shown) == 6


def test_images_stand_in_one_sheet_and_say_whose_they_are():
    data = embedded(explore_ensembles(RECORDS, images_of))
    for run, record in zip(data["runs"], RECORDS, strict=True):
        kept = images_of(record.experiment)
        np.testing.assert_array_equal(booleans(run["members"]), members(record))
        sheet = run["images"]["sheet"].removeprefix("data:image/webp;base64,")
        whole = np.asarray(Image.open(BytesIO(base64.b64decode(sheet))).convert("L"))
        for place, image in enumerate(kept.images):
            y, x = (28 * n for n in divmod(place, run["images"]["across"]))
            np.testing.assert_array_equal(whole[y : y + 28, x : x + 28], image)
        assert run["images"]["chosen"] == kept.chosen.tolist()


def test_images_of_another_network_are_not_shown():
    assert images_of(RECORDS[0].experiment).belong_to(RECORDS[0])
    data = embedded(explore_ensembles(RECORDS, of_another_network))
    assert not any("images" in run for run in data["runs"])


def test_colour_images_make_a_sheet_too():
    kept = images_of(RECORDS[0].experiment)
    colour = np.random.default_rng(0).integers(0, 256, (3, 3, 8, 8), np.uint8)
    sheet = ensembles._sheet(colour).removeprefix("data:image/webp;base64,")
    whole = np.asarray(Image.open(BytesIO(base64.b64decode(sheet))))
    np.testing.assert_array_equal(whole[:8, 8:16], np.moveaxis(colour[1], 0, -1))
    assert kept.images.ndim == 3


def test_the_tables_say_what_the_panels_say():
    table = ensemble_table(RECORDS)
    ensemble = members(RECORDS[0])
    shared = shared_units(ensemble[1])
    others = np.where(np.arange(synthetic.CLASSES) == 2, -1, shared[2])
    said = f"{shared[2, 2]} units, {others.max()} with {NAMES[others.argmax()]}"
    assert table.loc[("MNIST", "FF", NAMES[2]), "layer 2"] == said

    pairs = overlap_table(ensemble, "abcd")
    index = jaccard(ensemble)
    assert (
        pairs.loc["a and c", "layer 3"]
        == f"{shared_units(ensemble)[2, 0, 2]} ({index[2, 0, 2]:.2f})"
    )


def test_the_matrix_starts_at_the_pair_that_overlaps_most():
    data = embedded(explore_overlap(RECORDS))
    index = jaccard(members(RECORDS[0])[-1])
    apart = index[~np.eye(len(index), dtype=bool)]
    assert index[tuple(data["start"])] == apart.max()
    assert embedded(explore_overlap(RECORDS, start=(3, 1)))["start"] == [3, 1]


def test_the_scale_is_that_of_the_figures():
    assert overlap.colours(2) == [[0, 34, 78], [254, 232, 56]]


def test_portraits_have_a_row_per_class_and_do_without_images():
    for on_file, columns in ((nothing, 1), (of_another_network, 1), (images_of, 2)):
        figure = ensemble_portraits(RECORDS[0], NAMES, layer=2, on_file=on_file)
        assert len(figure.axes) == columns * synthetic.CLASSES
        units = members(RECORDS[0])[1, 0].sum()
        assert figure.axes[0].get_ylabel().endswith(f"\n{units} units")


def test_the_strongest_images_are_those_of_a_naive_search():
    rng = np.random.default_rng(0)
    values, labels = rng.random((60, 9)), rng.integers(0, 4, 60)
    ensembles_ = rng.random((5, 9)) < 0.4
    ensembles_[1] = False
    images = strongest(values, labels, ensembles_, count=4)
    for label, own in enumerate(ensembles_):
        candidates = [i for i in range(60) if labels[i] == label] if own.any() else []
        best = sorted(candidates, key=lambda i: -values[i, own].mean())[:4]
        assert images[label].tolist() == best + [NO_IMAGE] * (4 - len(best))


@pytest.fixture(scope="module")
def run():
    few = fflib.Experiment(model="bp", dataset="digits", hidden=48, epochs=8, hold_out=3)
    return fflib.train(few, progress=False)


def test_images_that_drive_are_of_their_class_and_classified_correctly(run):
    found = drivers_of(run, count=3)
    labels = run.data.test.labels.numpy()
    pixels = run.data.pixels("test")[found.numbers]
    np.testing.assert_array_equal(run.network.predict(pixels).numpy(), labels[found.numbers])
    np.testing.assert_array_equal(found.images, run.data.test.images[found.numbers].numpy())
    for layer, ensemble in zip(found.chosen, found.ensembles, strict=True):
        for label, own in enumerate(layer):
            shown = own[own != NO_IMAGE]
            assert set(labels[found.numbers[shown]]) <= {label}
            assert bool(len(shown)) == ensemble[label].any()
    assert not found.ensembles[:, 3].any()  # held out


def test_a_file_gives_back_what_was_written(run, tmp_path):
    found = drivers_of(run)
    path = drivers.write(found, tmp_path)
    again = drivers.find(run.experiment, tmp_path)
    for name in ("images", "chosen", "numbers", "ensembles"):
        np.testing.assert_array_equal(getattr(again, name), getattr(found, name))
    assert (again.experiment, again.provenance) == (found.experiment, found.provenance)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DamagedRecord, match="not a whole record"):
        drivers.find(run.experiment, tmp_path)
    path.write_bytes(seal("{}", {}))
    with pytest.raises(RecordError, match="make it again with fflib explore"):
        drivers.find(run.experiment, tmp_path)
    path.unlink()
    with pytest.raises(MissingRecord, match="fflib explore"):
        drivers.find(run.experiment, tmp_path)


ON_FILE = sorted(drivers.FOLDER.glob(f"*{drivers.SUFFIX}"))


def test_the_run_that_chapter_3_begins_with_has_images():
    assert {path.stem for path in ON_FILE} <= {e.key for e in explored()}
    assert drivers.find(fflib.Experiment(model="ff", dataset="mnist")).images.shape[1:] == (28, 28)


@pytest.mark.parametrize("path", ON_FILE, ids=lambda path: path.stem)
def test_images_on_file_belong_to_published_runs(path):
    kept = drivers.read(path)
    assert kept.experiment.key == path.stem
    assert kept.belong_to(PUBLISHED.load(kept.experiment))
    held = kept.chosen != NO_IMAGE
    np.testing.assert_array_equal(held.any(axis=-1), kept.ensembles.any(axis=-1))


def test_the_published_panels_are_light(monkeypatch):
    monkeypatch.setattr(runs, "class_names", fflib.data.class_names)
    published = [PUBLISHED.load(e) for e in explored()]
    assert len(explore_ensembles(published).data.encode()) < 900_000
    assert len(explore_overlap(published).data.encode()) < 200_000
