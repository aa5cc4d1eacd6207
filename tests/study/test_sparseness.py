"""Sparseness by other measures: differences from BP are paired by seed, and verdicts judged again."""

import numpy as np
import pytest
import synthetic

from fflib.statistics import mean_interval
from fflib.study.analyses.sparseness import MEASURES, against_bp, plainly
from fflib.study.claims import judge
from fflib.study.claims.quantities import above_rest, hoyer
from fflib.study.evidence import claim, where
from fflib.wording import minus

RUNS = [
    synthetic.record(model, seed, dataset)
    for seed in range(3)
    for dataset in ("mnist", "fashion-mnist")
    for model in ("ff", "bp-ff", "bp")
]


@pytest.mark.parametrize("measure", MEASURES)
def test_a_difference_is_that_from_bp_with_the_same_seed(measure):
    untrained = [
        r.model_copy(update={"experiment": r.experiment.model_copy(update={"epochs": 0})})
        for r in where(RUNS, model="ff")
    ]
    table = against_bp([*RUNS[::-1], *untrained])
    for layer in range(synthetic.LAYERS):
        by_seed = [
            np.subtract(
                *(
                    getattr(r.metrics.layers[layer], measure)
                    for model in ("bp-ff", "bp")
                    for r in where(RUNS, model=model, dataset="mnist", seed=seed)
                )
            )
            for seed in range(3)
        ]
        shown = table.loc[("MNIST", "BP/FF − BP", MEASURES[measure]), f"layer {layer + 1}"]
        assert shown == minus(f"{mean_interval(by_seed):.2f}")
    assert len(table) == 2 * 2 * len(MEASURES)


def test_a_claim_is_judged_again_by_the_same_runs_and_another_measure():
    found = judge(claim("sparse"), RUNS)
    again = plainly(found)
    for verdict, measure in ((found, above_rest), (again, hoyer)):
        cell = next(c for c in verdict.cells if c.dataset == "mnist")
        own, theirs = (
            [measure(r) for r in where(RUNS, model=model, dataset="mnist")]
            for model in ("ff", "bp")
        )
        assert cell.values == pytest.approx(np.subtract(own, theirs))
    assert again.records == found.records
