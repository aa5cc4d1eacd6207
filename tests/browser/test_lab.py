"""The explorers as widgets in JupyterLab, on a live run, operated by mouse and keyboard."""

import json
import os
import re
import subprocess
import sys
import time
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import nbformat
import numpy as np
import pytest

import fflib
from fflib.book.browser import confine
from fflib.book.explorers.live import EnsembleExplorer, OverlapExplorer, TrainingExplorer

SETTINGS = {"dataset": "digits", "hidden": 40, "epochs": 4, "snapshots": 3, "theta": 1.0}
NOTEBOOK = f"""import fflib
from fflib.book.explorers.live import explore

explore(fflib.train(fflib.Experiment(**{SETTINGS}), progress=False))"""
MINUTE = 60_000
"""In milliseconds, as Playwright counts. A kernel imports torch and trains for some seconds, and
how many these are depends on what else the machine does."""


@pytest.fixture(scope="module")
def run():
    """The run that the notebook trains, trained here as well: the seed makes them the same."""
    return fflib.train(fflib.Experiment(**SETTINGS), progress=False)


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """JupyterLab on a port of its own, with nothing of the user's; its address by path."""
    pytest.importorskip("jupyterlab", reason="needs JupyterLab: pip install -e '.[book]'")
    folder = tmp_path_factory.mktemp("lab")
    (home := folder / "home").mkdir()
    (files := folder / "files").mkdir()
    cells = [nbformat.v4.new_code_cell(NOTEBOOK, id="explorers")]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    nbformat.write(notebook, files / "explorers.ipynb")
    own = {
        f"JUPYTER{name}": str(home / name.strip("_").lower())
        for name in ("_CONFIG_DIR", "_DATA_DIR", "_RUNTIME_DIR", "LAB_SETTINGS_DIR",
                     "LAB_WORKSPACES_DIR")
    }  # fmt: skip
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
        *("--ServerApp.ip=127.0.0.1", "--ServerApp.port=0", f"--ServerApp.root_dir={files}"),
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(command, env=os.environ | own, stdout=log, stderr=log)
    try:
        told = _wait_for_server(server, home / "runtime_dir", folder / "log")
        token = urlencode({"token": told["token"]})
        yield lambda path: f"{told['url']}{path}?{token}"
        # Asked to stop, it stops its kernels, too.
        urlopen(Request(f"{told['url']}api/shutdown?{token}", method="POST"), timeout=30).close()
        server.wait(60)
    finally:
        server.kill()
        server.wait()


def _wait_for_server(server, runtime, log):
    until = time.monotonic() + 120
    while time.monotonic() < until and server.poll() is None:
        for found in runtime.glob("jpserver-*.json"):
            try:
                return json.loads(found.read_text(encoding="utf-8"))
            except json.JSONDecodeError:  # it is being written
                pass
        time.sleep(0.2)
    pytest.fail(f"JupyterLab did not start:\n{log.read_text(encoding='utf-8')[-2000:]}")


@pytest.fixture(scope="module")
def notebook(browser, lab):
    """The notebook, opened and run from top to bottom; no request may go to another host."""
    context = browser.new_context(viewport={"width": 1280, "height": 1400})
    page = context.new_page()
    foreign = confine(context, lab("").partition("/?")[0])
    page.set_default_timeout(3 * MINUTE)
    page.goto(lab("lab/tree/explorers.ipynb"))
    page.locator(".jp-Notebook .cm-content").first.wait_for()
    page.get_by_text("Python 3 (ipykernel) | Idle").first.wait_for(state="attached")
    page.locator(".jp-Notebook .cm-content").first.click()
    page.keyboard.press("Shift+Enter")
    page.locator(".jp-OutputArea .widget-tab").first.wait_for()
    yield page
    context.close()
    assert foreign == []


@pytest.fixture
def tab(notebook):
    """Opens the tab of a name, with the mouse, and gives what is on it."""

    def opener(name):
        notebook.get_by_role("tab", name=name).click()
        panel = notebook.locator(".widget-tab-contents > :not(.lm-mod-hidden)").first
        panel.wait_for()
        return panel

    return opener


def _said(explorer):
    return re.sub("<[^>]+>", "", explorer.text.value).strip()


def _says(panel, explorer):
    """Waits until a panel says what the explorer in this process does."""
    panel.get_by_text(_said(explorer), exact=True).wait_for()
    alternative = re.search(r'alt="([^"]*)"', explorer.picture.value)[1]
    picture = panel.get_by_alt_text(alternative, exact=True)
    picture.wait_for()
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth > 100)")


def test_ensembles_follow_class_layer_rule_and_threshold(tab, run):
    panel, here = tab("ensembles"), EnsembleExplorer(run)
    _says(panel, here)
    panel.get_by_label("Class").select_option("7")
    here.label.value = 7
    _says(panel, here)
    panel.get_by_label("Layer").select_option(index=2)
    here.layer.value = 2
    _says(panel, here)
    before = here.ensembles.sum()
    panel.get_by_role("slider").first.focus()
    for _ in range(20):
        panel.page.keyboard.press("ArrowLeft")
    here.thresholds["median-quantile"].value = 0.7
    assert here.ensembles.sum() > before, "a lower threshold lets more units in"
    _says(panel, here)
    rule = "leave-one-out"
    panel.get_by_label("Rule").select_option(index=1)
    here.rule.value = rule
    _says(panel, here)


def test_overlaps_follow_the_two_classes(tab, run):
    panel, here = tab("overlaps"), OverlapExplorer(run)
    _says(panel, here)
    panel.get_by_label("Row").select_option("3")
    here.first.value = 3
    _says(panel, here)
    panel.get_by_label("Column").focus()
    panel.page.keyboard.press("8")  # a list goes to the entry that begins so
    here.second.value = 8
    _says(panel, here)


def test_training_is_gone_through_by_keyboard_and_played_by_mouse(tab, run):
    panel, here = tab("training"), TrainingExplorer(run)
    _says(panel, here)
    last = here.moment.max
    panel.get_by_role("slider").focus()
    panel.page.keyboard.press("Home")
    here.moment.value = 0
    _says(panel, here)
    panel.page.keyboard.press("ArrowRight")
    here.moment.value = 1
    _says(panel, here)
    assert not np.array_equal(here.members[0], here.members[last]), "training shows nothing"
    panel.page.keyboard.press("Home")
    panel.locator(".widget-play button").first.click()
    here.moment.value = last
    _says(panel, here)
