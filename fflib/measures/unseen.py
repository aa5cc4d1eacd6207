"""Measure how a network responds to a class that was absent from training.

The protocol compares the activations of a held-out class, under one choice of the label that its
images carry, with those of the seen classes. It asks whether an ensemble forms, how sparse it is,
what it shares with the seen classes, and whether it distinguishes the unseen class from them. The
score of an image for an ensemble is the mean activation of its members over that of the layer, and
the AUROC is the chance that an unseen image has a higher score than a seen one, plus half the
chance that they are equal.

Limits. Under every condition but "none" the label pixel is itself part of the input, and the
held-out label was never lit in training: the first layer may respond to the pixel rather than to
the image, so the three conditions belong side by side, with a network without labels as control.
Seen images are usually restricted to correctly classified ones, which unseen images cannot be.
Units that respond to any image give a stable but unspecific ensemble, which the comparison with
random groups of images shows. Those groups mix classes, though, and under a rule of means the
strong ensembles of several seen classes can be found in one: a class whose ensemble is no larger
or steadier than a group's may still have one of its own, so look at what it shares as well. The
AUROC is of activity relative to the layer: seen images that drive many units of their own lower
the share of any other unit. And it pools the seen classes, so that one look-alike lowers it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from fflib.measures import sharing, sparsity
from fflib.measures.arrays import as_array, as_tensor
from fflib.measures.ensembles import Activations, median_quantile
from fflib.measures.robustness import THRESHOLDS, members_by_threshold

__all__ = [
    "UnseenChoice",
    "UnseenClass",
    "auroc",
    "told_apart",
    "told_by_threshold",
    "unseen_class",
]

Floats = NDArray[np.floating]
Booleans = NDArray[np.bool_]
Rule = Callable[..., Booleans]


@dataclass(frozen=True)
class UnseenClass:
    """One layer's response to a class that was absent from training.

    Parameters
    ----------
    size : int
        Units in the unseen class's ensemble.
    stability : float
        Mean Jaccard index of the ensembles of two random halves of its images; halves that are
        both empty count as 0, since no ensemble has formed.
    chance_size, chance_stability : float
        The same for as many images drawn at random from all classes, unseen and seen; the mean
        over draws, nan without draws.
    size_p, stability_p : float
        Share of draws, the unseen class itself included, that reach its size or stability; nan
        without draws.
    hoyer : float
        Mean Hoyer sparseness of its images, silent ones left out.
    silent : float
        Fraction of its images for which no unit is active.
    shared : tuple of int, one per class
        Units that its ensemble shares with each class's; 0 for classes that were not seen.
    jaccard : tuple of float, one per class
        The same as a Jaccard index; nan for classes that were not seen and where both ensembles
        are empty.
    auroc : float
        Chance that an unseen image drives the unseen class's ensemble, relative to the layer, more
        than a seen image does; 0.5 is no difference. The ensemble comes from one half of the
        unseen images, the score from the other.
    """

    size: int
    stability: float
    chance_size: float
    chance_stability: float
    size_p: float
    stability_p: float
    hoyer: float
    silent: float
    shared: tuple[int, ...]
    jaccard: tuple[float, ...]
    auroc: float


@dataclass(frozen=True)
class UnseenChoice:
    """How well ensembles detect an unseen class under one rule with one threshold.

    Parameters
    ----------
    rule, threshold
        As in :data:`fflib.measures.robustness.THRESHOLDS`.
    size : tuple of float
        Units in the ensemble of half of the unseen images, mean over halves, layer by layer.
    auroc : tuple of float
        As in :class:`UnseenClass`, layer by layer.
    """

    rule: str
    threshold: float
    size: tuple[float, ...]
    auroc: tuple[float, ...]


class _Half(NamedTuple):
    ensemble: Booleans  # or several, one a row
    others: NDArray[np.integer]  # the images of the other half


def unseen_class(
    unseen: Sequence[Tensor | ArrayLike],
    seen: Sequence[Tensor | ArrayLike],
    seen_labels: Tensor | ArrayLike,
    rule: Rule = median_quantile,
    *,
    classes: int | None = None,
    splits: int = 2,
    permutations: int = 99,
    seed: int = 0,
) -> list[UnseenClass]:
    """Measure, layer by layer, the ensemble of a class that was absent from training.

    Parameters
    ----------
    unseen : sequence of Tensor or array-like, each of shape (n, units)
        Activations of the unseen class's images, one entry per layer, not negative. Ensembles are
        found on the device where they are.
    seen : sequence of Tensor or array-like, each of shape (m, units)
        Activations of images of the seen classes.
    seen_labels : Tensor or array-like of int, shape (m,)
        Classes of these images.
    rule : callable, default :func:`fflib.measures.ensembles.median_quantile`
        An ensemble rule, with :func:`functools.partial` for other thresholds. The
        Kolmogorov–Smirnov rule is slow: use few permutations with it.
    classes : int, optional
        Number of classes; the largest seen label plus one by default.
    splits : int, default 2
        Random halvings of the unseen images.
    permutations : int, default 99
        Random groups of images to compare with.
    seed : int, default 0
        Seed of halves and groups, which are the same in every layer.

    Raises
    ------
    ValueError
        There are fewer than two unseen images or no seen ones, or the layers do not match.

    References
    ----------
    The paper reports that unseen classes form ensembles of their own; the protocol is ours.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> unseen, seen = rng.random((40, 50)), rng.random((120, 50))
    >>> unseen[:, :3] += 5
    >>> labels = np.repeat([0, 1, 2], 40)
    >>> [layer] = unseen_class([unseen], [seen], labels)
    >>> layer.size, layer.stability, layer.size_p, layer.auroc
    (3, 1.0, 0.01, 1.0)
    """
    labels = np.asarray(seen_labels)
    layers = _pairs(unseen, seen, len(labels))
    classes = int(labels.max()) + 1 if classes is None else classes
    return [_layer(*layer, labels, rule, classes, splits, permutations, seed) for layer in layers]


def told_by_threshold(
    unseen: Sequence[Tensor | ArrayLike],
    seen: Sequence[Tensor | ArrayLike],
    rule: str,
    *,
    splits: int = 2,
    seed: int = 0,
) -> list[UnseenChoice]:
    """Distinguish unseen from seen images by the ensembles of a rule, at each of its thresholds.

    The rule is a name in :data:`fflib.measures.ensembles.RULES`, the thresholds are those of
    :data:`fflib.measures.robustness.THRESHOLDS`. Other arguments, halves and errors are those of
    :func:`unseen_class`.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> unseen, seen = rng.random((40, 50)), rng.random((120, 50))
    >>> unseen[:, :3] += 5
    >>> [(c.threshold, c.auroc) for c in told_by_threshold([unseen], [seen], "leave-one-out")][3:5]
    [(2.0, (1.0,)), (4.0, (1.0,))]
    """
    by_layer = [
        _layer_by_threshold(*layer, rule, splits, np.random.default_rng(seed))
        for layer in _pairs(unseen, seen, min((len(as_tensor(s)) for s in seen), default=0))
    ]
    return [
        UnseenChoice(rule, threshold, *zip(*numbers, strict=True))
        for threshold, *numbers in zip(THRESHOLDS[rule], *by_layer, strict=True)
    ]


def _layer_by_threshold(
    unseen: Tensor, seen: Tensor, rule: str, splits: int, rng: np.random.Generator
) -> list[tuple[float, float]]:
    """Return the mean size of the halves' ensembles, and the AUROC, at each threshold."""

    def ensembles(values: Tensor) -> Booleans:
        return members_by_threshold(rule, _one_class(values), THRESHOLDS[rule], classes=1)[:, 0, 0]

    halves = [half for pair in _halves(unseen, splits, ensembles, rng) for half in pair]
    images, results = (as_array(unseen), as_array(seen)), []
    for place in range(len(THRESHOLDS[rule])):
        there = [half._replace(ensemble=half.ensemble[place]) for half in halves]
        size = float(np.mean([half.ensemble.sum() for half in there]))
        results.append((size, _auroc(*images, there)))
    return results


