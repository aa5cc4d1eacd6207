"""The running mean of weights."""

import pytest
import torch

from fflib.experiment import Experiment
from fflib.networks.convolutional import ConvNetwork
from fflib.training.averaging import Average
from fflib.training.train import train


def network():
    torch.manual_seed(0)
    return ConvNetwork((1, 8, 8), 4, 2, classes=2, norm="batch")


@pytest.mark.parametrize("decay", [0.0, 0.3, 0.9])
def test_a_mean_is_that_of_a_loop_over_the_steps(decay):
    source = network()
    average = Average(source, decay)
    expected = {name: value.clone() for name, value in source.state_dict().items()}
    for step in range(5):
        torch.manual_seed(step)
        source(torch.randn(6, 1, 8, 8))  # which moves the moments of the norms
        with torch.no_grad():
            for parameter in source.parameters():
                parameter.add_(torch.randn_like(parameter))
        average.follow()
        for name, value in source.state_dict().items():
            expected[name] = decay * expected[name] + (1 - decay) * value
    for name, value in average.network.state_dict().items():
        if value.is_floating_point():
            torch.testing.assert_close(value, expected[name])
    assert expected["norms.0.running_mean"].any()


def test_following_leaves_the_source_alone():
    source = network()
    before = {name: value.clone() for name, value in source.state_dict().items()}
    Average(source, 0.5).follow()
    for name, value in source.state_dict().items():
        assert torch.equal(value, before[name])


def test_a_run_has_the_mean_and_no_mean_is_the_last_step():
    usual = {"dataset": "digits", "architecture": "conv", "model": "bp", "layers": 2, "hidden": 4}
    usual |= {"epochs": 1, "batch_size": 256, "norm": "batch", "precision": "float32"}
    begun, plain, forgetful, slow = (
        train(Experiment(**usual | {"averaging": decay, "epochs": epochs}), "cpu", progress=False)
        for decay, epochs in ((0, 0), (0, 1), (1e-9, 1), (1 - 1e-9, 1))
    )
    for run, same in ((forgetful, plain), (slow, begun)):
        for one, other in zip(run.network.parameters(), same.network.parameters(), strict=True):
            torch.testing.assert_close(one, other)
    assert slow.curve[-1]["accuracy"] == pytest.approx(begun.accuracy, abs=0.02)
