"""Numbers get a minus, names keep their hyphens, and text is text."""

import os
import subprocess
import sys

import pytest
from markdown_it import MarkdownIt

from fflib.wording import in_markdown, minus


@pytest.mark.parametrize(
    ("typed", "set_"),
    [
        ("-1", "−1"),
        ("-.5", "−.5"),
        ("FF: -0.24 [-0.30, -0.18], n = 3", "FF: −0.24 [−0.30, −0.18], n = 3"),
        ("(-2)", "(−2)"),
        ("bound:-2", "bound:−2"),
        ("p = 1e-05", "p = 1e−05"),
        ("2.5E-3", "2.5E−3"),
    ],
)
def test_the_sign_of_a_number_becomes_a_minus(typed, set_):
    assert minus(typed) == set_


@pytest.mark.parametrize(
    "text",
    [
        "CIFAR-10", "Fashion-MNIST", "relu-l2", "10-what-makes-it-sparse", "2024-01-31", "3-5 runs",
        "well-known", "a - b", "FF − BP", "--retrain 3", "e-3", "layer[0]-1",
    ],
)  # fmt: skip
def test_other_hyphens_stay(text):
    assert minus(text) == text


def test_it_is_done_once():
    assert minus(minus("-1 on CIFAR-10")) == "−1 on CIFAR-10"


NAMES = [
    "$10_to_$20",
    "<b> & </b>",
    "`a` *b* _c_",
    "[x](y) | #1",
    "~~50 %~~ ^2",
    "日本語",
    "שלום",
    "🐈",
]


@pytest.mark.parametrize("name", NAMES)
def test_markdown_takes_a_name_for_text(name):
    markdown = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    (inline,) = [t for t in markdown.parse(in_markdown(name)) if t.type == "inline"]
    assert {token.type for token in inline.children} <= {"text", "text_special"}
    assert "".join(token.content for token in inline.children) == name
    row = markdown.render(f"| a | b |\n| --- | --- |\n| {in_markdown(name)} | 1 |")
    assert row.count("<td>") == 2


def test_no_encoding_ends_a_command():
    code = (
        "import sys\nfrom fflib.wording import spare_streams\n"
        "spare_streams()\nprint('−1 日')\nprint('日', file=sys.stderr)"
    )
    environment = os.environ | {"PYTHONUTF8": "0", "PYTHONIOENCODING": "cp1252"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, check=True
    )
    assert done.stdout.split() == [rb"\u22121", rb"\u65e5"]
    assert done.stderr.strip() == rb"\u65e5"
