"""Tables of the book say what verdicts and records say."""

import numpy as np
import pytest
from synthetic import LABELS, LAYERS, of, record

from fflib import data
from fflib.book.tables import (
    answer,
    by_label,
    changes,
    checksums,
    criterion,
    digest,
    in_brief,
    machines,
    mantel_tests,
    places,
    provenance,
    readout,
    shown,
)
from fflib.book.tables import scorecard as scorecard_table
from fflib.measures import sharing
from fflib.statistics import Interval, holm, mantel, mean_interval, permutations_needed
from fflib.study.analyses import authors
from fflib.study.claims import CLAIMS, FIRST, QUESTIONS, Cell, Verdict, members, scorecard
from fflib.wording import minus

MAIN = [record(model, seed) for model in ("bp", "ff") for seed in (0, 1)]
HELD = [record(model, hold_out=held) for model in ("ff", "bp") for held in (1, 3)]


def cells(table):
    return [
        [cell.strip() for cell in row.strip("|").split(" | ")] for row in table.data.split("\n")
    ]


@pytest.mark.parametrize("records", [[], MAIN, MAIN + HELD], ids=["none", "some", "all"])
def test_the_scorecard_has_a_row_for_every_claim(records):
    verdicts = scorecard(records)
    header, rule, *rows = cells(scorecard_table(verdicts))
    assert set(rule) == {"---"}
    assert len(rows) == len(CLAIMS)
    for row, verdict in zip(rows, verdicts, strict=True):
        assert len(row) == len(header)  # no text breaks the table
        assert row[0].startswith(f"[**{verdict.claim.title}**]({verdict.claim.chapter}.ipynb)")
        assert row[1] == f"**{verdict.verdict}**: {verdict.why}"
        assert row[2] == (verdict.back_propagation_too or "–")
        assert row[3] == (verdict.label_alone or "–")
        assert (verdict.estimates or "no runs yet") in row[4]


def test_the_answer_is_given_in_two_sentences():
    def verdict(claim, *answers):
        none = Interval(np.nan, np.nan, np.nan, 0)
        of_layers = enumerate(answers, start=1)
        cells = [Cell("mnist", "relu-l2", n, (), none, none, answer) for n, answer in of_layers]
        return Verdict(claim, tuple(cells))

    both, some = ("holds", "holds"), ("holds", "fails")
    found = [both, some, ("fails",), both, ()]
    said = answer([verdict(c, *a) for c, a in zip(CLAIMS, found, strict=False)]).data
    first, second = said.removesuffix(".").split(". ")
    assert first.startswith("Of 5 claims, 2 hold throughout: [")
    holds, fails = first.split("; ")
    assert f"[{CLAIMS[3].title.lower()}]({CLAIMS[3].chapter}.ipynb)" in holds
    assert fails == f"1 fails: [{CLAIMS[2].title.lower()}]({CLAIMS[2].chapter}.ipynb)"
    assert second.startswith("1 holds in part: [")
    assert "(in the first layer only); 1 is open: [" in second
    assert answer([]).data == ""


def test_every_claim_of_the_paper_has_a_place_in_it():
    header, _, *rows = cells(places(CLAIMS))
    assert [row[0] for row in rows] == [f"[{c.title}]({c.chapter}.ipynb)" for c in CLAIMS]
    assert all(len(row) == len(header) and all(row) for row in rows)


def test_what_changed_has_both_criteria_and_both_verdicts():
    first = {c.id: verdict(c, "holds", "open") for c in FIRST}
    header, _, *rows = cells(changes(scorecard([]), first))
    assert len(rows) == len(CLAIMS)
    for row, claim in zip(rows, CLAIMS, strict=True):
        assert len(row) == len(header)  # no text breaks the table
        assert row[2] == claim.fault.strip()
        assert row[3] == minus(f"{claim.criterion}.")
        assert row[4] == ("**partly**" if claim.first else "**not tested**")
        assert row[5].startswith("**open**")


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_a_criterion_names_quantity_side_and_bound(claim):
    text = criterion(claim).data
    assert claim.quantity in text
    assert f"lies {'above' if claim.above else 'below'} **{claim.bound:g}**" in text.replace(
        "−", "-"
    )


def verdict(claim, *answers):
    """A verdict on a claim with these answers, one for each cell, none of which was computed."""
    interval = Interval(-0.25, -0.5, 1.0, 3)
    cells = tuple(
        Cell(name, "relu-l2", None, (-0.25,) * 3, interval, interval, answer)
        for name, answer in zip(("mnist", "cifar-10"), answers, strict=False)
    )
    return Verdict(claim, cells)


