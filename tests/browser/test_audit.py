"""The audit finds each kind of problem where one is planted, and nothing on a clean page."""

import json
import re
import subprocess
import sys

import audit
import pytest
from audit import KINDS, counts
from pages import HEAVY, broken_links, heavy_pages, pages_of

import fflib.book.browser

HEAD = (
    '<meta charset="utf-8"><title>Page</title><meta name="viewport" content="width=device-width">'
)
CLEAN = f"""<!doctype html><html lang="en"><head>{HEAD}<style>
img {{{{ width: 20px }}}} @media (prefers-color-scheme: dark) {{{{
  body {{{{ background: #111; color: #eee }}}} a {{{{ color: #9cf }}}} }}}}</style>{{head}}</head>
<body><main id="top-of-it"><h1>Heading</h1><p>Text.</p>{{body}}</main></body></html>"""

# As matplotlib draws it: 100 points wide, a text of 10.
DRAWN = (
    'data:image/svg+xml,%3Csvg xmlns=\'http://www.w3.org/2000/svg\' width="100pt" height="20pt" '
    "viewBox='0 0 100 20'%3E%3Cg transform='translate(1 1) scale(0.1 -0.1)'/%3E%3C/svg%3E"
).replace('"', "%22")


@pytest.fixture
def site(tmp_path):
    """Makes a site of pages, each given as what is in its body, or as (head, body)."""

    def make(**pages):
        for name, page in pages.items():
            head, body = page if isinstance(page, tuple) else ("", page)
            path = tmp_path / f"{name}.html"
            path.write_text(CLEAN.format(head=head, body=body), encoding="utf-8")
        return tmp_path

    return make


@pytest.fixture
def looked(browser, site):
    """Audits a site; the fixture of the browser says whether there is one."""

    def look(**pages):
        return audit.audit(pages_of(site(**pages)), tabs=1)

    return look


def only(**found):
    return dict.fromkeys(KINDS, 0) | found


def test_a_clean_site_has_no_problem(looked):
    other = '<a href="index.html#there">back</a> <a href="https://example.org">away</a>'
    assert looked(index='<p id="there"><a href="other.html">On</a></p>', other=other) == []


PLANTED = {
    "script of another host": (
        ('<script src="https://cdn.example.org/x.js"></script>', ""),
        {"foreign_requests": 1},
        "another host: https://cdn.example.org/x.js",
    ),
    "another machine, by its number": (
        ("", '<script>fetch("http://192.0.2.1/x").catch(() => {})</script>'),
        {"foreign_requests": 1},
        "another host: http://192.0.2.1/x",
    ),
    "file that is not there": (
        ("", '<img alt="A bar" loading="lazy" style="margin-top: 6000px" src="bar.png">'),
        {"foreign_requests": 1, "broken_links": 1},
        "failed, status 404",
    ),
    "console": (
        ("", "<script>console.error('it went wrong')</script>"),
        {"console_errors": 1},
        "it went wrong",
    ),
    "exception": (
        ("", "<script>nowhere.at_all()</script>"),
        {"console_errors": 1},
        "nowhere is not defined",
    ),
    "picture without text": (
        ("", '<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">'),
        {"axe_serious": 2},  # in either theme
        "image-alt",
    ),
    "pale in the dark": (
        (
            "<style>@media (prefers-color-scheme: dark) { p { color: #444 } }</style>",
            "<p>Some more</p>" * 9,
        ),
        {"axe_serious": 1},
        "dark: color-contrast",
    ),
    "pale in a fold, in the theme's light": (
        (
            '<style>[data-theme="light"] i { color: #ccc; background: #fff }</style>',
            "<details><summary>More</summary><i>Folded</i></details>",
        ),
        {"axe_serious": 1},
        "light: color-contrast",
    ),
    "dead link": (
        ("", '<a href="nowhere.html">Nowhere</a>'),
        {"broken_links": 1},
        "nowhere.html: no such file",
    ),
    "dead anchor": (
        ("", '<a href="?q=1#n%C3%B6">Here</a>'),
        {"broken_links": 1},
        "no such anchor",
    ),
    "wide": (
        ("", '<div style="width: 600px">Wide</div>'),
        {"sideways_scroll": 1},
        "608 px",
    ),
    "wide when opened": (
        ("", '<details><summary>Wide</summary><div style="width: 600px">Wide</div></details>'),
        {"sideways_scroll": 1},
        "(opened)",
    ),
    "small text in a drawing": (
        ("", f'<img alt="A bar" style="width: 80px" src="{DRAWN}">'),
        {"small_figure_text": 1},
        "8.0 px",
    ),
    "small text in a drawing on the page": (
        (
            "",
            '<svg viewBox="0 0 100 50" width="50"><text y="9" style="font-size: 16px">Bar</text></svg>',
        ),
        {"small_figure_text": 1},
        "8.0 px: Bar",
    ),
    "hyphen for a minus": (
        ("", "<table><tr><td>-0.5</td><td>1e-5</td></tr></table>"),
        {"ascii_minus": 2},
        "1e-5",
    ),
    "hyphen for a minus in a fold": (
        ("", "<details><summary>More</summary>from <i>[</i>-1, 1]</details>"),
        {"ascii_minus": 1},
        "from [-1, 1]",
    ),
    "no number": (
        ("", "<p>The correlation is nan.</p>"),
        {"raw_values": 1},
        "correlation is nan",
    ),
    "no value": (
        ("", "<table><tr><td>None</td></tr></table><p>The class is None there.</p>"),
        {"raw_values": 2},
        "class is None",
    ),
    "code that is cut off": (
        ("", '<pre tabindex="0" style="overflow: auto; width: 9em">' + "word " * 9 + "</pre>"),
        {"clipped_code": 1},
        "word word",
    ),
    "nine screens": (
        ("", '<div style="height: 8000px">Long</div>'),
        {"long_pages": 1},
        "9.0 screens",
    ),
}


