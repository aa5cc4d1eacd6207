r"""Say what a cell of a crossed design owes to its row, to its column, and to their agreement.

Images of every class carry every label, so that a *cell* of the design is a class of images under a
label. Whatever is measured there, such as membership of a unit or its activity, is a sum of four
parts: what all cells of an image class have in common, what all cells of a label have in common,
what a class has to itself where its label agrees with it, and the rest. It is the analysis of
variance of a two-way layout without replication (Scheffé, The Analysis of Variance, 1959, chapter
4), with the diagonal taken out of the interaction. In a square layout the four parts are
orthogonal, so that their sums of squares add up.

A part would have a share by chance, in proportion to its degrees of freedom. It is taken off
(epsilon squared: Kelley, PNAS 21, 1935), and goes to the rest.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["Shares", "explained"]


@dataclass(frozen=True)
class Shares:
    """Shares of the variance over cells, which sum to 1; all nan where nothing varies.

    By chance, as where the cells are shuffled, the first three are 0 on average and the rest is 1.
    Any of the first three can therefore be slightly below 0.

    Parameters
    ----------
    image : float
        What the class of the image explains, whatever the label.
    label : float
        What the label explains, whatever the image.
    agreement : float
        What it explains, beyond the two, that the label is that of the image, class by class.
    rest : float
        What depends on a particular wrong label for a particular class, and noise.
    """

    image: float
    label: float
    agreement: float
    rest: float


def explained(cells: ArrayLike) -> Shares:
    r"""Share the variance over cells out to image, label, their agreement and the rest.

    For k classes and as many labels, :math:`x_{ij}` is a unit's value for images of class i with
    label j, less the unit's mean over cells, and :math:`y_{ij} = x_{ij} - \bar x_{i\cdot} - \bar
    x_{\cdot j}`. The sums of squares are :math:`k \sum_i \bar x_{i\cdot}^2` for the image,
    :math:`k \sum_j \bar x_{\cdot j}^2` for the label, and for their agreement the part of y that is
    due to its diagonal, :math:`\frac{k}{k-2} \left[ \sum_i y_{ii}^2 - \frac{(\sum_i y_{ii})^2}{k (k
    - 1)} \right]`. What is left of :math:`\sum_{ij} x_{ij}^2` is the rest, with :math:`k^2 - 3k +
    1` degrees of freedom. The sums go over units too, so that a unit counts by how much it varies.
    From each of the first three its degrees of freedom, k − 1, k − 1 and k, times the mean square
    of the rest are taken off.

    Parameters
    ----------
    cells : array-like, shape (image class, label, unit)
        Membership, or any other number of each cell, images and labels in the same order of classes.

    Returns
    -------
    Shares
        All nan where no unit varies, and for two classes, which leave nothing to the rest.

    Raises
    ------
    ValueError
        There are not as many labels as image classes.

    Examples
    --------
    >>> ensembles = np.eye(3)  # of three classes, a unit each
    >>> follows_the_label = np.broadcast_to(ensembles, (3, 3, 3))
    >>> round(explained(follows_the_label).label, 6)
    1.0
    """
    x = np.asarray(cells, dtype=np.float64)
    if x.ndim != 3 or x.shape[0] != x.shape[1]:
        raise ValueError(
            f"cells need the shape (class, label, unit) with a label for each class, got {x.shape}: "
            "cross all classes with all labels"
        )
    k = len(x)
    if k < 3 or not np.ptp(x, axis=(0, 1)).any():
        return Shares(*[np.nan] * 4)
    x = x - x.mean(axis=(0, 1))
    by_image, by_label = x.mean(axis=1, keepdims=True), x.mean(axis=0, keepdims=True)
    diagonal = np.diagonal(x - by_image - by_label)  # (unit, class)
    of_agreement = (diagonal**2).sum() - (diagonal.sum(axis=1) ** 2).sum() / (k * (k - 1))
    squares = np.array(
        [k * (by_image**2).sum(), k * (by_label**2).sum(), k / (k - 2) * of_agreement]
    )
    total = (x**2).sum()
    mean_square = (total - squares.sum()) / (k**2 - 3 * k + 1)
    image, label, agreement = (squares - mean_square * np.array([k - 1, k - 1, k])) / total
    return Shares(*map(float, (image, label, agreement, 1 - image - label - agreement)))
