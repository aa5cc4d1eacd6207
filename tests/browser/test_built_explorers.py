"""The explorers on the pages of the built site: what they show is what the published records hold."""

import re
from itertools import product

import numpy as np
import pytest
from panels import choose, said, whole

from fflib.book.explorers import drivers, quantised
from fflib.book.explorers.ensembles import sharing_of
from fflib.book.explorers.runs import about, one_each
from fflib.data import class_names
from fflib.measures.drivers import NO_IMAGE
from fflib.measures.ensembles import RULES
from fflib.measures.sharing import jaccard
from fflib.records.schema import unpack
from fflib.records.stores import PUBLISHED
from fflib.study.claims import members
from fflib.study.evidence import evidence, where
from fflib.study.plans.grids import planned

PAGES = {
    "ensembles": "chapters/03-sparse-ensembles.html",
    "overlap": "chapters/04-shared-units.html",
    "timeline": "chapters/14-how-ensembles-form.html",
    "handwriting": "chapters/try-it.html",
}
LIGHT = 1_000_000  # bytes of the page to draw on, with all that it loads


@pytest.fixture
def panel(opened):
    """Opens the chapter with an explorer of a kind."""

    def open_panel(kind, **options):
        panel = opened(PAGES[kind], **options).locator(f"[data-explorer={kind}]")
        panel.scroll_into_view_if_needed()
        return panel

    return open_panel


@pytest.fixture(scope="module")
def runs():
    """The records that a chapter on a data set compares, by the names that its panel gives."""

    def of(dataset):
        records = where(evidence("records", dataset, "relu-l2"), protocol="relu-l2")
        return {
            tuple(about(r)[name] for name in ("dataset", "model")): r for r in one_each(records)
        }

    return of


def assert_ensemble(panel, record, layer, label):
    found = members(record)
    names = class_names(record.experiment.dataset)
    own, shown = np.flatnonzero(found[layer, label]), said(panel)
    assert (shown["layer"], shown["class"]) == (str(layer + 1), str(label))
    assert whole(shown["members"]) == own.tolist()
    sharing = [f"{other}:{units}" for other, units, _ in sharing_of(found[layer], label)]
    assert shown["sharing"].split() == sharing
    kept = drivers.find(record.experiment)
    chosen = kept.chosen[layer, label]
    assert whole(shown["images"]) == kept.numbers[chosen[chosen != NO_IMAGE]].tolist()
    text = panel.locator(".said").inner_text()
    assert f"class {names[label]}: {len(own)} of {record.experiment.hidden} units" in text


def test_every_ensemble_is_that_on_record(panel, runs):
    shown, published = panel("ensembles"), runs("mnist")
    assert len(published) == 6
    for (dataset, model), record in published.items():
        choose(shown, dataset={"label": dataset})
        choose(shown, model={"label": model})
        # Every class of every layer, once, in an order in which both change.
        for step in range(10):
            layer = step % record.experiment.layers
            choose(shown, depth={"index": layer}, **{"class": {"index": step}})
            assert_ensemble(shown, record, layer, step)


def test_the_keyboard_leads_through_the_ensembles(panel, runs):
    shown = panel("ensembles")
    keyboard = shown.page.keyboard
    shown.locator("select.dataset").focus()
    for _ in range(4):  # data set, model, layer, class: the next of each
        keyboard.press("ArrowDown")
        keyboard.press("Tab")
    names = said(shown)["dataset"], said(shown)["model"]
    first, *_ = runs("mnist")
    assert names != first
    assert_ensemble(shown, runs("mnist")[names], 1, 1)
    slider = shown.locator("input.unit")
    keyboard.press("Tab")
    assert slider.evaluate("(node) => node === document.activeElement")
    keyboard.press("Home")
    strongest = said(shown)["unit"]
    keyboard.press("ArrowRight")
    assert said(shown)["unit"] != strongest
    assert shown.locator(".pointed").inner_text().startswith(f"Unit {said(shown)['unit']}: ")


def test_the_mouse_points_at_units_and_follows_what_is_shared(panel, runs):
    shown = panel("ensembles")
    record = runs("mnist")[said(shown)["dataset"], said(shown)["model"]]
    found = members(record)
    layer, label = next(at for at in np.ndindex(found.shape[:2]) if sharing_of(found[at[0]], at[1]))
    choose(shown, depth={"index": layer}, order={"index": 0}, **{"class": {"index": label}})
    profile = shown.locator("canvas.profile")
    box = profile.bounding_box()
    unit = int(np.flatnonzero(found[layer, label])[0])
    at = (unit + 0.5) / record.experiment.hidden * box["width"]
    profile.hover(position={"x": at, "y": box["height"] / 2})
    pointed = int(said(shown)["unit"])
    assert abs(pointed - unit) <= 1  # units are narrower than what a mouse can point at
    text = shown.locator(".pointed").inner_text()
    level = float(re.search(r"activation ([\d.]+),", text)[1])
    means = record.arrays["mean"][layer, label].astype(float)
    # The page holds 256 levels up to the largest mean of the layer, written with two digits.
    assert level == pytest.approx(means[pointed], abs=means.max() / 100 + 0.005)
    (other, *_), *_ = sharing_of(found[layer], label)
    shown.locator(".sharing button").first.click()
    assert_ensemble(shown, record, layer, other)
    for canvas in shown.locator(".images canvas").all():
        canvas.and_(shown.locator("[data-drawn]")).wait_for()


