"""How soon the landing page is seen on a slow machine, and how much is transferred for it."""

import time
from statistics import median
from typing import NamedTuple

from playwright.sync_api import Browser

SLOWER = 4  # times, as a telephone is than the machine of a developer
REPEATS = 5
PAINT, BYTES = 1.5, 1_000_000  # the most that is acceptable, in seconds and bytes

# The browser reports a larger paint as long as there are any; the last one counts.
LARGEST = """() => new Promise((resolve) => {
  let last = null;
  new PerformanceObserver((list) => { last = list.getEntries().at(-1); })
    .observe({type: 'largest-contentful-paint', buffered: true});
  setTimeout(() => resolve(last && performance.timeOrigin + last.startTime), 500);
})"""


class Landing(NamedTuple):
    """Of the landing page: largest contentful paint in seconds, and bytes with headers."""

    paint: float
    transferred: int


def measure(browser: Browser, base: str) -> Landing:
    """Open the landing page in fresh contexts, with nothing in a cache, and take the median.

    Parameters
    ----------
    browser : Browser
    base : str
        Address of the site. Where its landing page sends readers on, that counts too.
    """
    found = [_once(browser, base) for _ in range(REPEATS)]
    return Landing(*(median(values) for values in zip(*found, strict=True)))


def _once(browser: Browser, base: str) -> Landing:
    sizes: list[float] = []
    context = browser.new_context()
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    session.send("Network.enable")
    session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    start = time.time()
    page.goto(f"{base}index.html", wait_until="networkidle")
    painted = page.evaluate(LARGEST)
    context.close()
    return Landing(painted / 1000 - start if painted else float("inf"), int(sum(sizes)))
