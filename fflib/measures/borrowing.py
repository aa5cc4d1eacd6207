r"""Ask whether an unseen class has an ensemble of its own, or borrows that of a class it resembles.

An AUROC above 0.5 does not say so: an unseen trouser that is taken for a dress drives the ensemble
of dresses, which tells it from the eight classes that are no dresses. Three numbers do.

* The *own share* is the share of the unseen class's ensemble that is in no seen class's ensemble. For
  ensembles of the same sizes, drawn at random among n units, a unit is in none of the seen ones with a
  probability of :math:`\prod_c (1 - |E_c| / n)`, which is the share to expect by chance.
* *Borrowing* is the rival of an ensemble of one's own: the seen class whose ensemble tells unseen
  images from seen ones best, chosen on one half of the images, tells them apart on the other half
  this well. An ensemble that does no better adds nothing to the seen ones.
* A *linear probe* says how well the layer's activity could tell them apart with labels to learn from.

All use the same halves, so that they are compared on the same images.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fflib.measures.ensembles import Activations
from fflib.measures.unseen import auroc, told_apart

__all__ = ["Borrowing", "borrowing", "linear_auroc", "own_share"]

Floats = NDArray[np.floating]
Booleans = NDArray[np.bool_]
Integers = NDArray[np.integer]

PENALTIES = np.logspace(-8, 0, 9)
"""Of the linear probe, as shares of the mean variance of a unit. In deep layers what tells unseen images
may vary a thousand times less than the rest, so that no one penalty suits all."""


@dataclass(frozen=True)
class Borrowing:
    """What the ensemble of an unseen class in one layer owes to those of the seen classes.

    Parameters
    ----------
    size : int
        Units in it.
    own : float or None
        Share of them that are in no seen class's ensemble; None for an empty ensemble.
    own_by_chance : float or None
        The same for ensembles of these sizes drawn at random.
    auroc : float
        Unseen against seen images by the unseen class's ensemble; 0.5 for an empty one.
    borrowed : int or None
        The seen class whose ensemble tells unseen from seen images best on the half of the images
        that all ensembles are found on; None where no seen class has one.
    borrowed_auroc : float or None
        AUROC by the ensemble of that class, on the other half, as for ``auroc``.
    """

    size: int
    own: float | None
    own_by_chance: float | None
    auroc: float
    borrowed: int | None
    borrowed_auroc: float | None


def own_share(ensemble: Booleans, others: Booleans) -> tuple[float, float] | None:
    """Return the share of an ensemble that is in no other one, and the share to expect by chance.

    The ensemble has shape (units,), the others (class, units). None for an empty ensemble.

    Examples
    --------
    >>> own_share(np.array([1, 1, 0, 0], bool), np.array([[0, 1, 0, 0], [0, 1, 1, 0]], bool))
    (0.5, 0.375)
    """
    if not ensemble.any():
        return None
    alone = ensemble & ~others.any(axis=0)
    return float(alone.sum() / ensemble.sum()), float(np.prod(1 - others.mean(axis=1)))


def borrowing(
    unseen: Floats,
    seen: Floats,
    labels: Integers,
    rule: Callable[..., Booleans],
    *,
    classes: int,
    seed: int = 0,
) -> Borrowing:
    """Measure in one layer whether an unseen class has an ensemble of its own or borrows one.

    Parameters
    ----------
    unseen : ndarray, shape (n, units)
        Activations on images of the unseen class, not negative.
    seen : ndarray, shape (m, units)
        Activations on images of the seen classes.
    labels : ndarray of int, shape (m,)
        Classes of these images.
    rule : callable
        An ensemble rule of :mod:`fflib.measures.ensembles`.
    classes : int
        Number of classes.
    seed : int, default 0
        Of the halves. The shares use the ensembles of all images.

    Raises
    ------
    ValueError
        There are fewer than two unseen or seen images.

    Examples
    --------
    An unseen class that drives two units of class 0 and two of its own:

    >>> rng = np.random.default_rng(0)
    >>> unseen, seen = rng.random((40, 50)), rng.random((80, 50))
    >>> labels = np.repeat([0, 1], 40)
    >>> seen[:40, :4] += 5; seen[40:, 4:8] += 5; unseen[:, [0, 1, 10, 11]] += 5
    >>> from fflib.measures.ensembles import leave_one_out
    >>> found = borrowing(unseen, seen, labels, leave_one_out, classes=2)
    >>> found.size, found.own, found.borrowed, found.auroc > found.borrowed_auroc
    (4, 0.5, 0, True)
    """

    def find(u: Integers, s: Integers) -> tuple[Booleans, Booleans]:
        values = np.concatenate([unseen[u], seen[s]])
        all_labels = np.concatenate([np.full(len(u), classes), labels[s]])
        ensembles = rule(Activations([values], all_labels), classes=classes + 1)[0]
        return ensembles[-1], ensembles[:-1]

    (u, test_u), (s, test_s) = _halves(len(unseen), len(seen), seed)
    ensemble, others = find(u, s)
    chosen_on = {
        label: told_apart(unseen[u], seen[s], other)
        for label, other in enumerate(others)
        if other.any()
    }
    borrowed = max(chosen_on, key=chosen_on.__getitem__, default=None)

    def tested(members: Booleans) -> float:
        return told_apart(unseen[test_u], seen[test_s], members)

    everything, all_others = find(np.arange(len(unseen)), np.arange(len(seen)))
    own, by_chance = own_share(everything, all_others) or (None, None)
    return Borrowing(
        size=int(everything.sum()),
        own=own,
        own_by_chance=by_chance,
        auroc=tested(ensemble),
        borrowed=borrowed,
        borrowed_auroc=None if borrowed is None else tested(others[borrowed]),
    )


def linear_auroc(unseen: Floats, seen: Floats, seed: int = 0) -> float:
    """Return the AUROC of unseen against seen images by a linear probe, as a bound on the others.

    The probe is ridge regression on which images are unseen, fitted on one half of the images and
    tested on the other; the halves are those of :func:`borrowing`. Its penalty is
    chosen within the first half. With little penalty the direction is Fisher's discriminant, which
    does not depend on how many images are unseen. At least four images of either kind are needed, or
    a ValueError is raised.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> unseen, seen = rng.normal(size=(60, 5)), rng.normal(size=(60, 5))
    >>> unseen[:, 0] -= 9  # activity that is missing tells as much as any
    >>> linear_auroc(unseen, seen)
    1.0
    """
    (u, test_u), (s, test_s) = _halves(len(unseen), len(seen), seed)
    (fit_u, try_u), (fit_s, try_s) = _halves(len(u), len(s), seed)
    tried = _ridge(unseen[u[fit_u]], seen[s[fit_s]])
    told = [auroc(unseen[u[try_u]] @ d, seen[s[try_s]] @ d) for d in tried]
    direction = _ridge(unseen[u], seen[s])[int(np.argmax(told))]
    return auroc(unseen[test_u] @ direction, seen[test_s] @ direction)


def _ridge(unseen: Floats, seen: Floats) -> NDArray[np.float64]:
    """Return the directions of ridge regression, one for each penalty, shape (penalty, units)."""
    x = np.concatenate([unseen, seen]).astype(np.float64)
    x -= x.mean(axis=0)
    target = (np.arange(len(x)) < len(unseen)) - len(unseen) / len(x)
    # The smaller of the two products has the same variances, but for zeros.
    few = len(x) < x.shape[1]
    variances, axes = np.linalg.eigh(x @ x.T if few else x.T @ x)
    # In a layer that is silent on all images every direction is zero, whatever the penalty.
    penalties = PENALTIES * (variances.sum() / x.shape[1] or 1.0)
    along = axes.T @ (target if few else x.T @ target)
    found = (along / (variances + penalties[:, None])) @ axes.T
    return found @ x if few else found


def _halves(unseen: int, seen: int, seed: int) -> list[list[Integers]]:
    """Halve the unseen and the seen images at random: places of each half."""
    if min(unseen, seen) < 2:
        raise ValueError(
            "at least two unseen and two seen images are needed, to halve them, got "
            f"{unseen} and {seen}: pass more images"
        )
    rng = np.random.default_rng(seed)
    return [np.array_split(rng.permutation(n), 2) for n in (unseen, seen)]
