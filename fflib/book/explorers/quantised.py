"""A trained network kept in a small file, its weights rounded to eight bits, for a page to run.

Records hold no networks, and the weights of one are more than a page should have to load. Rounded to
256 steps they take a quarter, and the file says how many answers that changes. ``fflib explore``
trains the network and makes the file.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from pydantic import ValidationError
from torch import Tensor
from torch.nn import functional as F

from fflib.data.published import download_folder
from fflib.errors import ExperimentError, MissingRecord, RecordError
from fflib.experiment import Experiment
from fflib.measures.ensembles import class_means, median_quantile
from fflib.networks.dense import Network
from fflib.records.attribution import image_or_label
from fflib.records.files import write_whole
from fflib.records.measure import provenance
from fflib.records.schema import Provenance, unpack
from fflib.records.sealed import seal, unseal
from fflib.training.run import Run

__all__ = ["Quantised", "eight_bits", "find", "quantise", "read", "tried", "write"]

FOLDER = download_folder() / "networks"
"""Where the published file lies."""

SUFFIX = ".safetensors"
STEPS = 127  # on either side of zero


@dataclass(frozen=True, eq=False)
class Quantised:
    """A dense network that judges labels by goodness, its weights rounded to eight bits.

    Parameters
    ----------
    experiment : Experiment
        What was trained.
    provenance : Provenance
        How it was trained.
    pixels : dict
        How images become its input: ``mean`` and ``std`` of pixels, and ``lit``, see
        :class:`fflib.data.Dataset`.
    weights : list of ndarray of int8, shape (units, inputs)
        Layer by layer, in steps.
    scales : ndarray of float32, shape (layer, unit)
        What a step of a unit's weights is.
    biases : ndarray of float32, shape (layer, unit)
        As they were trained.
    images : ndarray of uint8, shape (class, height, width)
        The first image for evaluation of each class.
    numbers : ndarray of int, shape (class,)
        Which of the images for evaluation each is, counted from 0.
    answers : ndarray of uint8, shape (n,)
        What the network answered before rounding, for each image for evaluation.
    ensembles : ndarray of bool, shape (layer, class, unit)
        Those of the rounded network, under the median–quantile rule.
    mean : ndarray of float16, shape (layer, class, unit)
        Its mean activations.
    measured : dict
        Of the rounded network on images for evaluation: its ``accuracy``, the share of answers that
        are the ``same`` as before rounding, by layer the mean goodness under the ``own`` label and
        under a ``wrong`` one, and ``layers``, the rows of
        :func:`fflib.records.attribution.image_or_label`.
    """

    experiment: Experiment
    provenance: Provenance
    pixels: dict[str, float]
    weights: list[NDArray[np.int8]]
    scales: NDArray[np.float32]
    biases: NDArray[np.float32]
    images: NDArray[np.uint8]
    numbers: NDArray[np.integer]
    answers: NDArray[np.uint8]
    ensembles: NDArray[np.bool_]
    mean: NDArray[np.floating]
    measured: dict[str, Any]

    @cached_property
    def network(self) -> Network:
        """The network with its rounded weights."""
        e = self.experiment
        network = Network(
            self.weights[0].shape[1], e.hidden, e.layers, len(self.images), lit=self.pixels["lit"],
            activation=e.activation, goodness=e.goodness, norm=e.norm,
        )  # fmt: skip
        with torch.no_grad():
            for layer, bias in zip(network.layers, self.biases, strict=True):
                layer.bias.copy_(torch.from_numpy(bias))
        return network.with_weights(restored(self.weights, self.scales))

    def standardise(self, images: ArrayLike) -> Tensor:
        """Return images of bytes, shape (n, height, width), as the network's input, (n, inputs)."""
        flat = torch.as_tensor(np.asarray(images)).flatten(1).float()
        return (flat / 255 - self.pixels["mean"]) / self.pixels["std"]


def tried() -> Experiment:
    """Return the experiment whose network the book lets readers try, narrow to be light.

    It is trained in single precision, so that rounding is all that sets the page apart.
    """
    return Experiment(model="ff", dataset="mnist", hidden=300, precision="float32")


