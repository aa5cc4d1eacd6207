r"""Find ensembles: for a class and a layer, the units that are consistently active for it.

Three rules are on record, one in the paper (Method 1) and two more in the authors' code. They
answer the same question with different strictness, and a conclusion should survive the choice. For
unit i with activations :math:`h_i` on the samples of a class, i is a member of the class's ensemble

* by :func:`median_quantile` if median :math:`h_i > Q_q`, the q-quantile of all the class's
  activations in the layer, samples and units together;
* by :func:`leave_one_out` if :math:`(m_i - m_{-i}) / m_{-i} > k`, with the mean :math:`m_i` of
  :math:`h_i` and the mean :math:`m_{-i}` over all other units;
* by :func:`kolmogorov_smirnov` if the p-value of the two-sample Kolmogorov–Smirnov test between
  :math:`h_i` and :math:`h_j`, averaged over all other units j, is below p.

Each takes activations of labelled samples and returns a boolean array of shape (layer, class,
unit). A class without samples has an empty ensemble. Layers of different widths, or of a single
unit where units are compared with each other, and labels out of range raise a ValueError.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fflib.measures import arrays
from fflib.measures.arrays import as_tensor, median, quantiles
from fflib.measures.kolmogorov_smirnov import summed_p_values

__all__ = [
    "RULES",
    "Activations",
    "class_means",
    "kolmogorov_smirnov",
    "leave_one_out",
    "mean_excess",
    "mean_p_values",
    "median_quantile",
    "median_quantiles",
]

Floats = NDArray[np.floating]
Booleans = NDArray[np.bool_]


@dataclass(frozen=True)
class Activations:
    """What units did on a set of images.

    Parameters
    ----------
    values : sequence of Tensor or ndarray, each of shape (n, units)
        Activations, first hidden layer first; those of a run are tensors on the CPU.
    labels : Tensor or ndarray of int, shape (n,)
        The class of each image.
    """

    values: Sequence[Any]
    labels: Any

    def to(self, device: torch.device) -> "Activations":
        """Return the same with activations, which are tensors, on a device, where measures take less time."""
        return Activations([h.to(device) for h in self.values], self.labels)


def _layers(
    activations: Activations, classes: int | None
) -> tuple[list[Tensor], NDArray[np.integer], int]:
    """Check activations and return their layers, labels and number of classes."""
    layers = [as_tensor(values) for values in activations.values]
    shapes = [tuple(layer.shape) for layer in layers]
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
    function: Callable[[Tensor], NDArray[Any]],
    absent: float | NDArray[Any],
) -> NDArray[Any]:
    """Apply a function of (samples, units) to each layer and class; absent classes get a value.

    The function returns a number for each unit, or several rows of them, which then come first.
    """
    layers, labels, classes = _layers(activations, classes)
    nothing = absent + np.zeros(layers[0].shape[1])
    results = []
    for layer in layers:
        of_class = [torch.from_numpy(labels == label).to(layer.device) for label in range(classes)]
        results += [function(layer[own]) if own.any() else nothing for own in of_class]
    by_class = np.array(results).reshape(len(layers), classes, *nothing.shape)
    return np.moveaxis(by_class, (0, 1), (-3, -2))


def class_means(activations: Activations, *, classes: int | None = None) -> NDArray[np.float64]:
    """Return the mean activation of every unit for every class, shape (layer, class, unit).

    A class without samples has nan.

    Parameters
    ----------
    activations : Activations
        Activations of shape (n, units) for each layer, and labels.
    classes : int, optional
        Number of classes; the largest label plus one by default.

    Examples
    --------
    >>> values = np.array([[1.0, 0.0], [3.0, 0.0], [5.0, 7.0]])
    >>> class_means(Activations([values], labels=np.array([0, 0, 1])))
    array([[[2., 0.],
            [5., 7.]]])
    """
    layers, labels, classes = _layers(activations, classes)
    return np.stack([arrays.class_means(layer, labels, classes) for layer in layers])


def median_quantile(
    activations: Activations, q: float = 0.9, *, classes: int | None = None
) -> Booleans:
    """Find units whose median for the class is above a quantile of the whole layer for that class.

    The quantile q, in [0, 1] or a ValueError is raised, is that of all the class's activations in
    the layer, samples and units together. A member is above it for half of the samples, so that
    about 2 (1 − q) of the units at most can be members, however the layer behaves.

    References
    ----------
    The paper's Method 1, also in the authors' code.

    Examples
    --------
    >>> values = np.array([[0.0, 0.0, 5.0], [0.0, 9.0, 6.0], [0.0, 0.0, 7.0]])
    >>> median_quantile(Activations([values], labels=np.zeros(3, int)), q=0.6)
    array([[[False, False,  True]]])
    """
    return median_quantiles(activations, (q,), classes=classes)[0]


def median_quantiles(
    activations: Activations, shares: Sequence[float], *, classes: int | None = None
) -> Booleans:
    """Find the members of :func:`median_quantile` for several quantiles at once.

    The result has shape (quantile, layer, class, unit); activations are sorted only once.

    Examples
    --------
    >>> one = Activations([np.array([[0.0, 5.0, 6.0]])], labels=np.array([0]))
    >>> median_quantiles(one, (0.2, 0.6))[:, 0, 0]
    array([[False,  True,  True],
           [False, False,  True]])
    """

    def members(values: Tensor) -> Booleans:
        return median(values) > quantiles(values, shares)[:, None]

    absent = np.zeros((len(shares), 1))
    return _by_class(activations, classes, members, absent).astype(bool)


def leave_one_out(
    activations: Activations, k: float = 2.0, *, classes: int | None = None
) -> Booleans:
    """Find units whose mean for the class exceeds the mean of all other units by more than k times it.

    Where all other units are silent the ratio of an active unit is infinite, so that it is a
    member; a silent unit never is. The rule is meant for activations that are not negative; for
    others the ratio is taken as it stands. The authors use k = 2 for plots and 1 for the
    shared-unit matrix.

    References
    ----------
    The authors' code.

    Examples
    --------
    >>> values = np.array([[0.0, 1.0, 1.0, 5.0], [0.0, 1.0, 1.0, 7.0]])
    >>> leave_one_out(Activations([values], labels=np.zeros(2, int)))
    array([[[False, False, False,  True]]])
    """
    return mean_excess(activations, classes=classes) > k


def mean_excess(activations: Activations, *, classes: int | None = None) -> NDArray[np.float64]:
    """Measure by how many times the mean of all other units a unit's mean exceeds it.

    The result has shape (layer, class, unit), nan where all are silent. :func:`leave_one_out`
    compares these numbers with its bound.

    Examples
    --------
    >>> mean_excess(Activations([np.array([[1.0, 1.0, 4.0]])], labels=np.array([0])))
    array([[[-0.6, -0.6,  3. ]]])
    """
    means = class_means(activations, classes=classes)
    others = (means.sum(axis=-1, keepdims=True) - means) / _number_of_others(means.shape[-1])
    with np.errstate(divide="ignore", invalid="ignore"):  # 0/0 of a silent layer is no member
        return (means - others) / others


def kolmogorov_smirnov(
    activations: Activations, p: float = 0.05, *, classes: int | None = None
) -> Booleans:
    """Find units whose activations for the class are distributed unlike those of the other units.

    The mean p-value of a member, see :func:`mean_p_values`, is below p. The rule as recorded has no
    direction: a unit that is *less* active than the rest is a member too.

    Notes
    -----
    The p-values are the exact two-sided ones, as :func:`scipy.stats.ks_2samp` returns them. All units
    have equally many samples, so they depend on the largest difference in counts alone and come
    from a table. The cost grows with units² × samples.

    References
    ----------
    The authors' code.

    Examples
    --------
    >>> values = np.zeros((10, 30))
    >>> values[:, 4] = 1.0
    >>> np.flatnonzero(kolmogorov_smirnov(Activations([values], labels=np.zeros(10, int))))
    array([4])
    """
    return mean_p_values(activations, classes=classes) < p


def mean_p_values(activations: Activations, *, classes: int | None = None) -> NDArray[np.float64]:
    """Measure how little a unit's activations differ from those of the others, class by class.

    The result, shape (layer, class, unit), is the p-value of the Kolmogorov–Smirnov test between
    the unit and another unit, averaged over all other units; nan for a class without samples.
    :func:`kolmogorov_smirnov` compares these numbers with its bound.
    They are what takes time, and many bounds can be tried on them.

    Examples
    --------
    >>> mean_p_values(Activations([np.zeros((10, 3))], labels=np.zeros(10, int)))
    array([[[1., 1., 1.]]])
    """

    def mean(values: Tensor) -> NDArray[np.float64]:
        others = _number_of_others(values.shape[1])
        return (summed_p_values(values) - 1) / others  # less the unit's own, which is 1

    return _by_class(activations, classes, mean, np.nan)


def _number_of_others(units: int) -> int:
    if units < 2:
        raise ValueError(
            f"the rule compares a unit with the others, got a layer of {units}: "
            "use a layer of at least two units or the median–quantile rule"
        )
    return units - 1


RULES: dict[str, Callable[..., Booleans]] = {
    "median-quantile": median_quantile,
    "leave-one-out": leave_one_out,
    "kolmogorov-smirnov": kolmogorov_smirnov,
}
"""The three rules on record, by name."""
