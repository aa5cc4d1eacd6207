"""Kernels that are forked begin where the imports ended, share nothing, and do not outlive who asked for them."""

import subprocess
import sys
import time
from textwrap import dedent

import nbformat
import psutil
import pytest
from books import code, write

from fflib.book import kernels
from fflib.book.build import execute_all
from fflib.book.chapter import execute
from fflib.errors import ChapterError

pytestmark = pytest.mark.chapters

SLOW = """
import os, pathlib, time
pathlib.Path("writing").write_text(str(os.getpid()))
os.rename("writing", "pid")
time.sleep(600)
"""


def said(path):
    return nbformat.read(path, as_version=4).cells[-1].outputs[0].text.strip()


def test_a_kernel_need_not_import_what_chapters_import(tmp_path):
    page = write(
        tmp_path / "page.ipynb", code("import sys\nprint({'torch', 'seaborn'} <= {*sys.modules})")
    )
    execute(page, tmp_path / "out.ipynb")
    assert said(tmp_path / "out.ipynb") == "True"


def test_what_one_chapter_changes_the_next_does_not_see(tmp_path):
    source = """
        import os
        import pandas as pd
        import torch

        print(pd.get_option("display.max_rows"), os.environ.get("CHANGED"), hasattr(torch, "changed"))
        pd.set_option("display.max_rows", 7)
        os.environ["CHANGED"] = "yes"
        torch.changed = True
    """
    page = write(tmp_path / "page.ipynb", code(dedent(source)))
    for out in ("first.ipynb", "second.ipynb"):
        execute(page, tmp_path / out)
        assert said(tmp_path / out) == "60 None False"


def test_a_kernel_has_the_environment_of_its_moment(tmp_path, monkeypatch):
    source = "import os, torch\nprint(os.environ['FFLIB_STORE'], torch.get_num_threads())"
    page = write(tmp_path / "page.ipynb", code(source))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    for store in ("here", "there"):
        monkeypatch.setenv("FFLIB_STORE", store)
        execute(page, tmp_path / "out.ipynb")
        assert said(tmp_path / "out.ipynb") == f"{store} 1"


def test_a_kernel_that_is_stopped_is_gone(tmp_path):
    waits = (
        "import pathlib, time\nwhile not pathlib.Path('pid').exists():\n    time.sleep(0.1)\n1 / 0"
    )
    pages = [write(tmp_path / f"{n}.ipynb", code(s)) for n, s in (("slow", SLOW), ("fails", waits))]
    with pytest.raises(ChapterError, match=r"^fails\.ipynb, code cell 1"):
        execute_all({page: page.with_suffix(".out") for page in pages})
    with pytest.raises(psutil.NoSuchProcess):
        psutil.Process(int((tmp_path / "pid").read_text())).wait(timeout=10)


PROGRAM = (
    "import sys; from pathlib import Path; from fflib.book.chapter import execute; "
    "execute(Path(sys.argv[1]), Path(sys.argv[2]))"
)


def test_nothing_outlives_the_program(tmp_path):
    page = write(tmp_path / "page.ipynb", code("import os\nprint(os.getppid())"))
    out = tmp_path / "out.ipynb"
    subprocess.run([sys.executable, "-c", PROGRAM, page, out], check=True)
    assert not psutil.pid_exists(int(said(out)))


@pytest.mark.parametrize("how", ["terminate", "kill"])
def test_nothing_outlives_a_program_that_is_stopped(tmp_path, how):
    page = write(tmp_path / "page.ipynb", code(SLOW))
    with subprocess.Popen([sys.executable, "-c", PROGRAM, page, tmp_path / "out.ipynb"]) as program:
        while not (tmp_path / "pid").exists():
            time.sleep(0.1)
        kernel = psutil.Process(int((tmp_path / "pid").read_text()))
        server = kernel.parent()
        getattr(program, how)()
    _, alive = psutil.wait_procs([kernel, server], timeout=10)
    assert not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]


def test_a_server_that_has_ended_is_replaced(tmp_path):
    page = write(tmp_path / "page.ipynb", code("import os\nprint(os.getppid())"))
    execute(page, tmp_path / "first.ipynb")
    psutil.Process(int(said(tmp_path / "first.ipynb"))).kill()
    for server in kernels.SERVERS.values():
        server.wait(timeout=10)
    execute(page, tmp_path / "second.ipynb")
    assert said(tmp_path / "first.ipynb") != said(tmp_path / "second.ipynb")
