"""The book: execution of chapters, the site that replaces the last one, clean sources."""

import gc
import html
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from books import code, write
from nbformat.v4 import new_markdown_cell, new_output

from fflib.book import build
from fflib.book.chapter import MACHINE_PATH, check_sources, execute, parameters
from fflib.book.install_cell import configured, update
from fflib.book.kernels import ThisPython
from fflib.errors import ChapterError

ROOT = Path(__file__).parents[2]
PARAMETERS = 'dataset = "digits"  # by name\nseeds: list = [\n    0,\n    1,\n]\nepochs = None'


def outputs(notebook):
    """Text that a reader would see: streams, and what cells display."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            yield output.get("text", "")
            for kind in ("text/plain", "text/html"):
                yield output.get("data", {}).get(kind, "")


@pytest.fixture
def chapter(tmp_path):
    return write(
        tmp_path / "chapter.ipynb",
        code(PARAMETERS, "parameters", "hide-input"),
        new_markdown_cell("Prose."),
        code("print(dataset, seeds, epochs)"),
    )


# One chapter


def test_parameters_are_read_with_their_defaults(chapter):
    assert parameters(chapter) == {"dataset": "digits", "seeds": [0, 1], "epochs": None}


@pytest.mark.parametrize("source", ["seeds = range(2)", "a = b = 1", "print(1)", "a: int", "a ="])
def test_parameters_are_literals(tmp_path, source):
    chapter = write(tmp_path / "chapter.ipynb", code(source, "parameters"))
    with pytest.raises(ChapterError, match=r"chapter\.ipynb cannot be read: write one name ="):
        parameters(chapter)


@pytest.mark.chapters
def test_execution_uses_the_parameters_and_shows_them_once(chapter, tmp_path):
    source = chapter.read_bytes()
    seconds = execute(chapter, tmp_path / "out" / "chapter.ipynb", {"epochs": 2})
    executed = nbformat.read(tmp_path / "out" / "chapter.ipynb", as_version=4)
    assert "".join(outputs(executed)) == "digits [0, 1] 2\n"
    assert seconds > 0
    shown = [cell for cell in executed.cells if "remove-cell" not in cell.metadata.tags]
    assert len(shown) == len(executed.cells) - 1
    assert 'dataset = "digits"\nseeds = [0, 1]\nepochs = 2' in shown[0].source
    assert chapter.read_bytes() == source


@pytest.mark.chapters
def test_without_parameters_nothing_is_injected_or_hidden(chapter, tmp_path):
    execute(chapter, tmp_path / "executed.ipynb")
    executed = nbformat.read(tmp_path / "executed.ipynb", as_version=4)
    tags = [cell.metadata.get("tags", []) for cell in executed.cells]
    assert tags == [["parameters", "hide-input"], [], []]


@pytest.mark.chapters
def test_an_executed_chapter_tells_neither_the_machine_nor_the_time(chapter, tmp_path):
    execute(chapter, tmp_path / "1.ipynb", {"epochs": 2})
    execute(chapter, tmp_path / "2.ipynb", {"epochs": 2})
    texts = [(tmp_path / name).read_text() for name in ("1.ipynb", "2.ipynb")]
    assert str(tmp_path) not in texts[0]
    assert "papermill" not in texts[0]
    # Each injected cell has an id of its own; all else is the same, byte for byte.
    first, second = (re.sub(r'"id": "\w+(-\w+)*"', '"id"', text) for text in texts)
    assert first == second


@pytest.mark.chapters
def test_kernel_and_figures_do_not_depend_on_the_surroundings(tmp_path, monkeypatch):
    impostor = tmp_path / "share" / "kernels" / "python3"
    impostor.mkdir(parents=True)
    spec = {"argv": ["false"], "display_name": "impostor", "language": "python"}
    (impostor / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "share"))
    monkeypatch.setenv("MPLBACKEND", "Agg")
    chapter = write(
        tmp_path / "folder" / "chapter.ipynb",
        code('python = ""\nfolder = ""', "parameters"),
        code("import os, sys\nassert sys.executable == python\nassert os.getcwd() == folder"),
        code("import matplotlib.pyplot as plt\nplt.plot([0, 1]);"),
    )
    values = {"python": sys.executable, "folder": str(chapter.parent)}
    execute(chapter, tmp_path / "executed.ipynb", values)
    executed = nbformat.read(tmp_path / "executed.ipynb", as_version=4)
    assert "image/png" in executed.cells[-1].outputs[0].data


def test_an_unknown_parameter_stops_before_execution(tmp_path):
    chapter = write(
        tmp_path / "chapter.ipynb",
        code(PARAMETERS, "parameters"),
        code("open('executed', 'w').close()"),
    )
    message = r"^unknown parameter of chapter\.ipynb 'epoch': choose one of epochs, seeds, dataset$"
    with pytest.raises(ChapterError, match=message):
        execute(chapter, tmp_path / "out.ipynb", {"epoch": 2})
    assert [path.name for path in tmp_path.iterdir()] == ["chapter.ipynb"]


def test_parameters_need_a_cell(tmp_path):
    chapter = write(tmp_path / "chapter.ipynb", code("print(1)"))
    with pytest.raises(ChapterError, match="no cell is tagged 'parameters'"):
        execute(chapter, tmp_path / "out.ipynb", {"epochs": 2})


@pytest.mark.chapters
@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("# why\nraise ValueError('too\\nbad')", r"\(# why\): ValueError: too$"),
        ("1 +", r"\(1 \+\): SyntaxError"),
        (
            "import time; time.sleep(60)",
            r"\(import time; time\.sleep\(60\)\): took longer than 3 s$",
        ),
        ("import os; os._exit(1)", r"\(import os; os\._exit\(1\)\): the kernel died"),
    ],
)
def test_a_failing_cell_is_named_and_nothing_is_written(tmp_path, source, reason):
    chapter = write(
        tmp_path / "chapter.ipynb",
        code("seed = 0", "parameters"),
        new_markdown_cell("Prose."),
        code(source),
        code("print('never')"),
    )
    output = tmp_path / "out.ipynb"
    output.write_text("the last good one")
    with pytest.raises(ChapterError, match=rf"^chapter\.ipynb, code cell 2 {reason}") as failure:
        execute(chapter, output, {"seed": 1}, timeout=3 if "sleep" in source else 60)
    assert "\n" not in str(failure.value)
    assert output.read_text() == "the last good one"
    assert len(list(tmp_path.iterdir())) == 2


def test_what_is_no_notebook_is_named(tmp_path):
    (tmp_path / "chapter.ipynb").write_text("{")
    with pytest.raises(ChapterError, match=r"^chapter\.ipynb is not a notebook$"):
        execute(tmp_path / "chapter.ipynb", tmp_path / "out.ipynb")
    with pytest.raises(ChapterError, match=r"^there is no chapter none\.ipynb$"):
        execute(tmp_path / "none.ipynb", tmp_path / "out.ipynb")


# The sources


def test_clean_sources_have_no_problem(chapter):
    (chapter.parent / "page.md").write_text("See /chapters/home/ and https://example.org/home/x.")
    assert check_sources(chapter.parent) == []


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (
            lambda n: n.cells[2].update(outputs=[new_output("stream", text="1")]),
            "cell 3 has outputs",
        ),
        (lambda n: n.cells[2].update(execution_count=1), "cell 3 has an execution count"),
        (
            lambda n: n.cells[2].metadata.update(tags=["hide_input"]),
            "unknown tag of cell 3 'hide_input': choose one of hide-input, ",
        ),
        (lambda n: n.cells[0].metadata.update(tags=[]), "0 cells are tagged 'parameters'"),
        (
            lambda n: n.cells[2].metadata.update(tags=["parameters"]),
            "2 cells are tagged 'parameters'",
        ),
        (
            lambda n: n.cells[0].update(source="a = b"),
            "the parameters of chapter.ipynb cannot be read",
        ),
        (
            lambda n: n.cells[1].update(source="See /home/somebody/data."),
            "a path of somebody's machine",
        ),
        (lambda n: n.metadata.clear(), "the kernel is not python3"),
    ],
)
def test_spoilt_sources_are_found(chapter, spoil, problem):
    notebook = nbformat.read(chapter, as_version=4)
    spoil(notebook)
    nbformat.write(notebook, chapter)
    (found,) = check_sources(chapter.parent)
    assert found.startswith(f"chapter.ipynb: {problem}")


# The book


def pages(site):
    return {page.relative_to(site): page.read_text() for page in site.rglob("*.html")}


def article(page):
    """What is said on a page, without its tags."""
    body = re.search("<article.*?</article>", page.read_text(), re.DOTALL)
    return html.unescape(re.sub("<[^>]+>", "", body.group()))


@pytest.mark.build
def test_the_command_says_a_line_a_chapter_and_where_the_book_is(built):
    site, done = built
    *lines, where = done.stdout.splitlines()
    names = [line.rsplit(maxsplit=2)[0] for line in lines]
    assert sorted(names[:-2]) == ["01-first", "scorecard"]
    assert names[-2:] == ["pages", "in all"]
    assert all(re.fullmatch(r".+ \d+\.\d s", line) for line in lines)
    assert where == f"The book is in _build/html: {(site / 'index.html').as_uri()}"
    assert done.stderr == ""
    assert [path.name for path in site.parent.iterdir()] == ["html"]


@pytest.mark.build
def test_the_pages_hold_numbers_figures_and_references(built):
    site, _ = built
    for opening in ("index.html", "chapters/scorecard.html"):
        assert "0.667, Fig. 1.1" in article(site / opening)
    first = article(site / "chapters" / "01-first.html")
    assert "1. First" in first
    assert "(1.1), Hoyer [2004]" in first
    assert "UserWarning" not in first
    assert len(list((site / "_images").glob("*.png"))) == 1
    # The theme's script takes the first: a second one, in a hidden bar, would leave phones without.
    assert (site / "chapters" / "01-first.html").read_text().count("primary-toggle") == 1
    text = "".join(pages(site).values())
    assert "Traceback" not in text
    assert str(site.parents[1]) not in text


@pytest.mark.build
def test_jupyter_book_alone_gives_the_same_pages(built, tmp_path):
    site, _ = built
    clone = tmp_path / "clone"
    shutil.copytree(site.parents[1], clone, ignore=shutil.ignore_patterns("_build"))
    before = {path: path.read_bytes() for path in clone.rglob("*") if path.is_file()}
    subprocess.run(
        [Path(sys.executable).with_name("jupyter-book"), "build", ".", "-n", "-W", "--keep-going"],
        cwd=clone,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
    )
    assert pages(clone / "_build" / "html") == pages(site)
    shutil.rmtree(clone / "_build")
    assert {path: path.read_bytes() for path in clone.rglob("*") if path.is_file()} == before


@pytest.mark.build
def test_two_builds_of_a_book_give_the_same_bytes(built, tmp_path):
    # No page of the toy says how long something took, so that nothing at all may differ.
    site, _ = built
    clone = tmp_path / "clone"
    shutil.copytree(site.parents[1], clone, ignore=shutil.ignore_patterns("_build"))
    subprocess.run(
        [sys.executable, "-m", "fflib.book"],
        cwd=clone,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
    )
    one, other = (
        {path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()}
        for root in (site, clone / "_build" / "html")
    )
    assert one.keys() == other.keys()
    assert [path for path in sorted(one) if one[path] != other[path]] == []


@pytest.fixture
def copy(built, tmp_path, monkeypatch):
    """The built toy book, for spoiling."""
    root = tmp_path / "copy"
    shutil.copytree(built[0].parents[1], root)
    monkeypatch.chdir(root)
    return root


@pytest.mark.build
def test_a_failing_chapter_leaves_the_last_good_site(copy, capfd):
    before = pages(copy / "_build" / "html")
    write(copy / "chapters" / "01-first.ipynb", code("seeds = [0]", "parameters"), code("1 / 0"))
    assert build.main([]) == 1
    message = "error: 01-first.ipynb, code cell 2 (1 / 0): ZeroDivisionError: division by zero"
    said = capfd.readouterr().err.splitlines()
    # ZeroMQ, under the sockets of a dying kernel, may put in a word of its own.
    assert [line for line in said if "signaler.cpp" not in line] == [message]
    assert pages(copy / "_build" / "html") == before
    assert [path.name for path in (copy / "_build").iterdir()] == ["html"]


@pytest.mark.build
def test_a_warning_leaves_the_last_good_site(copy, capfd):
    before = pages(copy / "_build" / "html")
    page = copy / "chapters" / "bibliography.md"
    page.write_text(page.read_text() + "\n{numref}`nowhere`\n")
    assert build.main([]) == 1
    problem, message = capfd.readouterr().err.splitlines()
    assert problem.startswith("chapters/bibliography.md:")
    assert "nowhere" in problem
    assert message == "error: the pages were not built, for the reasons above"
    assert pages(copy / "_build" / "html") == before
    assert [path.name for path in (copy / "_build").iterdir()] == ["html"]


@pytest.mark.chapters
@pytest.mark.skipif(os.name != "posix", reason="kernels talk through TCP where there is no ipc")
def test_a_kernel_shares_neither_ports_nor_folders_and_leaves_nothing_behind(tmp_path):
    said = "from ipykernel.kernelapp import IPKernelApp as app\nk = app.instance()\n"
    first, second = (
        write(tmp_path / f"{name}.ipynb", code(f"{said}print(k.transport, k.ip)")) for name in "ab"
    )
    build.execute_all({path: path.with_suffix(".out") for path in (first, second)})
    spoken = [
        nbformat.read(path.with_suffix(".out"), as_version=4).cells[0].outputs[0].text.split()
        for path in (first, second)
    ]
    assert [transport for transport, _ in spoken] == ["ipc", "ipc"]
    assert spoken[0][1] != spoken[1][1]
    gc.collect()
    assert not any(Path(address).parent.exists() for _, address in spoken)


@pytest.mark.chapters
def test_a_kernel_that_does_not_start_is_one_line(tmp_path, monkeypatch):
    path = write(tmp_path / "page.ipynb", code("1"))
    monkeypatch.setattr(ThisPython.kernel_spec, "argv", [sys.executable, "-c", "raise SystemExit"])
    with pytest.raises(ChapterError, match=r"^page\.ipynb: the kernel did not start: "):
        execute(path, tmp_path / "out.ipynb")


@pytest.mark.chapters
def test_the_first_failure_ends_the_other_chapters(tmp_path):
    slow = write(tmp_path / "slow.ipynb", code("import time\ntime.sleep(600)"))
    failing = write(tmp_path / "failing.ipynb", code("1 / 0"))
    waiting = write(tmp_path / "waiting.ipynb", code("open('executed', 'w').close()"))
    with pytest.raises(ChapterError, match=r"^failing\.ipynb, code cell 1"):
        build.execute_all({path: path.with_suffix(".out") for path in (slow, failing, waiting)})
    assert not (tmp_path / "executed").exists()


@pytest.mark.build
def test_some_chapters_with_parameters(copy, capfd):
    assert (
        build.main(["--chapters", "01-first", "-p", "seeds", "[0, 1, 2]", "--output", "out"]) == 0
    )
    executed = nbformat.read(copy / "out" / "01-first.ipynb", as_version=4)
    assert "seeds = [0, 1, 2]" in executed.cells[3].source
    assert [path.name for path in (copy / "out").iterdir()] == ["01-first.ipynb"]
    assert capfd.readouterr().out.endswith("The executed chapters are in out\n")


@pytest.mark.build
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--chapters", "01-frist"],
            "unknown chapter '01-frist': choose one of 01-first, scorecard",
        ),
        (
            ["--chapters", "scorecard", "01-first", "-p", "source", "train"],
            "unknown parameter of 01-first.ipynb 'source': choose one of seeds",
        ),
        (["--output", "chapters"], "ROOT/chapters is something other than a site: choose another"),
        (["--output", "_toc.yml"], "ROOT/_toc.yml is something other than a site: choose another"),
    ],
)
def test_bad_requests_stop_before_anything_is_executed(copy, capfd, arguments, message):
    assert build.main(arguments) == 1
    out, err = capfd.readouterr()
    assert err.replace(str(copy), "ROOT").startswith(f"error: {message}")
    assert err.count("\n") == 1
    assert out == ""


@pytest.mark.build
def test_a_listed_page_must_be_there(copy, capfd):
    (copy / "chapters" / "bibliography.md").unlink()
    assert build.main([]) == 1
    assert "_toc.yml lists chapters/bibliography, but there is no" in capfd.readouterr().err


@pytest.mark.build
def test_check_fails_on_unclean_chapters(copy, capfd):
    assert build.main(["--check"]) == 0
    write(copy / "chapters" / "01-first.ipynb", code("print(1)"))
    assert build.main(["--check"]) == 1
    said = capfd.readouterr().err
    assert "01-first.ipynb: 0 cells are tagged 'parameters'" in said
    assert (
        "01-first.ipynb: its install cell is missing or another: run python -m fflib.book" in said
    )


@pytest.mark.build
def test_install_cells_are_written_once_and_follow_the_address(copy, capfd):
    chapters = sorted((copy / "chapters").rglob("*.ipynb"))
    before = [path.read_bytes() for path in chapters]
    assert build.main(["--install-cells"]) == 0
    assert capfd.readouterr().out == ""
    assert [path.read_bytes() for path in chapters] == before
    config = (copy / "_config.yml").read_text()
    (copy / "_config.yml").write_text(config.replace('url: ""', "url: https://github.com/a/b.git"))
    assert build.main(["--check"]) == 1
    assert build.main(["--install-cells"]) == 0
    assert build.main(["--check"]) == 0
    for path in chapters:
        cells = nbformat.read(path, as_version=4).cells
        assert cells[1].id == "install"
        assert '-e "git+https://github.com/a/b.git#egg=' in cells[1].source
        assert [cell.id for cell in cells].count("install") == 1
    (copy / "_config.yml").write_text(config.replace('url: ""', "url: somewhere"))
    capfd.readouterr()
    assert build.main(["--install-cells"]) == 1
    assert (
        "must be like https://github.com/somebody/fflib, got 'somewhere'" in capfd.readouterr().err
    )


def test_without_its_extra_the_command_says_what_to_install():
    program = "import runpy, sys; sys.modules['papermill'] = None; runpy.run_module('fflib.book', run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == "the book needs papermill: run pip install -e '.[book]' in the clone\n"


# The chapters of this book

NOTEBOOKS = [
    path for path in sorted((ROOT / "chapters").rglob("*.ipynb")) if "checkpoints" not in str(path)
]
# With fewer epochs the second layer has not learned enough to be let through.
TINY = {
    "dataset": "digits",
    "source": "train",
    "epochs": 3,
    "seeds": [0],
    "runs": 1,
    "channels": 12,
}


def test_chapters_are_clean():
    assert check_sources(ROOT / "chapters") == []


def test_chapters_have_the_install_cell():
    assert update(ROOT / "chapters", configured(ROOT), write=False) == []


@pytest.mark.chapters
@pytest.mark.parametrize("chapter", NOTEBOOKS, ids=lambda path: path.stem)
def test_chapter_runs_on_digits(chapter, tmp_path, shared, monkeypatch):
    # One store for all chapters: what one has trained, the next one finds.
    monkeypatch.setenv("FFLIB_STORE", str(shared / "chapters"))
    tagged = any(
        "parameters" in c.metadata.get("tags", []) for c in nbformat.read(chapter, 4).cells
    )
    has = parameters(chapter) if tagged else {}
    values = {name: value for name, value in TINY.items() if name in has}
    if chapter.stem == "18-your-own-goodness":
        values["epochs"] = 4  # the fewest that it takes
    if chapter.stem == "22-the-first-preprint":
        values["epochs"] = 20  # a layer that has learned nothing yet is not let through
    execute(chapter, tmp_path / "executed.ipynb", values)
    text = "".join(outputs(nbformat.read(tmp_path / "executed.ipynb", as_version=4)))
    assert "Warning" not in text
    assert not MACHINE_PATH.search(text)
