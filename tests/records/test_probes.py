"""Probes: each can be asked for, and what it finds is in the record."""

from typing import get_args

import numpy as np

import fflib
from fflib.experiment import Experiment
from fflib.records import probes
from fflib.records.obtain import record_of


def test_every_probe_can_be_asked_for():
    (asked,) = (
        a for a in get_args(Experiment.model_fields["probe"].annotation) if a is not type(None)
    )
    assert set(get_args(asked)) == set(probes.PROBES)


def test_a_record_keeps_the_rows_and_arrays_of_all_parts(monkeypatch):
    def part(name):
        return lambda run: ([{"about": name, "layer": run.experiment.layers}], {name: np.ones(2)})

    monkeypatch.setattr(probes, "PARTS", (part("first"), part("second")))
    small = {"dataset": "digits", "model": "bp", "hidden": 8, "layers": 1, "epochs": 1}
    record = record_of(fflib.train(Experiment(**small, probe="attribution"), progress=False))
    assert record.metrics.probe == [{"about": n, "layer": 1} for n in ("first", "second")]
    assert {"first", "second", "mean"} <= record.arrays.keys()
