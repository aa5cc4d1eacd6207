"""What is published: the workflow, what pages say of themselves, how the book is cited, outer links."""

import io
import re
import tomllib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from xml.etree import ElementTree

import links
import numpy as np
import pytest
import yaml
from bs4 import BeautifulSoup
from PIL import Image
from sphinx.application import Sphinx
from sphinx.errors import ConfigError
from sphinx.util.docutils import docutils_namespace, patch_docutils

import fflib
from fflib.book import citation
from fflib.book.citation import Citation, CitationError
from fflib.book.figures import card
from fflib.book.site.card import IMAGE
from fflib.book.site.published import site_address
from fflib.errors import ChapterError

ROOT = Path(__file__).parents[2]
ADDRESS = "https://example.org/book/"

# The workflow

WORKFLOW = yaml.safe_load((ROOT / ".github/workflows/book.yml").read_text(encoding="utf-8"))
JOBS = WORKFLOW["jobs"]
ON = WORKFLOW[True]  # YAML takes "on" for a truth value
STEPS = [(name, step) for name, job in JOBS.items() for step in job["steps"]]
TAG = "startsWith(github.ref, 'refs/tags/v')"


def steps_with(text):
    return [step for _, step in STEPS if text in step.get("run", step.get("uses", ""))]


def test_workflow_runs_on_tags_pull_requests_and_weekly():
    assert ON["push"]["tags"] == ["v*"]
    assert "pull_request" in ON
    (weekly,) = ON["schedule"]
    *_, month_day, month, week_day = weekly["cron"].split()
    assert (month_day, month) == ("*", "*")
    assert week_day.isdigit()


def test_jobs_may_do_no_more_than_they_need():
    assert WORKFLOW["permissions"] == {"contents": "read"}
    writing = {
        name: {scope for scope, right in job.get("permissions", {}).items() if right == "write"}
        for name, job in JOBS.items()
    }
    assert writing == {
        "build": set(),
        "deploy": {"pages", "id-token"},
        "release": {"contents"},
    }
    assert all(JOBS[name]["if"] == TAG for name, rights in writing.items() if rights)
    assert all(job["timeout-minutes"] <= 60 for job in JOBS.values())


@pytest.mark.parametrize("path", sorted((ROOT / ".github/workflows").glob("*.yml")), ids=str)
def test_actions_are_of_a_major_version_each(path):
    used = re.findall(r"uses: (\S+)", path.read_text(encoding="utf-8"))
    assert used
    assert all(re.fullmatch(r"actions/[\w-]+@v\d+", action) for action in used)


def test_only_a_tag_is_published_and_only_a_good_site():
    order = [step.get("run", step.get("uses")) for step in JOBS["build"]["steps"]]
    (upload,) = steps_with("upload-pages-artifact")
    assert upload["if"] == TAG
    (checked,) = steps_with("audit.py")
    assert "if" not in checked
    assert order.index(checked["run"]) < order.index(upload["uses"])
    assert JOBS["deploy"]["needs"] == "build"
    assert set(JOBS["release"]["needs"]) == {"build", "deploy"}
    (preview,) = [step for _, step in STEPS if step.get("with", {}).get("name") == "preview"]
    assert preview["if"] == "github.event_name == 'pull_request'"


def test_what_a_job_fetches_another_has_left():
    left = [step["with"]["name"] for step in steps_with("actions/upload-artifact")]
    assert [step["with"]["name"] for step in steps_with("download-artifact")] == ["pdf"]
    assert sorted(left) == ["pdf", "preview"]


def test_the_address_comes_from_github_pages():
    (asked,) = steps_with("configure-pages")
    (made,) = steps_with("make book")
    assert made["env"]["SITE_URL"].startswith(f"${{{{ steps.{asked['id']}.outputs.base_url }}}}")


