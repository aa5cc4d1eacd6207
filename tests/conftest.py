"""What every test runs under: no progress bars, a store of its own, properties that repeat.

Also the site as it was built, served on this machine and opened in a browser.

``HYPOTHESIS_PROFILE=search pytest`` looks for new counterexamples, and longer.
"""

import json
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

# Workers of pytest-xdist share the cores: each computes on one, and so do the processes it starts.
if PARALLEL := "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported

import pytest
from filelock import FileLock
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[1]

# How long an example takes says something of the machine, nothing of the property.
settings.register_profile(
    "repeat", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("search", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeat"))


# Markers of the tests that take longest.
LONG = {"browser", "build", "chapters", "cluster", "training"}


def pytest_collection_modifyitems(items):
    """Mark what a fixture or a folder says; other tests are marked where they stand.

    Long tests come first, so that no worker is left with one when the others have nothing to do.
    """
    for item in items:
        used = getattr(item, "fixturenames", ())
        if "browser" in used or item.path.parent.name == "browser":
            item.add_marker("browser")
        if "built" in used:
            item.add_marker("build")
        if {"provoked", "benchmark"}.intersection(used):
            item.add_marker("training")
    items.sort(key=lambda item: LONG.isdisjoint(mark.name for mark in item.iter_markers()))


@pytest.fixture(scope="session")
def shared(tmp_path_factory):
    """A folder of this session, which all workers of pytest-xdist share."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if PARALLEL else own) / "shared"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(autouse=True)
def _own_store(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("FFLIB_STORE", str(tmp_path_factory.mktemp("store")))
    monkeypatch.setenv("TQDM_DISABLE", "1")


@pytest.fixture(scope="module")  # as long as it is open, its thread can run no other event loop
def browser():
    """Chromium, driven by Playwright and shut off from other hosts; skipped where one is missing."""
    from fflib.book import browser as chromium

    with ExitStack() as stack:
        try:
            browser = stack.enter_context(chromium.opened())
        except chromium.BrowserError as missing:
            pytest.skip(str(missing))
        yield browser


@pytest.fixture(scope="session")
def site():
    """The folder that FFLIB_SITE names, else where ``make book`` puts the site."""
    named = os.environ.get("FFLIB_SITE")
    folder = Path(named) if named else ROOT / "_build" / "html"
    if not (folder / "searchindex.js").is_file():
        message = f"needs the built site, which is not in {folder}: make book, or set FFLIB_SITE"
        pytest.fail(message) if named else pytest.skip(message)
    return folder.resolve()


@pytest.fixture(scope="session")
def address(site):
    """Of the site, with a slash at its end."""
    from fflib.book.browser import serving

    with serving(site) as base:
        yield f"{base}/"


@pytest.fixture
def opened(browser, address):
    """Opens pages of the site, each for a reader who is new to it.

    Nothing may go wrong once a page is there; what goes wrong in opening it, the audit says.
    """
    contexts, wrong = [], []

    def complained(message):
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            wrong.append(message.text)

    def opener(name="index.html", **options):
        contexts.append(context := browser.new_context(**options))
        page = context.new_page()
        page.goto(address + name)
        if name == "index.html":  # which may only send on
            page.wait_for_selector("article h1")
        page.on("console", complained)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        return page

    yield opener
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.fixture(scope="session")
def narrow():
    """A run of Forward-Forward on the digits whose network is small enough for a page."""
    from fflib.experiment import Experiment
    from fflib.training.train import train

    few = Experiment(dataset="digits", hidden=40, epochs=10, theta=1.0, precision="float32")
    return train(few, "cpu", progress=False)


@pytest.fixture(scope="session")
def kept(narrow):
    """The network of that run in eight bits."""
    from fflib.book.explorers.quantised import quantise

    return quantise(narrow)


@pytest.fixture(scope="session")
def built(shared):
    """The site of the toy book, built by the command, and what the command printed.

    It is for reading; the folder of the book is two folders up.
    """
    from books import make_toy

    root = shared / "toy"
    with FileLock(root.with_suffix(".lock")):
        if not (root / "said.json").exists():
            make_toy(root)
            environment = {k: v for k, v in os.environ.items() if not k.startswith("GITHUB_")}
            done = subprocess.run(
                [sys.executable, "-m", "fflib.book"],
                cwd=root,
                env={**environment, "PYTHONPATH": str(ROOT)},
                capture_output=True,
                text=True,
            )
            assert done.returncode == 0, done.stderr
            said = {"stdout": done.stdout, "stderr": done.stderr}
            (root / "said.json").write_text(json.dumps(said), encoding="utf-8")
    said = json.loads((root / "said.json").read_text(encoding="utf-8"))
    return root / "_build" / "html", SimpleNamespace(**said)


@pytest.fixture
def book_style():
    """Draw as the book does, and close the figures of a test."""
    from matplotlib import pyplot as plt

    from fflib.book.figures import style

    with plt.rc_context():
        style.use()
        yield
    plt.close("all")
