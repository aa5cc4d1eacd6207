"""The results on record in the authors' repository."""

import math

import pandas as pd
import pytest

from fflib.errors import MissingData
from fflib.presets import MODELS
from fflib.study.analyses import authors
from fflib.study.plans.grids import DATASETS


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
    assert table["batch size"].groupby("model").unique().map(list).to_dict() == {
        **{"FF": [1024], "BP/FF": [1024], "BP": [2048]},
    }
