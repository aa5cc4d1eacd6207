"""The whole of a built site in a browser: ``python tests/browser/audit.py _build/html --json``.

Every page is opened in headless Chromium over a loopback server, with every other host blocked.
The counts, each of which should be 0 but `pages`:

- ``pages``: html files that were opened, those of ``_modules``, the index and the search included;
- ``foreign_requests``: requests to another host, and requests that failed or had a status from 400
  on (the details say which), each once a page;
- ``console_errors``: errors in the console and uncaught exceptions, failed requests apart;
- ``axe_serious``: rules of axe-core violated with impact serious or critical, in the light and in
  the dark theme, with everything that folds opened;
- ``broken_links``: links within the site, redirects included, to a file or an anchor that is not
  there; found by parsing, not by the browser;
- ``sideways_scroll``: pages wider than a screen of 375 px, with folds closed or opened;
- ``small_figure_text``: figures with text below 9 px on a screen of 390 px;
- ``ascii_minus``: blocks of prose and cells of tables with a hyphen for the sign of a number;
- ``raw_values``: such with ``nan``, ``inf`` or ``None``;
- ``clipped_code``: blocks of code that are wider than their place on a screen of 1440 px;
- ``long_pages``: pages over eight screens of 1440 by 900 px with folds closed, the reference excepted.

``--weights`` counts ``heavy_pages`` instead, over 1.5 MB with their own images as they lie on disk;
``--landing`` measures ``landing_paint_s`` (largest contentful paint, with a processor four times
slower, the median of five) and ``landing_bytes`` (transferred in all, headers included).
Details go to stderr. The exit code is 1 if anything was found, 2 where nothing could be looked at.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatch
from pathlib import Path
from queue import Empty, SimpleQueue

try:
    import landing
    import reading
    from pages import Page, Problem, broken_links, heavy_pages, pages_of
    from visit import Visit

    from fflib.book.browser import BrowserError, opened, serving
except ModuleNotFoundError as missing:
    if __name__ != "__main__":
        raise
    print(f"error: the audit needs {missing.name}: run pip install -e '.[test]'", file=sys.stderr)
    sys.exit(2)

KINDS = (
    *("foreign_requests", "console_errors", "axe_serious", "broken_links", "sideways_scroll"),
    *reading.KINDS,
)
FORGET = "try { localStorage.clear(); } catch { /* a page without an origin */ }"  # each new here
TABS = 3  # side by side: with more, two cores are no faster


class NoSiteError(Exception):
    """There is nothing to look at."""


def audit(pages: list[Page], tabs: int = TABS) -> list[Problem]:
    """Look at every one of some pages of a site.

    Parameters
    ----------
    pages : list of Page
        All of one site, see :func:`pages.pages_of`.
    tabs : int
        How many are open at a time, each in a browser of its own.
    """
    waiting: SimpleQueue[Page] = SimpleQueue()
    for page in pages:
        waiting.put(page)

    def visit() -> list[Problem]:
        problems = []
        with opened() as browser:
            context = browser.new_context()
            context.add_init_script(FORGET)
            while True:
                try:
                    page = waiting.get_nowait()
                except Empty:
                    break
                problems += Visit(context, f"{base}/", page).run()
        return problems

    with serving(pages[0].site) as base, ThreadPoolExecutor(tabs) as pool:
        found = [pool.submit(visit) for _ in range(min(tabs, len(pages)))]
        problems = list(broken_links(pages))
        for some in found:
            problems += some.result()
    return sorted(problems)


def counts(problems: Sequence[Problem], kinds: Sequence[str] = KINDS) -> dict[str, int]:
    """How many of each kind, none included."""
    found = Counter(problem.kind for problem in problems)
    return {kind: found[kind] for kind in kinds}


def measured(site: Path) -> dict[str, float]:
    """Paint and transfer of the landing page."""

    def measure(base: str) -> landing.Landing:
        with opened() as browser:
            return landing.measure(browser, f"{base}/")

    # In a thread of its own, since a thread can drive one browser only.
    with serving(site) as base, ThreadPoolExecutor(1) as pool:
        found = pool.submit(measure, base).result()
    return {"landing_paint_s": round(found.paint, 3), "landing_bytes": found.transferred}


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="audit.py", description="Look at a built site.")
    parser.add_argument("site", type=Path, help="the folder, such as _build/html")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.add_argument("--only", default="*", metavar="GLOB", help="only these pages")
    parser.add_argument("--tabs", type=int, default=TABS, help=f"pages at a time ({TABS})")
    parser.add_argument("--landing", action="store_true", help="measure the landing page instead")
    parser.add_argument("--weights", action="store_true", help="weigh the pages instead")
    arguments = parser.parse_args(argv)
    if arguments.tabs < 1:
        parser.error(f"--tabs must be at least 1, not {arguments.tabs}")
    return arguments


def _look(arguments: argparse.Namespace) -> tuple[dict[str, float], list[Problem]]:
    site = arguments.site.resolve()
    if not (site / "index.html").is_file():
        raise NoSiteError(
            f"{arguments.site} is no site: it has no index.html; make book builds one"
        )
    pages = [page for page in pages_of(site) if fnmatch(page.name, arguments.only)]
    if not pages:
        raise NoSiteError(
            f"{arguments.site} has no page {arguments.only}: --only takes a path in it"
        )
    if arguments.landing:
        found = measured(site)
        limits = {"landing_paint_s": landing.PAINT, "landing_bytes": landing.BYTES}
        return found, [
            Problem(kind, "index.html", f"{found[kind]:g}, the most is {limit:g}")
            for kind, limit in limits.items()
            if found[kind] > limit
        ]
    if arguments.weights:
        problems, kinds = list(heavy_pages(pages)), ["heavy_pages"]
    else:
        problems, kinds = audit(pages, arguments.tabs), list(KINDS)
    return {"pages": len(pages)} | counts(problems, kinds), problems


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; see the module."""
    arguments = _arguments(argv)
    try:
        found, problems = _look(arguments)
    except (NoSiteError, BrowserError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    for problem in problems:
        print(f"{problem.page}: {problem.kind}: {problem.what}", file=sys.stderr)
    if arguments.json:
        print(json.dumps(found))
    else:
        print("\n".join(f"{kind:<18}{value:>12}" for kind, value in found.items()))
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