def test_every_command_is_in_the_repository():
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    ran = [line for _, step in STEPS for line in step.get("run", "").splitlines()]
    assert len(ran) >= 7
    for line in ran:
        program, *words = line.split()
        if program == "make":
            assert words[0] in targets, line
        elif program == ".venv/bin/python":
            here = find_spec(words[1]) if words[0] == "-m" else (ROOT / words[0]).is_file()
            assert here, line
        else:
            assert program in ("google-chrome", "gh"), line


# What pages say of themselves

PAGES = {
    "index": "A book\n======\n\n.. note:: Not this.\n\nWhat it is <about> & why.\nIt says more. "
    + "Then it goes on without an end " * 8
    + "at last.\n\n.. toctree::\n\n   sub/page\n",
    "sub/page": "A page\n======\n\nFormulas, such as :math:`a`, do not count.\n\nPlain words.\n",
}
OWN = {"index": ADDRESS, "sub/page": f"{ADDRESS}sub/page.html"}
CITED = """
title: The software
authors: [{name: The authors}, {family-names: Beethoven, given-names: Ludwig, name-particle: van}]
version: 0.1.0
date-released: 2026-02-03
"""


@pytest.fixture
def site(tmp_path, monkeypatch):
    """Builds a site of two pages: parsed pages by name, the folder, and what Sphinx said."""
    monkeypatch.delenv("SITE_URL", raising=False)

    def build(**settings):
        source, output = tmp_path / "source", tmp_path / "site"
        for name, text in PAGES.items():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / f"{name}.rst").write_text(text, encoding="utf-8")
        (source / "CITATION.cff").write_text(CITED, encoding="utf-8")
        settings = {
            "extensions": ["fflib.book.site.meta"],
            "html_theme": "alabaster",
            "html_title": "A book",
            "language": "en",
            "meta_citation": "CITATION.cff",
            "ogp_image": "_static/card.png",
            "ogp_image_alt": "A wall",
            **settings,
        }
        said, warned = io.StringIO(), io.StringIO()
        with patch_docutils(), docutils_namespace():
            Sphinx(
                source, None, output, tmp_path / "trees", "html", settings, said, warned, True
            ).build()  # fmt: skip
        assert warned.getvalue() == ""
        pages = {
            name: BeautifulSoup((output / f"{name}.html").read_text("utf-8"), "html.parser")
            for name in PAGES
        }
        return pages, output, said.getvalue()

    return build


def meta(page):
    found = {}
    for tag in page.select("meta[name], meta[property]"):
        found.setdefault(tag.get("name") or tag["property"], []).append(tag["content"])
    return {key: values[0] if len(values) == 1 else values for key, values in found.items()}


@pytest.mark.build
def test_pages_describe_themselves_in_whole_sentences_of_prose(site):
    pages, *_ = site()
    first, second = meta(pages["index"]), meta(pages["sub/page"])
    assert first["description"] == "What it is <about> & why. It says more."
    assert second["description"] == "Plain words."


@pytest.mark.build
def test_previews_show_what_a_page_says_of_itself(site):
    pages, *_ = site(html_baseurl=ADDRESS)
    first, second = meta(pages["index"]), meta(pages["sub/page"])
    assert first["og:description"] == first["description"]
    assert second["og:description"] == "Plain words."
    assert (first["og:title"], second["og:title"]) == ("A book", "A page")
    assert (first["og:type"], second["og:type"]) == ("website", "article")
    assert first["og:site_name"] == second["og:site_name"] == "A book"


@pytest.mark.build
def test_pages_carry_their_citation(site):
    pages, *_ = site()
    first, second = meta(pages["index"]), meta(pages["sub/page"])
    assert first["citation_author"] == ["The authors", "van Beethoven, Ludwig"]
    assert second["citation_title"] == "A page"
    assert second["citation_inbook_title"] == "A book"
    assert "citation_inbook_title" not in first
    assert second["citation_publication_date"] == "2026/02/03"


