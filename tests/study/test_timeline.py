"""How ensembles form: what is measured at a moment, and what tables and figures make of it."""

import base64
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
import synthetic
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from matplotlib import pyplot as plt
from synthetic import ACCURATE, SAME, STEPS, along

from fflib.book.explorers.timeline import explore_training
from fflib.book.figures.timeline import classes_over_time, stills, timeline, transitions
from fflib.experiment import Experiment
from fflib.measures.timeline import SILENT, by_chance, identity, kept, preferred, settled
from fflib.study.analyses.timeline import classes_kept, delays, moments, settling
from fflib.study.claims import QUESTIONS, TIMELINE, judge
from fflib.study.claims.timeline import changed, delay, timelines, trace
from fflib.study.claims.verdicts import in_short, in_words
from fflib.study.plans.grids import GRIDS, planned

CLASSES = synthetic.CLASSES
NAMES = [f"class <{c}>" for c in range(CLASSES)]
RUNS = [along(model, seed) for model in ("ff", "bp") for seed in range(3)]
FF = RUNS[:3]

memberships = arrays.arrays(bool, (3, 8))
units = arrays.arrays(np.uint8, 12, elements=st.sampled_from([0, 1, 2, SILENT]))


@given(one=memberships, other=memberships)
def test_identity_is_symmetric_and_one_for_the_same(one, other):
    np.testing.assert_equal(identity(one, other), identity(other, one))
    if one.any():
        assert identity(one, one) == 1
        assert identity(one, ~one) == 0


def test_identity_leaves_out_classes_without_members():
    assert identity([[True, False], [False, False]], [[True, True], [False, False]]) == 0.5
    assert np.isnan(identity([[False]], [[False]]))


def test_a_unit_without_preference_is_silent():
    means = [[0.0, 2.0, 1.0, np.nan], [0.0, 2.0, 3.0, np.nan], [np.nan, np.nan, np.nan, np.nan]]
    assert preferred(np.array(means)[:, :3]).tolist() == [SILENT, SILENT, 1]


@given(before=units, after=units)
def test_chance_is_the_mean_over_all_ways_to_deal_out_classes(before, after):
    awake = (before != SILENT) & (after != SILENT)
    n = int(awake.sum())
    if not n:
        assert np.isnan(by_chance(before, after))
        assert np.isnan(kept(before, after))
        return
    # Every unit's class against that of every unit, itself included: the mean over rotations.
    one, other = before[awake], after[awake]
    rotated = np.mean([kept(one, np.roll(other, shift)) for shift in range(n)])
    assert by_chance(before, after) == pytest.approx(rotated)
    assert kept(before, after) == np.mean(one == other)


@given(values=st.lists(st.floats(-1, 1), min_size=1, max_size=9), share=st.floats(0.1, 1))
def test_from_when_on_a_quantity_stays(values, share):
    moment = settled(values, share)
    way = np.array(values)
    gain = way[-1] - way[0]
    covered = np.sign(gain) * (way - way[0]) >= share * abs(gain)
    assert covered[moment:].all()
    assert moment == 0 or not covered[moment - 1]
    # It does not matter which way a quantity goes, nor where it begins.
    assert settled(-way, share) == moment


def test_a_dip_postpones_and_what_never_moves_is_settled_at_once():
    assert settled([0, 1, 0, 1], 0.8) == 3
    assert settled([1, 1, 1], 0.8) == 0


def test_quantities_of_a_run_are_those_that_were_put_in():
    for record in RUNS:
        assert delay(record) == 2.0  # from step 4 to 16
        assert delay(record, 0.5, 0.5) == 1.0  # from 4, past a half, to 8
        # A tenth of 32 steps is over at step 4, from which on no unit changes.
        assert changed(record) == 0.0
        # Half the units begin with their class, less chance; the last one has none at the end.
        first, last = timelines(record)[0].preferred[[0, -1]]
        assert trace(record) == pytest.approx(9 / 19 - by_chance(first, last))
        assert kept(first, last) == pytest.approx(9 / 19)


def test_a_layer_that_is_trained_alone_has_its_own_stage():
    for layer in timelines(FF[0]):
        assert layer.step.tolist() == STEPS
        assert layer.accuracy.tolist() == ACCURATE
        assert layer.identity.tolist() == SAME
    assert timelines(synthetic.record("ff")) == []


def test_verdicts_on_runs_made_up_for_them():
    first, stay, start = (judge(claim, RUNS) for claim in TIMELINE)
    assert first.verdict == stay.verdict == start.verdict == "holds"
    assert first.cells[0].interval.mean == 2
    assert first.cells[0].interval.n == 3  # Forward-Forward alone
    said = in_words([first, stay, start])
    assert said.count(": holds (") == 3
    assert "accuracy: 2.00)" in said
    assert in_short([first, stay]) == f"{first.claim.title}: holds; {stay.claim.title}: holds."


def test_claims_share_their_risk_and_name_a_grid():
    assert {c.id for c in TIMELINE} <= {c.id for c in QUESTIONS}
    assert {c.together for c in TIMELINE} == {len(TIMELINE)}
    assert all(grid in GRIDS for c in QUESTIONS for grid in c.grids)
    seeds = {(e.model, e.dataset): set() for e in planned("development")}
    for e in planned("development"):
        seeds[e.model, e.dataset].add(e.seed)
    assert all(len(own) >= 3 for own in seeds.values())
    assert len(seeds) == 6


