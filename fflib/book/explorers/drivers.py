"""The images that drive the ensembles of a run, kept so that a page without the data can show them.

Records hold no images. For a few published runs, the test images that excite the ensemble of each layer
and class most were put into a file when the run was trained. The file also holds the ensembles of the
network that they were shown to: it belongs to a record that has the same, unit by unit. Trained again on
another processor, a network has others. ``fflib explore`` makes these files and the records with them.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from fflib.data.published import download_folder
from fflib.errors import MissingRecord, RecordError
from fflib.experiment import Experiment
from fflib.measures.drivers import NO_IMAGE, strongest
from fflib.measures.ensembles import median_quantile
from fflib.presets import MODELS
from fflib.records.files import write_whole
from fflib.records.measure import provenance
from fflib.records.schema import Provenance, unpack
from fflib.records.sealed import seal, unseal
from fflib.records.stores import Record
from fflib.study.claims import members
from fflib.study.plans.grids import DATASETS
from fflib.training.run import Run
from fflib.training.train import train

__all__ = ["Drivers", "drivers_of", "explored", "find", "read", "retrain", "write"]

FOLDER = download_folder() / "explorer"
"""Where the published files lie."""

SUFFIX = ".safetensors"
IMAGES = 5


@dataclass(frozen=True, eq=False)
class Drivers:
    """The images of each class that excite its ensemble most, layer by layer.

    Parameters
    ----------
    experiment : Experiment
        The run whose ensembles they are.
    provenance : Provenance
        How the network was trained that they were shown to.
    images : ndarray of uint8, shape (m, height, width) or (m, channels, height, width)
        The images, each of them once, without a label.
    chosen : ndarray of int, shape (layer, class, count)
        Places in `images`, the strongest first; -1 where there is none.
    numbers : ndarray of int, shape (m,)
        Which of the images for evaluation each is, counted from 0.
    ensembles : ndarray of bool, shape (layer, class, unit)
        Those of the network that they were shown to, under the median–quantile rule.
    """

    experiment: Experiment
    provenance: Provenance
    images: np.ndarray
    chosen: np.ndarray
    numbers: np.ndarray
    ensembles: np.ndarray

    def of_layer(self, depth: int) -> list[np.ndarray]:
        """For each class the images that drive its ensemble in a layer, counted from 0."""
        return [self.images[own[own != NO_IMAGE]] for own in self.chosen[depth]]

    def belong_to(self, record: Record) -> bool:
        """Whether they were shown to the network of a record: its ensembles are the same."""
        return np.array_equal(self.ensembles, members(record))


def drivers_of(run: Run, count: int = IMAGES) -> Drivers:
    """Show a trained network the images for evaluation, and keep those that drive its ensembles.

    As for the ensembles themselves, images carry their true label, and only those count that the
    network classifies correctly. `count` is the number of images of a class in a layer.

    Examples
    --------
    >>> import fflib
    >>> few = fflib.Experiment(model="bp", dataset="digits", hidden=32, epochs=2)
    >>> found = drivers_of(fflib.train(few, progress=False), count=2)
    >>> found.chosen.shape, found.images.shape[1:]
    ((3, 10, 2), (28, 28))
    """
    split = run.experiment.evaluate_on
    activations, classes = run.activations(split), len(run.data.classes)
    ensembles = median_quantile(activations, classes=classes)
    places = np.array(
        [
            strongest(layer, activations.labels, own, count)
            for layer, own in zip(activations.values, ensembles, strict=True)
        ]
    )
    shown = run.data.split(split)
    seen = np.isin(shown.labels.numpy(), run.network.seen)
    number = np.flatnonzero(seen)[run.correct(split).numpy()]
    some, chosen = np.unique(np.append(places, NO_IMAGE), return_inverse=True)
    kept = number[some[some != NO_IMAGE]]
    return Drivers(
        experiment=run.experiment,
        provenance=provenance(run),
        images=shown.images[kept].numpy(),
        # The first of the sorted places stands for no image, so that the others move up by one.
        chosen=chosen[:-1].reshape(places.shape) - 1,
        numbers=kept,
        ensembles=ensembles,
    )


def retrain(record: Record) -> Drivers:
    """Train the network of a record again, in the number format on record, to show it images.

    The experiment is the record's; the provenance is that of the retraining.
    """
    exact = record.provenance.circumstances.precision == "float32"
    again = record.experiment.model_copy(update={"precision": "float32" if exact else "mixed"})
    found = drivers_of(train(again, device="cpu", progress=False))
    return Drivers(**vars(found) | {"experiment": record.experiment})


def explored() -> list[Experiment]:
    """Return the runs that the explorers of the book can show with images.

    Examples
    --------
    >>> len(explored())
    6
    """
    return [Experiment(model=m, dataset=d) for m in MODELS for d in DATASETS]


def write(drivers: Drivers, folder: Path = FOLDER) -> Path:
    """Write a file, named by the key of the experiment; it appears whole or not at all."""
    arrays = {
        "images": drivers.images,
        "chosen": drivers.chosen.astype(np.int16),
        "numbers": drivers.numbers.astype(np.int32),
        "ensembles": np.packbits(drivers.ensembles, axis=-1),
    }
    header = {
        "experiment": drivers.experiment.model_dump(mode="json"),
        "provenance": drivers.provenance.model_dump(mode="json"),
    }
    path = folder / f"{drivers.experiment.key}{SUFFIX}"
    return write_whole(path, seal(json.dumps(header), arrays))


def read(path: Path) -> Drivers:
    """Read a file; one that is damaged or holds something else raises ``RecordError``."""
    text, arrays = unseal(path)
    try:
        header = json.loads(text)
        experiment = Experiment(**header["experiment"])
        return Drivers(
            experiment=experiment,
            provenance=Provenance(**header["provenance"]),
            images=arrays["images"],
            chosen=arrays["chosen"],
            numbers=arrays["numbers"],
            ensembles=unpack(arrays["ensembles"], experiment.hidden),
        )
    except (KeyError, TypeError, ValueError, ValidationError) as error:
        raise RecordError(
            f"{path} holds no images that drive ensembles ({type(error).__name__}): "
            "make it again with fflib explore"
        ) from None


def find(experiment: Experiment, folder: Path = FOLDER) -> Drivers:
    """Return the images on file for an experiment, or raise :class:`fflib.errors.MissingRecord`."""
    path = folder / f"{experiment.key}{SUFFIX}"
    if not path.is_file():
        raise MissingRecord(
            f"no images that drive the ensembles of {experiment} in {folder}: make them with "
            "fflib explore"
        )
    return read(path)
