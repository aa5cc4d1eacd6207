"""Verdicts: from numbers of runs to an answer, on records made for the purpose."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest
from synthetic import PROVENANCE

from fflib.book.build import chapters
from fflib.experiment import Experiment
from fflib.records.schema import LayerMetrics, Metrics
from fflib.records.stores import Record
from fflib.statistics import mean_interval
from fflib.study.claims import (
    CHECKS,
    CHOICES,
    CLAIMS,
    INGREDIENTS,
    QUESTIONS,
    Claim,
    judge,
    scorecard,
)


def record(value, seed=0, model="ff", dataset="mnist", protocol="relu-l2", hold_out=None):
    """A record whose accuracy, Hoyer sparseness and share of negative weights are one number."""
    layer = LayerMetrics(
        hoyer=value,
        hoyer_all=value,
        hoyer_above_rest=value,
        hoyer_by_class=[value] * 10,
        treves_rolls=value,
        active_fraction=0.5,
        silent_fraction=0.0,
        negative_weights=value,
        excitation=1.0,
        links=None,
    )
    metrics = Metrics(
        accuracy=value, layer_accuracy=[], images=10, correct=9, layers=[layer] * 3, unseen=None
    )
    experiment = Experiment(
        model=model, dataset=dataset, protocol=protocol, seed=seed, hold_out=hold_out
    )
    return Record(experiment=experiment, metrics=metrics, curve=[], provenance=PROVENANCE)


def claim(bound=0.5, above=True, control=False):
    def accuracy(ff, bp=None):
        return ff.metrics.accuracy - (bp.metrics.accuracy if control else 0)

    compared = {"ff": {"model": "ff"}} | ({"bp": {"model": "bp"}} if control else {})
    return Claim(
        "id", "", "", "", "accuracy", "accuracy", bound, above, accuracy, "chapter", compared,
        together=len(CLAIMS),
    )  # fmt: skip


def runs(values, **fields):
    return [record(value, seed, **fields) for seed, value in enumerate(values)]


@pytest.mark.parametrize(
    ("values", "above", "verdict"),
    [
        ([0.80, 0.81, 0.82], True, "reproduced"),
        ([0.30, 0.31, 0.32], True, "not reproduced"),
        ([0.30, 0.31, 0.32], False, "reproduced"),
        ([0.80, 0.81, 0.82], False, "not reproduced"),
        ([0.10, 0.60, 0.90], True, "not decidable"),
        ([0.99], True, "not decidable"),
        ([], True, "not decidable"),
    ],
)
def test_the_interval_over_runs_decides(values, above, verdict):
    assert judge(claim(above=above), runs(values)).verdict == verdict


def test_a_claim_that_holds_on_one_data_set_only_is_partly_reproduced():
    records = runs([0.8, 0.81, 0.82]) + runs([0.3, 0.31, 0.32], dataset="fashion-mnist")
    found = judge(claim(), records)
    assert found.verdict == "partly"
    assert "holds on mnist (relu-l2)" in found.why
    assert "fails on fashion-mnist (relu-l2)" in found.why


def test_runs_are_paired_with_the_control_of_their_seed():
    ff, bp = runs([0.9, 0.7, 0.5]), runs([0.8, 0.6, 0.4], model="bp")
    found = judge(claim(bound=0.05, control=True), ff + bp[::-1])
    assert found.cells[0].values == pytest.approx((0.1, 0.1, 0.1))
    assert found.verdict == "reproduced"
    lonely = judge(claim(control=True), ff + bp[:1])
    assert lonely.interval.n == 1


def test_the_risk_of_error_is_shared_among_the_claims():
    values = [0.80, 0.82, 0.90]
    alone, shared = mean_interval(values), judge(claim(), runs(values)).interval
    assert (1 - shared.confidence) * len(CLAIMS) == pytest.approx(1 - alone.confidence)
    assert shared.low < alone.low < alone.high < shared.high


@pytest.mark.parametrize(
    ("p_value", "answer"), [(1e-4, "holds"), (0.04, "open"), (1.0, "open"), (np.nan, "open")]
)
def test_a_claim_with_a_test_holds_only_where_the_test_excludes_chance(p_value, answer):
    tested = replace(claim(), test=lambda records: p_value)
    (cell,) = judge(tested, runs([0.80, 0.81, 0.82])).cells
    assert (cell.answer, cell.p_value) == (answer, pytest.approx(p_value, nan_ok=True))
    (cell,) = judge(tested, runs([0.30, 0.31, 0.32])).cells
    assert cell.answer == "fails"


def test_overlap_that_follows_similarity_is_told_from_one_that_does_not():
    """Classes on a ring, each sharing half of its units with the next one alone."""
    units = np.arange(40)
    members = np.array([(units // 4 == c) | (units // 4 == (c + 1) % 10) for c in range(10)])
    steps = np.abs(np.subtract.outer(np.arange(10), np.arange(10)))
    similarity = np.where(np.minimum(steps, 10 - steps) == 1, 0.8, 0.1)
    (shared,) = (c for c in CLAIMS if c.id == "shared")

    def with_arrays(order):
        arrays = {
            "ensembles/median-quantile": np.packbits(np.stack([members] * 3), axis=-1),
            "similarity": similarity[order][:, order],
        }
        return [
            r.model_copy(
                update={
                    "arrays": arrays,
                    "experiment": r.experiment.model_copy(update={"hidden": 40}),
                }
            )
            for r in runs([0.5, 0.5])
        ]

    (follows,) = judge(shared, with_arrays(np.arange(10))).cells
    assert follows.interval.mean == pytest.approx(1)
    assert (follows.answer, follows.p_value < 0.001) == ("holds", True)
    (shuffled,) = judge(shared, with_arrays(np.array([0, 5, 2, 7, 4, 9, 6, 1, 8, 3]))).cells
    assert (shuffled.answer, shuffled.p_value > 0.1) == ("fails", True)


def test_more_runs_only_make_the_interval_more_precise():
    rng = np.random.default_rng(0)
    values = 0.8 + 0.01 * rng.standard_normal(20)
    few, many = (judge(claim(), runs(values[:n])).interval for n in (3, 20))
    assert many.high - many.low < few.high - few.low


def test_runs_with_a_held_out_class_do_not_enter_the_other_claims():
    records = [*runs([0.8, 0.8]), record(0.1, hold_out=3)]
    assert judge(claim(), records).interval.n == 2


def test_the_scorecard_covers_every_claim_and_names_a_chapter_that_exists():
    verdicts = scorecard([])
    assert [v.claim.id for v in verdicts] == [c.id for c in CLAIMS]
    assert {c.chapter for c in CLAIMS} <= set(chapters(Path(__file__).parents[2]))
    for verdict in verdicts:
        fields = verdict.as_dict()
        expected = [
            "id",
            "statement",
            "verdict",
            "estimate",
            "interval",
            "runs",
            "datasets",
            "chapter",
        ]
        assert set(expected) <= set(fields)


def test_criteria_have_units_of_their_quantity():
    for c in CLAIMS:
        assert c.quantity
        assert f"{c.bound:g}" in c.criterion


def test_a_lenient_claim_counts_runs_that_lack_what_they_are_compared_with():
    def seen(ff, bp):
        return 1.0 if bp is None else 0.0

    strict = replace(claim(control=True), measure=seen)
    records = runs([0.9, 0.8]) + runs([0.7], model="bp")
    assert judge(strict, records).interval.n == 1
    lenient = judge(replace(strict, lenient=True), records)
    assert lenient.cells[0].values == (0.0, 1.0)


def test_a_claim_of_ours_is_confirmed_or_refuted():
    ours = replace(claim(), by="ours")
    assert judge(ours, runs([0.8, 0.81, 0.82])).verdict == "confirmed"
    assert judge(ours, runs([0.3, 0.31, 0.32])).verdict == "refuted"
    assert judge(ours, []).verdict == "not decidable"


def test_the_range_over_choices_leaves_out_those_that_do_not_learn():
    (goodness, _) = CHOICES

    def cell(goodness_name, value, accuracy):
        made = record(value)
        fields = {"goodness": goodness_name, "theta": 0.5, "evaluate_on": "validation"}
        return made.model_copy(
            update={
                "experiment": Experiment(**fields),
                "metrics": made.metrics.model_copy(update={"accuracy": accuracy}),
            }
        )

    records = [cell("l2", 0.5, 0.9), cell("l1", 0.7, 0.85), cell("linf", 0.1, 0.3)]
    (value,) = judge(goodness, records).cells[0].values
    assert value == pytest.approx(0.2)


def test_judging_loads_neither_pages_nor_training():
    """``fflib claims`` reads records: it needs no figures, tables, clusters or trainers."""
    asked = """
        import sys
        from fflib.cli import main
        sys.argv = ["fflib", "claims", "--json"]
        try:
            main()
        finally:
            print(*sorted(sys.modules), file=sys.stderr)
    """
    done = subprocess.run(
        [sys.executable, "-c", dedent(asked)], capture_output=True, text=True, check=True
    )
    loaded = set(done.stderr.split())
    assert {"fflib.study.claims", "fflib.records.stores"} <= loaded
    unneeded = {"IPython", "distributed", "fflib.training", "matplotlib", "pandas", "sklearn"}
    assert loaded & unneeded == set()


def test_claims_have_what_their_group_has_in_common_and_numbers_in_their_words():
    everything = [*CLAIMS, *CHECKS, *QUESTIONS]
    assert len({c.id for c in everything}) == len(everything)
    assert [c.id for c in everything if "{" in c.quantity] == []
    assert {(c.together, c.by, c.grids) for c in INGREDIENTS} == {(5, "ours", ("local",))}
    assert INGREDIENTS[0].runs["one"] == {"model": "local-bp", "norm": None}