@pytest.mark.parametrize("kind", PLANTED)
def test_what_is_planted_is_found_and_nothing_else(looked, kind):
    page, expected, said = PLANTED[kind]
    problems = looked(index=page)
    assert counts(problems) == only(**expected)
    assert any(said in problem.what for problem in problems)
    assert {problem.page for problem in problems} == {"index.html"}


def test_what_scrolls_in_a_box_of_its_own_is_no_sideways_scrolling(looked):
    body = '<div tabindex="0" style="overflow-x: auto"><p style="width: 600px">Wide</p></div>'
    assert looked(index=body) == []


WELL_SAID = [
    "<p>−0.5, CIFAR-10, 2024-01-31, (a)-1, 1e−5. None was adopted, nano, infinite.</p>",
    "<p>At most <code>-1</code>, <code>None</code>, or <code>CIFAR</code>-10.</p>",
    "<pre>nan = None or -1</pre>",
    f'<img alt="A bar" style="width: 95px" src="{DRAWN}">',
    '<details><summary>More</summary><div style="height: 8000px">Long</div></details>',
]


@pytest.mark.parametrize("body", WELL_SAID)
def test_what_reads_well_is_no_problem(looked, body):
    assert looked(index=body) == []


def test_a_reference_may_be_long(browser, site):
    root = site(index="")
    page = root / "chapters" / "reference" / "runs.html"
    page.parent.mkdir(parents=True)
    page.write_text(CLEAN.format(head="", body='<div style="height: 9000px">Long</div>'))
    assert audit.audit(pages_of(root), tabs=1) == []


def test_every_page_is_a_readers_first(looked):
    body = "<script>if (!localStorage.been) console.error('new'); localStorage.been = 1</script>"
    assert counts(looked(index=body, other=body)) == only(console_errors=2)


def test_a_redirect_is_followed_and_its_aim_checked(looked):
    sent = '<meta http-equiv="Refresh" content="0; url=other.html">'
    assert counts(looked(index=(sent, ""), other="<img>")) == only(axe_serious=4)


def test_a_redirect_to_nowhere_is_a_broken_link(site):
    root = site(index=('<meta http-equiv="refresh" content="0; url=\'nowhere/\'">', ""))
    (problem,) = broken_links(pages_of(root))
    assert problem.what == "nowhere/: no such file"


