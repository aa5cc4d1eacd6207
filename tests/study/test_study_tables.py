"""Tables that several chapters make of records."""

import numpy as np
import pandas as pd
import pytest
from synthetic import LAYERS, record

from fflib.experiment import Experiment
from fflib.presets import MODELS
from fflib.statistics import holm, mean_interval
from fflib.study.claims import judge
from fflib.study.evidence import claim
from fflib.study.tables import (
    by_layer,
    by_run,
    cross_table,
    intervals,
    links_table,
    settings,
    verdict_table,
)

RECORDS = [record(model, seed) for model in ("ff", "bp") for seed in (0, 1)]


def test_by_layer_has_a_row_for_every_run_and_layer():
    table = by_layer(RECORDS)
    assert len(table) == len(RECORDS) * LAYERS
    first = table[(table["model"] == "bp") & (table["seed"] == 1) & (table["layer"] == 2)].iloc[0]
    layer = RECORDS[3].metrics.layers[1]
    assert first["hoyer"] == layer.hoyer
    assert first["links.odds_ratio"] == layer.links["odds_ratio"]
    assert table.query("layer == 1")["links.odds_ratio"].isna().all()


def test_links_are_averaged_and_their_tests_corrected_together():
    table = links_table(RECORDS)
    names = table.index.get_level_values("layers")
    assert names.tolist() == ["1 to 2", "2 to 3"] * 2
    found = [r.metrics.layers[depth].links for r in RECORDS for depth in (1, 2)]
    corrected = holm([links["p_value"] for links in found])
    row = table.loc[("MNIST", "ReLU, ℓ₂", "FF", "2 to 3")]
    assert row["odds ratio"] == pytest.approx((found[1]["odds_ratio"] + found[3]["odds_ratio"]) / 2)
    assert row["p"] == max(corrected[[1, 3]])


def test_links_with_more_permutations_can_be_more_significant():
    coarse = links_table(RECORDS)
    assert coarse["least p"].tolist() == [len(RECORDS) * 2 / 1000] * len(coarse)
    finer = [
        {"about": "links", "layer": layer, "permutations": 39_999, "p_value": 1 / 40_000}
        for layer in (2, 3)
    ]
    update = {"probe": finer}
    again = links_table(
        r.model_copy(update={"metrics": r.metrics.model_copy(update=update)}) for r in RECORDS
    )
    np.testing.assert_allclose(again["p"], len(RECORDS) * 2 / 40_000)
    np.testing.assert_allclose(again["least p"], again["p"])
    np.testing.assert_array_equal(again["odds ratio"], coarse["odds ratio"])


def test_settings_say_where_they_came_from():
    experiments = [Experiment(model=model, epochs=7) for model in MODELS]
    table = settings(experiments, ["epochs", "theta"])
    assert table.columns.tolist() == ["FF", "BP/FF", "BP"]
    assert table.loc[("MNIST", "ReLU, ℓ₂", "epochs"), "BP"] == "7 (set for this experiment)"
    assert table.loc[("MNIST", "ReLU, ℓ₂", "theta"), "FF"] == "3.0 (authors' code)"
    assert table.loc[("MNIST", "ReLU, ℓ₂", "theta"), "BP"] == ""


def test_the_verdict_table_has_a_row_for_each_cell():
    both = RECORDS + [record("ff", seed, protocol="sigmoid-linf") for seed in (0, 1)]
    verdict = judge(claim("negative"), both)
    table = verdict_table(verdict)
    layers = range(1, LAYERS + 1)
    assert table.index.tolist() == [
        ("MNIST", protocol, layer) for protocol in ("ReLU, ℓ₂", "sigmoid, ℓ∞") for layer in layers
    ]
    assert set(table["n"]) == {2}
    assert table["BP"].notna().sum() == len(layers)
    assert table["claim"].tolist() == [cell.answer for cell in verdict.cells]
    assert verdict_table(judge(claim("negative"), [])).empty


def test_groups_and_their_intervals_keep_the_order_in_which_they_occur():
    runs = by_run(RECORDS, ["model"], {"accuracy": lambda r: r.metrics.accuracy})
    table = intervals(runs, ["model"])
    assert table.index.tolist() == ["ff", "bp"]
    accuracies = [r.metrics.accuracy for r in RECORDS if r.experiment.model == "bp"]
    assert table.loc["bp", "accuracy"] == mean_interval(accuracies)


def test_in_a_cross_table_the_last_word_counts_and_silence_is_blank():
    rows = pd.DataFrame(
        [("b", "y", "old"), ("b", "x", "left"), ("a", "x", "alone"), ("b", "y", "new")],
        columns=["row", "column", "said"],
    )
    table = cross_table(rows, "said", ["row"], "column")
    assert (table.index.tolist(), table.columns.tolist()) == (["b", "a"], ["y", "x"])
    assert table.loc["b"].tolist() == ["new", "left"]
    assert pd.isna(table.loc["a", "y"])
