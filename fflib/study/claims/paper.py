"""The claims of the paper."""

from collections.abc import Sequence

import numpy as np

from fflib.measures import sharing
from fflib.records.stores import Record
from fflib.statistics import mantel
from fflib.study.claims.judging import Claim
from fflib.study.claims.quantities import (
    accuracy_gap,
    members,
    negative,
    sparser,
    together,
    unseen_layers,
)

__all__ = ["CLAIMS"]


def _overlap(ff: Record) -> float:
    return float(sharing.mean_overlap(members(ff)).mean())


def _overlap_follows_similarity(ff: Record) -> float:
    by_layer = sharing.follows_similarity(members(ff), ff.arrays["similarity"])
    # Overlap that is the same for all pairs, such as none, follows nothing.
    return float(np.nan_to_num(by_layer).mean())


def _overlap_by_chance(runs: Sequence[Record]) -> float:
    """Mantel's p-value for overlap, averaged over the runs and their layers, against similarity."""
    overlap = np.mean(
        [np.nan_to_num(sharing.jaccard(members(run))).mean(axis=0) for run in runs], axis=0
    )
    return mantel(overlap, np.asarray(runs[0].arrays["similarity"], dtype=float)).p_value


def _detected(ff: Record) -> float:
    return float(np.mean([layer.auroc for layer in unseen_layers(ff)]))


CLAIMS: tuple[Claim, ...] = together(
    "paper",
    Claim(
        id="accuracy",
        title="Competitive accuracy",
        statement="Forward-Forward classifies nearly as well as back-propagation.",
        source="The paper calls FF's accuracy competitive, and lower than BP's.",
        quantity="test accuracy of FF minus that of BP with the same seed",
        label="accuracy, FF − BP",
        bound=-0.05,
        above=True,
        measure=accuracy_gap,
        chapter="02-accuracy",
        runs={"one": {"model": "ff"}, "other": {"model": "bp"}},
    ),
    Claim(
        id="sparse",
        title="Sparse representations",
        statement="Forward-Forward represents an image by far fewer active units than "
        "back-propagation does.",
        source="The paper reports high sparsity for FF, less for BP/FF and dense activity for BP.",
        quantity="Hoyer sparseness averaged over the layers, FF minus BP with the same seed",
        label="Hoyer sparseness, FF − BP",
        bound=0.1,
        above=True,
        measure=sparser,
        chapter="03-sparse-ensembles",
        runs={"one": {"model": "ff"}, "other": {"model": "bp"}},
    ),
    Claim(
        id="specific",
        title="Category-specific ensembles",
        statement="Each category activates an ensemble of units of its own.",
        source="The paper shows ensembles that are consistently active for one category.",
        quantity="Jaccard index of the ensembles of two classes (median-quantile rule), averaged "
        "over pairs and layers of FF",
        label="Jaccard index of two classes",
        bound=0.2,
        above=False,
        measure=_overlap,
        chapter="03-sparse-ensembles",
    ),
    Claim(
        id="shared",
        title="Related categories share units",
        statement="Categories that look alike share units of their ensembles.",
        source="The paper shows shared units between visually similar categories.",
        quantity="correlation, over pairs of classes, of the Jaccard index of their ensembles with "
        "the correlation of their mean images, averaged over the layers of FF",
        label="correlation of overlap with similarity",
        bound=0.3,
        above=True,
        measure=_overlap_follows_similarity,
        chapter="04-shared-units",
        test=_overlap_by_chance,
    ),
    Claim(
        id="negative",
        title="Negative weights dominate",
        statement="Most weights of a Forward-Forward network are negative.",
        source="The paper reports a strong dominance of negative weights in FF.",
        quantity="share of negative weights, averaged over the layers of FF",
        label="share of negative weights",
        bound=0.55,
        above=True,
        measure=lambda ff: negative(ff),
        chapter="05-negative-weights",
    ),
    Claim(
        id="unseen",
        title="Unseen classes form ensembles",
        statement="A category that was never shown in training activates an ensemble of its own.",
        source="The paper reports new ensembles for categories left out of training.",
        quantity="AUROC of telling unseen from seen images by the unseen class's ensemble, all "
        "images carrying the label the network prefers, averaged over the layers of FF",
        label="AUROC, unseen against seen",
        bound=0.7,
        above=True,
        measure=_detected,
        chapter="06-unseen-classes",
        unseen=True,
        grids=("unseen",),
    ),
)
"""The claims of the paper, in the order of their chapters."""
