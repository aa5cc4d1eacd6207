"""What is done to the built pages: formulas, figures, icons, styles, the first page."""

import re
import shutil
import struct
import subprocess
import sys
import zlib

import pytest

from fflib.book.site.accessible import mended
from fflib.book.site.figures import placed, size, slim
from fflib.book.site.formulas import mathematics, unnumbered
from fflib.book.site.front import moved
from fflib.book.site.icons import icon_style, used_icons
from fflib.book.site.lean import without_ballast
from fflib.book.site.sources import resolved
from fflib.book.site.trim import names_in, trimmed

EXTENSIONS = [
    f"fflib.book.site.{name}"
    for name in (
        "accessible",
        "figures",
        "folds",
        "formulas",
        "front",
        "icons",
        "lean",
        "sources",
        "trim",
    )
]
FRONT = """
Front
=====

Energy is :math:`E = mc^2` here, and :ref:`elsewhere <there>`.

.. math:: a &= b \\\\ c &= d
   :label: both

By :eq:`both` all is well.

.. admonition:: Solution
   :class: dropdown

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
        "extensions": ",".join(["sphinx.ext.mathjax", "sphinx_togglebutton", *EXTENSIONS]),
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
    fold = re.search(r"<details[^>]*>\s*<summary[^>]*>Solution</summary>.*?</details>", front, re.S)
    assert fold
    assert "Forty-two" in fold[0]
    assert "toggle" not in " ".join(re.findall(r"<script[^>]*>", front))


@pytest.mark.build
def test_what_stands_on_a_page_twice_is_built_once(site):
    # The second build changes nothing that the first has changed already.
    before = {page: page.read_text(encoding="utf-8") for page in site.rglob("*.html")}
    for page, text in before.items():
        assert mended(text) == text, page.name
        assert without_ballast(text) == text, page.name
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


def test_an_icon_is_drawn_from_its_family():
    library = (
        'var p={file:[1,2,[],"f15b","M1"]};d("fa-regular",p);'
        'var p={file:[3,4,[128196,"page"],"f15b","M2"]};d("fa-solid",p)'
    )
    icons = used_icons(['<i class="fas fa-file fa-lg">', "<i class='far fa-file'>"])
    style = icon_style(library, icons)
    assert re.findall(r"\.(fa-\w+)\.fa-file.*?d=%22(M\d)", style) == [
        ("fa-regular", "M1"),
        ("fa-solid", "M2"),
    ]


@pytest.mark.build
def test_the_icons_of_the_theme_are_drawn(site):
    style = read(site, "_static/icons.css")
    for family, name in used_icons(page.read_text() for page in site.rglob("*.html")):
        assert f".{family}.fa-{name}" in style
    assert not list(site.rglob("fontawesome*"))
    # The letters that the theme's style writes, in a font of their own.
    assert "url(../icons.woff)" in read(site, "_static/styles/pydata-sphinx-theme.css")
    assert 0 < (site / "_static" / "icons.woff").stat().st_size < 10_000


def test_scripts_that_set_options_run_before_those_that_wait():
    page = '<script src="documentation_options.js"></script><script src="a.js"></script>'
    assert without_ballast(page).count("defer") == 1
    assert "searchtools" not in without_ballast('<script src="searchtools.js"></script>')
    assert "searchtools" in without_ballast(
        '<div id="search-results"></div><script src="searchtools.js"></script>'
    )


@pytest.mark.build
def test_tables_scroll_in_a_box_once(site):
    plain = read(site, "pages/plain.html")
    assert 'container"><table class="dataframe">' in plain
    grid = '<article><table class="grid"></table><script>"<table></table>"</script></article>'
    assert mended(grid) == grid


def test_what_unfolds_a_part_of_the_contents_says_which():
    fold = '<a class="reference internal" href="api.html">API</a><details>{}<span class="toctree-toggle"'
    assert mended(fold.format("<summary>")) == fold.format('<summary aria-label="Pages under API">')


@pytest.mark.build
def test_one_button_opens_each_side_bar(site):
    # The theme's script takes the first of its kind on the page.
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert text.count("sidebar-toggle primary-toggle") <= 1
        assert 'id="pst-header"' in text


def test_links_of_sources_that_lead_nowhere_are_taken_out(tmp_path):
    (tmp_path / "api.html").write_text('<dt id="there">', encoding="utf-8")
    back = '<a class="viewcode-back" href="api.html#{}">[docs]</a>'
    page = f'{back.format("there")}{back.format("gone")}<li><a href="none.html">x</a></li>'
    assert resolved(page, tmp_path) == back.format("there")