@pytest.mark.build
def test_without_an_address_nothing_is_made_up(site):
    pages, output, said = site()
    for page in pages.values():
        assert page.find("link", rel="canonical") is None
        absolute = [tag for tag in page.select("meta[content]") if "://" in tag["content"]]
        assert absolute == []
        assert not any(name.startswith("og:") for name in meta(page))
    assert not (output / "sitemap.xml").exists()
    assert "Sitemap" not in (output / "robots.txt").read_text()
    assert "no sitemap: neither SITE_URL nor html.baseurl" in said


@pytest.mark.build
@pytest.mark.parametrize("known", ["environment", "settings"])
def test_with_an_address_everything_leads_to_the_page_itself(site, monkeypatch, known):
    if known == "environment":
        monkeypatch.setenv("SITE_URL", "https://example.org/book")
        pages, output, _ = site(html_baseurl="https://example.net/overridden/")
    else:
        pages, output, _ = site(html_baseurl="https://example.org/book/")
    for name, page in pages.items():
        own, said = OWN[name], meta(page)
        assert page.find("link", rel="canonical")["href"] == own
        assert said["og:url"] == said["citation_public_url"] == own
        assert said["og:image"] == f"{ADDRESS}_static/card.png"
        assert said["og:image:alt"] == "A wall"
    tree = ElementTree.parse(output / "sitemap.xml")
    spaces = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9"}
    listed = [place.text for place in tree.iterfind("s:url/s:loc", spaces)]
    assert listed == list(OWN.values())
    assert f"Sitemap: {ADDRESS}sitemap.xml" in (output / "robots.txt").read_text()


@pytest.mark.build
@pytest.mark.parametrize("wrong", ["example.org", "ftp://example.org/", "https:///book", "/book/"])
def test_an_address_is_absolute(site, monkeypatch, wrong):
    with pytest.raises(ChapterError, match=r"must be like https://example\.org/book/"):
        site_address(wrong)
    with pytest.raises(ConfigError, match=r"correct SITE_URL or html\.baseurl"):
        site(html_baseurl=wrong)


def test_previews_of_the_book_show_the_card():
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["sphinx"]["config"]
    assert config["ogp_image"] == IMAGE
    tags = " ".join(config["ogp_custom_meta_tags"])
    assert 'name="twitter:card" content="summary_large_image"' in tags
    for side, pixels in zip(("width", "height"), card.SIZE, strict=True):
        assert f'property="og:image:{side}" content="{pixels}"' in tags


def test_card_has_the_size_that_previews_show(tmp_path):
    means = np.kron(np.eye(10), np.ones(50)) * np.linspace(0, 1, 500)
    figure = card.card(means, list("0123456789"), "A title of two lines, or more than that", "Said")
    figure.savefig(tmp_path / "card.png", dpi=figure.dpi)
    with Image.open(tmp_path / "card.png") as image:
        assert image.size == card.SIZE == (1200, 630)
    assert (tmp_path / "card.png").stat().st_size < 150_000
    figure.canvas.draw()
    for text in figure.texts:
        box = text.get_window_extent()
        assert box.x1 <= card.SIZE[0]
        assert box.y1 <= card.SIZE[1]


# Citation


def test_versions_agree():
    cited = citation.read(ROOT / citation.FILE)
    (declared,) = re.findall(
        r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.M
    )
    assert cited.version == declared == fflib.__version__


def test_the_page_on_citing_gives_the_title_and_authors_of_the_citation_file():
    cited = citation.read(ROOT / citation.FILE)
    page = (ROOT / "chapters/reference/cite.md").read_text(encoding="utf-8")
    plain = " ".join(re.sub(r"[{}]", "", page).split())
    assert f"title = {cited.title}," in plain
    assert f"version = {cited.version}," in plain
    assert all(f"author = {author}," in plain for author in cited.authors)


