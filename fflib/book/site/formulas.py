"""Formulas, set while the pages are built: readers need no script for them.

KaTeX, whose distribution lies in ``katex/``, runs in an embedded interpreter of JavaScript. What it
writes is HTML for the eye and MathML for screen readers.
"""

import json
import re
import shutil
from collections.abc import Callable
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import quickjs
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import SphinxError
from sphinx.util.math import get_node_equation_number, wrap_displaymath

__all__ = ["mathematics", "unnumbered"]

STYLE = "katex/katex.min.css"
NUMBERED = re.compile(r"\\(begin|end)\{(align|alignat|equation|gather|multline)\}")
OLDER_FORMATS = re.compile(r',url\([^)]+\) format\("(?:woff|truetype)"\)')

# The text leaves JavaScript as JSON, since QuickJS hands over no string that it keeps in pieces.
RENDER = "(formula, display) => JSON.stringify(katex.renderToString(formula, " + (
    '{displayMode: display, output: "htmlAndMathml", strict: false}))'
)


@cache
def _katex() -> Callable[[str, bool], str]:
    context = quickjs.Context()
    context.eval(_distribution("katex.min.js"))
    render: Callable[[str, bool], str] = context.eval(RENDER)
    return render


def _distribution(name: str) -> str:
    return files(__package__).joinpath("katex", name).read_text(encoding="utf-8")


def mathematics(formula: str, *, display: bool = False) -> str:
    r"""Set a formula in LaTeX, without delimiters: HTML for the eye, MathML for screen readers.

    With `display` it stands on a line of its own. A formula that KaTeX refuses raises ValueError with
    KaTeX's reason.

    >>> "<mfrac><mi>a</mi><mi>b</mi></mfrac>" in mathematics(r"\frac{a}{b}")
    True
    >>> mathematics(r"\frac{a")
    Traceback (most recent call last):
    ...
    ValueError: ParseError: KaTeX parse error: Unexpected end of input ...
    """
    try:
        return str(json.loads(_katex()(formula, display)))
    except quickjs.JSException as refusal:
        raise ValueError(str(refusal).partition("\n")[0]) from None


def unnumbered(formula: str) -> str:
    r"""Ask for no numbers of KaTeX's: Sphinx numbers equations, over all pages.

    >>> print(unnumbered(r"\begin{align} a \end{align}"))
    \begin{align*} a \end{align*}
    """
    return NUMBERED.sub(r"\\\1{\2*}", formula)


def _set(translator: Any, formula: str, *, display: bool = False) -> str:
    try:
        return mathematics(formula, display=display)
    except ValueError as refusal:
        page = translator.builder.current_docname
        line = " ".join(formula.split())
        raise SphinxError(f"{page}: the formula {line}: {refusal}") from None


def _inline(translator: Any, node: nodes.math) -> None:
    translator.body.append(translator.starttag(node, "span", "", CLASS="math notranslate"))
    translator.body.append(_set(translator, node.astext()) + "</span>")
    raise nodes.SkipNode


def _displayed(translator: Any, node: nodes.math_block) -> None:
    translator.body.append(translator.starttag(node, "div", CLASS="math notranslate"))
    if node["number"]:
        translator.body.append(f'<span class="eqno">({get_node_equation_number(translator, node)})')
        translator.add_permalink_ref(node, "Link to this equation")
        translator.body.append("</span>")
    if node["nowrap"]:
        formula = unnumbered(node.astext())
    else:
        formula = wrap_displaymath(node.astext(), None, False)
    displayed = _set(translator, formula, display=True)
    # What may scroll can be reached by keyboard.
    displayed = displayed.replace('class="katex-display"', 'class="katex-display" tabindex="0"', 1)
    translator.body.append(displayed + "</div>\n")
    raise nodes.SkipNode


def _choose(app: Sphinx, config: Config) -> None:
    config["html_math_renderer"] = "katex"


def _copy_style(app: Sphinx) -> None:
    if app.builder.format == "html":
        static = Path(app.outdir, "_static", "katex")
        with as_file(files(__package__).joinpath("katex")) as katex:
            shutil.copytree(katex / "fonts", static / "fonts", dirs_exist_ok=True)
        style = OLDER_FORMATS.sub("", _distribution("katex.min.css"))
        (static / "katex.min.css").write_text(style, encoding="utf-8")


def _link_style(app: Sphinx, page: str, template: str, context: dict[str, Any], tree: Any) -> None:
    if app.env.get_domain("math").has_equations(page):  # type: ignore[attr-defined]
        app.add_css_file(STYLE)


def setup(app: Sphinx) -> None:
    """Register the renderer with Sphinx, in the place of MathJax."""
    app.add_html_math_renderer("katex", (_inline, None), (_displayed, None))
    app.connect("config-inited", _choose)
    app.connect("builder-inited", _copy_style)
    app.connect("html-page-context", _link_style)