def _pairs(
    unseen: Sequence[Tensor | ArrayLike], seen: Sequence[Tensor | ArrayLike], seen_images: int
) -> list[tuple[Tensor, Tensor]]:
    """Pair activations on unseen and seen images by layer, if there are enough of either."""
    layers = [(as_tensor(u), as_tensor(s)) for u, s in zip(unseen, seen, strict=True)]
    if not seen_images or any(len(u) < 2 for u, _ in layers):
        raise ValueError(
            "the protocol needs seen images and at least two unseen ones to halve, got "
            f"{seen_images} and {[len(u) for u, _ in layers]}: pass more images"
        )
    return layers


def _layer(
    unseen: Tensor,
    seen: Tensor,
    labels: NDArray[np.integer],
    rule: Rule,
    classes: int,
    splits: int,
    permutations: int,
    seed: int,
) -> UnseenClass:
    rng = np.random.default_rng(seed)
    everything = torch.cat([unseen, seen])
    all_labels = np.concatenate([np.full(len(unseen), classes), labels])
    ensembles = rule(Activations([everything], all_labels), classes=classes + 1)[0]
    own = ensembles[-1]
    was_seen = np.isin(np.arange(classes), labels)

    def ensemble(values: Tensor) -> Booleans:
        return rule(_one_class(values), classes=1)[0, 0]

    halves = _halves(unseen, splits, ensemble, rng)
    size, stability = int(own.sum()), _stability(halves)
    chance = np.full((permutations, 2), np.nan)
    for draw in chance:
        drawn = rng.choice(len(everything), len(unseen), replace=False)
        group = everything[torch.from_numpy(drawn)]
        draw[:] = ensemble(group).sum(), _stability(_halves(group, splits, ensemble, rng))
    if permutations:
        chance_size, chance_stability = chance.mean(axis=0)
        reached = (chance >= (size, stability)).sum(axis=0)
        size_p, stability_p = (1 + reached) / (1 + permutations)
    else:
        chance_size = chance_stability = size_p = stability_p = np.nan
    return UnseenClass(
        size=size,
        stability=stability,
        chance_size=float(chance_size),
        chance_stability=float(chance_stability),
        size_p=float(size_p),
        stability_p=float(stability_p),
        hoyer=sparsity.mean_hoyer(unseen),
        silent=sparsity.silent_fraction(unseen),
        shared=tuple(sharing.shared_units(ensembles)[-1, :-1].tolist()),
        jaccard=tuple(np.where(was_seen, sharing.jaccard(ensembles)[-1, :-1], np.nan).tolist()),
        auroc=_auroc(as_array(unseen), as_array(seen), [half for pair in halves for half in pair]),
    )


