"""From a folder of images to a page of verdicts: which folders will do, what is trained, what is said."""

import json
import re
from base64 import b64decode
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import synthetic
from PIL import Image
from sklearn.datasets import load_digits
from typer.testing import CliRunner

from fflib.book.explorers.runs import one_each
from fflib.book.report import examine, experiments, render
from fflib.book.report.page import page_folder, require_own
from fflib.cli import app
from fflib.data import Split, load
from fflib.errors import DataError, MissingRecord, TrainingError
from fflib.records.stores import own_store
from fflib.study.claims import CLAIMS, scorecard
from fflib.study.evidence import where
from fflib.sweeps.sweep import Outcome

NAMES = ("zero", "one & one", "two", "three")
SMALL = ("--seeds", 2, "--hidden", 48, "--epochs", 100)


def digits(folder, classes=NAMES, each=50, size=(8, 8), mode="L"):
    """Write scikit-learn's digits as images, in a folder for each class."""
    images, labels = load_digits(return_X_y=True)
    for label, name in enumerate(classes):
        (folder / name).mkdir(parents=True)
        for i, pixels in enumerate(images[labels == label][:each]):
            grey = Image.fromarray((pixels.reshape(8, 8) * 255 / 16).astype(np.uint8))
            grey.resize(size).convert(mode).save(folder / name / f"{i:03}.png")
    return folder


def fflib_(*arguments, code=0):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


def refusal_lines(*arguments):
    return fflib_("verdict", *arguments, code=2).stderr.splitlines()


def refusal(*arguments):
    """The one line that refuses the arguments."""
    (line,) = refusal_lines(*arguments)
    return line.removeprefix("error: ")


class Elements(HTMLParser):
    """Every element of a page with its attributes, and all of its text."""

    def __init__(self, page):
        super().__init__()
        self.elements, self.text = [], ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


# Folders


def test_colour_without_colours_and_odd_sizes_will_do(tmp_path):
    data = examine(digits(tmp_path / "odd", each=20, size=(7, 11), mode="RGB"))
    assert data.shape == (1, 11, 7)
    assert data.classes == tuple(sorted(NAMES))
    assert (len(data.train), len(data.test)) == (64, 16)


