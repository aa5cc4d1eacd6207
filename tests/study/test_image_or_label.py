"""Tables and figures of image or label, on runs made up for the purpose."""

import numpy as np
import pytest
import synthetic
from matplotlib.colors import to_rgba

from fflib.book.figures import attribution
from fflib.experiment import Experiment
from fflib.study.analyses.attribution import followed, leading, of_image_or_label

LAYERS = 3


def rows(seed, label):
    """A probe in which the label gains what the image loses from layer to layer."""
    gains = label + 0.1 * np.arange(LAYERS) + 0.01 * seed
    return [
        {
            "about": "image-or-label", "layer": layer, "classes": 4,
            "image": 0.8 - gain, "label": gain, "agreement": 0.15, "rest": 0.05,
            "activity_image": None, "activity_label": None, "activity_agreement": None,
            "activity_rest": None,
            "decoded_true": 0.9, "decoded_none": 0.8 - gain, "wrong_to_image": 0.7 - gain,
            "wrong_to_label": gain, "noise": gain, "blank": layer,
        }
        for layer, gain in enumerate(gains.tolist(), start=1)
    ]  # fmt: skip


def run(model="ff", seed=0, dataset="mnist", epochs=2, label=0.3):
    base = synthetic.record(model, seed, dataset)
    other = {"about": "drive", "layer": 1, "balance": 0.5}
    fields = {"hidden": base.experiment.hidden, "epochs": epochs, "probe": "attribution"}
    return base.model_copy(
        update={
            "experiment": Experiment(model=model, seed=seed, dataset=dataset, **fields),
            "metrics": base.metrics.model_copy(update={"probe": [*rows(seed, label), other]}),
        }
    )


RUNS = [
    *(run(seed=seed, epochs=0, label=0.0) for seed in range(2)),
    *(
        run(model, seed, dataset)
        for dataset in ("mnist", "fashion-mnist")
        for model in ("ff", "bp")
        for seed in range(3)
    ),
]


pytestmark = pytest.mark.usefixtures("book_style")


def test_a_row_for_each_run_and_layer_with_untrained_networks_last():
    table = of_image_or_label([*RUNS, synthetic.record("ff")])
    assert list(table["network"].unique()) == ["FF", "BP", "FF, untrained"]
    assert len(table) == len(RUNS) * LAYERS
    # Four classes, of which as many are recalled as the layer has for a number.
    np.testing.assert_allclose(table["blank"], table["layer"] / 4)
    assert set(table["about"]) == {"image-or-label"}


def test_the_largest_share_leads_its_layer():
    table = of_image_or_label(run(seed=seed) for seed in range(3))
    assert leading(table) == (
        "the image in layer 1 (49%), the label in layer 2 (41%), the label in layer 3 (51%)"
    )
    assert "the label in layer 2 (41%, the rest being larger)" in leading(table.assign(rest=0.45))
    assert leading(table.assign(agreement=0.6, image=np.nan)) == ""


def test_what_is_followed_is_counted_over_layers_and_data_sets():
    table = of_image_or_label(run(seed=seed) for seed in range(3))
    assert followed(table) == (
        "What ensembles of Forward-Forward follow most is the label in 2 of 3 layers, and the image by itself in 1."
    )
    assert followed(table.assign(image=0.9)) == (
        "What ensembles of Forward-Forward follow most is the image, in every layer."
    )


def test_bars_are_means_over_runs_on_top_of_one_another():
    figure = attribution.shares(RUNS)
    figure.canvas.draw()
    titles = [ax.get_title(loc="left") for ax in figure.axes]
    assert titles == ["FF", "BP", "FF, untrained", "", "", ""]
    ax = figure.axes[0]
    means = of_image_or_label(RUNS[2:5]).groupby("layer")[list(attribution.PARTS)].mean()
    for container, part in zip(ax.containers, attribution.PARTS, strict=True):
        assert container.get_label() == attribution.PARTS[part][2]
        np.testing.assert_allclose([bar.get_height() for bar in container], means[part])
    tops = [bar.get_y() + bar.get_height() for bar in ax.containers[-1]]
    np.testing.assert_allclose(tops, 1)
    assert sum(len(ax.patches) for ax in figure.axes[5:6]) == 0  # not on record


def test_shares_that_are_not_defined_are_left_out():
    figure = attribution.shares(RUNS, "activity_")
    assert all(bar.get_height() == 0 for ax in figure.axes for bar in ax.patches)


def test_a_point_for_every_kind_of_image_and_layer():
    figure = attribution.decoded([r for r in RUNS if r.experiment.dataset == "mnist"])
    figure.canvas.draw()
    ax = figure.axes[0]
    drawn = {line.get_label(): line for line in ax.lines}
    for column, (colour, _, name) in attribution.SHOWN.items():
        assert to_rgba(drawn[name].get_color()) == to_rgba(colour)
        own = of_image_or_label(RUNS[2:5]).groupby("layer")[column].mean()
        np.testing.assert_allclose(drawn[name].get_ydata(), own)
    assert ax.lines[-1].get_ydata() == [0.25, 0.25]
