"""A headless Chromium that reaches no other host, for tests of what readers see."""

import shutil

import pytest


@pytest.fixture(scope="session")
def browser():
    """Debian's Chromium, driven by Playwright; tests are skipped where either is missing."""
    api = pytest.importorskip(
        "playwright.sync_api", reason="needs Playwright: pip install playwright"
    )
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    if found is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    with api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found)
        yield chromium
        chromium.close()
