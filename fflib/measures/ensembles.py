"""Ensembles: for a class and a layer, the units that are consistently active for it.

Three rules are on record, one in the paper and two more in the authors' code. They answer the
same question with different strictness, and a conclusion should survive the choice. Each takes
activations of labelled samples and gives a boolean array of shape (layer, class, unit).
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from fflib.measures import arrays
from fflib.measures.arrays import as_array

__all__ = [
    "RULES",
    "Activations",
    "class_means",
    "class_medians",
    "kolmogorov_smirnov",
    "leave_one_out",
    "mean_p_values",
    "median_quantile",
]

Floats = NDArray[np.floating]
Booleans = NDArray[np.bool_]


class Activations(Protocol):
    """Anything that holds activations, layer by layer, and a label for each sample.

    Attributes
    ----------
    values : sequence of Tensor or ndarray, each of shape (n, units)
        One per layer; the rules need layers of one width.
    labels : Tensor or ndarray of int, shape (n,)
    """

    @property
    def values(self) -> Sequence[Any]:
        """Activations, one array of shape (n, units) per layer."""

    @property
    def labels(self) -> Any:
        """Class of each sample, shape (n,)."""


def _layers(
    activations: Activations, classes: int | None
) -> tuple[list[Floats], NDArray[np.integer], int]:
    """Check activations and give their layers, labels and number of classes."""
    layers = [as_array(values) for values in activations.values]
    shapes = [layer.shape for layer in layers]
    labels = np.asarray(activations.labels)
    if not layers or set(shapes) != {(len(labels), shapes[0][-1])}:
        raise ValueError(
            "layers need one width, to share one array, and a row for each label, "
            f"got shapes {shapes} for {len(labels)} labels: pass layers that differ one by one"
        )
    if classes is None:
        classes = int(labels.max(initial=-1)) + 1
    if labels.size and not 0 <= labels.min() <= labels.max() < classes:
        raise ValueError(
            f"labels must lie in 0 … {classes - 1}, got {labels.min()} … {labels.max()}: "
            "set classes to the number of classes"
        )
    return layers, labels, classes


def _by_class(
    activations: Activations,
    classes: int | None,
    function: Callable[[Floats], NDArray[Any]],
    absent: float,
) -> NDArray[Any]:
    """Apply a function of (samples, units) to each layer and class; absent classes get a value."""
    layers, labels, classes = _layers(activations, classes)
    of_class = [labels == label for label in range(classes)]
    nothing = np.full(layers[0].shape[1], absent)
    results = [
        [function(layer[own]) if own.any() else nothing for own in of_class] for layer in layers
    ]
    return np.array(results).reshape(len(layers), classes, layers[0].shape[1])


def class_means(activations: Activations, *, classes: int | None = None) -> NDArray[np.float64]:
    """Mean activation of every unit for every class.

    Parameters
    ----------
    activations : Activations
        Activations of shape (n, units) for each layer, and labels.
    classes : int, optional
        Number of classes; the largest label plus one by default.

    Returns
    -------
    ndarray, shape (layer, class, unit)
        nan for a class without samples.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> values = np.array([[1.0, 0.0], [3.0, 0.0], [5.0, 7.0]])
    >>> class_means(SimpleNamespace(values=[values], labels=np.array([0, 0, 1])))
    array([[[2., 0.],
            [5., 7.]]])
    """
    layers, labels, classes = _layers(activations, classes)
    return np.stack([arrays.class_means(layer, labels, classes) for layer in layers])


def class_medians(activations: Activations, *, classes: int | None = None) -> Floats:
    """Median activation of every unit for every class.

    Parameters
    ----------
    activations : Activations
        Activations of shape (n, units) for each layer, and labels.
    classes : int, optional
        Number of classes; the largest label plus one by default.

    Returns
    -------
    ndarray, shape (layer, class, unit)
        For an even number of samples the mean of the two in the middle; nan for a class without
        samples.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> values = np.array([[1.0, 0.0], [3.0, 0.0], [8.0, 7.0]])
    >>> class_medians(SimpleNamespace(values=[values], labels=np.zeros(3, int)))
    array([[[3., 0.]]])
    """
    return _by_class(activations, classes, lambda values: np.median(values, axis=0), np.nan)


def median_quantile(
    activations: Activations, q: float = 0.9, *, classes: int | None = None
) -> Booleans:
    """Units whose median for the class is above a quantile of the whole layer for that class.

    The quantile is that of all the class's activations in the layer, samples and units together.
    A member is above it for half of the samples, so that about 2 (1 − q) of the units at most can
    be members, however the layer behaves.

    Parameters
    ----------
    activations : Activations
        Activations of shape (n, units) for each layer, and labels.
    q : float, default 0.9
        Quantile, in [0, 1].
    classes : int, optional
        Number of classes; the largest label plus one by default.

    Returns
    -------
    ndarray of bool, shape (layer, class, unit)
        A class without samples has an empty ensemble.

    Raises
    ------
    ValueError
        Layers of different widths, labels out of range, or q outside [0, 1].

    References
    ----------
    The paper's Method 1, also in the authors' code.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> values = np.array([[0.0, 0.0, 5.0], [0.0, 9.0, 6.0], [0.0, 0.0, 7.0]])
    >>> median_quantile(SimpleNamespace(values=[values], labels=np.zeros(3, int)), q=0.6)
    array([[[False, False,  True]]])
    """

    def members(values: Floats) -> Booleans:
        # numpy sorts with vector instructions and partitions without: sorting first is faster.
        threshold = np.quantile(np.sort(values, axis=None), q)
        # A median above the threshold means more than half the samples are; counting them is
        # much cheaper than a median, which is left to decide where it is exactly half.
        above = 2 * np.count_nonzero(values > threshold, axis=0)
        result = above > len(values)
        half = above == len(values)
        result[half] = np.median(values[:, half], axis=0) > threshold
        return result

    return _by_class(activations, classes, members, False).astype(bool)


def leave_one_out(
    activations: Activations, k: float = 2.0, *, classes: int | None = None
) -> Booleans:
    """Units whose mean for the class exceeds the mean of all other units by more than k times it.

    Member: (mean − mean of the others) / (mean of the others) > k. Where all other units are
    silent the ratio of an active unit is infinite, so it is a member; a silent unit never is.
    The rule is meant for activations that are not negative; for others the ratio is taken as it
    stands.

    Parameters
    ----------
    activations : Activations
        Activations of shape (n, units) for each layer, and labels.
    k : float, default 2
        The authors use 2 for plots and 1 for the shared-unit matrix.
    classes : int, optional
        Number of classes; the largest label plus one by default.

    Returns
    -------
    ndarray of bool, shape (layer, class, unit)
        A class without samples has an empty ensemble.

    Raises
    ------
    ValueError
        Layers of different widths or of a single unit, or labels out of range.

    References
    ----------
    The authors' code.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> values = np.array([[0.0, 1.0, 1.0, 5.0], [0.0, 1.0, 1.0, 7.0]])
    >>> leave_one_out(SimpleNamespace(values=[values], labels=np.zeros(2, int)))
    array([[[False, False, False,  True]]])
    """
    means = class_means(activations, classes=classes)
    others = (means.sum(axis=-1, keepdims=True) - means) / _number_of_others(means.shape[-1])
    with np.errstate(divide="ignore", invalid="ignore"):  # 0/0 of a silent layer is no member
        return (means - others) / others > k


def kolmogorov_smirnov(
    activations: Activations, p: float = 0.05, *, classes: int | None = None
) -> Booleans:
    """Units whose activations for the class are distributed unlike those of the other units.

    Member: the p-value of the two-sample Kolmogorov–Smirnov test between the unit and another
    unit, averaged over all other units, is below ``p``. The rule as recorded has no direction: a
    unit that is *less* active than the rest is a member too.

    Parameters
    ----------
    activations : Activations
        Activations of shape (n, units) for each layer, and labels.
    p : float, default 0.05
        Bound on the mean p-value.
    classes : int, optional
        Number of classes; the largest label plus one by default.

    Returns
    -------
    ndarray of bool, shape (layer, class, unit)
        A class without samples has an empty ensemble.

    Raises
    ------
    ValueError
        Layers of different widths or of a single unit, or labels out of range.

    Notes
    -----
    The p-values are the exact two-sided ones, as :func:`scipy.stats.ks_2samp` gives them. All units
    have equally many samples, so they depend on the largest difference in counts alone and come
    from a table.
    The cost grows with units² × samples.

    References
    ----------
    The authors' code.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> values = np.zeros((10, 30))
    >>> values[:, 4] = 1.0
    >>> members = kolmogorov_smirnov(SimpleNamespace(values=[values], labels=np.zeros(10, int)))
    >>> np.flatnonzero(members)
    array([4])
    """
    return mean_p_values(activations, classes=classes) < p


def mean_p_values(activations: Activations, *, classes: int | None = None) -> NDArray[np.float64]:
    """How little a unit's activations differ from those of the other units, class by class.

    What :func:`kolmogorov_smirnov` compares with its bound: the cost is here, and many bounds can
    be tried on the result.

    Parameters
    ----------
    activations : Activations
        Activations of shape (n, units) for each layer, and labels.
    classes : int, optional
        Number of classes; the largest label plus one by default.

    Returns
    -------
    ndarray, shape (layer, class, unit)
        The p-value of the Kolmogorov–Smirnov test between the unit and another unit, averaged over
        all other units; nan for a class without samples.

    Raises
    ------
    ValueError
        Layers of different widths or of a single unit, or labels out of range.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> values = np.zeros((10, 3))
    >>> mean_p_values(SimpleNamespace(values=[values], labels=np.zeros(10, int)))
    array([[[1., 1., 1.]]])
    """

    def of_class(values: Floats) -> NDArray[np.float64]:
        others = _number_of_others(values.shape[1])
        _, ranks = np.unique(values, return_inverse=True)
        samples = np.sort(ranks.reshape(values.shape), axis=0).T
        # Units with the same samples, above all the silent ones, are compared only once.
        distinct, which, copies = np.unique(
            samples, axis=0, return_inverse=True, return_counts=True
        )
        gaps = _count_gaps(distinct)
        p_values = _p_values(len(values))[gaps]
        mean = (p_values @ copies - 1) / others  # less the unit's own, which is 1
        return np.asarray(mean[which.ravel()])

    return _by_class(activations, classes, of_class, np.nan)


def _number_of_others(units: int) -> int:
    if units < 2:
        raise ValueError(
            f"the rule compares a unit with the others, got a layer of {units}: "
            "use a layer of at least two units or the median–quantile rule"
        )
    return units - 1


def _count_gaps(samples: NDArray[np.integer]) -> NDArray[np.integer]:
    """Kolmogorov–Smirnov distance of every pair of rows, times the number of samples in a row.

    Parameters
    ----------
    samples : ndarray of int, shape (units, n)
        Each row sorted, its values ranks 0, 1, … over all rows.

    Returns
    -------
    ndarray of int, shape (units, units)
        Largest absolute difference between two rows' counts of samples up to a common rank.
    """
    units, n = samples.shape
    count = np.int16 if n < 2**15 else np.int32  # small numbers keep the table in the cache
    ends = samples.max() + 1
    numbers = np.arange(n + 1, dtype=count)
    own = np.stack([np.searchsorted(row, row, side="right") for row in samples]).astype(count)
    excess = np.empty((units, units), dtype=count)
    theirs = np.empty_like(own)
    for unit, row in enumerate(samples):
        # The distribution of one unit as a table over ranks, read at the samples of all units.
        # How far others rise above it is largest at one of their samples.
        cumulative = np.repeat(numbers, np.diff(row, prepend=0, append=ends))
        np.take(cumulative, samples, out=theirs, mode="clip")  # "raise" would copy the result
        excess[unit] = np.subtract(own, theirs, out=theirs).max(axis=1)
    return np.maximum(excess, excess.T)


@lru_cache(maxsize=256)
def _p_values(n: int) -> NDArray[np.float64]:
    """P-values of two samples of n whose counts differ by 0, 1, …, n at most.

    By reflection, the share of orderings in which they differ by h or more is
    2 Σ_j (-1)^(j-1) C(2n, n - jh) / C(2n, n): what scipy's ``ks_2samp`` computes for one h.
    """
    gaps = np.arange(1, n + 1)
    whole = 2 * gammaln(n + 1)
    p_values = np.zeros(n)
    for turn in range(1, n + 1):
        steps = turn * gaps[: n // turn]
        chance = np.exp(whole - gammaln(n + 1 - steps) - gammaln(n + 1 + steps))
        p_values[: len(steps)] += 2 * (-1) ** (turn - 1) * chance
    return np.concatenate([[1.0], p_values.clip(0, 1)])


RULES: dict[str, Callable[..., Booleans]] = {
    "median-quantile": median_quantile,
    "leave-one-out": leave_one_out,
    "kolmogorov-smirnov": kolmogorov_smirnov,
}
"""The three rules on record, by name."""
