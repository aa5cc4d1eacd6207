"""Parameters of chapters: each has a rule, and what breaks it is one line before anything runs."""

from pathlib import Path

import pytest

from fflib.book import build
from fflib.book.chapter import parameters, with_defaults
from fflib.book.parameters import OWN, RULES, checked, meant
from fflib.errors import ChapterError

ROOT = Path(__file__).parents[2]
CHAPTERS = sorted((ROOT / "chapters").glob("*.ipynb"))


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_every_parameter_has_a_rule_which_its_default_keeps(chapter):
    defaults = parameters(chapter)
    assert {n for n in defaults if n not in RULES and (chapter.stem, n) not in OWN} == set()
    assert with_defaults(chapter, defaults) == defaults


@pytest.mark.parametrize(
    ("chapter", "name", "text", "said"),
    [
        ("02-accuracy", "epochs", "[1", "parameter epochs must be written as YAML, got '[1'"),
        ("02-accuracy", "epochs", "0", "epochs of 02-accuracy must be a whole number from 1, got 0"),
        ("02-accuracy", "epochs", "2.5", "must be a whole number from 1, got 2.5"),
        ("02-accuracy", "epochs", "yes", "must be a whole number from 1, got True"),
        ("02-accuracy", "seeds", "0", "must be a list of different values such as [0, 1], each a "
            "whole number from 0, got 0"),
        ("02-accuracy", "seeds", "[0, 0]", "got [0, 0] (a value is given twice)"),
        ("02-accuracy", "seeds", "[-1]", "got [-1]"),
        ("02-accuracy", "seeds", "[]", "got []"),
        ("02-accuracy", "source", "recrods", "must be one of records, train, got 'recrods'"),
        ("02-accuracy", "source", "null", "must be one of records, train, got None"),
        ("02-accuracy", "dataset", "mnits", "got 'mnits' (there is no such folder)"),
        ("10-what-makes-it-sparse", "learning_rate", "-1", "must be a number above 0, got -1"),
        ("10-what-makes-it-sparse", "learning_rate", ".inf", "must be a number above 0, got inf"),
        ("12-negative-weights-at-work", "models", "[fp]", "got ['fp']"),
        ("17-your-own-data", "folder", "2024", "must be a folder, got '2024' (there is no such"),
        ("17-your-own-data", "runs", "none", "must be a whole number from 1, got 'none'"),
        ("18-your-own-goodness", "theta", "high", "must be a number above 0, got 'high'"),
        ("18-your-own-goodness", "epochs", "2", "must be a whole number from 4, since with fewer the"),
    ],
)  # fmt: skip
def test_what_breaks_a_rule_stops_before_anything_runs(
    chapter, name, text, said, capfd, monkeypatch
):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(build, "execute", lambda *_, **__: pytest.fail("a chapter ran"))
    assert build.main(["--chapters", chapter, "-p", name, text]) == 1
    out, err = capfd.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(f"error: parameter {name}")
    assert said in err


@pytest.mark.parametrize(
    ("chapter", "name", "text", "value"),
    [
        ("10-what-makes-it-sparse", "learning_rate", "1e-3", 0.001),
        ("08-learning-rate", "epochs", "[2, 4]", [2, 4]),
        ("08-learning-rate", "epochs", "3", 3),
        ("18-your-own-goodness", "epochs", "null", None),
        ("02-accuracy", "seeds", "null", None),
        ("02-accuracy", "seeds", "[0, 3]", [0, 3]),
    ],
)
def test_what_keeps_it_is_taken(chapter, name, text, value):
    assert (
        with_defaults(ROOT / "chapters" / f"{chapter}.ipynb", {name: meant(name, text)})[name]
        == value
    )


def test_paths_are_those_of_the_place_where_the_command_is_given(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("2024", "[1", "null"):
        (tmp_path / name).mkdir()
    defaults = {"folder": None, "output": None, "dataset": "mnist"}

    def given(name, text):
        return checked("17-your-own-data", {name: meant(name, text)}, defaults)[name]

    assert given("folder", "2024") == str(tmp_path / "2024")
    assert given("dataset", "[1") == str(tmp_path / "[1")
    assert given("dataset", "mnist") == "mnist"
    assert given("output", "out") == str(tmp_path / "out")
    assert given("folder", "null") is None
    (tmp_path / "2024" / "notes.txt").write_text("mine")
    with pytest.raises(
        ChapterError, match=r"parameter output of .* got '2024' \(2024 holds something"
    ):
        given("output", "2024")


def test_what_has_no_rule_is_of_the_type_of_its_default():
    assert checked("toy", {"ratio": 2}, {"ratio": 1}) == {"ratio": 2}
    assert checked("toy", {"any": "x"}, {"any": None}) == {"any": "x"}
    with pytest.raises(ChapterError, match="parameter ratio of toy must be of type int, got 'x'"):
        checked("toy", {"ratio": "x"}, {"ratio": 1})


def test_kernels_get_the_paths_of_the_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FFLIB_STORE", "mine")
    monkeypatch.delenv("FFLIB_DATA", raising=False)
    with build._environment(1):
        assert build.os.environ["FFLIB_STORE"] == str(tmp_path / "mine")
        assert "FFLIB_DATA" not in build.os.environ
    assert build.os.environ["FFLIB_STORE"] == "mine"