def test_tables_are_means_of_runs():
    table = settling(RUNS)
    assert table.loc[("MNIST", "FF", "layer 2"), "accuracy"].mean == 4 / 32
    assert table.loc[("MNIST", "BP", "layer 2"), "membership"].mean == 16 / 32
    assert table.loc[("MNIST", "FF", "layer 3"), "doublings"].mean == 2
    grown = classes_kept(RUNS).loc[("MNIST", "FF", "layer 1")]
    assert grown["a tenth"].mean == grown["every later one"].mean == 1
    assert grown["none at the end"].mean == pytest.approx(1 / 20)
    assert grown["before"].mean == pytest.approx(9 / 19)
    robust = delays(FF, (0.5, 0.8))
    assert robust.loc["membership 80%", "accuracy 80%"].mean == 2
    assert robust.loc["membership 50%", "accuracy 80%"].mean == 1
    assert len(moments(RUNS)) == 3 * 3 * len(STEPS) * (3 + 1)
    assert moments([synthetic.record("ff")]).empty


def test_the_timeline_has_a_stage_for_each_layer_that_learns_alone():
    figure = timeline(RUNS)
    top = figure.axes[:2]
    assert [ax.get_title() or ax.get_title(loc="left") for ax in top] == ["FF", "BP"]
    assert [round(ax.get_xlim()[1]) for ax in top] == [3, 1]
    together = [line for line in top[0].lines if line.get_linestyle() == "--"]
    np.testing.assert_allclose(np.concatenate([x.get_ydata() for x in together]), ACCURATE * 3)
    starts = [line.get_xdata()[0] for line in together]
    np.testing.assert_allclose(starts, [0, 1, 2])
    plt.close(figure)


def test_the_figure_of_classes_ends_where_all_units_have_theirs():
    figure = classes_over_time(RUNS)
    for ax in figure.axes:
        own = [line for line in ax.lines if line.get_label().startswith("layer")]
        assert [line.get_ydata()[-1] for line in own] == [1, 1, 1]
        np.testing.assert_allclose(own[0].get_ydata()[0], 9 / 19)
    plt.close(figure)


def test_transitions_are_shares_of_a_row():
    figure = transitions(FF, NAMES)
    cells = np.array(figure.axes[0].images[0].get_array())
    np.testing.assert_allclose(cells, np.eye(CLASSES + 1))  # no unit changes after a tenth
    plt.close(figure)


def test_stills_show_three_moments_of_each_layer():
    figure = stills(FF[0], NAMES)
    assert len(figure.axes) == 9
    last = np.array(figure.axes[8].images[0].get_array())
    assert set(np.unique(last)) <= {0, 3}  # at the end all members are those of the end
    plt.close(figure)


class Page(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.tags = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))


def test_the_slider_is_small_loads_nothing_and_takes_the_keyboard():
    page = explore_training([FF[0], RUNS[3]], NAMES).data
    assert len(page.encode()) < 300_000
    assert "http" not in page
    tags = Page(page).tags
    assert not any("src" in attrs for _, attrs in tags)
    assert all(attrs.get("href", "#").startswith("#") for _, attrs in tags)
    (slider,) = (attrs for tag, attrs in tags if attrs.get("type") == "range")
    assert slider["max"] == str(3 * len(STEPS) - 1)
    assert any(tag == "label" and attrs.get("for") == slider["id"] for tag, attrs in tags)
    assert "@media print" in page
    assert "<noscript>" in page
    assert "class &lt;0&gt;" in page


def test_the_slider_holds_the_membership_of_the_records():
    shown = [FF[0], RUNS[3]]
    page = explore_training(shown, NAMES).data
    data = json.loads(re.search(r"const data = (\{.*\});", page)[1])
    for record, run in zip(shown, data["runs"], strict=True):
        stored = record.arrays["snapshots/ensembles"]
        packed = np.frombuffer(base64.b64decode(run["members"]), np.uint8)
        packed = packed.reshape(*stored.shape[:3], -1)
        assert run["units"] == synthetic.UNITS  # few enough to show all, in another order
        np.testing.assert_array_equal(
            np.unpackbits(packed, axis=-1, count=run["units"]).sum(axis=-1),
            np.unpackbits(stored, axis=-1, count=synthetic.UNITS).sum(axis=-1),
        )
    assert data["runs"][0]["said"][3].startswith("Layer 1 learns, step 4: accuracy 0.900")
    assert data["runs"][1]["said"][3].startswith("All layers learn, step 4: accuracy 0.900")
    assert re.findall(r'<li style="left: ([\d.]+)%">layer (\d)</li>', page) == [
        (f"{100 * depth * len(STEPS) / (3 * len(STEPS) - 1):.1f}", str(depth + 1))
        for depth in range(3)
    ]  # FF's layers begin one after the other


def test_sixty_moments_of_784_units_stay_below_300_kilobytes():
    record = along()
    many = {"hidden": 784, "layers": 3, "epochs": 2, "snapshots": 20}
    shape = np.zeros((60, 3, 10, 98), np.uint8)
    rows = [record.metrics.timeline[0] | {"layer": d} for _ in range(60) for d in (1, 2, 3)]
    large = record.model_copy(
        update={
            "experiment": Experiment(model="ff", **many),
            "metrics": record.metrics.model_copy(update={"timeline": rows}),
            "arrays": {
                "snapshots/ensembles": shape,
                "snapshots/preferred": np.zeros((60, 3, 784), np.uint8),
            },
        }
    )
    assert len(explore_training([large], [str(c) for c in range(10)]).data.encode()) < 300_000
