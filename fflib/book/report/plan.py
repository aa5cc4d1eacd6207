"""Which networks are trained for a verdict on a folder of images, and which images it needs.

The settings are those of the preset for folders (:mod:`fflib.presets`), whatever the images are: they
choose nothing, so that the test images cannot either.
"""

from pathlib import Path
from typing import Any

import torch

from fflib.book.explorers import drivers
from fflib.book.explorers.drivers import Drivers
from fflib.data import Dataset, class_names, find_folder, load
from fflib.errors import DataError, MissingRecord, RecordError
from fflib.experiment import Experiment
from fflib.presets import MODELS
from fflib.records.stores import Record, Store, own_store

__all__ = ["NEEDED", "SEEDS", "examine", "experiments", "pictures"]

NEEDED = {"train": 16, "test": 4}
"""Images of each class: with fewer for testing, an ensemble is what one or two images share."""

SEEDS = 5
UNSEEN_MODELS = ("ff", "bp")  # the model that the claim is about, and its control
UNTRAINED: dict[str, Any] = {"model": "ff", "epochs": 0}  # a rival of every claim on ensembles
MOST = 10  # classes that are left out in turn


def examine(folder: str | Path, size: int | None = None, groups: str | None = None) -> Dataset:
    """Read a folder of class folders, and see that there are enough images for a verdict.

    It is laid out as :func:`fflib.data.load` says, which also explains `size` and `groups`.
    :class:`fflib.errors.DataError` is raised if it is no such folder, an image cannot be read, or a
    class has too few of them.
    """
    folder = find_folder(folder)
    data = load(folder, size=size, groups=groups)
    for split, needed in NEEDED.items():
        counts = torch.bincount(data.split(split).labels, minlength=len(data.classes)).tolist()
        for name, count in zip(data.classes, counts, strict=True):
            if count < needed:
                raise DataError(
                    f"{folder}: a verdict needs {sum(NEEDED.values())} images of each class, "
                    f"{NEEDED['train']} to train on and {NEEDED['test']} to test with, found {count} "
                    f"of {name!r} in the {split} set: add images, or leave the class out"
                )
    return data


def experiments(folder: str | Path, seeds: int = SEEDS, **fields: Any) -> list[Experiment]:
    """Return the runs on which a verdict on a folder rests.

    There are so many `seeds` of each model with all classes, and of an untrained network. With three
    classes or more, each of them, up to ten, is also left out of training in turn, in one run of FF,
    of BP and of an untrained network each: the class is the unit of what is said of unseen ones.
    Fields of :class:`fflib.Experiment` take the place of the preset's.
    """
    path = find_folder(folder)
    fields = {"dataset": str(path), "probe": "attribution", **fields}
    kinds = {m: {"model": m} | fields for m in MODELS}
    kinds["untrained"] = fields | UNTRAINED
    classes = len(class_names(path))
    held_out = range(min(classes, MOST)) if classes > 2 else ()
    return [
        *(Experiment(seed=seed, **kind) for seed in range(seeds) for kind in kinds.values()),
        *(
            Experiment(hold_out=label, **kinds[name])
            for label in held_out
            for name in (*UNSEEN_MODELS, "untrained")
        ),
    ]


def pictures(record: Record, store: Store | None = None) -> Drivers:
    """Return the images that drive the ensembles of a run, found beside its record or made there.

    To make them, the record's network is trained again and shown the images of its folder. The
    record is in the reader's own store, if in no other.
    """
    folder = (store or own_store()).folder / "explorer"
    try:
        found = drivers.find(record.experiment, folder)
        if found.provenance.data == record.provenance.data:
            return found
    except (MissingRecord, RecordError):
        pass
    threads = torch.get_num_threads()
    torch.set_num_threads(record.provenance.circumstances.threads)  # or sums are rounded otherwise
    try:
        found = drivers.retrain(record)
    finally:
        torch.set_num_threads(threads)
    drivers.write(found, folder)
    return found
