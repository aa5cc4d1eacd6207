"""Divide images into those to train on and those to test with, by what they show."""

from collections.abc import Hashable, Sequence
from operator import itemgetter
from typing import TypeVar

import numpy as np

__all__ = ["EVERY", "drawn", "grouped", "spread"]

T = TypeVar("T")

EVERY = 5
"""One image in so many is for testing, where the folder is not divided."""


def grouped(digests: Sequence[str], groups: Sequence[Hashable]) -> list[list[int]]:
    """List the images of each group, all in the order of their digests, groups by the first.

    That order is as good as random, and does not change with names or places of files. The digests
    say what each image shows, as hexadecimal digits; the groups are by name.

    Examples
    --------
    >>> grouped(["c", "a", "d", "b"], ["one", "one", "two", "three"])
    [[1, 0], [3], [2]]
    """
    own: dict[Hashable, list[int]] = {}
    for i in sorted(range(len(digests)), key=digests.__getitem__):
        own.setdefault(groups[i], []).append(i)
    return list(own.values())


def drawn(labels: np.ndarray, groups: Sequence[Sequence[int]]) -> np.ndarray:
    """Draw a fifth of the images of each class for testing, by whole groups; return which.

    Each group, in the order given, is taken if the classes come closer to a fifth by that.

    Parameters
    ----------
    labels : ndarray of int
        The class of each image, counted from 0.
    groups : sequence of sequence of int
        The places of the images that stay together.

    Returns
    -------
    ndarray of bool

    Examples
    --------
    >>> drawn(np.repeat([0, 1], 5), [[i] for i in range(10)]).nonzero()[0].tolist()
    [0, 5]
    """
    wanted = np.bincount(labels) / EVERY
    counts = [np.bincount(labels[list(own)], minlength=len(wanted)) for own in groups]
    short, taken = wanted.copy(), np.zeros(len(counts), bool)
    for g, count in enumerate(counts):
        taken[g] = np.abs(short - count).sum() < np.abs(short).sum()
        short -= taken[g] * count
    for label in np.flatnonzero(short == wanted):  # its groups are too large to come closer
        held = [g for g, count in enumerate(counts) if count[label]]
        least = min(held, key=lambda g: np.abs(short - counts[g]).sum())
        taken[least] = True
        short -= counts[least]
    chosen = np.zeros(len(labels), bool)
    for own, is_taken in zip(groups, taken, strict=True):
        chosen[list(own)] = is_taken
    return chosen


def spread(groups: Sequence[Sequence[T]]) -> list[tuple[T, int]]:
    """List the members of classes with their labels, each class spread evenly from first to last."""
    placed = [
        ((i + 0.5) / len(own), label, member)
        for label, own in enumerate(groups)
        for i, member in enumerate(own)
    ]
    return [(member, label) for _, label, member in sorted(placed, key=itemgetter(0, 1))]
