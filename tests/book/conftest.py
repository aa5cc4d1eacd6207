"""One toy book for all tests, built once: its pages are those that the command makes of it."""

import json
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest
from books import ROOT, make_toy
from filelock import FileLock


@pytest.fixture(scope="session")
def built(shared):
    """The site of the toy book, built by the command, and what the command printed.

    It is for reading; the folder of the book is two folders up.
    """
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
