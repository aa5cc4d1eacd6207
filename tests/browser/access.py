"""Who cannot read a page: axe-core, in the light and the dark theme.

Contrast is what takes axe its time, and the pages of code have tens of thousands of words in a few
colours. So contrast is measured where the colour, the size and what lies behind are new.
"""

from collections.abc import Iterator
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page as Tab

IMPACTS = ("serious", "critical")
THEMES = ("light", "dark")
EACH = 2  # elements for every combination, in case one has something else lying over it

# What depends on the theme is looked at again in the second one.
OF_THEME = ["color-contrast", "link-in-text-block", "image-alt", "svg-img-alt", "link-name"]

SAMPLE = """(each) => {
  const behind = new Map([[document.documentElement, '']]);
  const seen = new Map();
  document.querySelectorAll('[data-sample]').forEach((node) => delete node.dataset.sample);
  for (const node of document.body.parentElement.querySelectorAll('body, body *')) {
    const style = getComputedStyle(node);
    const own = style.backgroundColor === 'rgba(0, 0, 0, 0)' && style.backgroundImage === 'none'
      && style.opacity === '1' && /static|relative/.test(style.position) ? ''
      : [style.backgroundColor, style.backgroundImage, style.opacity, style.position].join();
    behind.set(node, (behind.get(node.parentElement) ?? '') + own);
    const written = node.matches('input, select, textarea')
      || [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim());
    if (!written || !node.checkVisibility({visibilityProperty: true})) continue;
    const key = [style.color, style.fontSize, style.fontWeight, style.textShadow,
      node.closest('a, button') ? 'link' : '', behind.get(node)].join();
    seen.set(key, (seen.get(key) ?? 0) + 1);
    if (seen.get(key) <= each) node.dataset.sample = '';
  }
  axe.configure({rules: [{id: 'color-contrast', selector: '[data-sample]'}]});
}"""


def inaccessible(tab: Tab) -> Iterator[str]:
    """What is serious or critical on a page, with the first places."""
    tab.evaluate(Axe().axe_script)
    for theme in THEMES:
        tab.emulate_media(color_scheme=theme)
        tab.evaluate("(theme) => { document.documentElement.dataset.theme = theme; }", theme)
        tab.evaluate(SAMPLE, EACH)
        options: dict[str, Any] = {"resultTypes": ["violations"], "preload": False}
        if theme != THEMES[0]:
            options["runOnly"] = OF_THEME
        found = tab.evaluate("(options) => axe.run(options)", options)
        for violation in found["violations"]:
            if violation["impact"] in IMPACTS:
                yield f"{theme}: {described(violation)}"


def described(violation: dict[str, Any]) -> str:
    """A violation as a line."""
    nodes = violation["nodes"]
    where = "; ".join(
        f"{node['target'][-1]} {node['html'][:100]} ({_why(node)})" for node in nodes[:3]
    )
    return f"{violation['id']}, places: {len(nodes)}: {where}".replace("\n", " ")


def _why(node: dict[str, Any]) -> str:
    return next((check["message"] for check in node["any"] + node["all"] + node["none"]), "")
