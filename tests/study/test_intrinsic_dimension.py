"""Dimensions on record: verdicts, tables and figures are means over runs of what was measured."""

import numpy as np
import pytest
import synthetic
from matplotlib import pyplot as plt

import fflib
from fflib.book.figures.dimension import against_size, where_known
from fflib.book.figures.dimension import by_layer as layers_figure
from fflib.book.figures.dimension import by_scale as scales_figure
from fflib.experiment import Experiment
from fflib.measures.manifolds import recover
from fflib.records.obtain import record_of
from fflib.study.analyses.dimension import (
    READINGS,
    by_depth,
    chance,
    ensemble_sizes,
    of_all,
    of_classes,
    readings,
    recovered,
    sparseness,
)
from fflib.study.claims import DIMENSION, judge
from fflib.study.claims.verdicts import in_words


def rows(dimensions, views=("activations", "directions")):
    """What the probe would find, the dimension of each layer and class given, the input first."""
    counts = {"n": 100, "silent": 0, "distinct": 100}
    asked = [(m, s) for m, scales in (("twonn", 4), ("gride", 6)) for s in 2 ** np.arange(scales)]
    return [
        {"view": view, "layer": layer, "label": label, "method": method, "scale": int(scale)}
        | counts
        | {"dimension": float(d)}
        for view in views
        for layer, own in enumerate(dimensions)
        for label, d in [(None, own.mean()), *enumerate(own)]
        for method, scale in (asked if view == "activations" else asked[:1])
    ]


def run(model, seed, factor=1.0):
    """A run whose dimension is its ensembles' size and one, and whose sparse classes are small ones."""
    base = synthetic.record(model, seed)
    e = base.experiment
    sizes = ensemble_sizes(base)
    layers = [
        layer.model_copy(update={"hoyer_by_class": list(1 - own / 100)})
        for layer, own in zip(base.metrics.layers, sizes, strict=True)
    ]
    dimensions = factor * (1 + np.concatenate([[[3.0, 4.0, 5.0, 6.0]], sizes]))
    fields = {"hidden": e.hidden, "layers": e.layers, "epochs": e.epochs}
    return base.model_copy(
        update={
            "experiment": Experiment(model=model, seed=seed, probe="intrinsic-dimension", **fields),
            "metrics": base.metrics.model_copy(
                update={"layers": layers, "probe": rows(dimensions)}
            ),
        }
    )


@pytest.fixture(scope="module")
def runs():
    return [run("ff", seed) for seed in range(3)] + [run("bp", seed, 10.0) for seed in range(3)]


def test_verdicts_are_of_correlations_within_layers_and_of_a_ratio(runs):
    size, sparse, lower = verdicts = [judge(claim, runs) for claim in DIMENSION]
    assert size.cells[0].interval.mean == pytest.approx(1)
    assert sparse.cells[0].interval.mean == pytest.approx(-1)
    pairs = zip(runs[:3], runs[3:], strict=True)
    ratios = [np.exp(np.log(of_classes(f)[1:] / of_classes(b)[1:]).mean()) for f, b in pairs]
    assert lower.cells[0].values == pytest.approx(ratios)
    assert [v.verdict for v in verdicts[:2]] == ["holds", "holds"]
    assert in_words(verdicts).count(": holds (") >= 2


def test_tables_are_means_over_runs(runs):
    ff = runs[:3]
    table = by_depth(runs)
    assert len(table) == 2 * (1 + synthetic.LAYERS)
    expected = np.mean([1 + ensemble_sizes(r)[0].mean() for r in ff])
    assert table.loc[("MNIST", "FF", 1), "a class"].startswith(f"{expected:.1f}")
    assert table.loc[("MNIST", "FF", 0), "Hoyer"] == ""
    read = readings(ff)
    assert list(read.index) == list(READINGS)
    assert read.loc["as in the claims", ("MNIST", "ensemble size")].startswith("1.00")
    assert read.loc["as in the claims", ("MNIST", "Hoyer")].startswith("-1.00")
    assert read.loc["ensembles by leave-one-out", ("MNIST", "Hoyer")] == ""
    assert read.loc["images without a label", ("MNIST", "ensemble size")] == ""  # not measured


def test_a_perfect_order_of_classes_is_rarely_met_by_chance(runs):
    # Four classes have 24 orders; the ensembles of a run differ in size in each of three layers.
    table = chance([runs[0]])
    assert table.loc[("MNIST", "ensemble size"), "correlation"] == pytest.approx(1)
    assert table.loc[("MNIST", "Hoyer"), "correlation"] == pytest.approx(-1)
    assert 1 / 24 <= table.loc[("MNIST", "ensemble size"), "p"] <= 4 / 24


def test_figures_show_means_over_runs(runs):
    ff = runs[:3]
    figure = layers_figure(runs)
    line = next(x for x in figure.axes[0].lines if x.get_label() == "FF")
    np.testing.assert_allclose(line.get_ydata(), np.mean([of_all(r) for r in ff], axis=0))
    sizes = np.mean([ensemble_sizes(r)[2] for r in ff], axis=0)
    figure = against_size(ff)
    places = {t.get_text(): t.get_position()[0] for t in figure.axes[2].texts}
    assert [places[str(c)] for c in range(synthetic.CLASSES)] == pytest.approx(list(sizes))
    figure = scales_figure(runs)
    assert len(figure.axes) == 2 * (1 + synthetic.LAYERS)
    plt.close("all")


def test_a_known_dimension_is_shown_over_itself():
    found = recover(["plane"], [2], [None, 0.5, 0.1], seeds=[0], n=300)
    figure = where_known(found[1:], {"ff": [0.8]})
    line = figure.axes[0].lines[1]
    np.testing.assert_allclose(line.get_ydata(), [found[1].twonn / 2, found[2].twonn / 2])
    plt.close(figure)
    table = recovered(found[:1])
    assert table.loc["plane", (2, "TwoNN")].startswith(f"{found[0].twonn:.1f} (")


@pytest.mark.parametrize("model", ["ff", "bp"])
def test_a_run_that_asks_for_it_keeps_its_dimensions(model, monkeypatch):
    monkeypatch.setattr("fflib.records.probes.OF_A_CLASS", 25)
    monkeypatch.setattr("fflib.records.probes.OVERALL", 100)
    theta = {"theta": 1.0} if model == "ff" else {}
    asked = Experiment(
        model=model, dataset="digits", hidden=24, layers=2, epochs=3, learning_rate=0.01,
        probe="intrinsic-dimension", **theta,
    )  # fmt: skip
    record = record_of(fflib.train(asked, progress=False))
    found = record.metrics.probe
    views = {"activations", "directions"} | ({"unlabelled"} if model == "ff" else set())
    assert {row["view"] for row in found} == views
    assert {row["layer"] for row in found} == {0, 1, 2}
    assert {row["label"] for row in found} == {None, *range(10)}
    assert all(row["distinct"] <= row["n"] - row["silent"] for row in found)
    assert all(row["n"] <= (100 if row["label"] is None else 25) for row in found)
    assert of_classes(record).shape == (3, 10)
    assert np.isfinite(of_all(record)[0])
    assert of_all(record, "directions")[0] > 0
    assert sparseness(record).shape == (2, 10)
