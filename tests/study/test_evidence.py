"""What chapters rest on: which records they gather, and the tables they show."""

import math

import pandas as pd
import pytest
from synthetic import LAYERS, record

from fflib.errors import ExperimentError, FflibError, MissingData, MissingRecord
from fflib.experiment import Experiment
from fflib.presets import MODELS, PROTOCOLS
from fflib.statistics import holm
from fflib.study.analyses import authors
from fflib.study.claims import judge
from fflib.study.evidence import (
    by_layer,
    cells,
    claim,
    evidence,
    links_table,
    settings,
    verdict_table,
    where,
)
from fflib.study.plans.grids import DATASETS

RECORDS = [record(model, seed) for model in ("ff", "bp") for seed in (0, 1)]


def test_a_claim_is_found_by_its_id_and_a_misspelt_one_names_the_nearest():
    assert claim("accuracy").chapter == "02-accuracy"
    with pytest.raises(FflibError, match=r"unknown claim 'negativ': choose one of negative, "):
        claim("negativ")


@pytest.mark.parametrize("dataset", DATASETS)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_from_records_a_chapter_compares_all_cells_its_own_first(dataset, protocol):
    datasets, protocols = cells("records", dataset, protocol)
    assert (datasets[0], protocols[0]) == (dataset, protocol)
    assert (set(datasets), set(protocols)) == (set(DATASETS), set(PROTOCOLS))


@pytest.mark.parametrize(("source", "dataset"), [("train", "mnist"), ("records", "digits")])
def test_else_it_stays_with_its_own_cell(source, dataset):
    assert cells(source, dataset, "relu-l2") == ((dataset,), ("relu-l2",))


def test_evidence_trains_what_is_missing_and_finds_it_again():
    asked = {"models": ["bp"], "seeds": [3], "epochs": 1, "hidden": 8, "layers": None}
    (trained,) = evidence("train", "digits", "relu-l2", **asked)
    (found,) = evidence("records", "digits", "relu-l2", **asked)
    assert found.experiment == trained.experiment
    assert found.experiment.layers == 3  # None leaves it to the preset
    assert found.provenance.date == trained.provenance.date


def test_evidence_does_not_train_unasked():
    with pytest.raises(MissingRecord):
        evidence("records", "digits", "relu-l2", models=["bp"], seeds=[99])
    with pytest.raises(ExperimentError, match="unknown source"):
        evidence("record", "digits", "relu-l2")


def test_where_asks_for_all_fields():
    assert where(RECORDS) == RECORDS
    assert [r.experiment.seed for r in where(RECORDS, model="ff")] == [0, 1]
    assert where(RECORDS, model="ff", seed=1) == [RECORDS[1]]
    assert where(RECORDS, model="bp-ff") == []


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
    assert table.index.tolist() == [("MNIST", "ReLU, ℓ₂"), ("MNIST", "sigmoid, ℓ∞")]
    assert table["runs"].tolist() == [2, 2]
    assert table["claim"].tolist() == [cell.answer for cell in verdict.cells]
    assert verdict_table(judge(claim("negative"), [])).empty


def test_the_authors_results_are_complete_and_say_their_source():
    table = authors.results(DATASETS)
    assert set(table["dataset"]) == set(DATASETS)
    assert set(table["model"]) == set(MODELS)
    numbers = table[["accuracy", "s1", "s2", "s3"]]
    assert ((numbers > 0) & (numbers < 1)).all(axis=None)
    assert table["source"].str.fullmatch(r"[0-9a-f]{7}:.+\.ipynb#cell\d+\[row\d+\]").all()
    means = table.groupby(["dataset", "model"])["accuracy"].mean()
    for dataset in DATASETS:
        assert means[dataset, "ff"] < means[dataset, "bp-ff"] < means[dataset, "bp"]


def test_there_are_no_authors_results_for_other_data():
    assert authors.results(["digits"]).empty
    assert authors.settings(["digits"]).empty


def test_the_authors_results_need_a_checkout(monkeypatch, tmp_path):
    monkeypatch.setattr(authors, "download_folder", lambda: tmp_path)
    with pytest.raises(MissingData, match="come with a checkout"):
        authors.results(DATASETS)


def test_the_authors_settings_cover_their_results():
    table = authors.settings(DATASETS)
    assert len(table) == len(DATASETS) * len(MODELS)
    assert not table.isna().any(axis=None)
    assert isinstance(table, pd.DataFrame)
    assert math.isclose(table.loc[("MNIST", "BP"), "learning rate"], 1e-4)