def eight_bits(weights: ArrayLike) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Round weights, shape (units, inputs), to whole steps, of which the largest of a unit takes 127.

    Returns
    -------
    steps : ndarray of int8, shape (units, inputs)
    scales : ndarray of float32, shape (units,)
        What a step is. Half of it is the largest error of a weight, but for float32's own.

    Examples
    --------
    >>> steps, scales = eight_bits([[1.27, -0.5], [0.0, 0.0]])
    >>> steps.tolist(), scales.tolist()
    ([[127, -50], [0, 0]], [0.009999999776482582, 1.0])
    """
    exact = np.asarray(weights, dtype=np.float32)
    scales = np.abs(exact).max(axis=1) / np.float32(STEPS)
    scales[scales == 0] = 1
    return np.rint(exact / scales[:, None]).astype(np.int8), scales


def quantise(run: Run) -> Quantised:
    """Round the weights of a run's network, and measure what that leaves of it.

    Raises an ExperimentError for a network that the script of the page cannot run: it must be dense,
    of ReLU units, with the ℓ₂ norm as its goodness, and have seen every class.
    """
    whole, e = run.network, run.experiment
    runs = (e.activation, e.goodness, e.norm, e.hold_out) == ("relu", "l2", "l2", None)
    if not (runs and isinstance(whole, Network)):
        raise ExperimentError(
            "a page can run a dense network of ReLU units with the ℓ₂ norm as goodness that has seen "
            f"every class, got {e}: train another"
        )
    steps, scales = zip(*map(eight_bits, whole.weights), strict=True)
    rounded = replace(run, network=whole.with_weights(restored(steps, scales)))
    pixels, labels = run.images(e.evaluate_on)
    answers = whole.predict(pixels)
    activations = rounded.activations(e.evaluate_on)
    _, first = np.unique(labels.numpy(), return_index=True)
    own = F.one_hot(labels, len(first)).bool()
    by_label = rounded.scores.transpose(0, 1)  # (layer, image, label)
    return Quantised(
        experiment=e,
        provenance=provenance(run),
        pixels={"mean": run.data.mean, "std": run.data.std, "lit": run.data.lit},
        weights=list(steps),
        scales=np.stack(scales),
        biases=np.stack([layer.bias.detach().numpy() for layer in whole.layers]),
        images=run.data.split(e.evaluate_on).images[first].numpy(),
        numbers=first,
        answers=answers.numpy().astype(np.uint8),
        ensembles=median_quantile(activations, classes=len(first)),
        mean=class_means(activations, classes=len(first)).astype(np.float16),
        measured={
            "accuracy": rounded.accuracy,
            "same": float((rounded.network.predict(pixels) == answers).double().mean()),
            "own": [float(goodness[own].mean()) for goodness in by_label],
            "wrong": [float(goodness[~own].mean()) for goodness in by_label],
            "layers": image_or_label(rounded)[0],
        },
    )


def restored(steps: Iterable[NDArray[Any]], scales: Iterable[NDArray[Any]]) -> list[Tensor]:
    """Return the weights of every layer that its steps stand for."""
    layers = zip(steps, scales, strict=True)
    return [torch.from_numpy(steps * scales[:, None]) for steps, scales in layers]


def write(kept: Quantised, folder: Path = FOLDER) -> Path:
    """Write a file, named by the key of the experiment; it appears whole or not at all."""
    arrays = {name: getattr(kept, name) for name in ARRAYS}
    arrays |= {"ensembles": np.packbits(kept.ensembles, axis=-1)}
    arrays |= {f"weights.{depth}": steps for depth, steps in enumerate(kept.weights)}
    header = {name: getattr(kept, name) for name in ("pixels", "measured")}
    header |= {n: getattr(kept, n).model_dump(mode="json") for n in ("experiment", "provenance")}
    path = folder / f"{kept.experiment.key}{SUFFIX}"
    return write_whole(path, seal(json.dumps(header), arrays))


ARRAYS = ("scales", "biases", "images", "numbers", "answers", "mean")  # kept as they are


def read(path: Path) -> Quantised:
    """Read a file; one that is damaged or holds something else raises ``RecordError``."""
    text, arrays = unseal(path)
    try:
        header = json.loads(text)
        e = Experiment(**header["experiment"])
        return Quantised(
            experiment=e,
            provenance=Provenance(**header["provenance"]),
            pixels=header["pixels"],
            measured=header["measured"],
            weights=[arrays[f"weights.{depth}"] for depth in range(e.layers)],
            ensembles=unpack(arrays["ensembles"], e.hidden),
            **{name: arrays[name] for name in ARRAYS},
        )
    except (KeyError, TypeError, ValueError, ValidationError) as error:
        raise RecordError(
            f"{path} holds no network to try ({type(error).__name__}): "
            "make it again with fflib explore"
        ) from None


def find(experiment: Experiment, folder: Path = FOLDER) -> Quantised:
    """Return the network on file for an experiment, or raise :class:`fflib.errors.MissingRecord`."""
    path = folder / f"{experiment.key}{SUFFIX}"
    if not path.is_file():
        raise MissingRecord(f"no network of {experiment} in {folder}: make it with fflib explore")
    return read(path)
