"""CIFAR-10: the plan of its runs, their cost, tables and figures."""

import numpy as np
import pytest
import synthetic
import torch
from matplotlib import pyplot as plt
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from fflib.book.figures import cifar10 as plots
from fflib.data import image_shape, load
from fflib.data import where as where_is
from fflib.experiment import Experiment
from fflib.networks.convolutional import ConvNetwork
from fflib.records.obtain import record_of
from fflib.records.stores import PUBLISHED
from fflib.statistics import mean_interval
from fflib.study.analyses.cifar10 import answer, by_network, by_variant, networks_table, rates_table
from fflib.study.analyses.cost import multiply_adds, weights
from fflib.study.claims import CIFAR10, judge
from fflib.study.evidence import where
from fflib.study.plans.cifar10 import (
    CONVOLUTIONAL_RATES,
    SECOND_BASE,
    VARIED,
    WIDENED_RATES,
    final,
    published_variants,
    search,
    variant,
    variants,
)
from fflib.study.plans.grids import GRIDS
from fflib.training.convolutional import descend
from fflib.training.train import train


def record(experiment, accuracy=0.5, hoyer=0.5):
    base = synthetic.record(experiment.model, experiment.seed, "mnist")
    layers = [x.model_copy(update={"hoyer": hoyer}) for x in base.metrics.layers]
    metrics = base.metrics.model_copy(update={"layers": layers, "accuracy": accuracy})
    sized = experiment.model_copy(update={"hidden": synthetic.UNITS, "layers": synthetic.LAYERS})
    return base.model_copy(update={"experiment": sized, "metrics": metrics})


def test_a_variant_is_known_by_its_choices_whatever_else_differs():
    for name, e in zip(VARIED, variants("digits", [7], hidden=30, epochs=5), strict=True):
        assert variant(e) == name


def test_a_variant_changes_one_thing_of_its_base():
    usual = {
        name: Experiment(architecture="conv", **own).model_dump() for name, own in VARIED.items()
    }
    for name, fields in usual.items():
        base = usual[SECOND_BASE if "by class" in name else "base"]
        changed = {field for field, value in fields.items() if value != base[field]}
        assert len(changed - {"theta", "negatives"}) <= 1 or name == SECOND_BASE


def test_what_chooses_sees_no_test_image():
    assert {e.evaluate_on for e in (*search(), *published_variants())} == {"validation"}
    assert {e.evaluate_on for e in final()} == {"test"}


def test_the_rates_are_those_that_the_search_on_record_chooses():
    found = PUBLISHED.among(search())
    assert len(found) == len(search())
    for kind, chosen in (("dense", WIDENED_RATES), ("conv", CONVOLUTIONAL_RATES)):
        for model in ("ff", "bp"):
            own = where(found, architecture=kind, model=model)
            best = max(own, key=lambda r: r.metrics.accuracy)
            assert best.experiment.learning_rate == chosen[model]
        assert chosen["bp-ff"] in (chosen["ff"], chosen["bp"])


@pytest.mark.parametrize("dataset", ["digits", "mnist"])
def test_the_shape_of_images_is_known_without_them(dataset):
    if dataset != "digits" and where_is(dataset) is None:
        pytest.skip(f"{dataset} is not here")
    assert image_shape(dataset) == load(dataset).shape


@pytest.mark.parametrize("model", ["ff", "bp-ff", "bp"])
def test_convolutions_cost_what_torch_counts_for_one_image(model):
    scope = {} if model == "bp" else {"scope": "class"}
    sizes = {"hidden": 20, "layers": 2, "epochs": 2}
    e = Experiment(model=model, dataset="digits", architecture="conv", **scope, **sizes)
    found = record_of(train(e, progress=False))
    torch.manual_seed(0)
    options = {"goodness": e.goodness, "scope": e.scope, "norm": e.norm}
    network = ConvNetwork(image_shape("digits"), 20, 2, 10, **options)
    label = torch.tensor([3, 4])  # a batch of two, since a norm over one tells nothing
    with FlopCounterMode(display=False) as counter:
        maps = network(network.with_label(torch.rand(2, 784), label))
        if model == "bp":
            losses = [F.cross_entropy(network.heads[0](maps[-1].flatten(1)), label)]
            losses[0].backward()
        else:
            goodness = [network.goodness_of(h) for h in maps]
            if model == "bp-ff":
                goodness = [sum(goodness)]
            losses = [F.cross_entropy(g, label) for g in goodness]
            descend(network, losses, reach=1 if model == "ff" else 2)
    # A multiply-add counts as two, and there are two images.
    one = counter.get_total_flops() / 2 / 2
    assert multiply_adds(found).tolist() == [one, 2 * one]
    assert weights(found).tolist() == [p.weight.numel() for p in network.layers]


