"""The explorers, driven by keyboard and mouse: what they show is what the records hold."""

import re
from itertools import product

import numpy as np
import pytest
import synthetic
from panels import choose, contrast, opening, said, whole, written
from synthetic import along, images_of, nothing

from fflib import wording
from fflib.book.explorers import runs
from fflib.book.explorers.ensembles import explore_ensembles, sharing_of
from fflib.book.explorers.overlap import explore_overlap
from fflib.book.explorers.timeline import explore_training
from fflib.measures.drivers import NO_IMAGE
from fflib.measures.ensembles import RULES
from fflib.measures.sharing import jaccard
from fflib.records.schema import unpack
from fflib.study.claims import members

NAMES = ["zero <0>", "one & only", "two", "three"]
MODELS = ("ff", "bp-ff", "bp")
RECORDS = {
    (wording.dataset_name(d), wording.model_name(m)): synthetic.record(m, dataset=d)
    for d in ("mnist", "fashion-mnist")
    for m in MODELS
}
TRAINED = [along("ff"), along("bp")]
CLASSES, LAYERS, UNITS = synthetic.CLASSES, synthetic.LAYERS, synthetic.UNITS


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A page with the three explorers; of one data set the images are on file."""

    def on_file(experiment):
        return (images_of if experiment.dataset == "mnist" else nothing)(experiment)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "class_names", lambda dataset: NAMES)
        panels = [
            explore_ensembles(RECORDS.values(), on_file),
            explore_overlap(RECORDS.values(), start=(2, 1)),
            explore_training(TRAINED, NAMES),
        ]
    return written(tmp_path_factory.mktemp("site"), *panels)


@pytest.fixture
def opened(browser, site):
    with opening(browser, site) as opener:
        yield opener


def test_every_choice_shows_the_ensemble_of_the_record(opened):
    panel = opened().locator("[data-explorer=ensembles]")
    for (dataset, model), record in RECORDS.items():
        choose(panel, dataset={"label": dataset})
        choose(panel, model={"label": model})
        found = members(record)
        for layer, label in product(range(LAYERS), range(CLASSES)):
            choose(panel, depth={"index": layer}, **{"class": {"index": label}})
            shown = said(panel)
            own = np.flatnonzero(found[layer, label])
            assert (shown["dataset"], shown["model"]) == (dataset, model)
            assert whole(shown["members"]) == own.tolist()
            assert int(shown["size"]) == len(own)
            sharing = [f"{c}:{n}" for c, n, _ in sharing_of(found[layer], label)]
            assert shown["sharing"].split() == sharing
            text = panel.locator(".said").inner_text()
            assert f"class {NAMES[label]}: {len(own)} of {UNITS} units" in text
            assert panel.locator(".sharing li").count() == len(sharing)


def test_images_are_those_on_file_pixel_by_pixel(opened):
    panel = opened().locator("[data-explorer=ensembles]")
    kept = images_of(RECORDS["MNIST", "FF"].experiment)
    for label in range(CLASSES):
        choose(panel, **{"class": {"index": label}})
        places = [place for place in kept.chosen[0, label] if place != NO_IMAGE]
        assert whole(said(panel)["images"]) == kept.numbers[places].tolist()
        canvases = panel.locator(".images canvas")
        assert canvases.count() == len(places)
        for at, place in enumerate(places):
            canvas = canvases.nth(at)
            canvas.and_(panel.locator("[data-drawn]")).wait_for()
            pixels = canvas.evaluate(
                "(c) => [...c.getContext('2d').getImageData(0, 0, 28, 28).data]"
            )
            np.testing.assert_array_equal(pixels[::4], kept.images[place].ravel())
            assert canvas.get_attribute("aria-label") == (
                f"Test image {kept.numbers[place]} of class {NAMES[label]}"
            )
    choose(panel, dataset={"label": "Fashion-MNIST"})
    assert panel.locator(".images li").count() == 0
    assert panel.locator(".none").is_visible()


def test_the_profile_names_the_unit_that_is_pointed_at(opened):
    panel = opened().locator("[data-explorer=ensembles]")
    choose(panel, dataset={"label": "Fashion-MNIST"}, model={"label": "BP"}, depth={"index": 1})
    record = RECORDS["Fashion-MNIST", "BP"]
    means, found = record.arrays["mean"][1].astype(float), members(record)[1]
    slider = panel.locator("input.unit")
    slider.focus()
    slider.press("Home")
    for number in range(1, 4):  # the strongest first
        slider.press("ArrowRight")
        unit = int(said(panel)["unit"])
        assert sorted(means[0])[::-1][number] == pytest.approx(means[0, unit], abs=0.005)
        text = panel.locator(".pointed").inner_text()
        assert f"Unit {unit}: mean activation" in text
        assert float(re.search(r"activation ([\d.]+),", text)[1]) == pytest.approx(
            means[0, unit], abs=0.01
        )
        owners = [NAMES[c] for c in range(CLASSES) if found[c, unit]]
        assert text.endswith(f"ensemble of {', '.join(owners)}." if owners else "no ensemble.")
        assert slider.get_attribute("aria-valuetext") == text
    choose(panel, order={"index": 0})
    box = panel.locator("canvas.profile").bounding_box()
    panel.locator("canvas.profile").hover(
        position={"x": box["width"] * 7.5 / UNITS, "y": box["height"] / 2}
    )
    assert said(panel)["unit"] == "7"


def test_keyboard_alone_leads_through_the_ensembles(opened):
    page = opened()
    panel = page.locator("[data-explorer=ensembles]")
    for name in ("dataset", "model", "depth", "class"):
        page.keyboard.press("Tab")
        focused = panel.locator(f"select.{name}")
        assert focused.evaluate("(node) => node === document.activeElement")
        assert focused.evaluate("(node) => getComputedStyle(node).outlineStyle") == "solid"
        page.keyboard.press("ArrowDown")
    shown = said(panel)
    assert [shown[name] for name in ("dataset", "model", "layer", "class")] == [
        "Fashion-MNIST", "BP/FF", "2", "1",
    ]  # fmt: skip


def test_a_class_that_shares_units_can_be_followed(opened):
    panel = opened().locator("[data-explorer=ensembles]")
    found = members(RECORDS["MNIST", "FF"])[0]
    (other, shared, _), *_ = sharing_of(found, 0)
    first = panel.locator(".sharing button").first
    assert f"{shared} unit" in panel.locator(".sharing li").first.inner_text()
    first.focus()
    first.press("Enter")
    assert said(panel)["class"] == str(other)
    assert panel.locator("select.class").evaluate("(node) => node === document.activeElement")


def assert_cell(panel, record, rule, layer, a, b):
    found = members(record, rule)[layer]
    shown = said(panel)
    assert (shown["first"], shown["second"]) == (str(a), str(b))
    assert whole(shown["sizes"]) == [found[a].sum(), found[b].sum()]
    assert whole(shown["shared"]) == np.flatnonzero(found[a] & found[b]).tolist()
    assert float(shown["jaccard"]) == pytest.approx(jaccard(found)[a, b], abs=1e-4, nan_ok=True)
    text = panel.locator(".said").inner_text()
    assert NAMES[a] in text
    assert NAMES[b] in text
    assert f"{found[a].sum()} unit" in text


def test_the_matrix_is_walked_with_arrow_keys(opened):
    page = opened()
    panel = page.locator("[data-explorer=overlap]")
    record = RECORDS["MNIST", "FF"]
    assert_cell(panel, record, "median-quantile", LAYERS - 1, 2, 1)
    panel.locator("select.rule").focus()
    page.keyboard.press("Tab")  # one cell of the matrix takes the focus, the one chosen
    at = [2, 1]
    steps = {"ArrowUp": (-1, 0), "ArrowDown": (1, 0), "ArrowLeft": (0, -1), "ArrowRight": (0, 1)}
    for key in [*steps, "ArrowUp", "ArrowUp", "ArrowUp", "ArrowRight", "ArrowRight"]:
        page.keyboard.press(key)
        at = [
            min(max(place + step, 0), CLASSES - 1)
            for place, step in zip(at, steps[key], strict=True)
        ]
        assert_cell(panel, record, "median-quantile", LAYERS - 1, *at)
    page.keyboard.press("Home")
    assert_cell(panel, record, "median-quantile", LAYERS - 1, at[0], 0)
    page.keyboard.press("End")
    assert_cell(panel, record, "median-quantile", LAYERS - 1, at[0], CLASSES - 1)
    selected = panel.locator("td[aria-selected=true]")
    assert selected.count() == panel.locator("td[tabindex='0']").count() == 1
    assert selected.evaluate("(node) => node === document.activeElement")


def test_the_matrix_answers_to_the_mouse_under_every_rule_and_layer(opened):
    panel = opened().locator("[data-explorer=overlap]")
    for (dataset, model), record in RECORDS.items():
        choose(panel, dataset={"label": dataset})
        choose(panel, model={"label": model})
        for at, rule in enumerate(RULES):
            layer = at % LAYERS
            choose(panel, rule={"index": at}, depth={"index": layer})
            for a, b in ((0, 3), (3, 0), (1, 1)):
                cell = panel.locator("tbody tr").nth(a).locator("td").nth(b)
                cell.hover()
                assert_cell(panel, record, rule, layer, a, b)
                found = members(record, rule)[layer]
                assert cell.inner_text() == str((found[a] & found[b]).sum())


def test_the_time_line_is_moved_by_keys_and_plays(opened):
    page = opened()
    panel = page.locator("[data-explorer=timeline]")
    sizes, others = (
        unpack(r.arrays["snapshots/ensembles"], UNITS).sum(axis=(2, 3)).tolist() for r in TRAINED
    )
    last = len(sizes) - 1
    slider = panel.locator("input.moment")
    slider.focus()
    for moment in range(1, 5):
        slider.press("ArrowRight")
        shown = said(panel)
        assert int(shown["moment"]) == moment
        beside = others[int(moment / last * (len(others) - 1) + 0.5)]
        assert whole(shown["sizes"]) == sizes[moment] + beside
    text = panel.locator(".said").first.inner_text()
    assert text.startswith("Layer 1 learns, step 8: accuracy 0.900")
    slider.press("End")
    assert whole(said(panel)["sizes"]) == sizes[-1] + others[-1]
    marks = panel.locator(".stages li").all_inner_texts()
    assert marks == [f"layer {n}" for n in range(1, LAYERS + 1)]
    panel.locator(".loop").check()
    panel.locator(".speed").select_option("fast")
    button = panel.locator("button")
    button.focus()
    button.press("Space")
    at = "document.querySelector('[data-explorer=timeline]').dataset.moment"
    page.wait_for_function(f"{at} === '1'")
    page.wait_for_function(f"{at} === '{last}'")
    page.wait_for_function(f"{at} === '1'")  # it begins again
    assert button.inner_text() == "Stop"
    button.press("Enter")
    assert button.inner_text() == "Play"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1200])
def test_panels_fit_the_screen_and_are_read_in_either_theme(opened, theme, width):
    page = opened(theme, viewport={"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for kind in ("ensembles", "overlap", "timeline"):
        panel = page.locator(f"[data-explorer={kind}]")
        ink, paper = panel.evaluate(
            "(node) => [getComputedStyle(node).color, getComputedStyle(node).backgroundColor]"
        )
        assert contrast(ink, paper) >= 7
        wide = panel.evaluate("(node) => node.scrollWidth <= node.clientWidth")
        assert wide
    for cell in page.locator("[data-explorer=overlap] td:not([aria-selected=true])").all():
        ink, paper = cell.evaluate(
            "(node) => [getComputedStyle(node).color, getComputedStyle(node).backgroundColor]"
        )
        if paper != "rgba(0, 0, 0, 0)":
            assert contrast(ink, paper) >= 4.5


def test_without_scripts_the_tables_remain(opened):
    page = opened(java_script_enabled=False)
    for kind in ("ensembles", "overlap", "timeline"):
        assert page.locator(f"[data-explorer={kind}]").is_hidden()
    notes = page.locator("noscript")
    assert all(notes.nth(at).is_visible() for at in range(3))
    tables = page.locator("details.fflib-table")
    for at in range(3):
        tables.nth(at).locator("summary").click()
        assert tables.nth(at).locator("table").is_visible()
    size = members(RECORDS["Fashion-MNIST", "FF"])[0, 2].sum()
    rows = tables.first.locator("tr:has(th:text-is('two'))")
    assert f"{size} unit" in rows.nth(3).inner_text()


AS_SAID = """([kind, said]) => {
  const shown = document.querySelector(`[data-explorer=${kind}]`).dataset;
  return Object.keys(said).every((name) => shown[name] === said[name]);
}"""


@pytest.mark.parametrize(
    ("kind", "controls"),
    [
        ("ensembles", {"dataset": {"index": 1}, "depth": {"index": 2}, "order": {"index": 0}}),
        ("overlap", {"model": {"index": 2}, "depth": {"index": 1}, "rule": {"index": 1}}),
    ],
)
def test_an_address_leads_back_to_what_is_shown(opened, kind, controls):
    page = opened()
    panel = page.locator(f"[data-explorer={kind}]")
    opening = said(panel)
    choose(panel, **controls)
    if kind == "overlap":
        panel.locator("tbody tr").nth(3).locator("td").nth(2).click()
    else:
        panel.locator("input.unit").press("ArrowRight")
    shown = said(panel)
    assert shown != opening
    panel.locator(".link").click()
    assert said(panel) == shown
    address = page.url
    page.goto(address.partition("#")[0])
    page.reload()
    assert said(panel) == opening
    page.goto(address)
    page.wait_for_function(AS_SAID, arg=[kind, shown])  # the page hears of it a little later
    page.goto(f"{address.partition('?')[0]}?depth=layer+99&nothing=1&pair=9-9")
    page.reload()
    assert said(panel) == opening


def test_the_profile_has_axes(opened):
    panel = opened().locator("[data-explorer=ensembles]")
    mean, own = RECORDS["MNIST", "FF"].arrays["mean"][0], members(RECORDS["MNIST", "FF"])[0, 0]
    level = np.round(np.clip(mean[0], 0, None) / mean.max() * 255)
    active = int(((level > 0) | own).sum())
    assert 0 < active < UNITS
    assert panel.locator(".top").inner_text() == f"{mean.max():.2f}"
    assert panel.locator(".last").inner_text() == str(active)
    silent = f"units, strongest first; {UNITS - active} more are silent"
    assert panel.locator(".axis").inner_text() == silent
    choose(panel, order={"index": 0})
    assert panel.locator(".axis").inner_text() == "units, in place"
    assert panel.locator(".last").inner_text() == str(UNITS)
