"""Compare ensembles and preferred classes between two moments of training."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fflib.measures.arrays import mean_of_known
from fflib.measures.sharing import overlap

__all__ = ["SILENT", "by_chance", "identity", "kept", "preferred", "settled"]

SILENT = 255
"""In the place of the preferred class of a unit that has none."""


def identity(members: ArrayLike, others: ArrayLike) -> NDArray[np.float64]:
    """Measure how far ensembles are the same as others: their Jaccard index, averaged over classes.

    It is 1 for equal ensembles, 0 for ensembles without a common unit; of shape (..., class, unit)
    to (...). Classes of which both are empty are left out; nan where no other is left.

    Examples
    --------
    >>> float(identity([[True, True, False]], [[False, True, False]]))
    0.5
    """
    return mean_of_known(overlap(members, others))


def preferred(means: ArrayLike) -> NDArray[np.uint8]:
    """Return the class that drives each unit most, shape (..., unit).

    The mean activations have shape (..., class, unit); classes that are nan are left out. A unit
    that responds to all classes alike, such as one that never does, has :data:`SILENT`.

    Examples
    --------
    >>> preferred([[0.0, 5.0, 0.1], [0.0, 1.0, 0.9]]).tolist()
    [255, 0, 1]
    """
    values = np.asarray(means, dtype=float)
    strength = np.where(np.isnan(values), -np.inf, values)
    lowest = np.where(np.isnan(values), np.inf, values).min(axis=-2)
    indifferent = strength.max(axis=-2) <= lowest
    return np.where(indifferent, SILENT, strength.argmax(axis=-2)).astype(np.uint8)


def kept(before: ArrayLike, after: ArrayLike) -> float:
    """Return the share of units that prefer the same class as before, see :func:`preferred`.

    Units that prefer no class at one of the two moments are left out.

    Examples
    --------
    >>> kept([0, 1, 255, 2], [0, 2, 2, 255])
    0.5
    """
    one, other = _both(before, after)
    return float((one == other).mean()) if len(one) else float("nan")


def by_chance(before: ArrayLike, after: ArrayLike) -> float:
    """Return what :func:`kept` would be on average if units had their classes at random.

    The number of units that prefer each class stays the same at either moment; which units these
    are is drawn at random.

    Examples
    --------
    >>> by_chance([0, 0, 1, 1], [0, 1, 0, 1])
    0.5
    """
    one, other = _both(before, after)
    if not len(one):
        return float("nan")
    share = [np.bincount(classes, minlength=SILENT) / len(classes) for classes in (one, other)]
    return float(share[0] @ share[1])


def _both(before: ArrayLike, after: ArrayLike) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    one, other = np.asarray(before, dtype=np.uint8), np.asarray(after, dtype=np.uint8)
    awake = (one != SILENT) & (other != SILENT)
    return one[awake], other[awake]


def settled(values: ArrayLike, share: float) -> int:
    """Find the first moment from which a quantity stays close to its last value.

    All values from that moment on, in order of time, have covered at least ``share`` of the way
    from the first to the last.

    Examples
    --------
    >>> settled([0.1, 0.5, 0.95, 0.8, 0.92, 0.9], 0.8)
    2
    >>> settled([0.1, 0.5, 0.95, 0.3, 0.92, 0.9], 0.8)
    4
    """
    way = np.asarray(values, dtype=float)
    gain = way[-1] - way[0]
    done = np.sign(gain) * (way - way[0]) >= share * abs(gain)
    return int(len(way) - np.logical_and.accumulate(done[::-1]).sum())
