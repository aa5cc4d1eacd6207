"""Chapters taken along: the install cell, the downloads of the site, and its links to Binder and Colab."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import nbformat
import pytest
from books import code, make_toy, write
from bs4 import BeautifulSoup
from IPython.core.inputtransformer2 import TransformerManager
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from fflib.book import build
from fflib.book.chapter import execute
from fflib.book.install_cell import BESIDES, put, source
from fflib.book.site.launch import downloadable
from fflib.book.site.published import Repository, published_from
from fflib.errors import ChapterError

ROOT = Path(__file__).parents[2]
KNOWN = Repository("https://github.com/a/b", "v1")
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
GITHUB = ("SERVER_URL", "REPOSITORY", "REF_TYPE", "REF_NAME", "SHA")


def notebook(*cells):
    return new_notebook(
        cells=[new_markdown_cell("# Title"), *cells], metadata={"kernelspec": KERNEL}
    )


@pytest.fixture(autouse=True)
def _nowhere(monkeypatch):
    for name in GITHUB:
        monkeypatch.delenv(f"GITHUB_{name}", raising=False)


# Where the repository is


def test_the_address_is_configured_or_that_of_the_workflow(monkeypatch):
    assert published_from() == Repository()
    assert published_from("https://github.com/a/b.git") == Repository(
        "https://github.com/a/b", "main"
    )
    for name, value in zip(
        GITHUB, ("https://github.com", "c/d", "branch", "main", "abc"), strict=True
    ):
        monkeypatch.setenv(f"GITHUB_{name}", value)
    assert published_from() == Repository("https://github.com/c/d", "abc")
    monkeypatch.setenv("GITHUB_REF_TYPE", "tag")
    monkeypatch.setenv("GITHUB_REF_NAME", "v1.0")
    assert published_from() == Repository("https://github.com/c/d", "v1.0")
    assert published_from("https://example.org/x").address == "https://example.org/x"
    assert not published_from("https://example.org/x").on_github


@pytest.mark.parametrize("address", ["github.com/a/b", "git@github.com:a/b", "https://github.com"])
def test_an_address_is_one_of_the_web(address):
    with pytest.raises(ChapterError, match=r"must be like https:.* got"):
        published_from(address)


# The cell


@pytest.mark.chapters
@pytest.mark.parametrize("repository", [Repository(), KNOWN])
def test_the_cell_does_nothing_where_fflib_is_installed(repository, tmp_path):
    chapter = notebook(new_code_cell("print('next')"))
    put(chapter, source(repository))
    nbformat.write(chapter, tmp_path / "chapter.ipynb")
    execute(tmp_path / "chapter.ipynb", tmp_path / "executed.ipynb")
    _, install, after = nbformat.read(tmp_path / "executed.ipynb", as_version=4).cells
    assert install.outputs == []
    assert after.outputs[0].text == "next\n"


def run_without_fflib(code, **names):
    """Execute a cell's Python where fflib cannot be found."""
    monkey = "import importlib.util as u; u.find_spec = lambda name: None\n"
    setup = "".join(f"{name} = {value!r}\n" for name, value in names.items())
    return subprocess.run(
        [sys.executable, "-c", monkey + setup + code], capture_output=True, text=True
    )


def test_without_an_address_the_cell_says_what_to_do():
    done = run_without_fflib(source(Repository()))
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "ModuleNotFoundError: fflib is not installed here: run pip install -e '.[book]' in a clone "
        "of its repository, and open the chapter from there"
    )


def test_with_an_address_the_cell_installs_by_one_line_of_pip():
    python = TransformerManager().transform_cell(source(KNOWN))
    fake = "class I:\n def run_line_magic(self, *a): print(*a)\nget_ipython = I\n"
    done = run_without_fflib(fake + python)
    assert done.stderr == ""
    assert done.stdout == (
        'pip install -q -e "git+https://github.com/a/b.git@v1#egg=forward-forward-ensembles" '
        "ipywidgets matplotlib myst-nb pyyaml scikit-dimension seaborn\n"
    )


def test_what_the_line_installs_besides_the_core_is_what_an_extra_names():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [name for names in project["optional-dependencies"].values() for name in names]
    named = {re.match(r"[\w-]+", name)[0] for name in extras}
    assert set(BESIDES.split()) - {"myst-nb"} <= named  # which jupyter-book brings


def test_a_cell_is_put_below_the_title_and_replaced_where_it_is():
    chapter = notebook(new_code_cell("seed = 0", id="parameters"))
    put(chapter, "first")
    put(chapter, "second")
    assert [cell.source for cell in chapter.cells] == ["# Title", "second", "seed = 0"]
    assert chapter.cells[1].metadata.tags == ["remove-cell"]


def test_a_download_has_no_outputs_and_the_line():
    ran = new_code_cell("1", outputs=[new_output("stream", text="1")], execution_count=3)
    found = downloadable(notebook(ran), KNOWN)
    assert "git+https://github.com/a/b.git@v1" in found.cells[1].source
    assert found.cells[2].outputs == []
    assert found.cells[2].execution_count is None


# The site


def link(page, text):
    """Address of the link with a text."""
    links = BeautifulSoup(page, "html.parser").select("a[href]")
    (found,) = [a["href"] for a in links if a.get_text(strip=True) == text]
    return found


@pytest.mark.build
def test_where_the_address_is_known_chapters_open_elsewhere(tmp_path, monkeypatch):
    for name, value in zip(GITHUB, ("https://github.com", "a/b", "tag", "v1", "abc"), strict=True):
        monkeypatch.setenv(f"GITHUB_{name}", value)
    make_toy(tmp_path / "toy")
    # What runs elsewhere does not depend on what the cells put out.
    build.stage(tmp_path / "toy", tmp_path / "staging")
    notebook = tmp_path / "staging" / "chapters" / "scorecard.ipynb"
    write(notebook, new_markdown_cell("# Scorecard"), code("print(6 * 7)"))
    (tmp_path / "staging" / "_toc.yml").write_text("format: jb-book\nroot: chapters/scorecard\n")
    build.build_pages(tmp_path / "staging")
    html = tmp_path / "staging" / "_build" / "html"
    page = (html / "chapters" / "scorecard.html").read_text(encoding="utf-8")
    assert link(page, "Binder") == (
        "https://mybinder.org/v2/gh/a/b/v1?urlpath=lab/tree/chapters/scorecard.ipynb"
    )
    assert link(page, "Colab") == (
        "https://colab.research.google.com/github/a/b/blob/v1/chapters/scorecard.ipynb"
    )
    download = html / "chapters" / link(page, ".ipynb")
    assert "a/b.git@v1#egg" in download.read_text()


@pytest.mark.build
def test_where_it_is_not_known_a_chapter_can_be_downloaded_all_the_same(built):
    html, _ = built
    page = (html / "chapters" / "01-first.html").read_text(encoding="utf-8")
    assert "mybinder" not in page
    assert "colab" not in page
    found = nbformat.read(html / "chapters" / link(page, ".ipynb"), as_version=4)
    assert found.cells[1].source == source(Repository())
    assert not any(cell.get("outputs") for cell in found.cells)


def test_binder_is_given_no_package_index():
    for path in (ROOT / "binder").iterdir():
        assert "://" not in path.read_text()
