"""How the cost of training grows with the width and depth of a network and with the data."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any

from fflib.bench.baseline import train_plainly
from fflib.data import Dataset, Split, load
from fflib.errors import TrainingError
from fflib.experiment import Experiment
from fflib.presets import MODELS
from fflib.training.train import train_together

__all__ = ["AXES", "growth"]

AXES: dict[str, tuple[int, ...]] = {
    "hidden": (196, 392, 784, 1568),
    "layers": (1, 2, 3, 6),
    "images": (15_000, 30_000, 60_000),
}


def growth(
    dataset: str = "mnist",
    axes: dict[str, tuple[int, ...]] = AXES,
    epochs: int = 3,
    report: Callable[[str], None] = lambda line: None,
    **fields: Any,
) -> list[dict[str, Any]]:
    """Time training on every model, and the baseline on FF, along one axis after the other.

    The axes give values of ``hidden``, ``layers`` and ``images``; the last value of ``images`` and
    the settings of a published run, or other fields of :class:`fflib.Experiment` that are given,
    hold where another axis is varied. A time is averaged over the epochs, per layer for FF.
    ``report`` is called with a line of text as each point begins.

    The rows have ``axis``, ``value``, ``model``, ``version`` ("engine" or "plain") and ``seconds``
    per epoch, over all layers for FF. A run that learned nothing has no time.
    """
    data = load(dataset)
    images = axes["images"][-1] if "images" in axes else len(data.train)

    @cache
    def times(images: int, **shape: int) -> list[dict[str, Any]]:
        report(f"growth: {images} images {shape or ''}")
        train = Split(data.train.images[:images], data.train.labels[:images])
        settings: dict[str, Any] = {"schedule": "constant", "epochs": epochs} | fields | shape
        return [
            {"model": model, "version": version, "seconds": seconds / epochs}
            for model in MODELS
            for version, seconds in _times(
                Experiment(model=model, dataset=dataset, **settings), replace(data, train=train)
            )
        ]

    usual = Experiment(dataset=dataset, **fields)
    rows = []
    for axis, values in axes.items():
        for value in values:
            point = {"images": images, axis: value}
            # The point that all axes share is measured once.
            if axis != "images" and value == getattr(usual, axis):
                del point[axis]
            rows += [{"axis": axis, "value": value} | row for row in times(**point)]
    return rows


def _times(experiment: Experiment, data: Dataset) -> Iterator[tuple[str, float]]:
    (run,) = train_together([experiment], "cpu", progress=False, data=data)
    if not isinstance(run, TrainingError):
        yield "engine", run.seconds
    if experiment.model == "ff":
        yield "plain", train_plainly(experiment, data).seconds
