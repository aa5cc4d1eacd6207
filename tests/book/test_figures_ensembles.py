"""Figures of sparsity, sharing, unseen classes and the scorecard show the numbers they are given."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from synthetic import LAYERS, attributed, of, record

from fflib import wording
from fflib.book.figures import pictures
from fflib.book.figures import readout as readout_plots
from fflib.book.figures import robustness as robustness_plots
from fflib.book.figures import scorecard as scorecard_plots
from fflib.book.figures import sharing as sharing_plots
from fflib.book.figures import sparsity as sparsity_plots
from fflib.book.figures import unseen as unseen_plots
from fflib.book.figures.panels import wall_order
from fflib.measures import ensembles, sharing
from fflib.measures.robustness import THRESHOLDS
from fflib.study.claims import CLAIMS, judge, members, scorecard, unseen_layers
from fflib.study.claims.measures import own_units
from fflib.study.claims.quantities import first_ensembles
from fflib.study.evidence import claim as claim_by_id

CLASSES = ("ant", "bee", "cat", "dog")

MAIN = [record(model, seed) for model in ("bp", "ff", "bp-ff") for seed in (0, 1)]
HELD = [record(model, hold_out=held) for model in ("ff", "bp") for held in (1, 3)]
FF = of(MAIN, model="ff")
PROBED = [attributed(run) for run in MAIN + HELD]
RECORDED = pd.DataFrame(
    {
        "dataset": ["mnist", "mnist", "fashion-mnist"],
        "model": ["ff", "bp", "ff"],
        "accuracy": [0.9, 0.95, 0.8],
        "s1": [0.7, 0.3, 0.6],
    }
)
SHARED = np.array([[5, 1, 0], [1, 6, 2], [0, 2, 7]])

FIGURES = {
    "walls": lambda: sparsity_plots.activation_walls(MAIN, CLASSES),
    "sizes": lambda: sparsity_plots.ensemble_sizes(MAIN, CLASSES),
    "sparseness": lambda: sparsity_plots.sparseness(MAIN),
    "rules": lambda: sparsity_plots.ensemble_rules(MAIN, 0.2),
    "conclusions": lambda: robustness_plots.conclusions(
        MAIN, claim_by_id("specific", first=True), "overlap"
    ),
    "detection": lambda: robustness_plots.conclusions(
        HELD, claim_by_id("unseen", first=True), "auroc"
    ),
    "readout": lambda: readout_plots.readout(MAIN),
    "confound": lambda: sparsity_plots.sparseness_against_accuracy(MAIN, RECORDED),
    "matrices": lambda: sharing_plots.overlap_matrices(FF[0], CLASSES),
    "scatter": lambda: sharing_plots.overlap_against_similarity(FF[0], CLASSES),
    "shared": lambda: sharing_plots.shared_units(
        [("theirs", SHARED, "abc"), ("ours", SHARED, "xyz")]
    ),
    "units": lambda: sharing_plots.units_against_similarity(MAIN),
    "correlations": lambda: sharing_plots.correlations(MAIN, 0.3),
    "unseen-walls": lambda: unseen_plots.activation_walls(HELD[0], CLASSES, "none"),
    "responses": lambda: unseen_plots.responses(HELD, 0.7),
    "recognition": lambda: unseen_plots.recognition(HELD, CLASSES, 0.7),
    "neighbours": lambda: unseen_plots.neighbours(HELD, CLASSES),
    "scorecard": lambda: scorecard_plots.estimates(scorecard(PROBED)),
    "glance": lambda: pictures.at_a_glance(scorecard(PROBED), PROBED),
    "empty-glance": lambda: pictures.at_a_glance(scorecard([]), []),
    "empty-scorecard": lambda: scorecard_plots.estimates(scorecard([])),
}


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def names(axis):
    return [text.get_text() for text in axis.get_ticklabels()]


def line(ax, label):
    """The line of a series through its means."""
    [found] = [line for line in ax.lines if line.get_label() == label]
    return found


def get_y(shown):
    return shown.get_ydata()


@pytest.mark.parametrize("name", FIGURES)
def test_axes_say_what_they_show(name):
    figure = FIGURES[name]()
    figure.draw_without_rendering()
    shown = [ax for ax in figure.axes if ax.axison and ax.get_visible()]
    assert shown
    for ax in shown:
        # Named classes, layers and cells speak for themselves; numbers need a label, which
        # panels in a row or a column may share, or which their titles give.
        row = [
            a for a in shown if a.get_position().y0 == pytest.approx(ax.get_position().y0, abs=0.02)
        ]
        column = [
            a for a in shown if a.get_position().x0 == pytest.approx(ax.get_position().x0, abs=0.02)
        ]
        titled = name == "responses" and ax.get_title(loc="left")
        assert titled or any(
            a.get_ylabel() or any(map(str.isalpha, "".join(names(a.yaxis)))) for a in row
        )
        assert figure.get_supxlabel() or any(
            a.get_xlabel() or a.get_ylabel() or any(map(str.isalpha, "".join(names(a.xaxis))))
            for a in column
        )


def test_a_wall_shows_every_unit_once_in_the_order_of_preference():
    figure = FIGURES["walls"]()
    grid = np.reshape(figure.axes[: 3 * LAYERS], (LAYERS, 3))
    for column, model in zip(grid.T, ("ff", "bp-ff", "bp"), strict=True):
        run, _ = of(MAIN, model=model)
        for ax, means in zip(column, run.arrays["mean"], strict=True):
            shown = ax.images[0].get_array()
            np.testing.assert_array_equal(shown, means[:, wall_order(means)])
            preferred = shown.argmax(axis=0)[shown.any(axis=0)]
            assert (np.diff(preferred) >= 0).all()
            awake = shown.any(axis=0)
            assert (np.diff(awake.astype(int)) <= 0).all()
    assert names(grid[0, 0].yaxis) == list(CLASSES)


def test_sizes_are_means_over_runs():
    figure = FIGURES["sizes"]()
    expected = np.mean([members(r).sum(axis=-1) for r in FF], axis=0)
    for ax, sizes in zip(figure.axes, expected, strict=True):
        np.testing.assert_array_equal(line(ax, "FF").get_xdata(), sizes)
        np.testing.assert_allclose(line(ax, "FF").get_ydata(), np.arange(len(CLASSES)), atol=0.3)


@pytest.mark.parametrize(
    ("panel", "quantity"),
    [(0, "hoyer"), (1, "hoyer_all"), (2, "hoyer_above_rest"), (3, "silent_fraction")],
)
def test_sparseness_is_shown_by_run_and_on_average(panel, quantity):
    ax = FIGURES["sparseness"]().axes[panel]
    runs = [[getattr(x, quantity) for x in r.metrics.layers] for r in FF]
    np.testing.assert_allclose(line(ax, "FF").get_ydata(), np.mean(runs, axis=0), rtol=1e-12)
    points = ax.lines[ax.lines.index(line(ax, "FF")) + 1]
    np.testing.assert_array_equal(points.get_ydata(), np.ravel(runs))
    np.testing.assert_allclose(line(ax, "FF").get_xdata(), [1, 2, 3], atol=0.2)


def test_rules_stand_side_by_side_with_their_bound():
    grid = np.reshape(FIGURES["rules"]().axes, (2, 3))
    for (above, below), rule in zip(grid.T, ensembles.RULES, strict=True):
        sizes = np.mean([members(r, rule).sum(axis=-1).mean(axis=-1) for r in FF], axis=0)
        overlaps = np.mean([sharing.mean_overlap(members(r, rule)) for r in FF], axis=0)
        np.testing.assert_allclose(line(above, "FF").get_ydata(), sizes, rtol=1e-12)
        np.testing.assert_allclose(line(below, "FF").get_ydata(), overlaps, rtol=1e-12)
        assert list(below.lines[-1].get_ydata()) == [0.2, 0.2]


@pytest.mark.parametrize(
    ("claim", "quantity", "records"),
    [("specific", "overlap", MAIN), ("shared", "follows", MAIN), ("unseen", "auroc", HELD)],
)
def test_conclusions_are_shown_at_every_threshold(claim, quantity, records):
    asked = claim_by_id(claim, first=True)
    figure = robustness_plots.conclusions(records, asked, quantity)
    for ax, (rule, thresholds) in zip(figure.axes, THRESHOLDS.items(), strict=True):
        shown = {
            float(line.get_xdata()[0]): float(line.get_ydata()[0])
            for line in ax.lines
            if len(line.get_xdata()) == 1
        }
        expected = [
            np.mean(
                [
                    getattr(c, quantity)
                    for r in of(records, model="ff")
                    for c in (r.metrics.detection if asked.unseen else r.metrics.choices)
                    if (c.rule, c.threshold) == (rule, threshold)
                    and getattr(c, "images", "correct") == "correct"
                ]
            )
            for threshold in thresholds
        ]
        np.testing.assert_allclose([shown[x] for x in range(len(thresholds))], expected)
        assert any(np.all(np.asarray(line.get_ydata()) == asked.bound) for line in ax.lines)


def test_what_markers_say_of_a_claim_is_counted():
    asked = claim_by_id("unseen", first=True)
    found = robustness_plots.answers(HELD, asked, "auroc")
    assert len(found) == sum(map(len, THRESHOLDS.values()))
    figure = robustness_plots.conclusions(HELD, asked, "auroc")
    for ax, (rule, thresholds) in zip(figure.axes, THRESHOLDS.items(), strict=True):
        drawn = {
            line.get_xdata()[0]: line.get_color() for line in ax.lines if len(line.get_xdata()) == 1
        }
        for place, threshold in enumerate(thresholds):
            answer = found.loc[("mnist", "relu-l2", rule, threshold)]
            assert drawn[place] == scorecard_plots.ANSWERS[answer][0]


def test_conclusions_need_runs_that_were_measured_at_every_threshold():
    bare = [
        r.model_copy(update={"metrics": r.metrics.model_copy(update={"choices": None})}) for r in FF
    ]
    with pytest.raises(ValueError, match="train them again"):
        robustness_plots.conclusions(bare, claim_by_id("specific", first=True), "overlap")


def test_classes_are_read_off_images_without_a_label_and_losses_are_those_of_the_own_class():
    read, lost, left = readout_plots.readout(MAIN).axes
    decoded = [r.metrics.readout.decoded["none"] for r in FF]
    np.testing.assert_allclose(line(read, "FF").get_ydata(), np.mean(decoded, axis=0))
    damage = np.mean([r.arrays["damage/ensembles"] for r in FF], axis=0)
    own = [np.diagonal(layer).mean() for layer in damage]
    others = [(layer.sum() - np.trace(layer)) / (layer.size - len(layer)) for layer in damage]
    drawn = [np.asarray(shown.get_ydata(), dtype=float) for shown in lost.lines]
    for expected in (own, others):
        assert any(len(y) == LAYERS and np.allclose(y, expected) for y in drawn)
    cuts = [r.metrics.readout.cut for r in FF]
    without = np.mean([cut.without for cut in cuts])
    assert any(len(y) == 3 and y[1] == pytest.approx(without) for y in map(get_y, left.lines))


def test_our_runs_stand_beside_those_of_the_authors():
    mnist, fashion = FIGURES["confound"]().axes
    assert line(mnist, "FF, the authors").get_xydata().tolist() == [[0.9, 0.7]]
    assert line(fashion, "FF, the authors").get_xydata().tolist() == [[0.8, 0.6]]
    ours = [[r.metrics.accuracy, r.metrics.layers[0].hoyer] for r in FF]
    assert line(mnist, "FF, ours").get_xydata().tolist() == ours
    assert not len(line(fashion, "FF, ours").get_xdata())


def test_runs_of_another_protocol_are_not_compared_with_the_authors():
    other = [record("ff", protocol="sigmoid-linf")]
    mnist, _ = sparsity_plots.sparseness_against_accuracy(other, RECORDED).axes
    assert not len(line(mnist, "FF, ours").get_xdata())


def test_matrices_leave_the_diagonal_blank():
    figure = FIGURES["matrices"]()
    matrices = [ax.images[0].get_array() for ax in figure.axes[: 1 + LAYERS]]
    expected = [FF[0].arrays["similarity"], *sharing.jaccard(members(FF[0]))]
    for shown, values in zip(matrices, expected, strict=True):
        off = ~np.eye(len(CLASSES), dtype=bool)
        np.testing.assert_array_equal(shown[off], values[off])
        assert np.ma.getmaskarray(shown)[~off].all()


def test_every_pair_is_a_point_and_the_largest_overlaps_are_named():
    figure = FIGURES["scatter"]()
    pairs = np.triu_indices(len(CLASSES), 1)
    similarity = FF[0].arrays["similarity"][pairs]
    for ax, overlap in zip(figure.axes, sharing.jaccard(members(FF[0])), strict=True):
        points, circled = ax.lines
        np.testing.assert_array_equal(points.get_xdata(), similarity)
        np.testing.assert_array_equal(points.get_ydata(), overlap[pairs])
        assert sorted(circled.get_ydata()) == sorted(overlap[pairs])[-3:]
        named = [tuple(map(CLASSES.index, n.split("–"))) for n in ax.texts[0].get_text().split()]
        assert [overlap[pair] for pair in named] == sorted(overlap[pairs])[:-4:-1]


def test_pairs_that_share_nothing_are_not_named():
    none = np.zeros((LAYERS, len(CLASSES), 20), dtype=bool)
    arrays = FF[0].arrays | {"ensembles/median-quantile": np.packbits(none, axis=-1)}
    disjoint = FF[0].model_copy(update={"arrays": arrays})
    for ax in sharing_plots.overlap_against_similarity(disjoint, CLASSES).axes:
        assert ax.texts[0].get_text() == ""
        assert ax.get_title().endswith("all equal")


def test_shared_units_are_written_out_once():
    _, ours = FIGURES["shared"]().axes
    written = {text.get_position(): text.get_text() for text in ours.texts}
    assert written == {
        (column, row): str(SHARED[row, column]) for row in range(3) for column in range(row + 1)
    }
    assert names(ours.yaxis) == ["x", "y", "z"]


def test_correlations_are_those_of_each_rule():
    for ax, rule in zip(FIGURES["correlations"]().axes, ensembles.RULES, strict=True):
        runs = [sharing.follows_similarity(members(r, rule), r.arrays["similarity"]) for r in FF]
        np.testing.assert_allclose(line(ax, "FF").get_ydata(), np.mean(runs, axis=0), rtol=1e-12)


def test_the_unseen_class_is_the_last_row_of_its_wall():
    run = HELD[0]
    for depth, ax in enumerate(FIGURES["unseen-walls"]().axes):
        shown = ax.images[0].get_array()
        assert names(ax.yaxis) == ["ant", "cat", "dog", "bee, unseen"]
        np.testing.assert_array_equal(np.sort(shown[-1]), np.sort(run.arrays["unseen/none"][depth]))
        np.testing.assert_array_equal(np.sort(shown[0]), np.sort(run.arrays["mean"][depth, 0]))


def test_responses_are_shown_by_the_label_carried():
    figure = FIGURES["responses"]()
    read = [
        lambda x: x.size,
        lambda x: x.stability,
        lambda x: x.hoyer,
        lambda x: np.nanmax(x.jaccard),
        lambda x: x.auroc,
    ]
    for label, model, carried in [
        ("FF, its own label", "ff", "true"),
        ("FF, no label", "ff", "none"),
        ("FF, the preferred label", "ff", "predicted"),
        ("BP, plain image", "bp", "plain"),
    ]:
        runs = [r.metrics.unseen[carried] for r in of(HELD, model=model)]
        for ax, number in zip(figure.axes[:5], read, strict=True):
            expected = np.mean([[number(x) for x in layers] for layers in runs], axis=0)
            np.testing.assert_allclose(line(ax, label).get_ydata(), expected, rtol=1e-12)


def test_recognition_is_by_held_out_class():
    figure = FIGURES["recognition"]()
    assert names(figure.axes[0].yaxis) == ["bee", "dog"]
    for ax, model in zip(figure.axes, ("ff", "bp"), strict=True):
        points = [line.get_xydata()[0].tolist() for line in ax.lines[: 2 * (LAYERS + 1)]]
        expected = []
        for row, run in enumerate(of(HELD, model=model)):
            aurocs = [x.auroc for x in unseen_layers(run)]
            expected += [[auroc, row] for auroc in [*aurocs, np.mean(aurocs)]]
        assert points == expected


def test_neighbours_are_averaged_over_layers():
    for ax, model in zip(FIGURES["neighbours"]().axes[:2], ("ff", "bp"), strict=True):
        shown = ax.images[0].get_array()
        for row, run in enumerate(of(HELD, model=model)):
            expected = np.mean([x.jaccard for x in unseen_layers(run)], axis=0)
            np.testing.assert_allclose(shown[row].filled(np.nan), expected, rtol=1e-12)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_the_scorecard_shows_estimate_interval_runs_rivals_and_bound(claim):
    digits = [attributed(record(m, s, dataset="digits")) for m in ("ff", "bp") for s in range(3)]
    verdict = judge(claim, PROBED + digits)
    [ax] = scorecard_plots.estimates([verdict], columns=1).axes
    lines = iter(ax.lines)
    for cell in verdict.cells:
        interval, mean, values = (next(lines) for _ in range(3))
        np.testing.assert_array_equal(interval.get_xdata(), [cell.interval.low, cell.interval.high])
        assert mean.get_xdata().tolist() == [cell.interval.mean]
        row = round(mean.get_ydata()[0])
        assert values.get_xdata().tolist() == list(cell.values)
        assert mean.get_color() == scorecard_plots.ANSWERS[cell.answer][0]
        assert names(ax.yaxis)[row].startswith(wording.dataset_name(cell.dataset))
        for rival in cell.rivals:
            expected = cell.interval.mean - rival.difference.mean
            np.testing.assert_array_equal(next(lines).get_xdata(), [expected])
    assert next(lines).get_xdata()[0] == claim.bound
    [good] = ax.patches
    inside = claim.bound + (0.01 if claim.above else -0.01)
    assert good.get_x() <= inside <= good.get_x() + good.get_width()
    outside = claim.bound - (0.01 if claim.above else -0.01)
    assert not good.get_x() <= outside <= good.get_x() + good.get_width()


def test_a_claim_without_records_has_an_empty_panel():
    figure = FIGURES["empty-scorecard"]()
    assert sum(ax.axison for ax in figure.axes) == len(CLAIMS)
    assert all(len(ax.lines) == 1 for ax in figure.axes if ax.axison)  # the bound


def test_beside_others_a_claim_without_records_has_no_panel():
    empty, found = judge(CLAIMS[0], []), judge(CLAIMS[0], PROBED)
    figure = scorecard_plots.estimates([empty, found, empty])
    assert sum(ax.axison for ax in figure.axes) == 1
    plt.close(figure)


def test_every_claim_has_a_picture_with_its_verdict_and_its_estimates():
    verdicts = scorecard(PROBED)
    panels = FIGURES["glance"]().axes
    for ax, verdict in zip(panels, verdicts, strict=False):
        assert ax.texts[0].get_text() == f"{verdict.verdict}: {verdict.estimates or 'no runs'}"
        assert ax.get_title(loc="left").strip() == verdict.claim.title
        assert ax.lines or ax.images


def test_pictures_show_what_the_claims_are_about():
    shown = {c.id: ax for c, ax in zip(CLAIMS, FIGURES["glance"]().axes, strict=False)}
    assert shown["accuracy"].lines[0].get_xdata().tolist() == [r.metrics.accuracy for r in FF]
    for name, quantity in (("sparse", "hoyer_above_rest"), ("negative", "negative_weights")):
        runs = [[getattr(x, quantity) for x in r.metrics.layers] for r in FF]
        np.testing.assert_allclose(shown[name].lines[0].get_ydata(), np.mean(runs, axis=0))
    counts = np.mean([sharing.shared_units(first_ensembles(r)) for r in FF], axis=0)
    pairs = np.triu_indices(len(CLASSES), 1)
    np.testing.assert_allclose(shown["shared"].lines[0].get_ydata(), counts[pairs])
    own = [own_units(r) for r in PROBED if r.experiment.model == "ff" and r.metrics.unseen]
    np.testing.assert_allclose(shown["unseen"].lines[0].get_ydata(), np.mean(own, axis=0))


def test_a_claim_without_a_picture_shows_its_cells(monkeypatch):
    monkeypatch.delitem(pictures.PICTURES, "sparse")
    ax = pictures.at_a_glance(scorecard(PROBED), PROBED).axes[1]
    assert ax.get_xlabel() == claim_by_id("sparse").label
    assert len(ax.lines) == 3  # the runs, their mean and the bound


def test_means_in_a_record_give_back_the_leave_one_out_ensembles():
    # What the chapters do to change k without a network: class means as samples of their class.
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), 20)
    values = [rng.exponential(size=(60, 25)) * (1 + 5 * rng.random(25))]

    class Samples:
        def __init__(self, values, labels):
            self.values, self.labels = values, labels

    images = Samples(values, labels)
    means = Samples(list(ensembles.class_means(images)), np.arange(3))
    for k in (0.5, 1.0, 2.0):
        np.testing.assert_array_equal(
            ensembles.leave_one_out(means, k), ensembles.leave_one_out(images, k)
        )


def test_shared_units_are_counted_by_the_claims_rule_and_averaged_over_runs():
    figure = sharing_plots.units_against_similarity(MAIN)
    assert [ax.get_title().split(":")[0] for ax in figure.axes] == ["FF", "BP/FF", "BP"]
    shared = np.mean([sharing.shared_units(first_ensembles(run)) for run in FF], axis=0)
    drawn = np.concatenate([line.get_ydata() for line in figure.axes[0].lines])
    assert sorted(drawn) == pytest.approx(sorted(shared[np.triu_indices(len(CLASSES), 1)]))
