"""How far apart a network places images, by which its layers are compared with those of others."""

import numpy as np
import torch

from fflib.measures.similarity import distances, first_of_each
from fflib.networks.dense import NO_LABEL
from fflib.records.schema import Found
from fflib.training.run import Run

__all__ = ["OF_A_CLASS", "image_distances"]

OF_A_CLASS = 10
"""Images of each class whose representations are compared: the first of the evaluation split."""


def image_distances(run: Run) -> Found:
    """Measure the distances between the representations of images in every hidden layer.

    The images are the same in all runs on a data set, a held-out class's among them. Arrays:
    ``distances``, (layer, pair), with the true label lit; ``distances/none``, without a label, for a
    network that sees labels; ``distances/pixels``, (pair,), between the images themselves; and
    ``distances/classes``, (image,), their classes. A pair's place and scale are those of
    :func:`fflib.measures.similarity.distances`.
    """
    data, network = run.data, run.network
    split = data.split(run.experiment.evaluate_on)
    places = first_of_each(split.labels.numpy(), len(data.classes), OF_A_CLASS)
    chosen = torch.from_numpy(places)
    pixels, labels = data.pixels(run.experiment.evaluate_on)[chosen], split.labels[chosen]
    carried = {"distances": labels}
    if network.labelled:
        carried["distances/none"] = torch.full_like(labels, NO_LABEL)
    arrays = {
        name: np.stack([distances(h.numpy()) for h in network.activations(pixels, shown)])
        for name, shown in carried.items()
    }
    arrays["distances/pixels"] = distances(pixels.numpy())
    arrays["distances/classes"] = labels.numpy()
    return [], arrays
