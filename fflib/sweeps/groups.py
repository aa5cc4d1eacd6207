"""Which runs of a sweep are trained side by side, and how many a device has the memory for.

Runs that differ in nothing but seed and held-out class can be: on a CUDA device, which one run
cannot fill, that is faster. A core of a CPU is busy with one run.
"""

import gc
from collections.abc import Iterable, Sequence
from itertools import pairwise

import torch

from fflib.data import Dataset
from fflib.experiment import DenseExperiment, Experiment
from fflib.networks.base import CHUNK
from fflib.training.device import product_format, resolve_device

__all__ = ["ON_A_CARD", "balanced", "fit", "gains", "grouped", "memory", "release"]

ON_A_CARD = 4
"""Worker processes on a CUDA device: one measures while another trains."""

SHARE = 0.8
"""Part of the memory that runs may fill: evaluation and CUDA itself need some."""


def gains() -> bool:
    """Tell whether the device here trains several runs faster side by side than one by one."""
    return resolve_device("auto").type == "cuda"


def grouped(experiments: Iterable[Experiment], most: int) -> list[list[Experiment]]:
    """Group experiments that may be trained side by side, at most so many.

    They are equal but for ``seed`` and ``hold_out``. Convolutional networks take their steps one
    after the other and gain nothing, so each is by itself.

    Examples
    --------
    >>> runs = [Experiment(model=m, seed=s) for s in range(3) for m in ("ff", "bp")]
    >>> [[e.seed for e in group] for group in grouped(runs, 2)]
    [[0, 1], [2], [0, 1], [2]]
    """
    if most == 1:
        return [[e] for e in experiments]  # in their order
    kinds: dict[Experiment, list[Experiment]] = {}
    for e in experiments:
        free = {"seed": 0, "hold_out": None} if isinstance(e, DenseExperiment) else {}
        kinds.setdefault(e.model_copy(update=free), []).append(e)
    return [group for kind in kinds.values() for group in balanced(kind, most)]


def balanced(runs: Sequence[Experiment], most: int) -> list[list[Experiment]]:
    """Cut runs into as few parts as possible of at most so many, and of nearly equal length.

    Examples
    --------
    >>> [len(part) for part in balanced([Experiment(seed=seed) for seed in range(10)], 8)]
    [5, 5]
    """
    if not runs:
        return []
    size = -(-len(runs) // -(-len(runs) // most))
    return [list(runs[start : start + size]) for start in range(0, len(runs), size)]


def memory(e: DenseExperiment, data: Dataset, products: torch.dtype) -> tuple[int, int]:
    """Estimate the bytes that training takes: those that all runs share, and those of each run.

    All share the images, in float32 and in product format. A run has its parameters, gradients
    and two moments in float32, and a copy of the weights in product format; what the layer that
    learns receives for every image, with a right and a wrong label, where it is not the images
    themselves, which negatives of other images repeat; the labels; and the activations of a batch,
    or of a chunk in evaluation, in some eight forms, twice, for the last batch of an epoch is
    recorded apart.
    """
    size, images, classes = products.itemsize, len(data.train.labels), len(data.classes)
    shown = 2 if e.labelled else 1
    widths = [data.inputs, *[e.hidden] * e.layers]
    parameters = sum((a + 1) * b for a, b in pairwise(widths))
    parameters += e.layers * (e.hidden + 1) * classes
    total = parameters * (4 * 4 + size)
    if e.stages > 1:
        total += shown * images * e.hidden * size
    if e.negatives == "unpaired":
        total += shown * images * data.inputs * size
    if e.labelled:
        total += shown * images * classes * (8 + size)  # int64 before it is in product format
    learning = 1 if e.stages > 1 else e.layers
    rows = 2 * shown * max(e.batch_size, CHUNK)
    total += rows * (data.inputs * size + 8 * 4 * e.hidden * learning)
    return images * data.inputs * (4 + size), total


def fit(e: Experiment, data: Dataset, workers: int) -> int | None:
    """Return how many such runs have room on a CUDA device, at least 1; None elsewhere.

    So many workers share its memory.
    """
    device = resolve_device("auto")
    if device.type != "cuda" or not isinstance(e, DenseExperiment):
        return None
    release()
    free, total = torch.cuda.mem_get_info(device)
    shared, each = memory(e, data, product_format(e.precision, device))
    return max(1, int((SHARE * min(free, total / workers) - shared) // each))


def release() -> None:
    """Give memory that nothing uses any more back to the device."""
    gc.collect()  # an optimiser and its schedule refer to each other
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