def test_large_images_and_images_of_several_sizes_are_brought_to_one(tmp_path):
    photographs = digits(tmp_path / "large", each=20, size=(60, 40), mode="RGB")
    data = examine(photographs)
    assert data.shape == (1, 28, 28)
    assert data.classes == tuple(sorted(NAMES))
    assert (len(data.train), len(data.test)) == (64, 16)
    assert examine(photographs, 20).shape == (1, 20, 20)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda folder: Path("nowhere"),
            r"^unknown dataset 'nowhere'.* or a folder of class folders$",
        ),
        (lambda folder: folder / "two", "at least two class folders are needed, found 0"),
        (
            lambda folder: [p.unlink() for p in sorted((folder / "two").iterdir())[5:]] and folder,
            r"a verdict needs 20 images of each class, 16 to train on and 4 to test with, found 4 of "
            r"'two' in the train set: add images, or leave the class out$",
        ),
        (
            lambda folder: (folder / "two" / "000.png").write_bytes(b"no image") and folder,
            r"two/000\.png must be a readable image",
        ),
    ],
)
def test_a_folder_that_will_not_do_is_refused_in_one_line(tmp_path, spoil, message):
    folder = spoil(digits(tmp_path / "folder", each=20))
    assert re.search(message, refusal(folder, "--output", tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_a_folder_with_one_class_is_refused(tmp_path):
    assert "two class folders are needed, found 1" in refusal(digits(tmp_path / "one", ["zero"]))


def test_an_output_folder_that_holds_something_else_is_left_alone(tmp_path):
    folder, out = digits(tmp_path / "folder", each=20), tmp_path / "out"
    out.mkdir()
    require_own(out)
    for name, content in (("notes.txt", "mine"), ("index.html", "<p>mine")):
        (out / name).write_text(content)
        assert refusal(folder, "--output", out).endswith(": choose another folder")
        assert (out / name).read_text() == content
        (out / name).unlink()
    (out / "file").write_text("")
    with pytest.raises(DataError, match="holds something else"):
        require_own(out / "file")


# What is trained


def test_every_model_and_every_class_left_out(tmp_path):
    planned = experiments(digits(tmp_path / "four", each=20), seeds=3)
    full = [e for e in planned if e.hold_out is None]
    assert [(e.model, e.seed) for e in full] == [
        (model, seed) for seed in range(3) for model in ("ff", "bp-ff", "bp", "ff")
    ]
    assert {(e.model, e.hold_out, e.seed) for e in planned if e.hold_out is not None} == {
        (model, label, 0) for model in ("ff", "bp") for label in range(4)
    }
    untrained = [e for e in planned if not e.epochs]
    assert [e.hold_out is None for e in untrained].count(True) == 3
    assert len(untrained) == 3 + 4
    assert {e.probe for e in planned} == {"attribution"}
    assert {e.evaluate_on for e in planned} == {"test"}


def test_of_two_classes_none_is_left_out(tmp_path):
    planned = experiments(digits(tmp_path / "two", ["zero", "one"], each=20), seeds=1)
    assert [e.hold_out for e in planned] == [None] * 4


# The page


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The command on 200 images in 4 classes: folder, page, what it printed, its store."""
    root = tmp_path_factory.mktemp("verdict")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FFLIB_STORE", str(root / "store"))
        folder = digits(root / "images")
        result = fflib_("verdict", folder, "--output", root / "out", "--json", *SMALL)
        records = own_store().among(experiments(folder, 2, hidden=48, epochs=100))
    return folder, root / "out" / "index.html", result, records


@pytest.mark.cluster
def test_the_command_says_what_fflib_claims_say_of_its_records(made):
    _, page, result, records = made
    said = json.loads(result.stdout)
    assert said["verdicts"] == [verdict.as_dict() for verdict in scorecard(records)]
    assert said["page"] == str(page)
    assert said["records"] == [r.experiment.key for r in records]
    planned = {e.key for e in experiments(made[0], 2, hidden=48, epochs=100)}
    assert {*said["records"], *said["failures"]} == planned
    assert said["images"] == {"train": 160, "test": 40}
    assert [v["id"] for v in said["verdicts"]] == [claim.id for claim in CLAIMS]


@pytest.mark.cluster
def test_the_page_says_the_same_and_needs_nothing_but_itself(made):
    folder, path, _, records = made
    source = path.read_text()
    page = Elements(source)
    for verdict in scorecard(records):
        assert verdict.claim.title in page.text
        for cell in verdict.cells:
            assert f"{cell.interval:.3f}, n = {cell.interval.n}".replace("-", "−") in page.text
    for name in NAMES:
        assert name in page.text
    for record in records:
        assert record.experiment.key in page.text
    assert "fflib verdict images --seeds 2 --hidden 48 --epochs 100" in page.text
    assert "4 classes its p-value is 0.042" in page.text
    assert "://" not in source
    assert str(folder.parent) not in source
    for tag, attributes in page.elements:
        for name in ("src", "href", "data", "poster", "action"):
            if address := attributes.get(name):
                assert tag in ("img", "link", "a")
                assert address.startswith("#" if tag == "a" else "data:")
    figures = page.all("img")
    assert len(figures) == 4
    assert all(len(figure["alt"]) > 60 for figure in figures)
    networks = one_each(where(records, hold_out=None, untrained=False))
    assert networks
    # Each was trained again to show it images, and is the same network.
    assert source.count('"sheet":"data:image/webp;base64,') == len(networks)


@pytest.mark.cluster
def test_a_second_call_uses_the_records_and_writes_the_same_page(made, monkeypatch):
    folder, path, first, records = made
    before = path.read_text()
    monkeypatch.setenv("FFLIB_STORE", str(path.parents[1] / "store"))
    failures = json.loads(first.stdout)["failures"]
    monkeypatch.setattr(
        "fflib.cli.running.follow",
        lambda todo, *_, **__: [Outcome(e, None, failures[e.key]) for e in todo],
    )
    again = fflib_("verdict", folder, "--output", path.parent, "--json", *SMALL)
    assert f"{len(records) + len(failures)} runs: {len(records)} recorded in " in again.stderr
    assert again.stdout == first.stdout
    assert path.read_text() == before


@pytest.mark.cluster
def test_other_images_are_trained_on_again(made, monkeypatch):
    folder, path, _, records = made
    monkeypatch.setenv("FFLIB_STORE", str(path.parents[1] / "store"))
    asked = []
    monkeypatch.setattr("fflib.cli.running.follow", lambda todo, *_, **__: asked.extend(todo) or ())
    changed = folder / "two" / "049.png"
    content = changed.read_bytes()
    try:
        Image.new("L", (8, 8), 7).save(changed)
        said = refusal_lines(folder, "--output", path.parent, *SMALL)
    finally:
        changed.write_bytes(content)
    assert said[-1].startswith("error: a page needs training runs, got none")
    assert not {e.key for e in asked} & {r.experiment.key for r in records}
    assert len(asked) == len(experiments(folder, 2, hidden=48, epochs=100))


def test_a_failed_training_is_told_on_the_page(monkeypatch):
    records = [synthetic.record(m, s, "digits") for m in ("ff", "bp-ff", "bp") for s in range(2)]
    monkeypatch.setattr("fflib.experiment.Experiment.data", lambda self: _four())
    monkeypatch.setattr("fflib.book.explorers.runs.class_names", lambda name: NAMES)
    failed = {records[0].experiment.model_copy(update={"seed": 7}): "the loss is <nan>"}
    page = Elements(render(records, failures=failed, on_file=_none))
    assert "FF: 1 of 3 trainings with all classes failed" in page.text
    assert "seed 7: the loss is <nan>" in page.text
    assert "no training of FF without a class succeeded" in page.text
    assert "no runs" not in page.text


def test_where_every_training_of_a_model_fails_the_page_says_why_and_what_to_change(monkeypatch):
    monkeypatch.setattr("fflib.experiment.Experiment.data", lambda self: _four())
    monkeypatch.setattr("fflib.book.explorers.runs.class_names", lambda name: NAMES)
    others = [synthetic.record(m, s, "digits") for m in ("bp-ff", "bp") for s in range(3)]
    failed = {
        synthetic.record("ff", s, "digits").experiment: f"layer {s} learned nothing"
        for s in range(3)
    }
    page = Elements(render(others, failures=failed, on_file=_none))
    assert "FF: 3 of 3 trainings with all classes failed" in page.text
    assert "seed 2: layer 2 learned nothing" in page.text
    assert "--epochs 4" in page.text
    assert page.text.count("no training of FF succeeded") == 8
    assert len(page.all("img")) == 4
    alone = render([r for r in others if r.experiment.model == "bp-ff"], on_file=_none)
    assert len(Elements(alone).all("img")) == 2
    assert "No claim could be judged" in alone
    page = Elements(render([], failures=failed | {r.experiment: "no luck" for r in others}))
    assert "BP/FF: 3 of 3 trainings with all classes failed" in page.text
    assert "11 not judged." in page.text
    assert page.all("img") == []
    with pytest.raises(TrainingError, match="a page needs training runs, got none"):
        render([])


@pytest.mark.usefixtures("book_style")
@pytest.mark.parametrize(
    "names",
    [
        ("$10_to_$20", "$1-$5", "<b>", "a & b"),
        ("50 %", "`tick`", "a|b_c", "\\frac"),
        ("日本", "שלום", "🐈", "Ωé"),
    ],
)
def test_names_are_text_in_figures_and_tables(names, monkeypatch):
    data = replace(_four(), classes=names)
    monkeypatch.setattr("fflib.experiment.Experiment.data", lambda self: data)
    monkeypatch.setattr("fflib.book.explorers.runs.class_names", lambda name: names)
    monkeypatch.setattr("fflib.wording.dataset_name", lambda name: "$5_<i>`x`")
    records = [synthetic.record(m, s, "digits") for m in ("ff", "bp-ff", "bp") for s in range(2)]
    page = Elements(render(records, on_file=_none))
    assert page.all("b") == page.all("i") == []
    for name in (*names, "$5_<i>`x`"):
        assert name in page.text
    drawn = "".join(
        Elements(b64decode(image["src"].partition(",")[2]).decode()).text
        for image in page.all("img")
    )
    for name in names:
        assert name in drawn


def test_the_page_is_never_among_the_images(tmp_path, monkeypatch):
    images = digits(tmp_path / "images", each=20)
    monkeypatch.chdir(tmp_path)
    assert page_folder(Path("images"), None) == Path("verdict")
    monkeypatch.chdir(images)
    assert page_folder(Path(), None) == tmp_path / "images-verdict"
    assert page_folder(Path(), Path("../page")) == Path("../page")
    with pytest.raises(
        DataError, match=r"^page would be taken for a class of .*images: choose another"
    ):
        page_folder(Path(), Path("page"))


def _none(experiment):
    raise MissingRecord


def _four():
    data = load("digits")

    def some(split):
        kept = split.labels < len(NAMES)
        return Split(split.images[kept], split.labels[kept])

    return replace(data, classes=NAMES, train=some(data.train), test=some(data.test))


@pytest.mark.cluster
def test_the_page_is_readable_on_a_phone_and_in_the_dark(made, browser):
    page = browser.new_page(viewport={"width": 375, "height": 800}, color_scheme="dark")
    problems, asked = [], []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda request: asked.append(request.url.partition(":")[0]))
    page.goto(made[1].as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    assert page.get_by_label("Model").is_visible()
    assert page.locator(".images canvas").count() > 0
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert max(map(int, re.findall(r"\d+", background))) < 64
    assert problems == []
    assert set(asked) <= {"file", "data"}
    page.close()