def test_a_digest_has_a_line_for_every_claim_of_every_group():
    paper = [verdict(CLAIMS[0], "holds", "fails"), verdict(CLAIMS[1])]
    question = next(claim for claim in QUESTIONS if claim.chapter == "15-cifar-10")
    header, _, *rows = cells(
        digest({"paper": paper, "questions": [verdict(question, "fails", "fails")]})
    )
    assert len(rows) == 3
    assert [len(row) for row in rows] == [len(header)] * 3  # no text breaks the table
    first, bare, other = rows
    assert [row[0] for row in rows] == ["paper", "", "questions"]
    assert first[1] == f"[{CLAIMS[0].title}]({CLAIMS[0].chapter}.ipynb)"
    assert first[2:4] == [CLAIMS[0].label, "> −0.05"]
    assert first[4:] == ["−0.25", "1 of 2", "**mixed**", "–"]
    assert bare[4:] == ["no runs yet", "", "**open**", "–"]
    assert other[1] == "[Keeps up on CIFAR-10](15-cifar-10.ipynb)"  # a name keeps its hyphen
    assert other[6] == "**fails**"


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (("holds", "holds"), "**Yes**: on every data set."),
        (("holds", "fails"), "**It depends**: on MNIST only."),
        (("holds", "open"), "**Not settled**: surely so on MNIST only."),
        (("holds",), "**Yes**: on MNIST."),
        (("fails", "fails"), "**No**: on no data set."),
        (("fails", "open"), "**No**: surely not on MNIST."),
        (("open", "open"), "**Not settled**: on any data set."),
        ((), "**Not settled**: nothing was trained for it yet."),
    ],
)
@pytest.mark.parametrize("claim", [CLAIMS[0], QUESTIONS[0]], ids=["paper", "ours"])
def test_verdicts_in_brief_are_plain_answers(claim, answers, said):
    question, answer = in_brief([verdict(claim, *answers)]).data.split("? ")
    assert question == f"- [{claim.statement.removesuffix('.')}]({claim.chapter}.ipynb)"
    assert answer == said


def test_mantel_tests_are_corrected_for_their_number():
    ff = of(MAIN, model="ff")
    table = mantel_tests(ff)
    permutations = permutations_needed(LAYERS * len(ff))
    tests = [
        mantel(layer, run.arrays["similarity"], permutations=permutations)
        for run in ff
        for layer in np.nan_to_num(sharing.jaccard(members(run)))
    ]
    corrected = holm([test.p_value for test in tests])
    expected = [f"{t.correlation:.2f} ({p:.2g})" for t, p in zip(tests, corrected, strict=True)]
    assert table.to_numpy().ravel().tolist() == expected


def test_a_layer_without_a_correlation_has_no_test():
    [run, _] = of(MAIN, model="ff")
    everyone = np.full_like(run.arrays["ensembles/median-quantile"], 255)
    equal = run.model_copy(update={"arrays": run.arrays | {"ensembles/median-quantile": everyone}})
    assert set(mantel_tests([equal]).to_numpy().ravel()) == {"all equal"}


def test_responses_are_averaged_over_runs_by_label():
    table = by_label(HELD, "auroc")
    assert len(table) == len(LABELS) + 1
    runs = [r.metrics.unseen["none"] for r in of(HELD, model="ff")]
    expected = np.mean([[layer.auroc for layer in layers] for layers in runs], axis=0)
    np.testing.assert_array_equal(table.loc[("FF", "no label")], expected.round(3))


def test_provenance_has_a_row_for_every_record():
    table = provenance(MAIN + HELD)
    assert set(table.index) == {r.experiment.key for r in MAIN + HELD}
    for run in MAIN + HELD:
        row = table.loc[run.experiment.key]
        assert row["seed"] == run.experiment.seed
        assert row["held out"] == (
            "" if run.experiment.hold_out is None else str(run.experiment.hold_out)
        )
        assert row["date"] == "2024-01-01"


def test_hours_of_one_machine_add_up():
    [[runs, hours]] = machines(MAIN).to_numpy().tolist()
    assert runs == len(MAIN)
    seconds = sum(r.provenance.circumstances.seconds for r in MAIN)
    assert hours == pytest.approx(seconds / 3600, abs=0.005)  # two digits are shown


def test_data_that_changed_between_runs_are_listed_twice():
    def with_md5(run, md5):
        found = run.provenance.model_copy(update={"data": {"images": md5}})
        return run.model_copy(update={"provenance": found})

    first, second, *_ = MAIN
    assert checksums([with_md5(first, "a"), with_md5(second, "a")])["MD5"].tolist() == ["a"]
    assert checksums([with_md5(first, "a"), with_md5(second, "b")])["MD5"].tolist() == ["a", "b"]


def test_tables_of_no_records_are_empty():
    assert provenance([]).empty
    assert machines([]).empty
    assert checksums([]).empty


def test_the_authors_pairs_are_symmetric_and_within_their_ensembles():
    shared = authors.shared_units()
    assert len(shared) == len(data.class_names("fashion-mnist"))
    np.testing.assert_array_equal(shared, shared.T)
    sizes = np.diag(shared)
    off = shared - np.diag(sizes)
    assert (off <= np.minimum.outer(sizes, sizes)).all()
    assert (np.tril(off) > 0).sum() == 4


def test_names_of_classes_are_those_of_the_data():
    assert data.class_names("digits") == data.load("digits").classes
    assert len(set(data.class_names("mnist"))) == 10


def test_the_readout_has_intervals_over_the_runs_of_a_cell():
    table = readout(MAIN)
    bp = of(MAIN, model="bp")
    row = table.xs("BP", level="model").iloc[0]
    assert row["without them"] == mean_interval([r.metrics.readout.cut.without for r in bp])
    losses = [np.diagonal(r.arrays["damage/ensembles"][0]).mean() for r in bp]
    assert row["own loss"].mean == pytest.approx(np.mean(losses))
    assert row["own loss"].n == len(bp)


def test_runs_without_a_readout_are_left_out():
    bare = MAIN[0].model_copy(
        update={"metrics": MAIN[0].metrics.model_copy(update={"readout": None})}
    )
    table = shown(readout([bare, MAIN[1]]))
    assert table["runs"].tolist() == [1]
    assert "[" not in table["intact"].iloc[0]  # one run has no interval
    assert readout([bare]).empty