def test_links_are_resolved_as_a_browser_does(site):
    body = """<a href="#">up</a> <a href="#top-of-it">up</a> <a href="folder/">in</a>
<a href="mailto:a@example.org">mail</a> <a href="folder/page.html#a%20b">in</a>
<a href="data.csv#row=4">data</a> <img srcset="a.png 1x, b.png 2x" alt=""> <a name="old">x</a>"""
    root = site(index=body)
    (root / "folder").mkdir()
    (root / "folder" / "index.html").write_text('<a href="../index.html#old">out</a>')
    (root / "folder" / "page.html").write_text('<i id="a b"></i><a href="../../etc">out</a>')
    (root / "data.csv").write_text("1")
    (root / "a.png").write_bytes(b"")
    found = [(problem.page, problem.what) for problem in broken_links(pages_of(root))]
    assert found == [
        ("folder/page.html", "../../etc: no such file"),
        ("index.html", "b.png: no such file"),
    ]


def test_a_page_weighs_what_it_and_its_pictures_weigh(site):
    root = site(index='<img alt="" src="a.png"><img alt="" src="a.png">', other="")
    (root / "a.png").write_bytes(bytes(HEAVY - 1000))
    assert list(heavy_pages(pages_of(root))) == []
    (root / "a.png").write_bytes(bytes(HEAVY))
    (problem,) = heavy_pages(pages_of(root))
    assert (problem.page, problem.what) == ("index.html", "1.50 MB with its images")


def test_html_among_the_assets_is_no_page(site):
    root = site(index="")
    (root / "_static").mkdir()
    (root / "_static" / "macros.html").write_text("{{ a template }}")
    assert [page.name for page in pages_of(root)] == ["index.html"]


def test_the_command_prints_one_object_and_details_apart(browser, site, capsys):
    root = site(index='<a href="nowhere.html">Nowhere</a>', other="")
    assert audit.main([str(root), "--json"]) == 1
    out, err = capsys.readouterr()
    assert json.loads(out) == {"pages": 2} | only(broken_links=1)
    assert err == "index.html: broken_links: nowhere.html: no such file\n"
    assert audit.main([str(root), "--json", "--only", "oth*"]) == 0
    assert json.loads(capsys.readouterr().out) == {"pages": 1} | only()


def landing_of(root):
    """What the command says of a landing page; a process of its own, as it opens a browser."""
    command = [sys.executable, audit.__file__, str(root), "--json", "--landing"]
    return subprocess.run(command, capture_output=True, text=True)


def test_the_landing_page_is_measured(browser, site):
    # A browser may leave off reading what is no picture; a style sheet it reads to the end.
    root = site(index='<link rel="stylesheet" href="a.css"><p>Text</p>')
    (root / "a.css").write_bytes(b" " * 50_000)
    light = landing_of(root)
    assert light.returncode == 0, light.stderr
    found = json.loads(light.stdout)
    assert found["landing_paint_s"] > 0
    own = 50_000 + (root / "index.html").stat().st_size
    assert own < found["landing_bytes"] < own + 1000  # two answers with their headers
    (root / "a.css").write_bytes(b" " * 1_000_000)
    heavy = landing_of(root)
    assert heavy.returncode == 1
    assert "landing_bytes" in heavy.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere"], "nowhere is no site: it has no index.html; make book builds one"),
        (["."], ". is no site: it has no index.html; make book builds one"),
        (["made", "--only", "x*"], "made has no page x*: --only takes a path in it"),
    ],
)
def test_what_is_no_site_is_said_in_a_line(tmp_path, monkeypatch, capsys, arguments, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "index.html").write_text("")
    assert audit.main(arguments) == 2
    assert capsys.readouterr().err == f"error: {said}\n"


def test_a_missing_browser_is_said_in_a_line(site, monkeypatch, capsys):
    monkeypatch.setattr(fflib.book.browser, "NAMES", ())
    assert audit.main([str(site(index=""))]) == 2
    assert re.fullmatch("error: no Chromium on this machine: .+\n", capsys.readouterr().err)
