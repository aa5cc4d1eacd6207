"""The panel that trains: it learns within seconds, and does what its sliders say."""

import numpy as np
import pytest
from access import inaccessible
from panels import assert_fits_and_is_read, opening, said, written

from fflib.book.explorers.learning import explore_learning

PANEL = "[data-explorer=learning]"
SECONDS, ACCURATE = 20, 0.9
STATE = f"document.querySelector('{PANEL}').dataset"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return written(tmp_path_factory.mktemp("site"), explore_learning())


@pytest.fixture
def opened(browser, site):
    with opening(browser, site) as opener:
        yield opener


def train(panel, until, seconds=SECONDS):
    panel.get_by_role("button", name="Train").click()
    panel.page.wait_for_function(until, timeout=1000 * seconds)
    stop = panel.get_by_role("button", name="Stop")
    if stop.count():
        stop.click()


def test_both_networks_learn_within_seconds(opened):
    panel = opened().locator(PANEL)
    before = said(panel)
    assert before["epoch"] == "0"
    assert max(float(before["ff"]), float(before["bp"])) < 0.4  # chance is 0.1
    # On idle cores within SECONDS; tests beside this one take their share of them.
    train(panel, f"Math.min({STATE}.ff, {STATE}.bp) >= {ACCURATE}", 3 * SECONDS)
    after = said(panel)
    assert min(float(after["ff"]), float(after["bp"])) >= ACCURATE
    sparse = np.array(after["sparse"].split(), dtype=float)
    assert sparse.shape == (4,)
    assert ((sparse > 0) & (sparse < 1)).all()
    assert f"{float(after['ff']):.2f} of the test digits" in panel.locator(".said").inner_text()


def test_the_same_settings_train_the_same_network(opened):
    panel = opened().locator(PANEL)
    found = []
    for _ in range(2):
        train(panel, f"{STATE}.epoch >= 1")
        if said(panel)["epoch"] == "1":
            found.append(said(panel)["ff"])
        panel.get_by_role("button", name="Start again").click()
        assert said(panel)["epoch"] == "0"
    assert len(set(found)) <= 1


def test_the_sliders_are_moved_by_keys_and_matter(opened):
    panel = opened().locator(PANEL)
    for name, text in (("rate", "0.0001"), ("theta", "0.5"), ("redrawn", "0 %")):
        slider = panel.locator(f"input.{name}")
        slider.focus()
        slider.press("Home")
        assert panel.locator(f".{name}-now").inner_text() == text
    train(panel, f"{STATE}.epoch >= 1")
    assert float(said(panel)["bp"]) < ACCURATE  # so slow a rate has learned little after an epoch


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_the_panel_fits_the_screen_and_is_read_in_either_theme(opened, theme, width):
    panel = opened(theme, viewport={"width": width, "height": 900}).locator(PANEL)
    assert_fits_and_is_read(panel)


def test_everybody_can_read_it(opened):
    assert list(inaccessible(opened().locator(PANEL).page)) == []


def test_without_scripts_the_table_remains(opened):
    page = opened(java_script_enabled=False)
    assert page.locator(PANEL).is_hidden()
    page.locator("details.fflib-table summary").click()
    assert page.locator("details.fflib-table tbody tr").count() == 2
