"""The timeline of a run: rows measured on its snapshots, once training is over."""

import numpy as np
import torch

from fflib.measures import ensembles, polarity, sparsity
from fflib.measures.ensembles import Activations
from fflib.measures.selectivity import mean_selectivity
from fflib.measures.timeline import identity, preferred
from fflib.networks.base import together
from fflib.networks.dense import Network
from fflib.records.schema import Found, Row, known
from fflib.training.run import Run
from fflib.training.snapshots import replay

__all__ = ["IMAGES", "timeline"]

IMAGES = 2000
"""How many evaluation images, at most, a snapshot is measured on."""


def timeline(run: Run) -> Found:
    """Measure the snapshots of a run, all on the same images.

    Accuracy is that on the first :data:`IMAGES` evaluation images. All else is measured on those of
    them that the network classifies correctly at the *end*, with their true label, so that the
    network changes and the images do not.

    There is a row per snapshot and hidden layer: ``learns``, the layer that learns, counted from 1
    (None where all do); ``step`` since it began to; ``seen``, images shown so far; ``accuracy`` and
    ``agreement`` (share of images that get the label they get at the end) of the layers up to the
    one that learns; ``layer``; ``alone`` and ``alike``, the same of this layer by itself (None
    where it has no say of its own); ``hoyer``; ``size``, mean size of its ensembles; ``identity``
    with those at the end (:func:`fflib.measures.timeline.identity`); ``selectivity``; and
    ``negative``, the share of negative weights.

    The arrays are ``snapshots/ensembles``: membership by the median–quantile rule, packed to bits,
    uint8 of shape (snapshot, layer, class, bytes); and ``snapshots/preferred``: the class that each
    unit prefers, see :func:`fflib.measures.timeline.preferred`, shape (snapshot, layer, unit).
    Together they take 5.3 kB a snapshot for three layers of 784 units and ten classes.
    """
    classes, network = len(run.data.classes), run.network
    assert isinstance(network, Network)  # others take no snapshots
    pixels, labels = (x[:IMAGES] for x in run.images(run.experiment.evaluate_on))
    right = run.correct(run.experiment.evaluate_on, first=IMAGES)

    def predictions(then: Network, depth: int | None) -> np.ndarray:
        """Of the first layers together, then of each by itself; shape (n, 1 + layers)."""
        scores = then.layer_scores(pixels)
        shared = together(scores[:, :depth])[:, None]
        return np.array(then.seen)[torch.cat([shared, scores], 1).argmax(-1).cpu()]

    truth = labels.numpy()[:, None]
    rows: list[Row] = []
    all_members, all_preferred = [], []
    ends: dict[int | None, np.ndarray] = {}
    for snapshot, then in replay(network, run.snapshots):
        learns = None if snapshot.layer is None else snapshot.layer + 1
        if learns not in ends:
            ends[learns] = predictions(network, learns)
        answers = predictions(then, learns)
        accuracy = (answers == truth).mean(axis=0)
        agreement = (answers == ends[learns]).mean(axis=0)
        hidden = then.activations(pixels[right], labels[right])
        shown = Activations(hidden, labels[right]).to(network.device)
        means = ensembles.class_means(shown, classes=classes)
        all_members.append(ensembles.median_quantile(shown, classes=classes))
        all_preferred.append(preferred(means))
        for depth, (h, w) in enumerate(zip(shown.values, then.weights, strict=True), start=1):
            has_a_say = network.reads_every_layer
            rows.append(
                {
                    "learns": learns,
                    "step": snapshot.step,
                    "seen": snapshot.seen,
                    "accuracy": float(accuracy[0]),
                    "agreement": float(agreement[0]),
                    "layer": depth,
                    "alone": float(accuracy[depth]) if has_a_say else None,
                    "alike": float(agreement[depth]) if has_a_say else None,
                    "hoyer": known(sparsity.mean_hoyer(h)),
                    "selectivity": known(mean_selectivity(means[depth - 1])),
                    "negative": polarity.negative_fraction(w),
                }
            )
    members = np.stack(all_members)
    same, sizes = identity(members, members[-1]), members.sum(axis=-1).mean(axis=-1)
    for row, own, size in zip(rows, same.ravel(), sizes.ravel(), strict=True):
        row |= {"identity": known(own), "size": float(size)}
    return rows, {
        "snapshots/ensembles": np.packbits(members, axis=-1),
        "snapshots/preferred": np.stack(all_preferred),
    }
