"""Intrinsic dimension: known where it is known, and distinguished from what only looks like it."""

import numpy as np
import pytest
import synthetic
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib import pyplot as plt

import fflib
from fflib.book.figures.dimension import against_size, where_known
from fflib.book.figures.dimension import by_layer as layers_figure
from fflib.book.figures.dimension import by_scale as scales_figure
from fflib.experiment import Experiment
from fflib.measures.agreement import agreement
from fflib.measures.dimension import FEWEST, by_scale, distinct, gride, twonn
from fflib.measures.manifolds import DIMENSIONS, draw, random_layer, recover
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
from fflib.study.claims.judging import in_words

seeds = st.integers(0, 2**16)


# Where the dimension is known


@pytest.mark.parametrize("dimension", DIMENSIONS)
@pytest.mark.parametrize("shape", ["plane", "sphere"])
def test_a_manifold_in_784_dimensions_has_its_own(shape, dimension):
    # One estimate errs by d / √n, about 2 % here; ten dimensions also lose some at the edge.
    for found in recover([shape], [dimension], seeds=range(3)):
        assert found.twonn == pytest.approx(dimension, rel=0.15)
        assert found.gride == pytest.approx(dimension, rel=0.15)


def test_circles_seen_from_too_far_look_like_more_dimensions():
    for found in recover(["torus"], [10], seeds=range(2)):
        assert 1.05 < found.twonn / 10 < 1.3
    assert twonn(draw("torus", 2)) == pytest.approx(2, rel=0.1)


@pytest.mark.parametrize("shape", ["plane", "sphere"])
def test_a_sparse_layer_looks_like_more_dimensions_and_not_fewer(shape):
    # At a tenth of the units active every point has more active units than dimensions.
    plain, sparse = recover([shape], [10], [None, 0.1], seeds=[0], n=1000)
    assert sparse.hoyer > 0.75
    assert sparse.left > 9.8
    assert plain.twonn < 10.5
    assert sparse.twonn > 1.1 * plain.twonn


def test_with_fewer_active_units_than_dimensions_only_so_many_are_left():
    [found] = recover(["plane"], [10], [0.01], seeds=[0], n=1000)
    assert found.left < 7
    assert found.twonn < 9


@given(active=st.floats(0.02, 0.9), seed=seeds)
@settings(max_examples=20)
def test_a_random_layer_is_as_active_as_it_is_asked_to_be(active, seed):
    values = random_layer(draw("sphere", 2, n=50, units=40, seed=seed), active, seed)
    assert (values >= 0).all()
    assert (values > 0).mean() == pytest.approx(active, abs=1 / values.size + 1e-9)


# Laws of the estimators


@given(seed=seeds, factor=st.floats(0.01, 100))
@settings(max_examples=20, deadline=None)
def test_neither_size_nor_place_nor_direction_matters(seed, factor):
    rng = np.random.default_rng(seed)
    points = rng.standard_normal((60, 3))
    turn, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    moved = factor * points @ turn + factor * rng.standard_normal(3)
    for one, other in zip(by_scale(points), by_scale(moved), strict=True):
        assert other.dimension == pytest.approx(one.dimension, rel=1e-6, nan_ok=True)


def test_the_nearest_neighbours_of_gride_are_those_of_twonn():
    points = draw("plane", 3, n=300, units=20)
    distances = np.sort(np.linalg.norm(points[:, None] - points[None], axis=-1), axis=1)
    ratios = np.log(distances[:, 2] / distances[:, 1])
    assert gride(points)[1] == pytest.approx((len(points) - 1) / ratios.sum(), rel=1e-6)
    keep = int(0.9 * len(points))
    kept = np.sort(ratios)[:keep]
    censored = kept.sum() + (len(points) - keep) * kept[-1]
    assert twonn(points) == pytest.approx((keep - 1) / censored, rel=1e-6)


def test_noise_is_told_from_the_manifold_by_scale():
    rng = np.random.default_rng(0)
    noisy = draw("plane", 2, n=1500, units=50) + 0.02 * rng.standard_normal((1500, 50))
    found = gride(noisy)
    assert found[1] > 2 * found[32]
    assert found[32] == pytest.approx(2, rel=0.4)
    assert twonn(noisy, parts=8) < twonn(noisy)


def test_silent_samples_and_copies_are_left_out_and_counted():
    rng = np.random.default_rng(0)
    values = rng.standard_normal((100, 2)) @ rng.standard_normal((2, 30))
    spoilt = np.concatenate([values, np.zeros((40, 30)), -np.zeros((2, 30)), values[:25]])
    points = distinct(spoilt)
    assert (points.n, points.silent, len(points.values)) == (167, 42, 100)
    assert by_scale(points.values) == by_scale(values)
    zeros = distinct([[0.0, 1.0], [-0.0, 1.0]])
    assert len(zeros.values) == 1
    with pytest.raises(ValueError, match=r"shape \(n, units\), got shape \(3,\)"):
        distinct(np.ones(3))


@given(n=st.integers(0, 2 * FEWEST))
@settings(deadline=None)
def test_too_few_points_have_no_dimension(n):
    points = np.random.default_rng(n).standard_normal((n, 2))
    for found in by_scale(points):
        enough = (
            n // found.scale >= FEWEST
            if found.method == "twonn"
            else n >= max(FEWEST, 8 * found.scale)
        )
        assert np.isfinite(found.dimension) == enough


def test_equal_distances_have_no_dimension():
    corners = np.eye(40)
    assert all(np.isnan(found.dimension) for found in by_scale(corners))


# Correlation over classes


def test_agreement_is_within_layers():
    dimension = np.array([[1.0, 2, 3, 4], [11, 12, 13, 14]])
    falls = np.array([[4.0, 3, 2, 1], [14, 13, 12, 11]])
    assert agreement(dimension, falls) == pytest.approx(-1)
    assert agreement(dimension.reshape(1, -1), falls.reshape(1, -1)) > 0.5  # an effect of depth
    falls[1] = 7
    assert agreement(dimension, falls) == pytest.approx(-1)
    assert np.isnan(agreement(dimension[:, :2], falls[:, :2]))
    assert np.isnan(agreement(dimension, np.full((2, 4), np.nan)))


def test_what_both_follow_is_taken_off():
    rng = np.random.default_rng(0)
    of_image = rng.random(200)
    one, other = (of_image + 0.3 * rng.standard_normal((1, 200)) for _ in range(2))
    assert agreement(one, other) > 0.4
    assert abs(agreement(one, other, of_image)) < 0.2
    assert np.isnan(agreement(of_image[None], other, of_image))


# Records


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
    assert size.interval.mean == pytest.approx(1)
    assert sparse.interval.mean == pytest.approx(-1)
    pairs = zip(runs[:3], runs[3:], strict=True)
    ratios = [np.exp(np.log(of_classes(f)[1:] / of_classes(b)[1:]).mean()) for f, b in pairs]
    assert lower.cells[0].values == pytest.approx(ratios)
    assert [v.verdict for v in verdicts[:2]] == ["confirmed", "confirmed"]
    assert in_words(verdicts).count("confirmed") >= 2


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
