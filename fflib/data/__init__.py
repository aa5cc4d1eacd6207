"""Data sets by name, their pixels and splits, and labels written on the border of an image."""

from fflib.data.by_name import (
    NAMES,
    check,
    class_names,
    fetch,
    find_folder,
    image_shape,
    load,
    where,
)
from fflib.data.dataset import SPLITS, Dataset, Split
from fflib.data.folder import IMAGES
from fflib.data.labels import place_label, wrong_labels, wrong_pairs
from fflib.data.published import FileCheck

__all__ = [
    "IMAGES",
    "NAMES",
    "SPLITS",
    "Dataset",
    "FileCheck",
    "Split",
    "check",
    "class_names",
    "fetch",
    "find_folder",
    "image_shape",
    "load",
    "place_label",
    "where",
    "wrong_labels",
    "wrong_pairs",
]
