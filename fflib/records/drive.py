"""What a run's units are driven by, and what becomes of the network without a part of that drive."""

from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import asdict

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from fflib.measures import sparsity
from fflib.measures.arrays import median
from fflib.measures.drive import contributions, drive, kept_at_random
from fflib.networks.convolutional import ConvNetwork
from fflib.networks.dense import Network
from fflib.records.schema import Found, Row, known
from fflib.training.run import Run

__all__ = ["driven"]

IMAGES = 1000
PLACES = 16  # of each map, drawn at random, at which a convolution is measured
AT_ONCE = 100  # images whose maps are kept
DRAWS = 3  # of random connections, whose effects are averaged


@torch.no_grad()
def driven(run: Run) -> Found:
    """Measure the drive of every layer, and remove a part of it.

    Images are the first that the run is evaluated on, wrongly classified ones too, with their true
    label. A convolution is a layer of dense units at every place, and is measured at
    16 of them, drawn at random, on every image; nothing is removed from it.

    Rows ``about`` "drive" have the fields of :class:`fflib.measures.drive.Drive` for a ``layer``,
    counted from 1. Rows about "drive-removed" say what is left when units of all layers no longer
    take what is ``removed``: "none", nothing, the network as it is; "negative", all negative
    contributions; "positive", all positive ones; "random", connections drawn at random, the bias
    counted as one, of each unit as large a share as its negative contributions have in the network
    as it is. What a layer sees changes with the layer below. They have the ``accuracy`` of the
    network, and by layer the mean Hoyer sparseness, plain (``hoyer``) and above the units' resting
    level (``hoyer_above_rest``), None where all is silent; means over three draws for "random".
    """
    network, rng = run.network, np.random.default_rng(run.experiment.seed)
    pixels, labels = (x[:IMAGES] for x in run.images(run.experiment.evaluate_on))
    shown = network.with_label(pixels.to(network.device), labels.to(network.device))
    if isinstance(network, ConvNetwork):
        return _drives(_at_places(network, shown, rng)), {}
    received = [network.layer_input(x) for x in (shown, *network(shown)[:-1])]
    layers = [
        (x, layer.weight, layer.bias) for x, layer in zip(received, network.layers, strict=True)
    ]
    rows = _drives(layers)
    shares = [contributions(*layer).negative_share for layer in layers]
    changed = {
        "none": [network],
        "negative": [network.one_signed(1)],
        "positive": [network.one_signed(-1)],
        "random": [_thinned(network, shares, rng) for _ in range(DRAWS)],
    }
    for removed, networks in changed.items():
        left = [_left(other, pixels, labels) for other in networks]
        for depth, numbers in enumerate(np.mean(left, 0), start=1):
            named = zip(("accuracy", "hoyer", "hoyer_above_rest"), map(known, numbers), strict=True)
            rows.append(
                {"about": "drive-removed", "removed": removed, "layer": depth, **dict(named)}
            )
    return rows, {}


def _drives(layers: Iterable[tuple[Tensor, Tensor, Tensor]]) -> list[Row]:
    """Rows about the drive of layers, each given by what it receives, its weights and biases."""
    rows: list[Row] = []
    for depth, layer in enumerate(layers, start=1):
        row: Row = {"about": "drive", "layer": depth}
        rows.append(row | {name: known(x) for name, x in asdict(drive(*layer)).items()})
    return rows


def _at_places(
    network: ConvNetwork, shown: Tensor, rng: np.random.Generator
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Yield what every convolution receives at some places, shape (images and places, inputs), and itself."""
    network = deepcopy(network).eval()  # norms use their running moments, as in a prediction
    chosen = [
        [divmod(int(place), width) for place in rng.permutation(height * width)[:PLACES]]
        for height, width in network.sizes[:-1]
    ]
    patches: list[list[Tensor]] = [[] for _ in chosen]
    for images in shown.split(AT_ONCE):
        for depth, x in enumerate([images, *network(images)[:-1]]):
            seen = F.pad(network.layer_input(x, depth), (1, 1, 1, 1))
            patches[depth] += [
                seen[:, :, i : i + 3, j : j + 3].flatten(1) for i, j in chosen[depth]
            ]
    for seen_there, layer in zip(patches, network.layers, strict=True):
        assert layer.bias is not None
        yield torch.cat(seen_there), layer.weight.flatten(1), layer.bias


@torch.no_grad()
def _thinned(network: Network, shares: list[Tensor], rng: np.random.Generator) -> Network:
    """Return a copy in which each unit has lost a share of its connections, drawn at random."""
    other = deepcopy(network)
    for layer, share in zip(other.layers, shares, strict=True):
        kept = torch.from_numpy(kept_at_random(share, layer.in_features + 1, rng))
        kept = kept.to(layer.weight.device)
        layer.weight.mul_(kept[:, :-1])
        layer.bias.mul_(kept[:, -1])
    return other


def _left(network: Network, pixels: Tensor, labels: Tensor) -> list[tuple[float, float, float]]:
    """Accuracy and both kinds of sparseness, a tuple for each layer."""
    accuracy = float((network.predict(pixels) == labels).double().mean())
    return [
        (accuracy, sparsity.mean_hoyer(h), sparsity.mean_hoyer(h, resting=median(h)))
        for h in network.activations(pixels, labels)
    ]