def assert_pair(panel, record, rule, layer, a, b):
    found, shown = members(record, rule)[layer], said(panel)
    assert (shown["first"], shown["second"]) == (str(a), str(b))
    assert whole(shown["sizes"]) == [found[a].sum(), found[b].sum()]
    assert whole(shown["shared"]) == np.flatnonzero(found[a] & found[b]).tolist()
    assert float(shown["jaccard"]) == pytest.approx(jaccard(found)[a, b], abs=1e-4, nan_ok=True)
    names = class_names(record.experiment.dataset)
    assert names[a] in panel.locator(".said").inner_text()


def test_the_mouse_points_at_cells_of_every_run_rule_and_layer(panel, runs):
    shown = panel("overlap")
    for (dataset, model), record in runs("fashion-mnist").items():
        choose(shown, dataset={"label": dataset})
        choose(shown, model={"label": model})
        rules = [rule for rule in RULES if f"ensembles/{rule}" in record.arrays]
        for (at, rule), layer in product(enumerate(rules), range(record.experiment.layers)):
            choose(shown, rule={"index": at}, depth={"index": layer})
            a, b = 2 * at, 2 * layer + 1
            shown.locator("tbody tr").nth(a).locator("td").nth(b).hover()
            assert_pair(shown, record, rule, layer, a, b)


def test_the_keyboard_walks_the_matrix(panel, runs):
    shown = panel("overlap")
    record = runs("fashion-mnist")[said(shown)["dataset"], said(shown)["model"]]
    shown.locator("select.rule").focus()
    keyboard = shown.page.keyboard
    keyboard.press("Tab")
    keyboard.press("Home")
    row = int(said(shown)["first"])
    assert_pair(shown, record, next(iter(RULES)), 2, row, 0)
    keyboard.press("ArrowRight")
    keyboard.press("ArrowUp")
    assert_pair(shown, record, next(iter(RULES)), 2, max(row - 1, 0), 1)
    keyboard.press("End")
    assert_pair(shown, record, next(iter(RULES)), 2, max(row - 1, 0), 9)


@pytest.fixture(scope="module")
def sizes():
    """Members of all ensembles along the training of FF that the chapter shows, by layer.

    The panel has room for every fourth unit of 784.
    """
    first = where(PUBLISHED.among(planned("development")), dataset="mnist", model="ff")[0]
    found = unpack(first.arrays["snapshots/ensembles"], first.experiment.hidden)
    return found[..., ::4].sum(axis=(2, 3))


def test_the_keyboard_moves_along_training(panel, sizes):
    shown = panel("timeline")
    slider = shown.locator("input.moment")
    slider.focus()
    slider.press("Home")
    for moment in range(1, 6):
        slider.press("ArrowRight")
        assert said(shown)["moment"] == str(moment)
        assert whole(said(shown)["sizes"])[:3] == sizes[moment].tolist()
    slider.press("End")
    assert said(shown)["moment"] == str(len(sizes) - 1)
    assert whole(said(shown)["sizes"])[:3] == sizes[-1].tolist()


def test_the_mouse_moves_along_training_and_plays_it(panel, sizes):
    shown = panel("timeline")
    slider = shown.locator("input.moment")
    box = slider.bounding_box()
    slider.click(position={"x": box["width"] / 2, "y": box["height"] / 2})
    middle = int(said(shown)["moment"])
    assert abs(middle - (len(sizes) - 1) / 2) <= 1
    assert whole(said(shown)["sizes"])[:3] == sizes[middle].tolist()
    button = shown.get_by_role("button", name="Play")
    button.click()
    moved = "(before) => document.querySelector('[data-explorer=timeline]').dataset.moment > before"
    shown.page.wait_for_function(moved, arg=middle)
    shown.get_by_role("button", name="Stop").click()
    moment = int(said(shown)["moment"])
    assert whole(said(shown)["sizes"])[:3] == sizes[moment].tolist()


def test_the_page_to_draw_on_is_light_and_names_what_it_comes_with(panel):
    shown = panel("handwriting")
    loaded = "performance.getEntries().reduce((sum, entry) => sum + (entry.transferSize ?? 0), 0)"
    assert shown.page.evaluate(loaded) < LIGHT
    kept = quantised.find(quantised.tried())
    answers = kept.network.predict(kept.standardise(kept.images)).tolist()
    for digit, answer in enumerate(answers):
        shown.locator(".samples button").nth(digit).click()
        assert said(shown)["answer"] == str(answer)


@pytest.mark.parametrize("kind", PAGES)
def test_without_scripts_a_table_and_a_still_remain(opened, kind):
    page = opened(PAGES[kind], java_script_enabled=False)
    panel = page.locator(f"[data-explorer={kind}]")
    assert panel.count() == 1
    assert panel.is_hidden()
    note = page.locator("noscript p").first
    assert note.is_visible()
    assert "needs JavaScript" in note.text_content()
    table = panel.locator("xpath=following::details[contains(@class, 'fflib-table')][1]")
    table.locator("summary").click()
    assert table.locator("table").is_visible()
    assert table.locator("tbody tr").count() > 9
    still = panel.locator("xpath=following::figure[1]//img")
    box = still.bounding_box()
    assert box["width"] > 200
    assert box["height"] > 100


def test_the_table_of_ensembles_says_what_the_records_hold(opened, runs):
    page = opened(PAGES["ensembles"], java_script_enabled=False)
    page.locator("details.fflib-table summary").first.click()
    rows = page.locator("details.fflib-table").first.locator("tbody tr")
    at = 0
    for record in runs("mnist").values():
        found = members(record)
        for label in range(len(class_names(record.experiment.dataset))):
            cells = rows.nth(at).locator("td").all_inner_texts()
            units = [int(cell.split()[0]) for cell in cells]
            assert units == found[:, label].sum(axis=-1).tolist()
            at += 1
    assert rows.count() == at
