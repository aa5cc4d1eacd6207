"""What is done to the built pages: formulas, figures, icons, styles, the first page."""

import re
import shutil
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pydata_sphinx_theme
import pytest
from fontTools.ttLib import TTFont

from fflib.book.site.figures import by_night, in_the_dark, least_width, placed, size, slim
from fflib.book.site.formulas import mathematics, unnumbered
from fflib.book.site.front import moved
from fflib.book.site.theme import accessible, labelled
from fflib.book.site.trim import names_in, trimmed

STATIC = Path(__file__).parents[2] / "chapters" / "_static"
EXTENSIONS = [
    f"fflib.book.site.{name}" for name in ("figures", "formulas", "front", "theme", "trim")
]
FRONT = """
Front
=====

Energy is :math:`E = mc^2` here, and :ref:`elsewhere <there>`.

.. math:: a &= b \\\\ c &= d
   :label: both

By :eq:`both` all is well.

.. dropdown:: Solution

   Forty-two.

.. toctree::

   plain
"""
PLAIN = """
.. _there:

Plain
=====

No mathematics.

.. image:: ../dot.png

.. raw:: html

   <table border="1" class="dataframe"><tr><td>1</td></tr></table>
"""


def png(width, height):
    """A black picture, written by hand."""

    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    rows = zlib.compress((b"\0" + bytes(width)) * height)
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


def build(folder, front=FRONT):
    """Build a book of two pages; where it is, and what Sphinx said."""
    source = folder / "source"
    shutil.rmtree(source, ignore_errors=True)
    (source / "pages").mkdir(parents=True)
    (source / "pages" / "front.rst").write_text(front, encoding="utf-8")
    (source / "pages" / "plain.rst").write_text(PLAIN, encoding="utf-8")
    (source / "dot.png").write_bytes(png(3, 2))
    settings = {
        "extensions": ",".join(["sphinx.ext.mathjax", "sphinx_design", *EXTENSIONS]),
        "html_static_path": str(STATIC),
        "html_css_files": "icons.css",
        "html_theme": "sphinx_book_theme",
        "root_doc": "pages/front",
    }
    options = [part for name, value in settings.items() for part in ("-D", f"{name}={value}")]
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-C", *options, source, folder / "site"],
        capture_output=True,
        text=True,
    )
    return folder / "site", done


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The book of two pages, built."""
    site, done = build(tmp_path_factory.mktemp("book"))
    assert done.returncode == 0, done.stderr
    return site


def read(site, page):
    return (site / page).read_text(encoding="utf-8")


def test_a_formula_is_html_and_mathml():
    half = mathematics(r"\frac{1}{2}")
    assert "<mfrac><mn>1</mn><mn>2</mn></mfrac>" in half
    assert 'class="katex-html" aria-hidden="true"' in half
    assert "katex-display" not in half
    assert "katex-display" in mathematics("x", display=True)


@pytest.mark.build
def test_an_equation_has_its_number_and_label(site):
    front = read(site, "pages/front.html")
    assert '<span class="eqno">(1)' in front
    assert 'href="#equation-both"' in front
    assert 'id="equation-both"' in front
    assert "<mtable" in front  # aligned, as it was written


@pytest.mark.parametrize("environment", ["align", "gather", "equation", "alignat"])
def test_only_sphinx_numbers_equations(environment):
    # KaTeX's own numbers come from a style, which counts those of one page.
    arguments = "{1}" if environment == "alignat" else ""
    formula = rf"\begin{{{environment}}}{arguments} a \end{{{environment}}}"
    assert "eqn-num" in mathematics(formula, display=True)
    assert "eqn-num" not in mathematics(unnumbered(formula), display=True)


@pytest.mark.build
def test_a_refused_formula_names_page_and_formula(tmp_path):
    front = FRONT.replace("E = mc^2", r"E = \nosuch")
    _, done = build(tmp_path, front)
    assert done.returncode
    [line] = [line for line in done.stderr.splitlines() if "nosuch" in line]
    assert "pages/front: the formula" in line
    assert "Undefined control sequence" in line


@pytest.mark.build
def test_only_pages_with_formulas_load_their_style(site):
    assert "katex.min.css" in read(site, "pages/front.html")
    assert "katex.min.css" not in read(site, "pages/plain.html")
    style = read(site, "_static/katex/katex.min.css")
    named = set(re.findall(r"url\(([^)]+)\)", style))
    assert named
    assert all(name.endswith(".woff2") for name in named)
    assert all((site / "_static" / "katex" / name).is_file() for name in named)


@pytest.mark.build
def test_nothing_comes_from_another_host(site):
    loaded = re.compile(r"""<(?:script|link|img|iframe)\b[^>]*(?:src|href)=["'](?:https?:)?//""")
    for page in site.rglob("*.html"):
        assert not loaded.search(page.read_text(encoding="utf-8")), page.name
    for style in site.rglob("*.css"):
        assert not re.search(r"(?:url\(|@import )[\"']?(?:https?:)?//", style.read_text())


