"""Which records chapters rest on."""

import pytest
from synthetic import record

from fflib.errors import ExperimentError, FflibError, MissingRecord
from fflib.presets import PROTOCOLS
from fflib.study.evidence import cells, claim, evidence, where
from fflib.study.plans.grids import DATASETS

RECORDS = [record(model, seed) for model in ("ff", "bp") for seed in (0, 1)]


def test_a_claim_is_found_by_its_id_and_a_misspelt_one_names_the_nearest():
    assert claim("accuracy").chapter == "02-accuracy"
    assert claim("unseen", first=True).quantity.startswith("AUROC")
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
