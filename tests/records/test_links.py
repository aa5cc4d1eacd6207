"""Links between ensembles, tested with more permutations than a record's own."""

import pytest

import fflib
from fflib.records.links import linked
from fflib.records.measure import summarise


@pytest.mark.parametrize(
    "fields", [{"model": "ff", "theta": 1.0}, {"model": "bp"}], ids=["ff", "bp"]
)
def test_links_are_those_of_the_record_with_a_finer_p_value(fields):
    experiment = fflib.Experiment(
        dataset="digits", hidden=24, layers=2, epochs=3, precision="float32", **fields
    )
    run = fflib.train(experiment, "cpu", progress=False)
    ([row], _), recorded = linked(run), summarise(run, ["median-quantile"])[0].layers[1].links
    for name in ("same_class", "different_class", "odds_ratio", "same_class_pairs"):
        assert row[name] == recorded[name]
    assert row["layer"] == 2
    assert row["permutations"] > 999
    # 999 draws have a standard error of 0.016 at most: four of them.
    assert row["p_value"] == pytest.approx(recorded["p_value"], abs=0.064)
