"""The cost of training, against a count of the products that torch really makes."""

import numpy as np
import pytest
import torch
from synthetic import CLASSES, INPUTS, LAYERS, UNITS, record
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from fflib.goodness import ff_loss
from fflib.networks.dense import Network
from fflib.study.analyses.cost import cost_table, learning_curve, multiply_adds, time_to_learn

FF, BP_FF, BP = map(record, ("ff", "bp-ff", "bp"))


def counted(step):
    """Multiply-adds of the matrix products in a step and its backward pass."""
    with FlopCounterMode(display=False) as counter:
        step().backward()
    return counter.get_total_flops() / 2  # torch counts a multiply-add as two


def network(goodness):
    norm = "l2" if goodness else None
    return Network(INPUTS, UNITS, LAYERS, CLASSES, goodness=goodness, norm=norm)


def test_an_epoch_of_bp_costs_what_torch_counts_for_one_image():
    net = network(None)

    def step():
        return F.cross_entropy(net.heads[0](net(torch.rand(1, INPUTS))[-1]), torch.tensor([3]))

    assert multiply_adds(BP).tolist() == [e * counted(step) for e in (1, 2)]


def test_an_epoch_of_bp_ff_costs_what_torch_counts_for_a_pair():
    net = network("l2")

    def step():
        x, goodness = torch.rand(2, INPUTS), torch.zeros(2)
        for layer in net.layers:
            x = layer(net.layer_input(x)).relu()
            goodness = goodness + x.norm(dim=1)
        return ff_loss(goodness[:1], goodness[1:], 3.0)

    assert multiply_adds(BP_FF).tolist() == [e * counted(step) for e in (1, 2)]


def test_ff_costs_what_torch_counts_for_a_pair_layer_by_layer():
    layers = network("l2").layers

    def step(layer):
        goodness = layer(torch.rand(2, layer.in_features)).relu().norm(dim=1)
        return ff_loss(goodness[:1], goodness[1:], 3.0)

    spent = []
    below = 0.0  # passing a pair through the finished layers, once
    for layer in layers:
        epoch = counted(lambda layer=layer: step(layer))
        spent += [below + epoch, epoch]
        below += epoch / 2  # half of an epoch's products are forwards
    assert multiply_adds(FF).tolist() == np.cumsum(spent).tolist()


def test_a_learning_curve_holds_the_epochs_at_which_accuracy_was_measured():
    for run in (FF, BP_FF, BP):
        curve = learning_curve(run)
        measured = [row["accuracy"] for row in run.curve if row["accuracy"] is not None]
        assert curve["accuracy"].tolist() == measured
        assert curve["epochs"].iloc[-1] == len(run.curve)
        assert curve["multiply_adds"].iloc[-1] == multiply_adds(run)[-1]
        assert curve["seconds"].is_monotonic_increasing


def test_the_last_epoch_of_every_layer_is_known():
    last = learning_curve(FF).query("last")["epochs"].tolist()
    assert last == [2, 4, 6]
    assert learning_curve(BP).query("last")["epochs"].tolist() == [2]


def test_time_to_learn_is_the_first_row_that_comes_close():
    accuracies = (0.5, 0.7, 0.88, 0.93, 0.8, 0.9)
    rows = [row | {"accuracy": a} for row, a in zip(FF.curve, accuracies, strict=True)]
    record = FF.model_copy(update={"curve": rows})
    assert time_to_learn(record, within=0.01)["epochs"] == 4  # above the end is close too
    assert time_to_learn(record, within=0.03)["epochs"] == 3
    assert time_to_learn(record, within=1)["epochs"] == 1


def test_the_cost_table_averages_over_runs():
    twice = BP.model_copy(update={"curve": [row | {"accuracy": 0.5} for row in BP.curve]})
    table = cost_table([FF, BP, twice])
    assert table.index.tolist() == ["FF", "BP"]
    ends = [learning_curve(r)["accuracy"].iloc[-1] for r in (BP, twice)]
    assert table.loc["BP", "accuracy at the end"] == pytest.approx(np.mean(ends))
    untrained = BP.model_copy(update={"curve": []})
    assert learning_curve(untrained).empty
    assert cost_table([untrained, FF, BP, twice]).equals(table)
