"""Figures of learning, accuracy and polarity show the numbers they are given."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgba
from matplotlib.patches import Circle, Rectangle
from synthetic import CLASSES, LAYERS, of, record

from fflib.book.figures import accuracy, learning, panels, polarity, sketch, style
from fflib.presets import MODELS
from fflib.statistics import mean_interval
from fflib.study.analyses.cost import learning_curve

COLOURS = {model: style.MODEL_COLOURS[model] for model in MODELS}
HERE = [record(model, seed) for model in ("bp", "ff", "bp-ff") for seed in (0, 1)]
CELLS = [
    record(model, seed, dataset, protocol)
    for dataset in ("mnist", "fashion-mnist")
    for protocol in ("relu-l2", "sigmoid-linf")
    for model in ("ff", "bp")
    for seed in (0, 1)
]
RECORDED = pd.DataFrame(
    {"dataset": ["mnist", "mnist", "fashion-mnist"], "model": ["ff", "ff", "bp"]}
).assign(accuracy=[0.91, 0.92, 0.8])
RNG = np.random.default_rng(0)
IMAGES = RNG.random((2, 5, 36))
GOODNESS = RNG.random((LAYERS, CLASSES))

FIGURES = {
    "accuracies": lambda: accuracy.accuracies(HERE, RECORDED),
    "cost": lambda: accuracy.accuracy_by_cost(HERE),
    "weights": lambda: polarity.weight_histograms(HERE),
    "negative": lambda: polarity.negative_shares(CELLS, 0.55),
    "excitation": lambda: polarity.excitation(CELLS),
    "links": lambda: polarity.positive_links(HERE),
    "by-epoch": lambda: learning.goodness_by_epoch(HERE[2].curve, 3.0),
    "histograms": lambda: learning.goodness_histograms(*RNG.random((2, 50, LAYERS)), 0.5),
    "by-label": lambda: learning.goodness_by_label(
        IMAGES[0, 0], (6, 6), GOODNESS, GOODNESS.sum(0), range(CLASSES), 2
    ),
    "examples": lambda: learning.examples(*IMAGES, [0, 1, 2, 3, 0], [1, 2, 3, 0, 2], (6, 6), 4),
}


pytestmark = pytest.mark.usefixtures("book_style")


def lines(ax, colour):
    """Data of the lines of a colour that have more than one point, first drawn first."""
    found = [line for line in ax.lines if to_rgba(line.get_color()) == to_rgba(colour)]
    return [line.get_xydata() for line in found]


@pytest.mark.parametrize("name", FIGURES)
def test_every_panel_says_what_its_axes_are_within_the_figure(name):
    figure = FIGURES[name]()
    figure.canvas.draw()  # lays the figure out, and warns where it has no room
    for ax in figure.axes:
        spec = ax.get_subplotspec()
        if ax.images:
            continue
        # Inner panels share the axis of those at the edge, and its label with it.
        shared_x = ax.get_shared_x_axes().get_siblings(ax)
        shared_y = ax.get_shared_y_axes().get_siblings(ax)
        same_row = [a for a in figure.axes if a.get_subplotspec().rowspan == spec.rowspan]
        column = [a for a in figure.axes if a.get_subplotspec().colspan == spec.colspan]
        assert any(a.get_xlabel() for a in [*shared_x, *column])
        assert any(a.get_ylabel() for a in [*shared_y, *same_row])
    tight, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    # A hundredth of an inch is less than a pixel on the page.
    assert min(tight.x0, tight.y0, width - tight.x1, height - tight.y1) > -0.01


def test_a_point_for_every_run_and_a_bar_at_the_mean():
    (ax,) = accuracy.accuracies(HERE, RECORDED).axes
    for model, colour in COLOURS.items():
        values = [r.metrics.accuracy for r in of(HERE, model=model)]
        points, bar = (data[:, 0] for data in lines(ax, colour))
        assert points.tolist() == values
        assert bar == pytest.approx([np.mean(values)] * 2)
    theirs = np.concatenate([data[:, 0] for data in lines(ax, style.GREY)])
    assert sorted(theirs) == [0.91, 0.92]  # those on this data set


def test_data_sets_get_panels_of_their_own():
    figure = accuracy.accuracies(of(CELLS, protocol="relu-l2"), RECORDED)
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["MNIST", "Fashion-MNIST"]


def test_error_falls_against_three_costs():
    axes = accuracy.accuracy_by_cost(HERE).axes
    for ax, cost, scale in zip(
        axes, ("epochs", "multiply_adds", "seconds"), (1, 1e-6, 1), strict=True
    ):
        assert len(ax.lines) == len(HERE)
        for model, colour in COLOURS.items():
            for run, drawn in zip(of(HERE, model=model), lines(ax, colour), strict=True):
                curve = learning_curve(run)
                np.testing.assert_allclose(drawn[:, 0], curve[cost] * scale)
                np.testing.assert_allclose(drawn[:, 1], 1 - curve["accuracy"])


def test_the_end_of_every_layer_is_marked():
    ax = accuracy.accuracy_by_cost(of(HERE, model="ff", seed=0)).axes[0]
    assert ax.lines[0].get_markevery() == [1, 3, 5]  # two epochs for each of three layers


def test_histograms_of_weights_are_split_at_zero():
    grid = np.reshape(polarity.weight_histograms(HERE).axes, (3, LAYERS))
    for row, model in zip(grid, COLOURS, strict=True):
        run = of(HERE, model=model)[0]
        for depth, ax in enumerate(row):
            counts, edges = (run.arrays[name][depth] for name in ("weights", "weight_edges"))
            drawn = {}
            for patch in ax.patches:
                found = patch.get_data()
                for count, left, right in zip(
                    found.values, found.edges[:-1], found.edges[1:], strict=True
                ):
                    drawn[left] = count, patch.get_facecolor()
                    if left < 0 < right:
                        colour = style.GREY
                    else:
                        colour = style.NEGATIVE if right <= 0 else style.POSITIVE
                    assert patch.get_facecolor() == to_rgba(colour)
            assert [drawn[left][0] for left in edges[:-1]] == counts.tolist()
            share = run.metrics.layers[depth].negative_weights
            assert ax.texts[0].get_text() == f"{share:.0%} < 0"


@pytest.mark.parametrize("edges", [[-3, -2, -1], [1, 2, 3], [-1, 0, 1]])
def test_a_histogram_need_not_straddle_zero(edges):
    one_sided = HERE[0].model_copy(
        update={
            "arrays": {
                "weights": np.ones((LAYERS, 2), np.int32),
                "weight_edges": np.tile(np.array(edges, np.float32), (LAYERS, 1)),
            }
        }
    )
    for ax in polarity.weight_histograms([one_sided]).axes:
        assert sum(len(patch.get_data().values) for patch in ax.patches) == 2
        assert all(patch.get_facecolor() != to_rgba(style.GREY) for patch in ax.patches)


@pytest.mark.parametrize("quantity", ["negative_weights", "excitation"])
def test_lines_join_the_means_over_runs_cell_by_cell(quantity):
    draw = {
        "negative_weights": lambda: polarity.negative_shares(CELLS, 0.55),
        "excitation": lambda: polarity.excitation(CELLS),
    }
    cells = [(d, p) for d in ("mnist", "fashion-mnist") for p in ("relu-l2", "sigmoid-linf")]
    axes = draw[quantity]().axes
    for ax, (dataset, protocol) in zip(axes, cells, strict=True):
        for model in ("ff", "bp"):
            runs = of(CELLS, dataset=dataset, protocol=protocol, model=model)
            values = [[getattr(x, quantity) for x in r.metrics.layers] for r in runs]
            mean, points = (data[:, 1] for data in lines(ax, style.MODEL_COLOURS[model]))
            assert mean == pytest.approx(np.mean(values, axis=0))
            assert sorted(points) == sorted(np.ravel(values))


def test_the_bound_of_the_criterion_is_drawn():
    for ax in polarity.negative_shares(HERE, 0.55).axes:
        assert [0.55, 0.55] in [list(line.get_ydata()) for line in ax.lines]


def test_links_lead_from_different_classes_to_a_common_one():
    axes = polarity.positive_links(HERE).axes
    assert len(axes) == LAYERS - 1
    for depth, ax in enumerate(axes, start=1):
        for model, colour in COLOURS.items():
            for run, drawn in zip(of(HERE, model=model), lines(ax, colour), strict=True):
                links = run.metrics.layers[depth].links
                assert drawn[:, 1].tolist() == [links["different_class"], links["same_class"]]


def test_goodness_by_epoch_has_a_panel_for_each_layer():
    run = of(HERE, model="ff")[0]
    axes = learning.goodness_by_epoch(run.curve, theta=3.0).axes
    assert len(axes) == LAYERS
    for depth, ax in enumerate(axes):
        own = [row for row in run.curve if row["layer"] == depth]
        for which, colour in (("positive", style.POSITIVE), ("negative", style.NEGATIVE)):
            (drawn,) = lines(ax, colour)
            assert drawn[:, 1].tolist() == [row[which] for row in own]
            assert drawn[:, 0].tolist() == [1, 2]


def test_layers_that_learn_together_share_a_panel():
    assert len(learning.goodness_by_epoch(of(HERE, model="bp-ff")[0].curve, theta=3.0).axes) == 1


def test_goodness_histograms_count_every_example_in_the_same_bins():
    positive, negative = RNG.normal(2, 1, (80, LAYERS)), RNG.normal(0, 1, (80, LAYERS))
    axes = learning.goodness_histograms(positive, negative, theta=1.0).axes
    bins = axes[0].patches[0].get_data().edges
    for depth, ax in enumerate(axes):
        for patch, values in zip(ax.patches[::2], (positive, negative), strict=True):
            counts, edges, _ = patch.get_data()
            np.testing.assert_array_equal(edges, bins)
            np.testing.assert_array_equal(counts, np.histogram(values[:, depth], bins)[0])
            assert counts.sum() == 80


def test_the_best_label_is_filled_and_the_true_one_shaded():
    truth = 2
    figure = learning.goodness_by_label(
        IMAGES[0, 0], (6, 6), GOODNESS, GOODNESS.sum(0), range(CLASSES), truth
    )
    picture, *panels = figure.axes
    assert picture.images[0].get_array().shape == (6, 6)
    for ax, values in zip(panels, [*GOODNESS, GOODNESS.sum(0)], strict=True):
        every, best = ax.lines
        assert every.get_xdata().tolist() == values.tolist()
        assert best.get_ydata().tolist() == [values.argmax()]
        (shade,) = ax.patches
        assert (shade.get_y(), shade.get_height()) == (truth - 0.5, 1)


def test_labels_tried_need_not_be_consecutive():
    figure = learning.goodness_by_label(
        IMAGES[0, 0], (6, 6), GOODNESS[:, :3], GOODNESS[0, :3], [0, 2, 5], 5
    )
    (shade,) = figure.axes[1].patches
    assert shade.get_y() == 1.5  # the third row


def test_examples_repeat_the_label_pixels_over_each_image():
    labels, wrong = [0, 1, 2, 3, 0], [1, 2, 3, 0, 2]
    figure = learning.examples(*IMAGES, labels, wrong, (6, 6), CLASSES)
    strips, above, wrong_strips, below = np.reshape(figure.axes, (4, 5))
    for strip, ax, pixels, label in (
        *zip(strips, above, IMAGES[0], labels, strict=True),
        *zip(wrong_strips, below, IMAGES[1], wrong, strict=True),
    ):
        shown = ax.images[0].get_array()
        # Brightness is stretched to the range of colours, which keeps its order.
        assert np.argsort(shown, axis=None).tolist() == np.argsort(pixels).tolist()
        repeated = strip.images[0].get_array().ravel()
        assert np.argsort(repeated).tolist() == np.argsort(pixels[:CLASSES]).tolist()
        assert strip.get_title() == f"label {label}"


def test_a_colour_image_keeps_its_channels():
    _, ax = plt.subplots()
    pixels = RNG.random((3, 4, 5))
    learning.image(ax, pixels.ravel(), (3, 4, 5))
    stretched = (pixels - pixels.min()) / np.ptp(pixels)
    np.testing.assert_allclose(ax.images[0].get_array(), np.moveaxis(stretched, 0, -1))


def test_a_blank_image_can_be_shown():
    _, ax = plt.subplots()
    learning.image(ax, np.zeros(4), (2, 2))
    assert not ax.images[0].get_array().any()


def test_the_sketch_differs_in_the_label_and_in_what_layers_do():
    figure = sketch.right_and_wrong()
    active, lit = [], []
    for ax in figure.axes:
        units = [patch for patch in ax.patches if isinstance(patch, Circle)]
        active.append(sum(unit.get_facecolor() != to_rgba("white") for unit in units))
        pixels = [patch for patch in ax.patches if isinstance(patch, Rectangle)][1:]
        lit.append(
            [n for n, pixel in enumerate(pixels) if pixel.get_facecolor() == to_rgba("white")]
        )
    assert active[0] > active[1] == 0
    assert lit == [[3], [7]]
    plt.close(figure)


def test_the_sketch_can_be_read_on_a_phone():
    figure = sketch.right_and_wrong()
    # A column of text on a screen of 375 pixels is some 340 wide; an inch has 96.
    scale = 340 / (figure.get_figwidth() * 96)
    points = min(text.get_fontsize() for ax in figure.axes for text in ax.texts)
    assert points * 96 / 72 * scale >= 12  # pixels
    plt.close(figure)


def test_means_have_students_intervals_over_the_runs_that_have_a_number():
    table = pd.DataFrame({"place": [0, 0, 0, 1, 1, 1], "value": [1, 2, 4, 5, 7, np.nan]})
    _, ax = plt.subplots()
    looks = {"b": ("red", "s", "nothing"), "a": ("blue", "o", "runs")}  # of "b" there are none
    panels.means(ax, table.assign(kind="a"), "place", "value", "kind", looks)
    line, *intervals = ax.lines
    assert line.get_label() == "runs"
    np.testing.assert_allclose(line.get_ydata(), [7 / 3, 6])
    for drawn, runs in zip(intervals, ([1, 2, 4], [5, 7]), strict=True):
        found = mean_interval(runs)
        np.testing.assert_allclose(drawn.get_ydata(), [found.low, found.high])


def test_a_layer_that_some_runs_lack_is_averaged_over_the_others():
    _, ax = plt.subplots()
    panels.runs_by_layer(ax, [[1, 2], [3, np.nan]], color="red", marker="o")
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [2, 2])
