"""Which layer is like which: means over pairs of runs, on made-up distances."""

import numpy as np
import pytest
import synthetic
from matplotlib import pyplot as plt

from fflib.book.figures.similarity import alike as alike_figure
from fflib.measures.similarity import cka, distances, rsa
from fflib.study.analyses.similarity import (
    alike,
    most_with_labels,
    nearest,
    to_pixels_and_labels,
)

CLASSES = np.repeat(np.arange(4), 3)
PIXELS = np.random.default_rng(9).normal(size=(12, 6))


def run(model, seed, layers):
    """A run whose layers place images like this, each with a little noise of the seed's."""
    base = synthetic.record(model, seed)
    rng = np.random.default_rng([seed, len(model)])
    arrays = {
        "distances": np.stack([distances(h + rng.normal(0, 0.01, h.shape)) for h in layers]),
        "distances/pixels": distances(PIXELS),
        "distances/classes": CLASSES,
    }
    if model == "ff":
        arrays["distances/none"] = arrays["distances"][::-1]
    return base.model_copy(update={"arrays": arrays})


@pytest.fixture(scope="module")
def runs():
    """FF sees pixels, then classes; BP something of its own, then pixels."""
    rng = np.random.default_rng(0)
    own, one_hot = rng.normal(size=(12, 6)), np.eye(4)[CLASSES]
    return [run("ff", s, [PIXELS, one_hot]) for s in (0, 1, 2)] + [
        run("bp", s, [own, PIXELS]) for s in (0, 1, 2)
    ]


@pytest.mark.parametrize("measure", [rsa, cka])
def test_what_is_alike_is_found(runs, measure):
    table = alike(runs, measure)
    names = ["FF 1", "FF 2", "BP 1", "BP 2", "pixels", "labels"]
    assert list(table.index) == list(table.columns) == names
    np.testing.assert_allclose(table, table.T)
    assert table.loc["FF 1", ["BP 2", "pixels"]].min() > 0.95
    most = most_with_labels(runs[0]) if measure is rsa else 1
    assert table.loc["FF 2", "labels"] == pytest.approx(most, abs=0.01)
    assert table.loc["BP 1"].drop("BP 1").max() < 0.6
    found = nearest(table)
    assert found.loc["FF 1", "most like"] == "BP 2"
    assert found.loc["BP 1", "itself"] > 0.95


def test_means_are_over_pairs_of_runs_of_different_or_of_the_same_seed(runs):
    def pairs(same):
        return [
            rsa(f.arrays["distances"][:1], b.arrays["distances"][1:]).item()
            for f in runs[:3]
            for b in runs[3:]
            if (f.experiment.seed == b.experiment.seed) == same
        ]

    for seeds, same in (("different", False), ("same", True)):
        table = alike(runs, seeds=seeds)
        assert table.loc["FF 1", "BP 2"] == pytest.approx(np.mean(pairs(same)))
    assert np.isnan(table.loc["FF 1", "FF 1"])  # a layer is no evidence of being like itself
    assert np.isfinite(table.loc["FF 1", "FF 2"])


def test_without_a_label_a_plain_network_stays_as_it_is(runs):
    none = to_pixels_and_labels(runs, label=False)
    lit = to_pixels_and_labels(runs)
    np.testing.assert_allclose(
        [i.mean for i in none.loc[("MNIST", "FF", 1)]],
        [i.mean for i in lit.loc[("MNIST", "FF", 2)]],
    )
    assert none.loc[("MNIST", "BP", 1), "pixels"] == lit.loc[("MNIST", "BP", 1), "pixels"]
    assert lit.loc[("MNIST", "FF", 1), "pixels"].n == 3


def test_one_seed_has_no_pairs_of_different_ones(runs):
    with pytest.raises(ValueError, match="need two seeds at least, got one"):
        alike(runs[::3])
    assert np.isfinite(alike(runs[::3], seeds="same").loc["FF 1", "BP 1"])


def test_the_figure_shows_the_table(runs):
    table = alike(runs)
    figure = alike_figure(table, "RSA")
    figure.canvas.draw()
    np.testing.assert_allclose(figure.axes[0].images[0].get_array(), table)
    texts = {t.get_position(): t.get_text() for t in figure.axes[0].texts}
    assert texts[0, 0] == f"{table.iloc[0, 0]:.2f}"
    assert len(texts) <= 2 * len(table)
    plt.close(figure)
