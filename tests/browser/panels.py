"""Panels of explorers: on a page of their own, what they say of themselves, how a reader chooses."""

import re
from contextlib import contextmanager

import numpy as np

# The theme's variables in the dark, as the book's pages have them.
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Explorers</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>
html[data-theme="dark"] {{ --pst-color-text-base: #ced6dd; --pst-color-background: #14181e;
  --pst-color-border: #48566b; background: #14181e; color: #ced6dd }}
</style></head><body><main><h1>Explorers</h1>{}</main></body></html>"""


def written(folder, *panels):
    """Write a page of panels into a folder; its address."""
    path = folder / "index.html"
    path.write_text(PAGE.format("".join(panel.data for panel in panels)), encoding="utf-8")
    return path.as_uri()


@contextmanager
def opening(browser, address):
    """A function that opens a page in a context of one's own; nothing may fail or reach another host."""
    contexts, wrong = [], []

    def opener(theme="light", **options):
        contexts.append(context := browser.new_context(**options))
        page = context.new_page()
        page.on("console", lambda message: message.type == "error" and wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda r: r.url.startswith("http") and wrong.append(r.url))
        page.goto(address)
        if options.get("java_script_enabled", True):
            page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
        return page

    yield opener
    for context in contexts:
        context.close()
    assert wrong == []


def said(panel):
    """The data attributes of a panel."""
    return panel.evaluate("(node) => ({...node.dataset})")


def whole(text):
    return [int(number) for number in text.split()]


def choose(panel, **choices):
    for name, choice in choices.items():
        panel.locator(f"select.{name}").select_option(**choice)


def contrast(one, other):
    """Contrast of two colours, by the definition of WCAG 2."""

    def luminance(colour):
        parts = np.array([float(part) for part in re.findall(r"[\d.]+", colour)[:3]]) / 255
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return linear @ [0.2126, 0.7152, 0.0722]

    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


def assert_fits_and_is_read(panel):
    """It is no wider than its screen and its place, and its text stands out from its ground."""
    assert panel.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert panel.evaluate("(node) => node.scrollWidth <= node.clientWidth")
    ink, paper = panel.evaluate(
        "(node) => [getComputedStyle(node).color, getComputedStyle(node).backgroundColor]"
    )
    assert contrast(ink, paper) >= 7
