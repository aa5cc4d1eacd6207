"""What snapshots cost: training with and without them, in turn."""

from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

import torch

from fflib.experiment import Experiment
from fflib.training.device import processor, resolve_device
from fflib.training.train import train

__all__ = ["snapshot_cost", "spread"]


def snapshot_cost(
    experiment: Experiment,
    repeats: int = 5,
    device: str = "cpu",
    report: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Train an experiment with its snapshots and without, one after the other, and compare.

    Which goes first changes from repeat to repeat, so that a drift of the machine favours neither.
    ``report`` is called with a line of text after each repeat.

    The result has ``ratio`` of the seconds of training with and without, with ``median``, ``min``
    and ``max`` over repeats; ``identical``, whether the networks are equal bit for bit each time;
    ``seconds`` with and without; ``megabytes`` that the snapshots of a run take up; and
    ``processor``, ``threads``, ``experiment``.

    Examples
    --------
    >>> experiment = Experiment(
    ...     model="bp", dataset="digits", hidden=32, epochs=2, snapshots=4
    ... )
    >>> cost = snapshot_cost(experiment, repeats=1)
    >>> cost["identical"], cost["ratio"]["median"] > 0
    (True, True)
    """
    plain = Experiment(**experiment.model_dump() | {"snapshots": 0})
    seconds: dict[str, list[float]] = {"with": [], "without": []}
    identical, held = True, 0
    for repeat in range(repeats):
        order = {"with": experiment, "without": plain}
        names = sorted(order, reverse=bool(repeat % 2))
        runs = {name: train(order[name], device=device, progress=False) for name in names}
        for name, run in runs.items():
            seconds[name].append(run.seconds)
        weights = [run.network.state_dict().values() for run in runs.values()]
        identical &= all(torch.equal(a, b) for a, b in zip(*weights, strict=True))
        tensors = [t for s in runs["with"].snapshots for pair in s.changed.values() for t in pair]
        held = sum(t.nbytes for t in tensors)
        report(
            f"repeat {repeat + 1} of {repeats}: {seconds['with'][-1] / seconds['without'][-1]:.3f}"
        )
    return {
        "ratio": spread([a / b for a, b in zip(seconds["with"], seconds["without"], strict=True)]),
        "identical": identical,
        "seconds": seconds,
        "megabytes": held / 1e6,
        "processor": processor(resolve_device(device)),
        "threads": torch.get_num_threads(),
        "experiment": experiment.model_dump(),
    }


def spread(values: Sequence[float]) -> dict[str, float]:
    """Return the ``median``, ``min`` and ``max`` of values."""
    return {"median": median(values), "min": min(values), "max": max(values)}
