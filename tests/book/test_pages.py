"""What stands on a page comes from records: a record that is changed changes the page."""

import shutil
from pathlib import Path

import nbformat
import pytest

from fflib.book.chapter import execute
from fflib.presets import MODELS
from fflib.records.obtain import gather
from fflib.records.stores import Store

pytestmark = pytest.mark.chapters

CHAPTERS = Path(__file__).parents[2] / "chapters"
# The records that the tests of the chapters train, too.
SETTING = {"epochs": 3, "seeds": [0]}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory, shared):
    """A store of a run of each model on digits."""
    folder = shared / "chapters"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FFLIB_STORE", str(folder))
        records = gather("train", models=MODELS, datasets=["digits"], **SETTING)
    few = Store(tmp_path_factory.mktemp("recorded"))
    for record in records:
        few.save(record)
    return few


@pytest.fixture(scope="module")
def altered(recorded, tmp_path_factory):
    """A copy of that store in which one run, of FF, has other numbers."""
    store = Store(shutil.copytree(recorded.folder, tmp_path_factory.mktemp("altered") / "records"))
    [ff] = [record for record in store if record.experiment.model == "ff"]
    layers = [
        layer.model_copy(update={"hoyer": layer.hoyer / 2, "negative_weights": 0.25})
        for layer in ff.metrics.layers
    ]
    metrics = ff.metrics.model_copy(update={"accuracy": 0.1234, "layers": layers})
    store.save(ff.model_copy(update={"metrics": metrics}))
    return store


def page(chapter, store, output, monkeypatch):
    """Glued values by name, and figures by the id of their cell, of a chapter made from a store."""
    monkeypatch.setenv("FFLIB_STORE", str(store.folder))
    execute(
        CHAPTERS / f"{chapter}.ipynb", output, {"dataset": "digits", "source": "records"} | SETTING
    )
    glued, figures = {}, {}
    for cell in nbformat.read(output, as_version=4).cells:
        for shown in cell.get("outputs", []):
            if "scrapbook" in shown.get("metadata", {}):
                name = shown.metadata["scrapbook"]["name"]
                glued[name] = shown.data["application/papermill.record/text/plain"]
            elif "image/svg+xml" in shown.get("data", {}):
                figures[cell.id] = shown.data["image/svg+xml"]
    return glued, figures


@pytest.mark.parametrize(
    ("chapter", "numbers", "figures", "said"),
    [
        ("02-accuracy", {"accuracy_ff"}, {"accuracies"}, "0.1234"),
        ("05-negative-weights", {"negative_ff"}, {"negative"}, "25%"),
    ],
)
def test_changing_a_record_changes_the_page(
    chapter, numbers, figures, said, recorded, altered, tmp_path, monkeypatch
):
    before = page(chapter, recorded, tmp_path / "before.ipynb", monkeypatch)
    after = page(chapter, altered, tmp_path / "after.ipynb", monkeypatch)
    changed = [
        {name for name in one if one[name] != other[name]}
        for one, other in zip(before, after, strict=True)
    ]
    assert numbers <= changed[0]
    assert figures <= changed[1]
    assert any(said in value for value in after[0].values())
    # What the altered numbers do not enter stays as it was, byte for byte.
    assert changed[0] < set(before[0])
    assert changed[1] < set(before[1])