@pytest.mark.build
def test_every_file_that_a_page_loads_is_there(site):
    for page in site.rglob("*.html"):
        for path in re.findall(
            r'<(?:script|link|img)\b[^>]*(?:src|href)="([^"?#:]+)', page.read_text()
        ):
            assert (page.parent / path).exists(), f"{page.name}: {path}"


@pytest.mark.build
def test_the_first_page_is_the_site_itself(site):
    index, front = read(site, "index.html"), read(site, "pages/front.html")
    assert "http-equiv" not in index
    assert 'href="pages/plain.html#there"' in index
    assert 'src="_static/' in index
    assert '<link rel="canonical" href="../index.html"' in front
    # Links to it lead to the address of the site.
    assert "front.html" not in read(site, "pages/plain.html")


def test_moved_leaves_what_is_not_relative():
    page = '<a href="#a"><a href="https://b.c/d"><a href="mailto:e@f"><img src="/g.png">'
    assert moved(page, "pages/front.html", "index.html") == page


@pytest.mark.build
def test_a_dropdown_folds_without_a_script(site):
    front = read(site, "pages/front.html")
    fold = re.search(r"<details[^>]*>\s*<summary.*?Solution.*?</summary>.*?</details>", front, re.S)
    assert fold
    assert "Forty-two" in fold[0]
    assert "onclick" not in fold[0]


@pytest.mark.build
def test_what_stands_on_a_page_twice_is_built_once(site):
    # The second build changes nothing that the first has changed already.
    before = {page: page.read_text(encoding="utf-8") for page in site.rglob("*.html")}
    for page, text in before.items():
        assert accessible(text) == text, page.name
        assert labelled(text) == text, page.name
        assert placed(text, page.parent) == text, page.name


def test_images_keep_their_place_and_wait(tmp_path):
    (tmp_path / "a.png").write_bytes(png(3, 2))
    (tmp_path / "b.svg").write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" width="72pt" height="36pt"/>'
    )
    assert size(tmp_path / "b.svg") == (96, 48)  # a point is 4/3 pixels
    page = placed('<img src="a.png"><img src="b.svg"><img src="c.png">', tmp_path)
    assert page == (
        '<img width="3" height="2" src="a.png">'
        '<img width="96" height="48" loading="lazy" src="b.svg"><img src="c.png">'
    )


def test_a_slim_figure_draws_the_same_to_a_hundredth_of_a_point():
    svg = (
        "<svg><!-- words --><metadata>\n<x/>\n</metadata>\n"
        '<path d="M 1.239999 2 \nL -0.123456 3e1 \nz\n" transform="scale(0.015625)"/>\n'
        '<use x="1.999999" y="2"/></svg>'
    )
    assert slim(svg) == (
        '<svg><path d="M1.24 2L-0.12 30z" transform="scale(0.015625)"/><use x="2" y="2"/></svg>'
    )
    assert slim(slim(svg)) == slim(svg)


def test_trimming_keeps_what_is_used_and_drops_what_is_not():
    names = names_in(['<p class="used" id="here">'], ['list.add("added")'])
    kept = trimmed(
        ".used:hover, .unused { top: 0 } #here > p { top: 1px } #gone { top: 2px } .added { top: 3px }"
        " p:not(.unused) { top: 4px } @media print { .used { top: 5px } .unused { top: 6px } }"
        " @media (min-width: 1px) { .unused { top: 7px } } .used .unused { top: 8px }"
        " a[href='.unused'] { top: 9px }",
        names,
    )
    assert re.findall(r"top: (\d)", kept) == ["0", "1", "3", "4", "5", "9"]
    assert ".unused {" not in kept
    assert trimmed(kept, names) == kept


@pytest.mark.build
def test_the_icons_of_pages_and_of_the_themes_scripts_are_drawn(site):
    style = read(site, "_static/icons.css")
    texts = [page.read_text() for page in site.rglob("*.html")]
    texts += [script.read_text() for script in site.glob("_static/scripts/*.js")]
    asked = {
        name
        for text in texts
        for classes in re.findall(r'class=["\']([^"\']*\bfa-[^"\']*)["\']', text)
        for name in classes.split()
        if name.startswith("fa-")
    }
    assert {"fa-bars", "fa-moon"} <= asked
    for name in asked - {"fa-lg"}:
        assert f".{name}" in style, name
    assert not list(site.rglob("fontawesome*"))


