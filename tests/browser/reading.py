"""How a page reads: too small on a phone, cut off on a desk, too long, or in a computer's words."""

import re
from collections.abc import Iterator

from pages import Page
from playwright.sync_api import Page as Tab

KINDS = ("small_figure_text", "ascii_minus", "raw_values", "clipped_code", "long_pages")
DESK, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
SMALLEST = 9  # px of CSS
SCREENS = 8
LOOKED_UP = ("chapters/reference/", "_modules/", "genindex", "py-modindex", "search")  # not read

# Matplotlib draws text as outlines: the scale of a text is a hundredth of its size in points.
SMALLEST_TEXT = """async () => {
  const drawn = [...document.querySelectorAll('img')]
    .filter((image) => /\\.svg|^data:image\\/svg/.test(image.src))
    .map(async (image) => {
      const source = await (await fetch(image.src)).text();
      const width = parseFloat(source.match(/<svg[^>]*\\swidth="([\\d.]+)/)?.[1]);
      const points = [...source.matchAll(/scale\\(([\\d.]+)[ ,]-/g)].map((found) => 100 * found[1]);
      return [image.src.split('/').at(-1).slice(0, 60),
        Math.min(...points) * image.getBoundingClientRect().width / width];
    });
  const written = [...document.querySelectorAll('svg text')].filter((text) => text.textContent.trim())
    .map((text) => [text.textContent.trim(),
      parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a]);
  return [...await Promise.all(drawn), ...written].filter(([, size]) => size > 0);
}"""

# What is neither code nor a formula, block by block, so that the sign of a number is seen with what
# stands before it.
PROSE = """() => {
  const own = 'pre, code, kbd, samp, script, style, math, .katex, dl.py, option';
  const blocks = 'p, li, td, th, dt, dd, figcaption, summary, h1, h2, h3, h4, div, details, main';
  const said = new Map();
  const walk = document.createTreeWalker(document.querySelector('main') ?? document.body, 4);
  while (walk.nextNode()) {
    const node = walk.currentNode.parentElement;
    const block = node.closest(blocks) ?? node;
    const text = node.closest(own) ? '\\u00a7' : walk.currentNode.data;
    said.set(block, (said.get(block) ?? '') + text);
  }
  return [...said.values()].map((text) => text.replace(/\\s+/g, ' ').trim()).filter(Boolean);
}"""
MINUS = re.compile(r"(?<![\w)\]§])-(?=\.?\d)|(?<=\d[eE])-(?=\d)")
# "None" may also begin a sentence.
RAW = re.compile(r"\b(?:nan|NaN|NaT|inf)\b|(?<![.:;!?] )(?<!^)\bNone\b|\bNone\b(?![.,]| [a-z])")

CLIPPED = """() => [...document.querySelectorAll('pre')]
  .filter((box) => box.scrollWidth > box.clientWidth + 1 && box.clientWidth)
  .map((box) => `${box.scrollWidth} in ${box.clientWidth} px: ${box.textContent.trim().slice(0, 60)}`)"""


def as_opened(tab: Tab, page: Page) -> Iterator[tuple[str, str]]:
    """What is too long of a page as it is opened, with its folds closed."""
    tab.set_viewport_size(DESK)
    screens = tab.evaluate("document.documentElement.scrollHeight") / DESK["height"]
    if screens > SCREENS and not page.name.startswith(LOOKED_UP):
        yield "long_pages", f"{screens:.1f} screens"


def unfolded(tab: Tab) -> Iterator[tuple[str, str]]:
    """What cannot be read of a page, or reads like a computer's, with its folds opened."""
    tab.set_viewport_size(DESK)
    for clipped in tab.evaluate(CLIPPED):
        yield "clipped_code", clipped
    said = tab.evaluate(PROSE)
    for kind, pattern in (("ascii_minus", MINUS), ("raw_values", RAW)):
        for text in said:
            if found := pattern.search(text):
                yield kind, text[max(0, found.start() - 30) : found.end() + 30]
    tab.set_viewport_size(PHONE)
    for figure, size in tab.evaluate(SMALLEST_TEXT):
        if size < SMALLEST:
            yield "small_figure_text", f"{size:.1f} px: {figure}"
