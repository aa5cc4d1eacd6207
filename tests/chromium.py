"""Debian's Chromium for the tests, shut off from every host but this machine."""

import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Playwright

NO_OTHER_HOST = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"


def find() -> str | None:
    """Where Chromium is, or None where it is not installed."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)


def launch(playwright: "Playwright") -> "Browser":
    """Start it without a window; every name but that of this machine is unknown to it."""
    return playwright.chromium.launch(executable_path=find(), args=[NO_OTHER_HOST])
