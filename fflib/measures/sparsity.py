r"""Measure how few units carry an activation vector: Hoyer, Treves–Rolls, active and silent fractions.

For a vector h of n units, with :math:`r = \lVert h \rVert_1 / \lVert h \rVert_2`, which runs from 1
(one active unit) to √n (all equally active),

* Hoyer's sparseness, the measure of the paper's tables, is :math:`(\sqrt n - r) / (\sqrt n - 1)`;
* Treves and Rolls's density is :math:`a = r^2 / n`, (mean of h)² over (mean of h²), and the sparseness
  :math:`(1 - a) / (1 - 1/n)`.

A vector whose units are all zero has no sparseness (0/0). Such samples give ``nan``, are left out of
means as in the authors' code, and are counted by :func:`silent_fraction`, which belongs beside
every mean.
"""

import math
from typing import TypeVar

import numpy as np
from torch import Tensor

from fflib.measures.arrays import as_tensor

__all__ = ["active_fraction", "hoyer", "mean_hoyer", "silent_fraction", "treves_rolls"]

Vectors = TypeVar("Vectors", Tensor, np.ndarray)


def _norm_ratio(x: Tensor) -> Tensor:
    """Return ‖h‖₁ / ‖h‖₂ along the last axis."""
    if x.ndim == 0 or x.shape[-1] < 2:
        raise ValueError(
            f"sparseness needs vectors of at least two units, got shape {tuple(x.shape)}: "
            "pass activations of shape (..., units)"
        )
    h = x.abs()
    h = h / h.amax(-1, keepdim=True)  # squares of very small or large values leave the range
    return h.sum(-1) / h.square().sum(-1).sqrt()


def hoyer(x: Vectors) -> Vectors:
    """Return the Hoyer sparseness of activation vectors.

    It is 1 when one unit is active, 0 when all are equally active. The measure assumes that a
    resting unit is at zero; see :func:`mean_hoyer` for units that rest above it.

    Parameters
    ----------
    x : Tensor or ndarray, shape (..., units)
        Activations; only their magnitude counts.

    Returns
    -------
    Tensor or ndarray, shape (...)
        In [0, 1], nan for a vector of zeros; the kind that was given, in single precision unless
        double was given.

    Raises
    ------
    ValueError
        A vector has fewer than two units.

    References
    ----------
    P. O. Hoyer, "Non-negative matrix factorization with sparseness constraints", JMLR 5 (2004);
    the measure of the paper's tables.

    Examples
    --------
    >>> hoyer(np.array([[0.0, 0.0, 3.0, 0.0], [1.0, 1.0, 1.0, 1.0], [0.0, 0.0, 0.0, 0.0]]))
    array([ 1.,  0., nan])
    """
    vectors = as_tensor(x)
    ratio, n = _norm_ratio(vectors), vectors.shape[-1]
    root = math.sqrt(n)
    sparseness = ((root - ratio) / (root - 1)).clamp(0, 1)
    return sparseness if isinstance(x, Tensor) else sparseness.numpy()[()]


def treves_rolls(x: Vectors) -> Vectors:
    """Return the Treves–Rolls population sparseness, reversed and scaled so that sparse is 1.

    It runs from 0 (dense) to 1: the density a is 1 for equally active units and 1/n for one of n.
    Arguments, result and errors are as in :func:`hoyer`.

    References
    ----------
    A. Treves and E. T. Rolls, "What determines the capacity of autoassociative memories in the
    brain?", Network 2 (1991); W. E. Vinje and J. L. Gallant, Science 287 (2000), for the scaling.

    Examples
    --------
    >>> treves_rolls(np.array([[0.0, 0.0, 3.0, 0.0], [1.0, 1.0, 0.0, 0.0]])).round(3)
    array([1.   , 0.667])
    """
    vectors = as_tensor(x)
    ratio, n = _norm_ratio(vectors), vectors.shape[-1]
    density = ratio.square() / n
    sparseness = ((1 - density) / (1 - 1 / n)).clamp(0, 1)
    return sparseness if isinstance(x, Tensor) else sparseness.numpy()[()]


def active_fraction(x: Tensor | np.ndarray, threshold: float = 0.0) -> float:
    """Return the fraction of all units and samples whose activation is above a threshold.

    A sigmoid unit is always above zero: choose a threshold above its resting level.

    Examples
    --------
    >>> active_fraction(np.array([[0.0, 2.0], [0.0, 0.0]]))
    0.25
    """
    return float((as_tensor(x) > threshold).double().mean())


def silent_fraction(x: Tensor | np.ndarray) -> float:
    """Return the fraction of samples for which every unit is exactly zero.

    Examples
    --------
    >>> silent_fraction(np.array([[0.0, 2.0], [0.0, 0.0]]))
    0.5
    """
    return float((as_tensor(x) == 0).all(-1).double().mean())


def mean_hoyer(x: Tensor | np.ndarray, resting: Tensor | np.ndarray | None = None) -> float:
    """Average the Hoyer sparseness over the samples that are not silent; nan when all are.

    Vectors have shape (n, units). The level at which each unit rests, shape (units,), say its
    median over all classes, is subtracted and what falls below it is set to zero. A sigmoid unit
    rests above zero, so that without this a layer in which one unit stands out looks dense.

    Examples
    --------
    >>> round(mean_hoyer(np.array([[0.5, 0.5, 0.9], [0.5, 0.5, 0.5]])), 3)
    0.049
    >>> mean_hoyer(np.array([[0.5, 0.5, 0.9], [0.5, 0.5, 0.5]]), resting=np.full(3, 0.5))
    1.0
    """
    vectors = as_tensor(x)
    if resting is not None:
        vectors = (vectors - as_tensor(resting).to(vectors.device)).clamp(min=0)
    awake = vectors[(vectors != 0).any(-1)]
    return float(hoyer(awake).mean())
