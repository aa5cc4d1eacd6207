"""Unseen classes in tables, words and figures: the held-out class is the unit."""

import numpy as np
import pytest
import synthetic
from matplotlib import pyplot as plt

from fflib.book.figures.borrowing import own_or_borrowed
from fflib.study.analyses.borrowing import ahead, borrowing_table, by_class, in_words

RULES = ("median-quantile", "leave-one-out")


def run(model, seed, held, own, ahead_by):
    """A run whose unseen class has this share of its own, and is so far ahead of borrowing."""
    base = synthetic.record(model, seed, hold_out=held)
    carried = ["plain"] if model == "bp" else ["true", "none", "predicted"]
    rows = [{"about": "image-or-label", "layer": 1}]
    rows += [{"about": "unseen", "layer": 0, "carried": "plain", "linear_auroc": 0.9}]
    rows += [
        {
            "about": "unseen", "layer": layer, "carried": c, "rule": rule, "size": 10,
            "own": own if c in ("predicted", "plain") else 1.0, "own_by_chance": 0.5,
            "auroc": 0.7 + ahead_by + 0.001 * held, "borrowed": 1, "borrowed_auroc": 0.7,
            "linear_auroc": 0.95,
        }
        for c in carried for layer in (1, 2) for rule in RULES
    ]  # fmt: skip
    return base.model_copy(update={"metrics": base.metrics.model_copy(update={"probe": rows})})


FF = [run("ff", seed, held, [0.1, 0.3][seed], -0.1) for held in (0, 1, 2) for seed in (0, 1)]
BP = [run("bp", seed, held, 0.8, 0.1) for held in (0, 1, 2) for seed in (0, 1)]


def one(records):
    return by_class(records).query("rule == 'median-quantile'")


def test_a_class_counts_once_whatever_its_seeds():
    rows = one(FF)
    assert len(rows) == 3 * 2  # class, layer
    np.testing.assert_allclose(rows["own"], 0.2)
    assert ahead(rows).n == 3
    assert ahead(rows).mean == pytest.approx(-0.099)


def test_answers():
    assert "unseen classes form ensembles of their own:" in in_words(one(BP))
    few = in_words(one(BP[:1]))  # one class has no interval
    assert "unseen classes have units of their own, and do no better" in few
    assert in_words(one(FF)) == (
        "In FF, unseen classes borrow the ensembles of seen classes: the AUROC by their ensembles, less that by the "
        "best seen class's, is −0.10 [−0.10, −0.10]. Of their units, 20% are in no other ensemble, where chance gives 50%."
    )
    mixed = [run("ff", 0, held, 0.1, 0.1) for held in (0, 1, 2)]
    assert "unseen classes combine units of seen classes, and do better" in in_words(one(mixed))


def test_a_class_without_an_ensemble_has_no_share():
    silent = run("ff", 0, 3, None, 0.0)
    table = by_class([*FF, silent]).query("hold_out == 3")
    assert table["own"].isna().all()
    shown = borrowing_table([*FF, silent, *BP])
    assert shown.loc[("MNIST", "median-quantile", "FF", 1), "own share"].startswith("0.200 [")
    assert len(shown) == 2 * 2 * 2
    assert (shown["classes"] == [4, 4, 3, 3, 4, 4, 3, 3]).all()


def test_the_figure_shows_means_over_classes():
    figure = own_or_borrowed([*FF, *BP])
    figure.canvas.draw()
    assert [ax.get_title() for ax in figure.axes[:2]] == ["FF", "BP"]
    share = next(x for x in figure.axes[0].lines if x.get_label().startswith("in no seen"))
    np.testing.assert_allclose(share.get_ydata(), 0.2)
    own = next(x for x in figure.axes[3].lines if x.get_label() == "its own ensemble")
    np.testing.assert_allclose(own.get_ydata(), 0.801)
    plt.close(figure)
