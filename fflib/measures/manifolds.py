"""Draw points of a known dimension, plain and as sparse as a layer makes them, to test estimators."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fflib.measures.dimension import distinct, gride, twonn
from fflib.measures.sparsity import mean_hoyer, silent_fraction

__all__ = ["ACTIVE", "DIMENSIONS", "Recovery", "Shape", "draw", "random_layer", "recover"]

Shape = Literal["plane", "sphere", "torus"]

DIMENSIONS = (2, 5, 10)
"""Of the manifolds that estimators are tested on."""

ACTIVE = (0.8, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01)
"""Shares of active units, from those of a dense layer to those of the sparsest."""

POINTS = 2000
UNITS = 784


def draw(
    shape: Shape, dimension: int, n: int = POINTS, units: int = UNITS, seed: int = 0
) -> NDArray[np.float64]:
    """Draw n points of a manifold that is rotated at random in a space of ``units`` dimensions.

    A plane is flat with normally distributed points; a sphere is the surface of a ball, a torus a
    product of circles. The last two are curved, and their points are spread evenly. ``dimension``
    is that of the manifold; the points have shape (n, units).

    Examples
    --------
    >>> points = draw("sphere", 2, n=100, units=9)
    >>> bool(np.allclose(np.linalg.norm(points, axis=1), 1)), int(np.linalg.matrix_rank(points))
    (True, 3)
    """
    rng = np.random.default_rng(seed)
    if shape == "torus":
        angles = rng.uniform(0, 2 * np.pi, (n, dimension))
        own = np.concatenate([np.cos(angles), np.sin(angles)], axis=1)
    else:
        own = rng.standard_normal((n, dimension + (shape == "sphere")))
    if shape == "sphere":
        own /= np.linalg.norm(own, axis=1, keepdims=True)
    axes, _ = np.linalg.qr(rng.standard_normal((units, own.shape[1])))
    return own @ axes.T


def random_layer(points: NDArray[np.floating], active: float, seed: int = 0) -> NDArray[np.float64]:
    """Pass points through a layer of rectified units with random weights and a common threshold.

    The threshold is such that a share ``active`` of the activations, over points and units, is
    above zero. From shape (n, units) to the same; not negative. Where at least as many units are
    active as the manifold has dimensions, the layer bends and folds it but keeps its dimension;
    where fewer are, their number is the new dimension.

    Examples
    --------
    >>> sparse = random_layer(draw("plane", 2, n=100), active=0.1)
    >>> round(float((sparse > 0).mean()), 2), bool((sparse >= 0).all())
    (0.1, True)
    """
    rng = np.random.default_rng(seed)
    drive = points @ rng.standard_normal((points.shape[1], points.shape[1]))
    return np.maximum(drive - np.quantile(drive, 1 - active), 0)


@dataclass(frozen=True)
class Recovery:
    """Estimates where the dimension is known.

    Parameters
    ----------
    shape, dimension
        Of the manifold, as in :func:`draw`.
    seed : int
        Of the points and of the layer.
    active : float or None
        Share of active units of the random layer behind; None for the manifold itself.
    hoyer, silent : float
        Sparseness of the points, and the share of them for which no unit is active.
    left : float
        The dimension after the layer: where fewer units are active than the manifold has
        dimensions it is their number. Mean over points that are not silent.
    twonn, gride : float
        The two estimates; Gride by the second and fourth neighbour.
    """

    shape: Shape
    dimension: int
    seed: int
    active: float | None
    hoyer: float
    silent: float
    left: float
    twonn: float
    gride: float


def recover(
    shapes: Sequence[Shape] = ("plane", "sphere", "torus"),
    dimensions: Sequence[int] = DIMENSIONS,
    actives: Sequence[float | None] = (None,),
    seeds: Sequence[int] = (0, 1, 2),
    n: int = POINTS,
) -> list[Recovery]:
    """Estimate dimensions that are known, from n points for every combination of the others.

    Examples
    --------
    >>> [found] = recover(["plane"], [2], seeds=[0], n=500)
    >>> abs(found.twonn / 2 - 1) < 0.15
    True
    """
    rows = []
    for shape, dimension, seed in product(shapes, dimensions, seeds):
        plain = draw(shape, dimension, n, seed=seed)
        for active in actives:
            values = plain if active is None else random_layer(plain, active, seed)
            points = distinct(values).values
            found = Recovery(
                shape=shape,
                dimension=dimension,
                seed=seed,
                active=active,
                hoyer=float(mean_hoyer(values)),
                silent=float(silent_fraction(values)),
                left=float(np.minimum((points != 0).sum(axis=1), dimension).mean()),
                twonn=twonn(points),
                gride=gride(points)[2],
            )
            rows.append(found)
    return rows
