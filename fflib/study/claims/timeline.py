"""The time in which each layer learned, from the timeline of a record, and numbers that claims need."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fflib.measures.timeline import by_chance, kept, settled
from fflib.records.stores import Record

__all__ = ["EARLY", "SHARE", "LayerTimeline", "changed", "delay", "timelines", "trace"]

SHARE = 0.8
"""Part of the way to its last value beyond which a quantity counts as settled."""

EARLY = 0.1
"""Part of a layer's training steps after which its units are asked for their class."""

Floats = NDArray[np.floating]


@dataclass(frozen=True)
class LayerTimeline:
    """One layer while it learned, snapshot by snapshot.

    Parameters
    ----------
    step : ndarray of int, shape (moment,)
        Training steps since the layer began to learn.
    accuracy, agreement : ndarray, shape (moment,)
        Of the layer by itself where it is trained by itself, else of the network: share of images
        with their own label, and with the label that they get at the end.
    identity : ndarray, shape (moment,)
        Of the layer's ensembles with those at the end.
    preferred : ndarray of uint8, shape (moment, unit)
        The class that each unit prefers.
    """

    step: NDArray[np.integer]
    accuracy: Floats
    agreement: Floats
    identity: Floats
    preferred: NDArray[np.uint8]

    def settled(self, quantity: str, share: float = SHARE) -> int:
        """Return the step of the first snapshot from which a quantity stays close to its last value.

        `quantity` is accuracy, agreement or identity; `share` is as in
        :func:`fflib.measures.timeline.settled`.
        """
        return int(self.step[settled(getattr(self, quantity), share)])

    @property
    def early_moment(self) -> int:
        """The first snapshot after a tenth of the steps."""
        return int(np.searchsorted(self.step, EARLY * self.step[-1]))

    @property
    def early(self) -> NDArray[np.uint8]:
        """Preferred classes at that moment, shape (unit,)."""
        return np.asarray(self.preferred[self.early_moment])


def timelines(record: Record) -> list[LayerTimeline]:
    """Return the time in which each hidden layer learned, the first layer first.

    A run without snapshots has none.
    """
    alone = record.experiment.layerwise
    accuracy, agreement = ("alone", "alike") if alone else ("accuracy", "agreement")
    rows = record.metrics.timeline or []
    preferred = record.arrays.get("snapshots/preferred")
    found = []
    for layer in range(1, record.experiment.layers + 1) if rows else ():
        own = [row for row in rows if row["layer"] == layer]
        moments = [i for i, row in enumerate(own) if row["learns"] in (None, layer)]
        along = {
            name: np.array([own[i][name] for i in moments], dtype=float)
            for name in ("step", accuracy, agreement, "identity")
        }
        found.append(
            LayerTimeline(
                along["step"].astype(int),
                along[accuracy],
                along[agreement],
                along["identity"],
                np.empty((0, 0), np.uint8) if preferred is None else preferred[moments, layer - 1],
            )
        )
    return found


def delay(
    record: Record, membership: float = SHARE, accuracy: float = SHARE, *, against: str = "accuracy"
) -> float:
    """Return how much later membership is settled than accuracy, in doublings of the training steps.

    `membership` and `accuracy` are the part of the way beyond which each counts as settled;
    membership is compared with `against`, which is "accuracy" or "agreement". The result is the
    mean over the layers of log₂ of the ratio of the two times: 1 if membership takes twice as many
    steps. What is settled before the first step counts as settled by it.
    """
    steps = [
        (layer.settled("identity", membership), layer.settled(against, accuracy))
        for layer in timelines(record)
    ]
    return float(np.mean([np.log2(max(last, 1) / max(first, 1)) for last, first in steps]))


def changed(record: Record) -> float:
    """Return the share of units whose class after a tenth of their training is not that at the end.

    Among units that prefer a class both times; averaged over the layers.
    """
    found = [kept(layer.early, layer.preferred[-1]) for layer in timelines(record)]
    return 1 - float(np.mean(found))


def trace(record: Record) -> float:
    """Return the share of units that prefer one class before and after training, less chance.

    Among units that prefer a class both times; chance is what would be found if as many units
    preferred each class and who they are were drawn at random. Averaged over the layers.
    """
    ends = [timeline.preferred[[0, -1]] for timeline in timelines(record)]
    return float(np.mean([kept(first, last) - by_chance(first, last) for first, last in ends]))
