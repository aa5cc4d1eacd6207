"""The built site, served on this machine, and a reader who opens its pages."""

import os
from pathlib import Path

import pytest

from fflib.book import SITE
from fflib.browser import serving

ROOT = Path(__file__).resolve().parents[2]


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
    with serving(site) as base:
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
