"""Long tables and figures of the pages, by keyboard."""

from pathlib import Path

import pandas as pd
import pytest

from fflib.book.tables.look import html

STATIC = Path(__file__).parents[2] / "chapters" / "_static"
DRAWN = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' width='200' height='100'%3E%3C/svg%3E"


@pytest.fixture
def opened(browser):
    """Opens a page with a body and one of the scripts."""
    pages = []

    def opening(body, script):
        page = browser.new_page(viewport={"width": 400, "height": 300})
        pages.append(page)
        page.set_content(f"<!doctype html><main>{body}</main>")
        page.add_style_tag(path=STATIC / "book.css")
        page.add_script_tag(path=STATIC / script)
        return page

    yield opening
    for page in pages:
        page.close()


def column(page, number):
    cells = page.locator(f"tbody tr:not([hidden]) > :nth-child({number})")
    return cells.all_inner_texts()


def test_a_long_table_is_sorted_by_number_and_name(opened):
    runs = pd.DataFrame({"gain": [-0.5, 0.25, -0.75] * 5, "class": ["b", "a", "10"] * 5})
    page = opened(html(runs), "tables.js")
    page.get_by_role("button", name="gain").press("Enter")
    assert column(page, 1) == ["−0.75"] * 5 + ["−0.50"] * 5 + ["0.25"] * 5
    page.get_by_role("button", name="gain").press("Enter")
    assert column(page, 1)[0] == "0.25"
    assert page.locator("th[aria-sort]").get_attribute("aria-sort") == "descending"
    page.get_by_role("button", name="class").press("Enter")
    assert column(page, 2) == ["10"] * 5 + ["a"] * 5 + ["b"] * 5
    assert page.locator("input").count() == 0  # it is looked through faster than searched


def test_a_head_without_a_name_has_no_button(opened):
    runs = pd.DataFrame({"gain": [0.5] * 15}, index=[f"layer {n}" for n in range(15)])
    page = opened(html(runs), "tables.js")
    assert page.locator("thead button").all_inner_texts() == ["gain"]


def test_a_table_of_many_screens_is_shown_in_parts(opened):
    runs = pd.DataFrame({"seed": range(100), "model": ["ff", "bp"] * 50})
    page = opened(html(runs), "tables.js")
    status = page.get_by_role("status")
    assert (len(column(page, 1)), status.inner_text()) == (25, "1 to 25 of 100")
    page.get_by_role("button", name="Next").press("Enter")
    assert (column(page, 1)[0], status.inner_text()) == ("25", "26 to 50 of 100")
    page.get_by_role("searchbox").fill("BP 9")
    assert column(page, 1) == [str(seed) for seed in range(1, 100, 2) if "9" in str(seed)]
    page.get_by_role("searchbox").fill("nothing")
    assert (column(page, 1), status.inner_text()) == ([], "none")


def test_a_figure_opens_grows_and_closes(opened):
    image = f'<img alt="A bar" width="200" height="100" src="{DRAWN}">'
    page = opened(f'<a class="figure" href="{DRAWN}">{image}</a>', "figures.js")
    page.locator("a").press("Enter")
    shown = page.locator("dialog img")
    fitted = shown.bounding_box()["width"]
    assert fitted == pytest.approx(400, abs=1)
    page.keyboard.press("+")
    assert shown.bounding_box()["width"] == pytest.approx(1.25 * fitted, abs=1)
    page.keyboard.press("-")
    page.keyboard.press("-")
    assert shown.bounding_box()["width"] == pytest.approx(fitted, abs=1)
    page.keyboard.press("Escape")
    assert not page.locator("dialog").is_visible()
    assert page.evaluate("document.activeElement.className") == "figure"


def test_a_link_to_a_folded_section_opens_it(opened):
    aside = '<details class="aside"><summary><h2>Checks</h2></summary><p>Passed.</p></details>'
    page = opened(f'<a href="#checks">Checks</a><section id="checks">{aside}</section>', "folds.js")
    assert not page.locator("p").is_visible()
    page.locator("a").press("Enter")
    page.locator("p").wait_for()  # the address changes before the page hears of it


def test_what_scrolls_is_measured_again_once_its_fold_is_open(opened):
    page = opened("<details><summary>More</summary><p>Wide</p></details>", "folds.js")
    page.evaluate("addEventListener('resize', () => { document.body.dataset.measured = ''; })")
    page.locator("summary").press("Enter")
    page.locator("body[data-measured]").wait_for()


TERM = (
    '<p style="margin: 120px 0 0 300px">An <a href="#term" data-card="Units that answer to one class.">'
    'ensemble</a>.</p><p><a href="#">Another</a></p><div style="height: 900px"></div>'
)


def test_a_card_says_what_a_link_leads_to(opened):
    page = opened(TERM, "cards.js")
    link, card = page.locator("a[data-card]"), page.get_by_role("tooltip")
    link.hover()
    assert card.inner_text() == "Units that answer to one class."
    assert link.get_attribute("aria-describedby") == card.get_attribute("id")
    box = card.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 400  # the link is at the edge of the screen
    page.mouse.move(5, 5)
    card.wait_for(state="detached")
    link.focus()
    assert card.count() == 1
    page.keyboard.press("Escape")
    assert card.count() == 0
    assert link.get_attribute("aria-describedby") is None
    link.hover()
    card.hover()  # it can be pointed at, and copied from
    page.wait_for_timeout(400)
    assert card.count() == 1
    page.evaluate("scrollTo(0, 100)")
    card.wait_for(state="detached")
