"""One page in the browser: what it asks for, what it complains of, who cannot read it."""

from urllib.parse import unquote, urlsplit

import reading
from access import inaccessible
from pages import Page, Problem
from playwright.sync_api import BrowserContext, ConsoleMessage, Error, Request, Response
from playwright.sync_api import Page as Tab

WIDE, PHONE = {"width": 1280, "height": 800}, {"width": 375, "height": 667}
TIMEOUT = 60_000  # ms for anything; half a second is usual, on a busy machine several

# Nothing may be missed because it is folded, waits for being scrolled to, or fades in.
UNFOLD = """() => {
  document.querySelectorAll('[loading=lazy]').forEach((node) => { node.loading = 'eager'; });
  document.querySelectorAll('details').forEach((node) => { node.open = true; });
  document.querySelectorAll('.toggle-hidden').forEach((node) =>
    node.classList.remove('toggle-hidden'));
}"""
STILL = "*, *::before, *::after { transition: none !important; animation: none !important }"

# The elements that stick out furthest, unless a box on the screen scrolls or cuts them by itself.
TOO_WIDE = """() => {
  const root = document.documentElement;
  if (root.scrollWidth <= innerWidth) return null;
  const right = (node) => {  // of what is in it, where that sticks out
    const box = node.getBoundingClientRect();
    return getComputedStyle(node).overflowX === 'visible'
      ? Math.max(box.right, box.left + node.scrollWidth) : box.right;
  };
  const kept = (node) => {
    if (getComputedStyle(node).position === 'fixed') return true;
    const up = node.parentElement;
    if (!up || up === document.body) return false;
    return (getComputedStyle(up).overflowX !== 'visible' && right(up) <= innerWidth + 1) || kept(up);
  };
  const out = [...document.body.querySelectorAll('*')]
    .filter((node) => right(node) > innerWidth + 0.5 && !kept(node));
  const furthest = Math.max(...out.map(right));
  const first = out.filter((node) => right(node) > furthest - 1).slice(-2)
    .map((node) => node.cloneNode(false).outerHTML.slice(0, 120));
  return `${root.scrollWidth} px: ${first.join(' ')}`;
}"""

# The theme lets the keyboard into what scrolls a third of a second after the page last changed.
REACHABLE = """async (patience) => {
  const waits = () => [...document.querySelectorAll('[tabindex="-1"]')]
    .some((node) => node.scrollWidth > node.clientWidth);
  const start = performance.now();
  while (waits() && performance.now() - start < patience)
    await new Promise((resolve) => setTimeout(resolve, 20));
}"""
PATIENCE = 2000  # ms, after which it is a problem


class Visit:
    """A page, opened in a tab of its own.

    Parameters
    ----------
    context : BrowserContext
    base : str
        Address of the site.
    page : Page
    """

    def __init__(self, context: BrowserContext, base: str, page: Page) -> None:
        self.context, self.base, self.page = context, base, page
        self.problems: dict[Problem, None] = {}  # each once, in order

    def note(self, kind: str, what: str) -> None:
        """Remember a problem."""
        self.problems[Problem(kind, self.page.name, what)] = None

    def _requested(self, request: Request) -> None:
        self._addressed(request.url)

    def _addressed(self, url: str) -> None:
        parts = urlsplit(url)
        local = parts.netloc == urlsplit(self.base).netloc
        if not local and parts.scheme in ("http", "https", "ws", "wss"):
            self.note("foreign_requests", f"another host: {url}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            self.note("foreign_requests", f"failed, status {response.status}: {response.url}")

    def _failed(self, request: Request) -> None:
        # What a page that is left had still to load was not refused.
        if request.url.startswith(self.base) and request.failure != "net::ERR_ABORTED":
            self.note("foreign_requests", f"failed, {request.failure}: {request.url}")

    def _said(self, message: ConsoleMessage) -> None:
        # Chromium says each failed request in the console, too, where it is no other problem.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.note("console_errors", message.text)

    def run(self) -> list[Problem]:
        """Open the page, look at it in both themes and on a phone, and close it."""
        tab = self.context.new_page()
        tab.set_default_timeout(TIMEOUT)
        tab.on("request", self._requested)
        tab.on("response", self._answered)
        tab.on("requestfailed", self._failed)
        tab.on("websocket", lambda socket: self._addressed(socket.url))
        tab.on("console", self._said)
        tab.on("pageerror", lambda error: self.note("console_errors", f"uncaught: {error}"))
        try:
            self._look(tab)
        except Error as error:
            self.note("console_errors", f"the browser gave up: {error.message.splitlines()[0]}")
        finally:
            tab.close()
        return list(self.problems)

    def _look(self, tab: Tab) -> None:
        tab.set_viewport_size(WIDE)
        tab.goto(self.base + self.page.name)
        sent_on = self.page.redirect and self.page.resolve(self.page.redirect)
        if sent_on:
            tab.wait_for_url(lambda url: unquote(urlsplit(url).path) == f"/{sent_on[0]}")
        tab.add_style_tag(content=STILL)
        tab.evaluate("document.fonts.ready.then(() => null)")
        for kind, what in reading.as_opened(tab, self.page):
            self.note(kind, what)
        tab.set_viewport_size(PHONE)
        closed = tab.evaluate(TOO_WIDE)
        tab.evaluate(UNFOLD)
        too_wide = closed or tab.evaluate(TOO_WIDE)
        if too_wide:
            self.note("sideways_scroll", f"{too_wide}{'' if closed else ' (opened)'}")
        for kind, what in reading.unfolded(tab):
            self.note(kind, what)
        tab.set_viewport_size(WIDE)
        tab.evaluate(REACHABLE, PATIENCE)
        for what in inaccessible(tab):
            self.note("axe_serious", what)
