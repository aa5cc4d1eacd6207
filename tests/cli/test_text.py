"""Text in a terminal of any encoding: what a command has to say never costs a result."""

import os
import subprocess
import sys

import pytest
from PIL import Image

NAMES = ("日本語", "$1-$5", "<b>`x`|")


def fflib_(*arguments, cwd, codes=(0,)):
    """Run the command in a process of its own, with its output in a file of Windows' encoding."""
    environment = os.environ | {
        "PYTHONUTF8": "0",
        "PYTHONIOENCODING": "cp1252",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    with (cwd / "out.txt").open("wb") as out, (cwd / "err.txt").open("wb") as err:
        done = subprocess.run(
            [sys.executable, "-m", "fflib", *map(str, arguments)],
            cwd=cwd,
            env=environment,
            stdout=out,
            stderr=err,
        )
    said = (cwd / "err.txt").read_text("cp1252")
    assert done.returncode in codes, said
    assert "Traceback" not in said
    return (cwd / "out.txt").read_text("cp1252")


@pytest.fixture
def folder(tmp_path):
    """A folder of bright bars at one of three places, with names of all kinds."""
    for place, name in enumerate(NAMES):
        (tmp_path / "写真" / name).mkdir(parents=True)
        for i in range(20):
            image = Image.effect_noise((12, 12), 20).point(lambda value: value // 8)
            image.paste(200 + i, (4 * place, 0, 4 * place + 4, 12))
            image.save(tmp_path / "写真" / name / f"{i}.png")
    return tmp_path / "写真"


def test_claims_are_printed_in_any_encoding(tmp_path):
    assert r"\u2212" in fflib_("claims", cwd=tmp_path)


def test_a_training_on_a_folder_of_any_name_is_printed_and_kept(folder, tmp_path):
    options = ("--model", "bp", "--hidden", 16, "--epochs", 2, "--hold-out", NAMES[0], "--quiet")
    said = fflib_("train", "--dataset", folder, *options, "--save", cwd=tmp_path)
    assert r"without class \u65e5\u672c\u8a9e" in said
    assert "recorded in " in said


@pytest.mark.cluster
def test_a_verdict_on_a_folder_of_any_name_ends_in_a_page(folder, tmp_path):
    options = ("--seeds", 1, "--hidden", 32, "--epochs", 20)
    fflib_("verdict", folder, *options, cwd=tmp_path, codes=(0, 1))  # not everything has to learn
    page = (tmp_path / "verdict" / "index.html").read_text(encoding="utf-8")
    for shown in ("写真", "日本語", "$1-$5", "&lt;b&gt;`x`|"):
        assert shown in page
