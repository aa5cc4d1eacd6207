"""Measure the signs of weights: how many are negative, how strong, and what positive ones connect.

Over the weights w of a layer, the negative fraction is #(w < 0) / #w, and the balance Σ w⁺ / Σ w⁻
of excitation, the positive parts, over inhibition, the magnitudes of the negative parts.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from fflib.measures.arrays import as_array
from fflib.statistics import orderings

__all__ = ["PERMUTATIONS", "SameClassLinks", "balance", "negative_fraction", "same_class_links"]


def negative_fraction(weights: Tensor | ArrayLike) -> float:
    """Return the fraction of weights below zero, of all weights; zero is not negative.

    Examples
    --------
    >>> negative_fraction([[-1.0, 0.0], [2.0, -3.0]])
    0.5
    """
    return float((as_array(weights) < 0).mean())


def balance(weights: Tensor | ArrayLike) -> float:
    """Return excitation over inhibition: the sum of positive weights over that of negative magnitudes.

    It is above 1 where excitation is stronger; infinite without negative weights, nan when all
    weights are zero.

    Examples
    --------
    >>> balance([[-1.0, 0.0], [2.0, -3.0]])
    0.5
    """
    w = as_array(weights)
    excitation = w[w > 0].sum(dtype=np.float64)
    inhibition = np.abs(w[w < 0]).sum(dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(excitation / inhibition)


PERMUTATIONS = 999
"""Of which the p-values of links in the metrics of a record come: too few for many tests at once."""

AT_ONCE = 2**18
"""How many pairs of groups are compared at once, over all permutations: what fast memory holds."""

TIED = 1e-9
"""Largest difference of fractions that are equal except for rounding."""


@dataclass(frozen=True)
class SameClassLinks:
    """Positive weights between the ensembles of one class in successive layers, and of different ones.

    Parameters
    ----------
    same_class : float
        Fraction of positive weights among pairs of units that serve a common class.
    different_class : float
        The same among pairs of units that serve classes, but none in common.
    odds_ratio : float
        Odds that a weight is positive in same-class pairs over those in different-class pairs;
        1 without any preference.
    p_value : float
        Of the difference between the fractions, one-sided, when the classes of the upper layer's
        ensembles are permuted.
    same_class_pairs, different_class_pairs : int
        Numbers of pairs behind the fractions.
    """

    same_class: float
    different_class: float
    odds_ratio: float
    p_value: float
    same_class_pairs: int
    different_class_pairs: int


def same_class_links(
    weights: Tensor | ArrayLike,
    lower: Tensor | ArrayLike,
    upper: Tensor | ArrayLike,
    *,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
) -> SameClassLinks:
    """Compare the signs of weights between ensembles of the same and of different classes.

    A pair is a unit of the lower layer in some class's ensemble and a unit of the upper layer in
    some class's ensemble. It is a same-class pair if there is a class that both serve. A fraction
    without pairs is nan, and with it the odds ratio and the p-value. Permutations that leave a
    fraction without pairs are not counted.

    Parameters
    ----------
    weights : Tensor or array-like, shape (upper units, lower units)
        Weights into the upper layer.
    lower : Tensor or array-like of bool, shape (class, lower units)
        Ensembles of the layer that the weights come from.
    upper : Tensor or array-like of bool, shape (class, upper units)
        Ensembles of the layer that they lead to.
    permutations : int, default 999
        How many random permutations of the classes to compare with; if there are no more than
        that in all, every one is used.
    seed : int, default 0
        Seed of the permutations.

    Raises
    ------
    ValueError
        The shapes do not fit.

    References
    ----------
    The paper states the claim for its second and third layers; neither it nor the authors' code
    gives an analysis, and the one here is ours.

    Examples
    --------
    >>> ensembles = np.eye(3, dtype=bool)
    >>> links = same_class_links(2 * np.eye(3) - 1, ensembles, ensembles)
    >>> links.same_class, links.different_class, round(links.p_value, 3)
    (1.0, 0.0, 0.167)
    """
    w = as_array(weights)
    lower_members, upper_members = np.asarray(lower, dtype=bool), np.asarray(upper, dtype=bool)
    classes = len(upper_members)
    if lower_members.shape != (classes, w.shape[1]) or upper_members.shape != (classes, w.shape[0]):
        raise ValueError(
            "weights (upper, lower) need ensembles (class, lower) and (class, upper), got shapes "
            f"{w.shape}, {lower_members.shape} and {upper_members.shape}: check their order"
        )
    served_below, units_below = _groups(lower_members)
    served_above, units_above = _groups(upper_members)
    positive = (units_above @ (w > 0) @ units_below.T).astype(np.float64)
    pairs = np.outer(units_above.sum(axis=1), units_below.sum(axis=1)).astype(np.float64)

    counted = np.stack([positive.ravel(), pairs.ravel()], axis=1)

    def count(orders: NDArray[np.integer]) -> NDArray[np.float64]:
        """Positive weights and pairs with a common class, (order, 2): whole numbers, added exactly."""
        common = served_above[:, orders].swapaxes(0, 1) @ served_below.T > 0
        return common.reshape(len(orders), -1).astype(np.float64) @ counted

    orders = orderings(classes, permutations, seed)
    parts = max(1, len(orders) * pairs.size // AT_ONCE)
    of_same = np.concatenate([count(some) for some in np.array_split(orders, parts)])
    of_different = counted.sum(axis=0) - of_same
    with np.errstate(invalid="ignore"):
        same, different = of_same[:, 0] / of_same[:, 1], of_different[:, 0] / of_different[:, 1]
    differences = same - different
    defined = differences[~np.isnan(differences)]
    observed = differences[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        odds_ratio = (same[0] / (1 - same[0])) / (different[0] / (1 - different[0]))
    return SameClassLinks(
        same_class=float(same[0]),
        different_class=float(different[0]),
        odds_ratio=float(odds_ratio),
        p_value=float(np.nan if np.isnan(observed) else (defined >= observed - TIED).mean()),
        same_class_pairs=int(of_same[0, 1]),
        different_class_pairs=int(of_different[0, 1]),
    )


def _groups(members: NDArray[np.bool_]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Group units by the classes whose ensembles, shape (class, unit), they are in, if any.

    The first array, of shape (group, class), is 1 where the group's units serve the class; the
    second, of shape (group, unit), where the unit is in the group.
    """
    served, group = np.unique(members.T, axis=0, return_inverse=True)
    units = group.ravel() == np.arange(len(served))[:, None]
    some = served.any(axis=1)
    return served[some].astype(np.float32), units[some].astype(np.float32)
