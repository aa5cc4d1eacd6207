"""Do the links of the built site to other sites still lead somewhere? ``python tests/links.py SITE``.

It needs a network, so that no test runs it on the book: a workflow does, weekly. Links within the
site are the audit's.
"""

import argparse
import json
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urldefrag

from bs4 import BeautifulSoup

# Some sites turn programs away: the page may well be there.
TURNED_AWAY = {
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.METHOD_NOT_ALLOWED,
    HTTPStatus.NOT_ACCEPTABLE,
    HTTPStatus.TOO_MANY_REQUESTS,
    999,
}
GONE = {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}
HEADERS = {"User-Agent": "Mozilla/5.0 (compatible; weekly link check)", "Accept": "text/html,*/*"}


def outer_links(site):
    """Addresses on other hosts, each with the pages that link to it."""
    found = {}
    for path in sorted(site.rglob("*.html")):
        soup = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        for link in soup.select("a[href^='http:'], a[href^='https:']"):
            address = urldefrag(link["href"]).url
            found.setdefault(address, set()).add(path.relative_to(site).as_posix())
    return found


def ask(address, attempts=3, wait=5, timeout=30):
    """Say what is wrong with an address: nothing, "turned away: ..." or "broken: ..."."""
    wrong = ""
    for attempt in range(attempts):
        if attempt:
            time.sleep(wait)
        request = urllib.request.Request(address, headers=HEADERS)
        try:
            with urllib.request.urlopen(request, timeout=timeout):
                return ""
        except HTTPError as error:
            error.close()
            if error.code in TURNED_AWAY:
                return f"turned away: {error.code}"
            wrong = f"broken: {error.code}"
            if error.code in GONE:
                return wrong
        except (URLError, OSError, ValueError) as error:
            wrong = f"broken: {getattr(error, 'reason', error)}"
    return wrong


def check(site, jobs=8, **options):
    """Ask for every outer link of a site: counts, and what is wrong by address."""
    links = outer_links(site)
    with ThreadPoolExecutor(jobs) as pool:
        answers = dict(zip(links, pool.map(lambda a: ask(a, **options), links), strict=True))
    return {
        "links": len(links),
        "turned_away": sorted(a for a, said in answers.items() if said.startswith("turned away")),
        "broken": {
            address: {"why": said.removeprefix("broken: "), "pages": sorted(links[address])}
            for address, said in answers.items()
            if said.startswith("broken")
        },
    }


def main(argv=None):
    parser = argparse.ArgumentParser(prog="python tests/links.py", description=__doc__)
    parser.add_argument("site", type=Path)
    arguments = parser.parse_args(argv)
    if not (arguments.site / "index.html").is_file():
        print(f"error: no site in {arguments.site}: build it with make book", file=sys.stderr)
        return 2
    result = check(arguments.site)
    print(json.dumps(result, indent=2))
    return 1 if result["broken"] else 0


if __name__ == "__main__":
    sys.exit(main())
