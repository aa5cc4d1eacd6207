"""How the cost of training grows with width, depth, data, and the number of runs side by side."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any

from fflib.bench.baseline import train_plainly
from fflib.data import Dataset, Split, load
from fflib.errors import TrainingError
from fflib.experiment import Experiment
from fflib.presets import MODELS
from fflib.training.device import resolve_device
from fflib.training.train import train_together

__all__ = ["AXES", "growth"]

AXES: dict[str, tuple[int, ...]] = {
    "hidden": (196, 392, 784, 1568),
    "layers": (1, 2, 3, 6),
    "images": (15_000, 30_000, 60_000),
    "runs": (1, 5),
}


def growth(
    dataset: str = "mnist",
    axes: dict[str, tuple[int, ...]] = AXES,
    epochs: int = 2,
    report: Callable[[str], None] = lambda line: None,
    device: str = "cpu",
    **fields: Any,
) -> list[dict[str, Any]]:
    """Time training on every model, and the baseline on FF, along one axis after the other.

    The axes give values of ``hidden``, ``layers``, ``images`` and ``runs``, which are trained side
    by side and differ in their seeds. Where another axis is varied, there is one run on the last
    number of ``images``, with the settings of a published run, or other fields of
    :class:`fflib.Experiment` that are given. A time is averaged over the epochs, per layer for FF.
    ``report`` is called with a line of text as each point begins.

    The rows have ``axis``, ``value``, ``model``, ``version`` ("engine" or "plain") and ``seconds``
    per epoch, over all layers for FF and over all runs. Runs that learned nothing have no time, and
    the baseline trains one at a time.
    """
    data = load(dataset)
    images = axes["images"][-1] if "images" in axes else len(data.train)

    @cache
    def times(images: int, runs: int = 1, **shape: int) -> list[dict[str, Any]]:
        report(f"growth: {images} images, {runs} runs {shape or ''}")
        train = Split(data.train.images[:images], data.train.labels[:images])
        settings: dict[str, Any] = {"schedule": "constant", "epochs": epochs} | fields | shape
        return [
            {"model": model, "version": version, "seconds": seconds / epochs}
            for model in MODELS
            for version, seconds in _times(
                [
                    Experiment(model=model, dataset=dataset, seed=seed, **settings)
                    for seed in range(runs)
                ],
                replace(data, train=train),
                device,
            )
        ]

    usual = Experiment(dataset=dataset, **fields)
    rows = []
    for axis, values in axes.items():
        for value in values:
            point = {"images": images, axis: value}
            # The point that all axes share is measured once.
            if axis != "images" and value == getattr(usual, axis, 1):
                del point[axis]
            rows += [{"axis": axis, "value": value} | row for row in times(**point)]
    return rows


def _times(
    experiments: list[Experiment], data: Dataset, device: str
) -> Iterator[tuple[str, float]]:
    runs = train_together(experiments, device, progress=False, data=data)
    learned = [run.seconds for run in runs if not isinstance(run, TrainingError)]
    if learned:
        yield "engine", learned[0]  # each has the time of all
    if len(experiments) == 1 and experiments[0].model == "ff":
        yield "plain", train_plainly(experiments[0], data, resolve_device(device)).seconds
