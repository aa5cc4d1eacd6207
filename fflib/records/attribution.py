"""Image or label: what the ensembles of a network follow where the two are crossed."""

from dataclasses import asdict

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fflib.measures.crossed import explained
from fflib.measures.ensembles import Activations, class_means, median_quantile
from fflib.measures.readout import decode
from fflib.networks.dense import NO_LABEL
from fflib.records.halves import found_on_half
from fflib.records.schema import Found, Row, known
from fflib.training.run import Run

__all__ = ["EACH", "image_or_label"]

EACH = 100
"""How many images of a class, at most, carry every label."""


def image_or_label(run: Run) -> Found:
    """Show images with every label, and labels without an image, and see whose ensembles answer.

    The class ensembles that are decoded (:func:`fflib.measures.readout.decode`) come from one half
    of the evaluation images, with their true labels, see
    :func:`fflib.records.halves.found_on_half`; all that follows is of at most :data:`EACH` images of
    each class from the other half, whatever they are classified as.

    There is a row for each hidden layer, ``layer``, with ``about`` "image-or-label":

    ``image``, ``label``, ``agreement``, ``rest``
        Shares of ensemble membership that they explain, see
        :func:`fflib.measures.crossed.explained`. A cell is a class of images under a label, and its
        members are found by the median–quantile rule. By chance 0, 0, 0 and 1.
    ``activity_image`` and so on
        The same of mean activity.
    ``decoded_true``, ``decoded_none``
        Share of images decoded to their class, with the true label or none.
    ``wrong_to_image``, ``wrong_to_label``
        Share of images with a wrong label, each with every one, decoded to the class of the image,
        and to that of the label.
    ``noise``
        Share of noise images decoded to the class of the label they carry. Noise has the value of
        each pixel from an image drawn at random, so that a pixel varies as it does in images; there
        is a noise image for every image, with its label.
    ``blank``
        Number of ``classes`` whose label, on an image that is black all over, is decoded to them.

    By chance every share from ``decoded_true`` on is 1 / ``classes``, and ``blank`` is 1. Of a plain
    network, which sees no label, ``blank`` and ``noise`` are what they are by chance, ``label`` and
    ``agreement`` are 0, and ``wrong_to_image`` is what is decoded of the bare image. A network that
    classifies no image of some class correctly has no ensemble to decode it by, as before training;
    the shares do not depend on that. What is not defined, as the shares of a layer in which no cell
    differs, is None.
    """
    network, classes, seed = run.network, len(run.data.classes), run.experiment.seed
    split = run.experiment.evaluate_on
    everything = run.activations(split, correct_only=False)
    members, rest = found_on_half(run, everything, correct_only=False)
    pixels, truth = (tensor[rest] for tensor in run.images(split))
    chosen = torch.cat([torch.nonzero(truth == c).flatten()[:EACH] for c in network.seen])
    x, y = pixels[chosen], truth[chosen]
    lit = y.unique()
    tried = lit.numpy()

    def read(hidden: list[Tensor]) -> NDArray[np.int64]:
        return np.stack([decode(h, of_layer) for h, of_layer in zip(hidden, members, strict=True)])

    cells, activity, under = [], [], []
    shown_with = lit if run.experiment.labelled else lit[:1]  # a plain network sees none of them
    for carried in shown_with:  # one after the other: the activity under all takes memory
        hidden = network.activations(x, carried.expand(len(y)))
        shown = Activations([h.to(network.device) for h in hidden], y)
        cells.append(median_quantile(shown, classes=classes)[:, tried])
        activity.append(class_means(shown, classes=classes)[:, tried])
        under.append(read(hidden))
    times = len(lit) // len(shown_with)
    cells, activity, under = cells * times, activity * times, under * times
    bare = read(network.activations(x, torch.full_like(y, NO_LABEL)))
    shuffled = np.random.default_rng(seed).permuted(x.numpy(), axis=0)
    noise = read(network.activations(torch.from_numpy(shuffled), y))
    black = run.data.standardise(torch.zeros(len(lit), x.shape[1], dtype=torch.uint8))
    blank = read(network.activations(black, lit))

    image, label = y.numpy(), tried[:, None]
    right = image == label
    rows: list[Row] = []
    for layer, decoded in enumerate(np.stack(under, axis=1)):
        shares = asdict(explained(np.stack([c[layer] for c in cells], axis=1)))
        of_activity = asdict(explained(np.stack([c[layer] for c in activity], axis=1)))
        shares |= {f"activity_{name}": share for name, share in of_activity.items()}
        shares |= {
            "decoded_true": (decoded == image)[right].mean(),
            "decoded_none": (bare[layer] == image).mean(),
            "wrong_to_image": (decoded == image)[~right].mean(),
            "wrong_to_label": (decoded == label)[~right].mean(),
            "noise": (noise[layer] == image).mean(),
        }
        row: Row = {"about": "image-or-label", "layer": layer + 1, "classes": len(lit)}
        row |= {name: known(share) for name, share in shares.items()}
        rows.append(row | {"blank": int((blank[layer] == tried).sum())})
    return rows, {}
