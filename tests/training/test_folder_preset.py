"""The preset for folders learns what is easy to tell apart, whatever the seed."""

import crowd
import pytest

from fflib.experiment import Experiment
from fflib.training.run import Run
from fflib.training.train import train_together


@pytest.mark.training
@pytest.mark.parametrize("precision", ["float32", "mixed"])
def test_forward_forward_learns_an_easy_folder_with_every_seed(precision, tmp_path):
    folder = str(crowd.bars(tmp_path, each=60, side=24))
    planned = [Experiment(dataset=folder, seed=seed, precision=precision) for seed in range(10)]
    runs = train_together(planned, "cpu", progress=False)
    assert [run for run in runs if not isinstance(run, Run)] == []
    assert min(run.accuracy for run in runs) >= 0.95
