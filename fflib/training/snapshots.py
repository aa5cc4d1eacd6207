"""Snapshots: what a network was like along its training.

A snapshot copies the weights and biases that have changed since the one before, and nothing is
measured while a network learns. So training takes hardly longer, draws no random number more, and
ends in the same network, bit for bit.
"""

from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from fflib.networks.dense import Network
from fflib.training.stack import Learner, Networks, StackedLayer

__all__ = ["Snapshot", "Snapshots", "replay", "schedule"]

Batches = Iterable[tuple[slice, Tensor]]


def schedule(steps: int, most: int) -> list[int]:
    """Return the steps after which a snapshot is taken: dense at the start, then thinning.

    There are ``most`` at most: none, or the one before the first step, the one after the last, and
    between them, each after about the same multiple of the steps of the one before. They rise,
    without repeats.

    Examples
    --------
    >>> schedule(1000, 8)
    [0, 1, 3, 10, 32, 100, 316, 1000]
    >>> schedule(3, 8)
    [0, 1, 2, 3]
    """
    if most < 2 or steps < 1:
        return [0, steps][:most]
    if most >= steps + 1:
        return list(range(steps + 1))
    # A single one besides the start is the end.
    spread = np.geomspace(steps if most == 2 else 1, steps, most - 1)
    return [0, *np.unique(np.rint(spread).astype(int)).tolist()]


@dataclass(frozen=True)
class Snapshot:
    """What has changed in a network since the snapshot before.

    Parameters
    ----------
    layer : int or None
        The layer that learns, from 0; None where all learn together.
    step : int
        Training steps since it began to learn.
    seen : int
        Images shown in training so far, those shown to layers below included; an image that is
        shown in ten epochs counts ten times.
    changed : dict of int to (Tensor, Tensor)
        Weight and bias, on the CPU, by place among the hidden layers and the heads after them.
    """

    layer: int | None
    step: int
    seen: int
    changed: dict[int, tuple[Tensor, Tensor]]


class Snapshots:
    """Takes the snapshots of networks that are trained side by side.

    A stage is the training of one layer, or of all where they learn together. At most ``most``
    snapshots are taken in a stage; 0 takes none. Networks trained on different numbers of images
    have schedules of their own. A run's snapshots take up no more memory than ``most`` copies of
    its network in single precision: 148 MB for twenty of three layers of 784 units.

    Attributes
    ----------
    taken : list of list of Snapshot
        Those of each run, in the order of training.
    """

    def __init__(self, stack: Networks, most: int) -> None:
        self._stack, self._most = stack, most
        self.taken: list[list[Snapshot]] = [[] for _ in stack.networks]
        self._seen = [0] * len(stack.networks)

    def begin(self, layer: int | None, layers: Sequence[Learner], steps: Sequence[int]) -> None:
        """Begin a stage, in which layers learn, and each run takes its number of steps.

        ``layer`` is the one that learns, from 0; None where all learn together.
        """
        everything = self._stack.all_layers
        self._layer = layer
        self._learning = [i for i, one in enumerate(everything) if one in layers]
        self._step = [0] * len(self._seen)
        self._due = [set(schedule(number, self._most)) for number in steps]

    def along(self, batches: Batches) -> Iterator[tuple[slice, Tensor]]:
        """Yield the batches, and take a snapshot after every step that has one due."""
        if not self._most:
            yield from batches
            return
        for run, step in enumerate(self._step):
            if step == 0:
                # Nothing has changed since the last stage; before the first, all counts as new.
                whole = range(len(self._stack.all_layers))
                self._take(run, [] if self.taken[run] else whole)
        for runs, rows in batches:
            yield runs, rows  # the caller takes the step before it asks for the next
            for run in range(runs.start, runs.stop):
                self._step[run] += 1
                self._seen[run] += rows.shape[1]
                if self._step[run] in self._due[run]:
                    self._take(run, self._learning)

    def _take(self, run: int, places: Iterable[int]) -> None:
        changed = {}
        for place in places:
            layer = self._stack.all_layers[place]
            assert isinstance(layer, StackedLayer)  # no other experiment may ask for snapshots
            changed[place] = _copy(layer.weight[run]), _copy(layer.bias[run, 0])
        self.taken[run].append(Snapshot(self._layer, self._step[run], self._seen[run], changed))


def _copy(parameter: Tensor) -> Tensor:
    return parameter.detach().to("cpu", copy=True)


def replay(network: Network, snapshots: Iterable[Snapshot]) -> Iterator[tuple[Snapshot, Network]]:
    """Yield each snapshot of a run, from the first, and what the network was at that moment.

    The next one overwrites it; the network that is given stays as it is.

    Examples
    --------
    >>> import fflib
    >>> experiment = fflib.Experiment(model="bp", dataset="digits", hidden=32, epochs=2, snapshots=5)
    >>> run = fflib.train(experiment, progress=False)
    >>> [snapshot.step for snapshot, then in replay(run.network, run.snapshots)]
    [0, 1, 4, 20, 90]
    """
    then = deepcopy(network)
    layers = [*then.layers, *then.heads]
    for snapshot in snapshots:
        with torch.no_grad():
            for place, (weight, bias) in snapshot.changed.items():
                layers[place].weight.copy_(weight)
                layers[place].bias.copy_(bias)
        yield snapshot, then
