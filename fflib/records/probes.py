"""Measurements that a run takes only where its experiment asks for them, since they take long."""

import math
from collections.abc import Callable, Iterator
from dataclasses import asdict

import numpy as np
import torch
from torch import Tensor

from fflib.measures.dimension import Estimate, by_scale, distinct, twonn
from fflib.measures.interventions import interventions
from fflib.networks.dense import NO_LABEL
from fflib.records.attribution import image_or_label
from fflib.records.borrowing import unseen
from fflib.records.distances import image_distances
from fflib.records.drive import driven
from fflib.records.links import linked
from fflib.records.schema import Found, Row
from fflib.training.run import Run

__all__ = [
    "PARTS",
    "PROBES",
    "attribution",
    "intrinsic_dimension",
    "representation",
    "weight_signs",
]

IMAGES = 1000  # that every changed network is evaluated on
# Equally many of each class, for an estimate depends on the number of points.
OF_A_CLASS = 500
OVERALL = 2000


def weight_signs(run: Run) -> Found:
    """Change weights by their sign, and see what becomes of accuracy, sparseness and ensembles.

    Rows have the fields of :class:`fflib.measures.interventions.Effect`, on the first images that
    the run is evaluated on, wrongly classified ones too.
    """
    pixels, labels = (x[:IMAGES] for x in run.images(run.experiment.evaluate_on))

    def respond(weights: list[np.ndarray]) -> tuple[np.ndarray, list[np.ndarray]]:
        changed = run.network.with_weights([torch.from_numpy(w) for w in weights])
        hidden = [h.numpy() for h in changed.activations(pixels, labels)]
        return changed.predict(pixels).numpy(), hidden

    weights = [w.numpy() for w in run.network.weights]
    classes, seed = len(run.data.classes), run.experiment.seed
    found = interventions(weights, respond, labels.numpy(), classes, seed=seed)
    return [asdict(effect) for effect in found], {}


def intrinsic_dimension(run: Run) -> Found:
    """Estimate the dimension of the input and of every hidden layer, overall and class by class.

    Rows are of correctly classified evaluation images, 500 of a class at most, 2000 in all.
    ``view``: "activations" as they are, "directions" at unit length, as the next layer sees them
    where it normalises, or "unlabelled", of images without the label that they carry otherwise.
    ``layer``, 0 being the input; ``label``, the class or None for all together; ``n`` images, of
    which ``silent`` and copies are left out, so that there are ``distinct``; ``method``, ``scale``
    and ``dimension`` as in :class:`fflib.measures.dimension.Estimate`. The last two views have
    TwoNN on the whole sample only.
    """
    classes, seed = len(run.data.classes), run.experiment.seed
    pixels, labels = run.images(run.experiment.evaluate_on)
    rng = np.random.default_rng(seed)
    order = torch.from_numpy(rng.permutation(len(labels)))
    right = order[run.correct(run.experiment.evaluate_on)[order]]
    own = [right[labels[right] == label][:OF_A_CLASS] for label in range(classes)]
    chosen = torch.cat(own)
    pixels, labels = pixels[chosen], labels[chosen]
    mixed = rng.permutation(len(chosen))[:OVERALL]
    groups: dict[int | None, np.ndarray] = {None: mixed}
    groups |= {label: np.flatnonzero(labels == label) for label in range(classes)}
    rows = [
        row | {"view": view, "layer": layer, "label": label}
        for view, layer, values in _views(run, pixels, labels)
        for label, group in groups.items()
        for row in _dimensions(values[group], seed, every_scale=view == "activations")
    ]
    return rows, {}


def _views(run: Run, pixels: Tensor, labels: Tensor) -> Iterator[tuple[str, int, np.ndarray]]:
    """Representations of images by view and layer, the input being layer 0."""
    network = run.network
    carried = {"activations": labels}
    if network.labelled:
        carried["unlabelled"] = torch.full_like(labels, NO_LABEL)
    for view, shown in carried.items():
        inputs = network.with_label(pixels.to(network.device), shown.to(network.device))
        inputs = inputs.detach().flatten(1).cpu()
        for layer, values in enumerate([inputs, *network.activations(pixels, shown)]):
            h = values.numpy()
            yield view, layer, h
            if view == "activations":
                length = np.linalg.norm(h, axis=1, keepdims=True)
                yield "directions", layer, np.divide(h, length, out=h * 0, where=length > 0)


def _dimensions(values: np.ndarray, seed: int, *, every_scale: bool) -> list[Row]:
    points = distinct(values)
    counts = {"n": points.n, "silent": points.silent, "distinct": len(points.values)}
    found = [Estimate("twonn", 1, twonn(points.values))]
    if every_scale:
        found = by_scale(points.values, seed)
    return [
        counts
        | asdict(e)
        | {"dimension": None if math.isnan(e.dimension) else round(e.dimension, 4)}
        for e in found
    ]


PARTS: tuple[Callable[[Run], Found], ...] = (
    image_or_label,
    driven,
    linked,
    unseen,
    image_distances,
)
"""What :func:`attribution` measures."""


def attribution(run: Run) -> Found:
    """Measure what the activity of a network is to be put down to, in several parts.

    Each row says by ``about`` which of the :data:`PARTS` it comes from, and by ``layer``, counted
    from 1, which layer it is of.
    """
    found = [part(run) for part in PARTS]
    rows = [row for of_part, _ in found for row in of_part]
    return rows, {name: array for _, arrays in found for name, array in arrays.items()}


def representation(run: Run) -> Found:
    """Measure all of :func:`attribution`, and of :func:`intrinsic_dimension` in rows about "dimension"."""
    (rows, arrays), (dimensions, _) = attribution(run), intrinsic_dimension(run)
    about: Row = {"about": "dimension"}
    return [*rows, *(about | row for row in dimensions)], arrays


PROBES: dict[str, Callable[[Run], Found]] = {
    "weight-signs": weight_signs,
    "intrinsic-dimension": intrinsic_dimension,
    "attribution": attribution,
    "representation": representation,
}
"""By the name that an experiment gives as ``probe``: from a run to rows and arrays of its record."""
