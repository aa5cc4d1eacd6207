"""What every test runs under: no progress bars, a store of its own, properties that repeat.

``HYPOTHESIS_PROFILE=search pytest`` looks for counterexamples anew, and longer.
"""

import os

import chromium
import pytest
from hypothesis import settings

# How long an example takes says something of the machine, nothing of the property.
settings.register_profile("repeat", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeat"))


@pytest.fixture(autouse=True)
def _own_store(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("FFLIB_STORE", str(tmp_path_factory.mktemp("store")))
    monkeypatch.setenv("TQDM_DISABLE", "1")


@pytest.fixture(scope="session")
def browser():
    """Chromium, driven by Playwright and shut off from other hosts; skipped where one is missing."""
    api = pytest.importorskip(
        "playwright.sync_api", reason="needs Playwright: pip install playwright"
    )
    if chromium.find() is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    with api.sync_playwright() as playwright:
        launched = chromium.launch(playwright)
        yield launched
        launched.close()
