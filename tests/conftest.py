"""What every test runs under: no progress bars, a store of its own, properties that repeat.

``HYPOTHESIS_PROFILE=search pytest`` looks for counterexamples anew, and longer.
"""

import os
from contextlib import ExitStack

import pytest
from hypothesis import settings

from fflib.browser import BrowserError, opened

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
    with ExitStack() as stack:
        try:
            browser = stack.enter_context(opened())
        except BrowserError as missing:
            pytest.skip(str(missing))
        yield browser