def test_citation_file_names_the_paper_and_a_licence():
    said = yaml.safe_load((ROOT / citation.FILE).read_text(encoding="utf-8"))
    assert said["cff-version"] == "1.2.0"
    assert {"message", "title", "authors", "abstract", "keywords", "license"} <= set(said)
    (paper,) = said["references"]
    assert "2305.18353" in paper["doi"]
    assert "2305.18353" in paper["url"]
    assert len(paper["authors"]) == 6


@pytest.mark.parametrize(
    "text", ["", "title: [", "title: T\nversion: 1", CITED.replace("2026-02-03", "soon"), "- 1"]
)
def test_an_incomplete_citation_file_is_refused_in_a_line(tmp_path, text):
    (tmp_path / "CITATION.cff").write_text(text)
    with pytest.raises(CitationError, match=r"CITATION\.cff is no whole citation file") as refused:
        citation.read(tmp_path / "CITATION.cff")
    assert "\n" not in str(refused.value)


def test_a_release_needs_one_version_and_a_date(tmp_path, monkeypatch, capsys):
    (tmp_path / "CITATION.cff").write_text(CITED)
    cited = citation.read(tmp_path / "CITATION.cff")
    citation.check_release("v0.1.0", cited, "0.1.0")
    with pytest.raises(CitationError, match=r"v0\.1\.1 needs version 0\.1\.1 in CITATION\.cff"):
        citation.check_release("v0.1.1", cited, "0.1.1")
    with pytest.raises(CitationError, match=r"in pyproject\.toml, which says 0\.2"):
        citation.check_release("v0.1.0", cited, "0.2")
    with pytest.raises(CitationError, match="date-released"):
        citation.check_release("v1", Citation("T", ("A",), "1", None), "1")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "CITATION.cff").write_text(CITED.replace("0.1.0", fflib.__version__))
    assert citation.main([f"v{fflib.__version__}"]) == 0
    assert citation.main(["v99"]) == 1
    assert "error: v99 needs version 99" in capsys.readouterr().err


# Outer links


class Answers(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        self.send_response(int(self.path.strip("/")))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def elsewhere():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.asked = []
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield server, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_broken_outer_links_are_told_from_sites_that_turn_programs_away(tmp_path, elsewhere):
    server, address = elsewhere
    (tmp_path / "sub").mkdir()
    (tmp_path / "index.html").write_text(
        f'<a href="{address}/200#part">a</a><a href="{address}/404">b</a><a href="sub/a.html">c</a>'
    )
    (tmp_path / "sub" / "a.html").write_text(
        f'<a href="{address}/200">a</a><a href="{address}/404">b</a><a href="{address}/403">c</a>'
        f'<a href="{address}/503">d</a><a href="mailto:nobody">e</a>'
    )
    found = links.check(tmp_path, attempts=2, wait=0)
    assert found["links"] == 4
    assert found["turned_away"] == [f"{address}/403"]
    assert found["broken"] == {
        f"{address}/404": {"why": "404", "pages": ["index.html", "sub/a.html"]},
        f"{address}/503": {"why": "503", "pages": ["sub/a.html"]},
    }
    # Once each, but for the server that may have been out of sorts.
    assert sorted(server.asked) == ["/200", "/403", "/404", "/503", "/503"]


def test_link_check_needs_a_site(tmp_path, capsys):
    assert links.main([str(tmp_path)]) == 2
    assert "build it with make book" in capsys.readouterr().err


# The container


def test_the_container_sets_up_and_builds_as_a_clone_does():
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    used = {m for line in lines for m in re.findall(r'make"?,? "?([a-z]+)', line) if m != "venv"}
    assert used == {"book"}
    assert {*used, "venv"} <= targets
    (base,) = (line for line in lines if line.startswith("FROM"))
    python = tuple(map(int, re.search(r"python:(\d+)\.(\d+)", base).groups()))
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert python >= tuple(map(int, needed["requires-python"].lstrip(">=").split(".")))