def _one_class(values: Tensor) -> Activations:
    return Activations([values], np.zeros(len(values), dtype=int))


def _halves(
    values: Tensor, splits: int, find: Callable[[Tensor], Booleans], rng: np.random.Generator
) -> list[tuple[_Half, _Half]]:
    """Halve samples at random, ``splits`` times, and find the ensemble, or several, of each half."""
    orders = [np.array_split(rng.permutation(len(values)), 2) for _ in range(splits)]

    def half(own: NDArray[np.integer], others: NDArray[np.integer]) -> _Half:
        return _Half(find(values[torch.from_numpy(own)]), others)

    return [(half(a, b), half(b, a)) for a, b in orders]


def _stability(halves: list[tuple[_Half, _Half]]) -> float:
    overlaps = [sharing.overlap(a.ensemble, b.ensemble) for a, b in halves]
    return float(np.nan_to_num(overlaps).mean())


def _auroc(unseen: Floats, seen: Floats, halves: list[_Half]) -> float:
    """Average how well the ensembles of halves distinguish the other halves from seen images."""
    return float(np.mean([told_apart(unseen[h.others], seen, h.ensemble) for h in halves]))


def told_apart(unseen: Floats, seen: Floats, ensemble: Booleans) -> float:
    """Return the AUROC of unseen against seen images by the activity of an ensemble.

    Activations have shape (n, units), the ensemble (units,). It is 0.5 for an empty one.

    Examples
    --------
    >>> told_apart(np.array([[9.0, 1.0]]), np.array([[1.0, 1.0], [0.0, 0.0]]), np.array([True, False]))
    1.0
    """
    return auroc(_drive(unseen, ensemble), _drive(seen, ensemble))


def auroc(unseen: Floats, seen: Floats) -> float:
    """Return the chance that an unseen image scores higher than a seen one; an equal score is half.

    Examples
    --------
    >>> auroc(np.array([2.0, 3.0]), np.array([1.0, 2.0]))
    0.875
    """
    from scipy.stats import rankdata  # which takes a while, and training does not need it

    ranks = rankdata(np.concatenate([unseen, seen]))
    # Mann and Whitney's U, over the number of pairs.
    above = ranks[: len(unseen)].sum() - len(unseen) * (len(unseen) + 1) / 2
    return float(above / (len(unseen) * len(seen)))


def _drive(values: Floats, ensemble: Booleans) -> Floats:
    """Return the mean activation of the ensemble over that of the layer; 0 where either is missing."""
    layer = values.mean(axis=1)
    if not ensemble.any():
        return np.zeros_like(layer)
    members = values @ ensemble.astype(values.dtype) / ensemble.sum()
    return np.divide(members, layer, out=np.zeros_like(members), where=layer != 0)
