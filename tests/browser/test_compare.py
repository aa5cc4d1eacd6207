"""Two sites are compared by what a reader sees, and numbers that change are found among words that do."""

import json

import compare
import pytest

PAGE = """<html><head><title>T</title></head><body><div class="bd-sidebar-primary"><a>{bar}</a></div>
<article class="bd-article"><h1>{title}</h1>{body}</article></body></html>"""


@pytest.fixture
def site(tmp_path):
    """Makes a site of pages, each given as what is in its article."""

    def make(name, bar="Chapter", **pages):
        (tmp_path / name).mkdir()
        for page, body in pages.items():
            heading, _, rest = body.rpartition("|")
            path = tmp_path / name / f"{page}.html"
            path.write_text(PAGE.format(bar=bar, title=heading or page, body=rest), "utf-8")
        return str(tmp_path / name)

    return make


def found(capsys, *arguments):
    code = compare.main([*arguments, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_markup_dates_durations_and_commits_make_no_difference(site, capsys):
    old = "<p>One  <b>run</b></p>, 2026-01-02 in 3.5 s at 0a1b2c3<script>1</script>"
    new = "<!-- 9 --><div>One run</div>, 2027-12-31 in 8 seconds at d4e5f60"
    code, summary = found(capsys, site("old", index=old), site("new", index=new))
    assert code == 0
    assert summary["differ"] == []
    assert summary["pages"] == 2  # the page and the side bar


def test_words_may_differ_and_numbers_in_code_too(site, capsys):
    old = site("old", bar="Neurons", index="<p>All 3 neurons.</p><pre>a = 1</pre>")
    new = site("new", bar="Units", index="<p>All 3 units.</p><pre>b = 2</pre>")
    code, summary = found(capsys, old, new)
    assert (code, summary["numbers"]) == (0, {})
    assert summary["differ"] == [compare.FRAME, "index.html"]
    assert compare.main([old, new]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert "-All 3 neurons." in shown
    assert "+All 3 units." in shown


def test_a_number_that_differs_is_named(site, capsys):
    old = site("old", index="<td>0.51</td><td>7</td>")
    new = site("new", index="<td>7</td><td>0.52</td>")
    assert found(capsys, old, new) == (
        1,
        {
            "pages": 2, "only_old": [], "only_new": [], "renamed": {}, "differ": ["index.html"],
            "numbers": {"index.html": ["-0.51", "+0.52"]},
        },
    )  # fmt: skip


def test_the_api_holds_no_findings(site, capsys):
    entry = '<dl class="py"><dt>f(x={})</dt></dl>'
    old, new = (site(name, index="", api=entry.format(name)) for name in ("1", "2"))
    code, summary = found(capsys, old, new)
    assert (code, summary["numbers"], summary["differ"]) == (0, {}, ["api.html"])


def test_a_page_is_found_under_another_name(site, capsys):
    words = "<p>The same words as ever, one by one and all in a row.</p>"
    old = site("old", index="", neurons=f"2. Shared|{words}", lost="gone", other=f"Told|{words}")
    new = site("new", index="", units="3. Shared|quite different", other2=f"Said|{words}")
    code, summary = found(capsys, old, new)
    assert code == 1
    assert summary["renamed"] == {"neurons.html": "units.html", "other.html": "other2.html"}
    assert summary["only_old"] == ["lost.html"]


def test_without_a_site_there_is_nothing_to_compare(site, tmp_path, capsys):
    assert compare.main([site("old", index=""), str(tmp_path / "none")]) == 2
    assert "no site" in capsys.readouterr().err
