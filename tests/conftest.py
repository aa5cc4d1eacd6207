"""What every test runs under: no progress bars, a store of its own, properties that repeat.

And who reads the built site, served on this machine, in a browser.

``HYPOTHESIS_PROFILE=search pytest`` looks for counterexamples anew, and longer.
"""

import os
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import settings

from fflib.book import browser as chromium
from fflib.book.build import SITE

ROOT = Path(__file__).resolve().parents[1]

# How long an example takes says something of the machine, nothing of the property.
settings.register_profile("repeat", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeat"))


@pytest.fixture(autouse=True)
def _own_store(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("FFLIB_STORE", str(tmp_path_factory.mktemp("store")))
    monkeypatch.setenv("TQDM_DISABLE", "1")


@pytest.fixture(scope="module")  # as long as it is open, its thread can run no other event loop
def browser():
    """Chromium, driven by Playwright and shut off from other hosts; skipped where one is missing."""
    with ExitStack() as stack:
        try:
            browser = stack.enter_context(chromium.opened())
        except chromium.BrowserError as missing:
            pytest.skip(str(missing))
        yield browser


@pytest.fixture(scope="session")
def site():
    """The folder that FFLIB_SITE names, else where ``make book`` puts the site."""
    named = os.environ.get("FFLIB_SITE")
    folder = Path(named) if named else ROOT / SITE
    if not (folder / "searchindex.js").is_file():
        message = f"needs the built site, which is not in {folder}: make book, or set FFLIB_SITE"
        pytest.fail(message) if named else pytest.skip(message)
    return folder.resolve()


@pytest.fixture(scope="session")
def address(site):
    """Of the site, with a slash at its end."""
    with chromium.serving(site) as base:
        yield f"{base}/"


@pytest.fixture
def opened(browser, address):
    """Opens pages of the site, each for a reader who is new to it.

    Nothing may go wrong once a page is there; what goes wrong in opening it, the audit says.
    """
    contexts, wrong = [], []

    def complained(message):
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            wrong.append(message.text)

    def opener(name="index.html", **options):
        contexts.append(context := browser.new_context(**options))
        page = context.new_page()
        page.goto(address + name)
        if name == "index.html":  # which may only send on
            page.wait_for_selector("article h1")
        page.on("console", complained)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        return page

    yield opener
    for context in contexts:
        context.close()
    assert wrong == []
