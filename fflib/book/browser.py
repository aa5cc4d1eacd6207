"""Chromium as it prints and tries the book: over a loopback server, with no other host in reach."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

from fflib.errors import FflibError

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Route

NO_OTHER_HOST = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"

__all__ = ["BrowserError", "confine", "find", "opened", "serving"]

NAMES = (
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),
    *(f"/Applications/{name}.app/Contents/MacOS/{name}" for name in ("Chromium", "Google Chrome")),
)


class BrowserError(FflibError):
    """A browser, or what drives it, that is not on this machine."""


def find() -> str:
    """Find the path of Chromium, or of Chrome, which is Chromium under another name.

    Raises BrowserError where there is none.
    """
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        raise BrowserError("no Chromium on this machine: apt-get install chromium, or any Chrome")
    return found


@contextmanager
def opened() -> Iterator["Browser"]:
    """Open Chromium without a window, driven by Playwright, and close it afterwards.

    Every name but that of this machine is unknown to it. Raises BrowserError where Chromium or Playwright
    is missing.
    """
    path = find()
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        message = "no Playwright in this environment: run pip install -e '.[test]' in the clone"
        raise BrowserError(message) from None
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[NO_OTHER_HOST])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve a folder to this machine alone, and yield the address, without a slash at its end."""
    server = _Server(("127.0.0.1", 0), partial(_Handler, directory=str(folder)))
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    def handle_error(self, *args: Any) -> None:
        """Ignore a browser that hangs up as it leaves a page, which is no error."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(*args)


class _Handler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # one connection for many files, as real servers have it

    def log_message(self, *args: object) -> None:
        """Say nothing: a page that asks in vain is the caller's to notice."""


def confine(context: "BrowserContext", address: str) -> list[str]:
    """Let pages reach one address, as :func:`serving` gives it, and nothing else.

    Return what pages have asked of others, a list that grows as they do.
    """
    refused: list[str] = []

    def decide(route: "Route") -> None:
        if route.request.url.startswith(f"{address}/"):
            route.continue_()
        else:
            refused.append(route.request.url)
            route.abort()

    context.route("**/*", decide)
    return refused
