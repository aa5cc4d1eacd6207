"""What training costs: passes, multiply-adds and seconds, at every row of a learning curve."""

from collections.abc import Callable, Iterable
from math import prod
from typing import Any

import numpy as np
import pandas as pd

from fflib import wording
from fflib.data import image_shape
from fflib.experiment import ConvExperiment, Experiment, gradient_reach
from fflib.networks.convolutional import sizes
from fflib.records.stores import Record

__all__ = [
    "TAKEN", "cost_table", "foreseen", "learning_curve", "multiply_adds", "taken", "time_to_learn", "weights",
]  # fmt: skip


def weights(record: Record) -> np.ndarray:
    """Count the weights of every hidden layer, shape (layers,)."""
    return record.arrays["weights"].sum(axis=1, dtype=np.int64)


def multiply_adds(record: Record) -> np.ndarray:
    """Count the multiply-adds spent on each training image by the end of every epoch.

    A layer of P weights takes P multiply-adds to pass an example forwards, P for the gradient of
    its weights, and P to pass the gradient on to the layer below. Biases, norms and activations
    are left out, being smaller by the width of a layer. A convolution is a layer of so many weights
    at every place of its input.

    - FF: a positive and a negative example, forwards and for the weights: 4 P for the one layer
      being trained. Before that, both pass once through every layer below. Where each class has a
      goodness of its own, one example; with a loss for each block of layers, P more for an example
      in every layer but the first of a block.
    - BP/FF: the same for all layers, and 2 P for every layer but the first.
    - BP: one example; 3 P for every layer and the head, less P for the first.
    - Controls trained layer by layer: as FF for the examples they take, and 3 P for a head over the
      classes.

    Returns
    -------
    ndarray, shape (rows,)
        One number per row of ``record.curve``. It counts what the algorithms need; an
        implementation may share work among examples and so take less.
    """
    e = record.experiment
    places, read = _places(e)
    products = weights(record) * places
    classes, units = record.arrays["mean"].shape[1:]
    examples = 2 if e.labelled else 1
    head = 0 if e.labelled or e.goodness else 3 * units * read * classes
    layers, epochs = _places_in_training(record)
    if e.stages > 1:
        passed = examples * (np.cumsum(products) - products)
        epoch = 2 * examples * products + head
        whole = passed + e.epochs * epoch
        before = np.cumsum(whole) - whole
        return (before + passed)[layers] + epoch[layers] * epochs
    if e.layerwise:
        return examples * _by_layers(e, products) * epochs
    return (examples * (3 * products.sum() - products[0]) + head) * epochs


TAKEN: dict[str, Callable[[Record], Any]] = {
    "reach": lambda r: gradient_reach(r.experiment),
    "weights": lambda r: int(weights(r).sum()),
    "multiply_adds": lambda r: float(multiply_adds(r)[-1]),
    "seconds": lambda r: r.provenance.circumstances.seconds,
}
"""What a run took, by column: how many layers a gradient crosses, weights of the hidden layers,
multiply-adds for each training image in the whole of training, and seconds of training."""


def taken(means: pd.DataFrame) -> dict[str, pd.Series]:
    """Write the mean numbers of :data:`TAKEN` as columns for readers."""
    return {
        "layers a gradient crosses": means["reach"].map("{:.0f}".format),
        "weights (10⁶)": (means["weights"] / 1e6).map("{:.2f}".format),
        "multiply-adds per image (10⁹)": (means["multiply_adds"] / 1e9).map("{:.2f}".format),
        "seconds": means["seconds"].map("{:.0f}".format),
    }


def foreseen(e: ConvExperiment) -> float:
    """Count the multiply-adds that each training image will take, of convolutions that see no label.

    See :func:`multiply_adds`; what the loss of a layer takes of the layers below it is their own.

    Examples
    --------
    >>> e = Experiment(architecture="conv", dataset="cifar-10", scope="class", hidden=10, layers=1, epochs=3)
    >>> foreseen(e) == 3 * 2 * (9 * 3 * 10) * 32**2
    True
    """
    channels = image_shape(e.dataset)[0]
    widths = np.array([9 * channels * e.hidden, *[9 * e.hidden**2] * (e.layers - 1)])
    return float(_by_layers(e, widths * _places(e)[0]) * e.epochs)


def _by_layers(e: Experiment, products: np.ndarray) -> np.int64:
    """Count what an example takes in an epoch where layers or blocks of them learn by themselves."""
    block = e.block if isinstance(e, ConvExperiment) else 1
    passed_on = np.arange(e.layers) % block > 0
    return ((2 + passed_on) * products).sum()


def _places_in_training(record: Record) -> tuple[np.ndarray, np.ndarray]:
    """Return the layer of every row of the curve, 0 where all learn together, and its epoch there."""
    places = [(row["layer"] or 0, row["epoch"]) for row in record.curve]
    layers, epochs = np.array(places, dtype=np.int64).reshape(-1, 2).T
    return layers, epochs


def _places(e: Experiment) -> tuple[np.ndarray, int]:
    """Count the places at which each layer sees its input, and those left above the last layer."""
    if not isinstance(e, ConvExperiment):
        return np.ones(e.layers, dtype=np.int64), 1
    *places, read = map(prod, sizes(image_shape(e.dataset)[1:], e.layers, e.pooling))
    return np.array(places), read


def learning_curve(record: Record) -> pd.DataFrame:
    """Return accuracy against what it cost, at the epochs at which it was measured.

    Columns: ``epochs`` since the start of training, summed over layers that are trained one after
    the other; ``multiply_adds`` per training image; ``seconds``; ``accuracy`` of the layers trained
    so far; ``last``, whether it is the last epoch of a layer or of the network.
    """
    layers, epochs = _places_in_training(record)
    curve = pd.DataFrame(record.curve, columns=["seconds", "accuracy"]).assign(
        epochs=layers * record.experiment.epochs + epochs,
        multiply_adds=multiply_adds(record),
        last=[row["epoch"] == record.experiment.epochs for row in record.curve],
    )
    measured = curve.dropna(subset=["accuracy"])
    return measured[["epochs", "multiply_adds", "seconds", "accuracy", "last"]].astype(
        {"accuracy": float}
    )


def time_to_learn(record: Record, within: float = 0.01) -> pd.Series:
    """Find where a run first comes close to the accuracy that it ends with.

    Return the first row of :func:`learning_curve` whose accuracy is at most `within` below that of
    the last row.
    """
    curve = learning_curve(record)
    return curve[curve["accuracy"] >= curve["accuracy"].iloc[-1] - within].iloc[0]


def cost_table(records: Iterable[Record], within: float = 0.01) -> pd.DataFrame:
    """Show what it took to come close to the final accuracy, by model.

    The table has a row per model: means over runs of the cost, and of the accuracy there and at the
    end. `records` are runs on one data set under one protocol, of which those without training are
    left out; `within` is as in :func:`time_to_learn`.
    """
    rows = [
        {
            "model": wording.model_name(record.experiment.model),
            "epochs": close["epochs"],
            "multiply-adds per image (10⁶)": close["multiply_adds"] / 1e6,
            "seconds": close["seconds"],
            "accuracy there": close["accuracy"],
            "accuracy at the end": learning_curve(record)["accuracy"].iloc[-1],
        }
        for record in records
        if record.curve
        for close in [time_to_learn(record, within)]
    ]
    return pd.DataFrame(rows).groupby("model", sort=False).mean()