def test_a_network_goes_with_its_own_numbers():
    found = [record(e, accuracy=0.4 + 0.1 * e.seed) for e in final()]
    table = by_network(found)
    assert len(set(table["network"])) == 6
    assert table["accuracy"].tolist() == [r.metrics.accuracy for r in found]
    shown = networks_table(found)
    dense = where(found, architecture="dense", model="ff")
    interval = mean_interval([r.metrics.accuracy for r in dense])
    half = (interval.high - interval.low) / 2
    assert shown.loc["dense, FF", "accuracy"] == f"{interval.mean:.3f} ± {half:.3f}"
    assert shown.loc["dense, BP/FF", "accuracy"] == "0.400"  # of one run there is no interval
    crossed = shown["layers a gradient crosses"].str.extract(r"^(\d)$", expand=False).astype(int)
    assert crossed[["dense, FF", "convolutional, FF"]].tolist() == [1, 1]
    for architecture, kind in (("dense", "dense"), ("conv", "convolutional")):
        layers = where(found, architecture=architecture)[0].experiment.layers
        assert crossed[[f"{kind}, BP", f"{kind}, BP/FF"]].tolist() == [layers, layers]


def test_the_answer_names_the_best_and_the_worst_choice():
    accuracies = {"scaled to unit length": 0.9, "goodness of each channel": 0.1}
    varied = [record(e, accuracy=accuracies.get(variant(e), 0.2)) for e in published_variants()]
    said = answer([record(e) for e in final()], varied)
    assert "accurate (0.90) is “scaled to unit length”" in said
    assert "the least (0.10) “goodness of each channel”" in said


@pytest.mark.parametrize(("gap", "verdict"), [(-0.01, "holds"), (-0.2, "fails")])
def test_forward_forward_keeps_up_if_it_is_nearly_as_accurate(gap, verdict):
    found = [
        record(e, accuracy=0.6 + 0.001 * e.seed + (gap if e.model == "ff" else 0)) for e in final()
    ]
    assert judge(CIFAR10[0], found).verdict == verdict
    assert judge(CIFAR10[3], found).verdict == verdict


def test_dense_and_convolutional_runs_of_a_seed_are_paired():
    found = [
        record(e, accuracy=0.1 * e.seed + (0.2 if e.architecture == "conv" else 0)) for e in final()
    ]
    verdict = judge(CIFAR10[2], found)
    assert verdict.verdict == "holds"
    np.testing.assert_allclose(verdict.cells[0].values, 0.2)


def test_rates_stand_in_columns_and_networks_in_rows():
    table = rates_table([record(e, accuracy=e.learning_rate) for e in search()])
    assert table.loc["dense, FF", "0.003"] == "0.003"
    assert table.loc["dense, FF", "0.001"] == ""


def test_figures_show_every_run():
    found = [record(e, accuracy=0.3 + 0.1 * e.seed) for e in final()]
    figure = plots.networks(found)
    dots = [line for line in figure.axes[0].lines if line.get_marker() == "."]
    assert sum(len(line.get_xdata()) for line in dots) == len(found)
    varied = [record(e, accuracy=0.3 + 0.1 * e.seed) for e in published_variants()]
    figure = plots.variants(varied)
    labels = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert labels == list(VARIED)
    assert (
        len(by_variant(varied)) == len(published_variants()) == len(set(GRIDS["cifar-10-variants"]))
    )
    plt.close("all")
