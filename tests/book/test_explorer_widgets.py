"""The explorers in JupyterLab follow what is chosen, on a live run."""

import base64
import re
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

import fflib
from fflib.book.explorers.live import EnsembleExplorer, OverlapExplorer, TrainingExplorer, explore
from fflib.measures.ensembles import RULES
from fflib.measures.sharing import jaccard, shared_units
from fflib.records.timeline import timeline

LABELS = range(10)


@pytest.fixture(scope="module")
def run():
    few = fflib.Experiment(dataset="digits", hidden=40, epochs=4, snapshots=3, theta=1.0)
    return fflib.train(few, progress=False)


def picture(widget):
    source = re.search(r'src="data:image/png;base64,([^"]+)"', widget.value)[1]
    return np.asarray(Image.open(BytesIO(base64.b64decode(source))).convert("RGB"))


@pytest.mark.parametrize(
    ("rule", "threshold"),
    [("median-quantile", 0.7), ("leave-one-out", 1.0), ("kolmogorov-smirnov", 0.01)],
)
def test_ensembles_follow_rule_threshold_layer_and_class(run, rule, threshold):
    explorer = EnsembleExplorer(run)
    explorer.rule.value = rule
    explorer.thresholds[rule].value = threshold
    explorer.layer.value = 1
    explorer.label.value = 4
    expected = RULES[rule](run.activations(), threshold, classes=10)[1]
    np.testing.assert_array_equal(explorer.shown["members"], np.flatnonzero(expected[4]))
    shared = shared_units(expected)[4]
    assert {other: n for other, n, _ in explorer.shown["sharing"]} == {
        other: n for other, n in enumerate(shared) if n and other != 4
    }
    assert f"{expected[4].sum()} of 40 units" in explorer.text.value


def test_only_the_slider_of_the_rule_is_to_be_seen(run):
    explorer = OverlapExplorer(run)
    for rule in RULES:
        explorer.rule.value = rule
        seen = [name for name, s in explorer.thresholds.items() if s.layout.display != "none"]
        assert seen == [rule]


def test_a_stricter_threshold_leaves_units_out(run):
    explorer = EnsembleExplorer(run)
    slider = explorer.thresholds["median-quantile"]
    slider.value = slider.min
    many = set(explorer.shown["members"])
    before = picture(explorer.picture)
    slider.value = slider.max
    few = set(explorer.shown["members"])
    assert few < many
    assert not np.array_equal(before, picture(explorer.picture))


def test_images_are_of_the_class_and_the_most_exciting_of_it(run):
    explorer = EnsembleExplorer(run, images=3)
    labels = run.data.test.labels.numpy()
    right = (run.network.predict(run.data.pixels("test")) == run.data.test.labels).numpy()
    for label in LABELS:
        explorer.label.value = label
        members, shown = explorer.shown["members"], explorer.shown["images"]
        if not len(members):
            assert not len(shown)
            continue
        own = np.flatnonzero((labels == label) & right)
        hidden = run.network.activations(run.data.pixels("test")[own], run.data.test.labels[own])[
            0
        ].numpy()
        excited = dict(zip(own, hidden[:, members].mean(axis=1, dtype=float), strict=True))
        assert set(shown) <= set(own)
        weakest = min(excited[number] for number in shown)
        assert sum(value > weakest for value in excited.values()) < 3
        assert f"drive it: {', '.join(map(str, shown))}" in explorer.picture.value


def test_units_in_place_make_another_picture(run):
    explorer = EnsembleExplorer(run)
    before = picture(explorer.picture)
    explorer.order.value = False
    assert not np.array_equal(before, picture(explorer.picture))


def test_the_overlap_is_that_of_the_two_classes(run):
    explorer = OverlapExplorer(run)
    explorer.rule.value = "leave-one-out"
    explorer.thresholds["leave-one-out"].value = 0.25
    explorer.first.value, explorer.second.value = 7, 9
    expected = RULES["leave-one-out"](run.activations(), 0.25, classes=10)[0]
    np.testing.assert_array_equal(
        explorer.shown["shared"], np.flatnonzero(expected[7] & expected[9])
    )
    assert explorer.shown["sizes"] == [expected[7].sum(), expected[9].sum()]
    index = jaccard(expected)[7, 9]
    assert explorer.shown["jaccard"] == pytest.approx(index, nan_ok=True)
    assert f"Jaccard index {index:.2f}" in explorer.text.value


def test_the_moments_are_those_of_the_timeline(run):
    explorer = TrainingExplorer(run)
    rows, _ = timeline(run)
    assert explorer.moment.max + 1 == len(rows) / 3
    explorer.moment.value = 0
    assert explorer.shown["rows"] == rows[:3]
    assert "step 0" in explorer.text.value
    sizes = explorer.shown["members"].sum(axis=-1).mean(axis=-1)
    np.testing.assert_allclose(sizes, [row["size"] for row in rows[:3]])


def test_a_run_without_snapshots_says_how_to_have_them(run):
    few = fflib.Experiment(model="bp", dataset="digits", hidden=32, epochs=1)
    tabs = explore(fflib.train(few, progress=False))
    assert "snapshots=12" in tabs.children[2].value
    assert "snapshots" not in str(explore(run).children[2].children[-2].value)
