"""The book as a PDF: one document made of pages, and what Chromium prints of it."""

import subprocess
import sys
from io import BytesIO

import pytest
from bs4 import BeautifulSoup
from PIL import Image

from fflib.book import pdf
from fflib.errors import ChapterError

PAGE = """<!doctype html><html lang="en-GB"><head><title>T</title>
<link rel="stylesheet" href="{up}style.css"></head><body><nav>Sidebar</nav>
<article class="bd-article"><section id="top"><h1>{title}<a class="headerlink" href="#top">#</a></h1>
{body}</section></article><script>document.title = "run"</script></body></html>"""
OPENING = """<p id="said">Opening words.</p><p><a id="ahead" href="sub/two.html#deep">Ahead</a>
<a id="out" href="https://example.org/">Out</a> <a id="source" href="_modules/x.html">Source</a></p>
<img src="dot.png" alt="A dot"><script>throw 1</script><noscript>No script</noscript>"""
SECOND = """<section id="deep"><h2>Deep down</h2><p>Last words.</p>
<a id="back" href="../one.html#said">Back</a> <a id="home" href="../index.html">Home</a><img src="../dot.png" alt="A dot"></section>
<details class="admonition hide above-input"><summary>Show</summary><pre>code()</pre></details>
<details><summary>Solution</summary><p>Forty-two.</p></details>
<table><tr>{}</tr></table>""".format("".join(f"<td>{'wide' * 9}{n}</td>" for n in range(12)))


@pytest.fixture
def root(tmp_path):
    """The folder of a book of two pages that are built."""
    site = tmp_path / "_build" / "html"
    (site / "sub").mkdir(parents=True)
    (tmp_path / "_toc.yml").write_text(
        "format: jb-book\nroot: one\nparts:\n  - caption: The rest\n    chapters: [file: sub/two]\n"
    )
    (tmp_path / "_config.yml").write_text(
        "title: A small book\nauthor: Somebody\nsphinx: {config: {language: en}}\n"
    )
    (site / "one.html").write_text(PAGE.format(up="", title="One", body=OPENING))
    (site / "sub" / "two.html").write_text(PAGE.format(up="../", title="2. Two", body=SECOND))
    (site / "style.css").write_text("td { white-space: nowrap }")
    dot = BytesIO()
    Image.new("RGB", (4, 4), "red").save(dot, "png")
    (site / "dot.png").write_bytes(dot.getvalue())
    return tmp_path


@pytest.fixture
def whole(root):
    html = pdf.document(root / pdf.SITE, pdf.parts(root), "A small book", "Somebody")
    return BeautifulSoup(html, "html.parser")


def test_parts_follow_the_table_of_contents(root):
    assert pdf.parts(root) == [pdf.Part("", ("one",)), pdf.Part("The rest", ("sub/two",))]


def test_links_within_the_book_lead_to_places_in_it(whole):
    places = {element["id"] for element in whole.select("[id]")}
    links = {link.get("id", "").rpartition("--")[2]: link.get("href") for link in whole.select("a")}
    assert links["out"] == "https://example.org/"
    assert links["source"] is None
    for name in ("ahead", "back", "home"):
        assert links[name][1:] in places
    assert whole.find(id=links["ahead"][1:]).h2.text == "Deep down"
    assert whole.find(id=links["home"][1:]).h1.text == "One"
    assert whole.find(id=links["back"][1:]).text == "Opening words."


def test_paper_holds_what_can_be_read(whole):
    assert whole.find("script") is None
    for gone in ("Sidebar", "#", "code()", "No script"):
        assert gone not in whole.body.get_text()
    (solution,) = whole.select("details")
    assert solution.has_attr("open")
    assert [image["src"] for image in whole.select("img")] == ["/dot.png", "/dot.png"]
    assert whole.html["lang"] == "en-GB"


def test_headings_are_one_level_lower_in_a_part(whole):
    levels = {h.get_text(): h.get("aria-level") for h in whole.select(".book-page :is(h1, h2)")}
    assert levels == {"One": "1", "2. Two": "2", "Deep down": "3"}


def test_a_site_without_a_page_is_refused(root):
    (root / pdf.SITE / "sub" / "two.html").unlink()
    with pytest.raises(ChapterError, match=r"lacks sub/two\.html: build it with make book"):
        pdf.document(root / pdf.SITE, pdf.parts(root), "T", "A")


def test_a_folder_without_a_book_is_refused_in_a_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert pdf.main([]) == 1
    assert capsys.readouterr().err.startswith("error: no book in ")


def test_book_is_printed_with_outline_links_and_page_numbers(browser, root):
    pypdf = pytest.importorskip("pypdf")
    done = subprocess.run(
        [sys.executable, "-m", "fflib.book.pdf"],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    # A title, the contents, a page, the title of the part, a page.
    assert done.stdout == f"5 pages are in {pdf.OUTPUT}\n"
    reader = pypdf.PdfReader(root / pdf.OUTPUT)
    assert (reader.metadata.title, reader.metadata.author) == ("A small book", "Somebody")
    assert reader.trailer["/Root"]["/Lang"] == "en"

    def outline(entries):
        for entry in entries:
            if isinstance(entry, list):
                yield list(outline(entry))
            else:
                yield entry.title, reader.get_destination_page_number(entry)

    assert list(outline(reader.outline)) == [
        ("One", 2), ("The rest", 3), [("2. Two", 4), [("Deep down", 4)]],
    ]  # fmt: skip
    title, contents, first, part, second = (page.extract_text() for page in reader.pages)
    assert "A small book" in title
    numbers = [line.split()[-1] for line in contents.splitlines() if line.strip()]
    assert {"3", "4", "5"} <= set(numbers)
    assert "Opening words." in first
    assert "3" in first.splitlines()
    assert "The rest" in part
    assert "Forty-two." in second
    # The wide table has been made to fit: its last cell is on the paper.
    assert "wide" * 9 + "11" in second.replace("\n", "")
    linked = [
        reader.named_destinations[annotation.get_object()["/Dest"]].page.get_object()
        for annotation in reader.pages[2]["/Annots"]
        if "/Dest" in annotation.get_object()
    ]
    assert linked == [reader.pages[4]]