@pytest.mark.build
def test_the_letters_of_the_themes_styles_are_in_the_font(site):
    assert "url(icons.woff)" in read(site, "_static/icons.css")
    assert "vendor/fontawesome" not in read(site, "_static/styles/pydata-sphinx-theme.css")
    with TTFont(site / "_static" / "icons.woff") as font:
        drawn = {chr(code) for code in font.getBestCmap()}
    theme = Path(pydata_sphinx_theme.__file__).parent / "theme" / "pydata_sphinx_theme" / "static"
    whole = (theme / "styles" / "pydata-sphinx-theme.css").read_text(encoding="utf-8")
    assert set(re.findall(r'--pst-icon-(?!git)[\w-]+:\s*"([^"\\])"', whole)) <= drawn
    assert (site / "_static" / "icons.woff").stat().st_size < 10_000


@pytest.mark.build
def test_pages_load_the_scripts_that_they_use_once_they_are_read(site):
    for name in ("pages/front.html", "pages/plain.html", "genindex.html"):
        scripts = re.findall(r"<script\b[^>]*src=[^>]*>", read(site, name))
        assert scripts
        idle = re.compile(
            "searchtools|searchindex|design-tabs|togglebutton|thebe|[Mm]ath[Jj]ax|require"
        )
        assert not any(idle.search(script) for script in scripts)
        waiting = [script for script in scripts if "documentation_options" not in script]
        assert all("defer" in script for script in waiting)
        assert not re.search(r'<link [^>]*rel="preload"', read(site, name))
        assert "ethical" not in read(site, name)
        assert read(site, name).count('name="viewport"') == 1


@pytest.mark.build
def test_the_search_has_its_scripts_in_order(site):
    scripts = re.findall(r'<script\b([^>]*)src="([^"?]*)', read(site, "search.html"))
    names = [name.rpartition("/")[2] for _, name in scripts]
    assert (
        names.index("doctools.js") < names.index("searchtools.js") < names.index("searchindex.js")
    )
    # What the search needs at once does not wait.
    assert not any("defer" in tag for tag, name in scripts if name.endswith("tools.js"))


@pytest.mark.build
def test_tables_scroll_in_a_box_once(site):
    plain = read(site, "pages/plain.html")
    assert 'container"><table class="dataframe">' in plain
    grid = '<table class="grid"></table><script>"<table></table>"</script>'
    assert accessible(grid) == grid


DRAWN = (
    '<svg width="200pt" height="50pt"><g id="QuadMesh_1"><path style="fill: #440154"/></g>'
    '<path style="fill: #ffffff; stroke: #5e3c99"/><g style="fill: #222222" '
    'transform="translate(1 2) scale(0.06 -0.06)"/><g transform="scale(0.1 -0.1)"/></svg>'
)


def test_a_figure_keeps_the_width_at_which_its_smallest_text_is_9_pixels():
    assert least_width(DRAWN) == 300  # 6 of 200 points
    assert least_width('<svg width="200pt"></svg>') is None
    assert least_width('<svg viewBox="0 0 1 1"><g transform="scale(0.1 -0.1)"/></svg>') is None


def test_a_figure_scrolls_in_a_link_that_opens_it(tmp_path):
    (tmp_path / "a.svg").write_text(DRAWN)
    page = placed('<img alt="A" src="a.svg"/>', tmp_path)
    assert page.startswith('<a class="figure" href="a.svg"><img')
    assert 'style="min-width: 300px"' in page
    assert placed(page, tmp_path) == page  # pages that are not written again


def test_a_dark_figure_has_other_greys_and_lighter_hues():
    dark = in_the_dark(DRAWN)
    assert in_the_dark(dark) == dark
    assert '[style*="fill: #222222"]:not([id^=QuadMesh] *, [id^=on-colour] *){fill:#cacaca' in dark
    assert '[style*="stroke: #5e3c99"]' in dark


@pytest.mark.parametrize("colour", ["000000", "222222", "440154", "5e3c99", "00ff00", "ff0000"])
def test_lines_are_seen_in_the_dark(colour):
    def light(hue):
        parts = [int(hue[i : i + 2], 16) / 255 for i in (0, 2, 4)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return linear @ np.array([0.2126, 0.7152, 0.0722]) + 0.05

    assert light(by_night(colour)) / light("121212") >= 3  # WCAG 2.2, 1.4.11


def test_what_unfolds_a_part_of_the_contents_says_which():
    fold = '<a class="reference internal" href="api.html">API</a><details>{}<span class="toctree-toggle"'
    assert labelled(fold.format("<summary>")) == fold.format(
        '<summary aria-label="Pages under API">'
    )


@pytest.mark.build
def test_one_button_opens_each_side_bar(site):
    # The theme's script takes the first of its kind on the page.
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert text.count("sidebar-toggle primary-toggle") <= 1
        assert text.count("sidebar-toggle secondary-toggle") <= 1
        assert re.search(r'<header [^>]*id="pst-header"[^>]*></header>', text)
