"""Labels on the border of an image, which distinguish positive examples from negative ones.

A positive example carries its own label, a negative one a wrong label drawn at random (Hinton
2022).
"""

from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from fflib.errors import DataError


def place_label(pixels: Tensor, labels: Tensor, classes: int, lit: float) -> Tensor:
    """Write a label into the first pixels of each image, in a copy of shape (n, inputs).

    The first `classes` pixels are set to 0 and the one of the label to `lit`, after
    standardisation, as in the authors' code.

    Parameters
    ----------
    pixels : Tensor
        Standardised images, shape (n, inputs).
    labels : Tensor
        The label that each image is to carry, shape (n,); -1 lights no pixel.
    classes : int
        Number of classes, the width of the label.
    lit : float
        Value of a lit pixel, see `Dataset.lit`.

    Raises
    ------
    DataError
        If an image has fewer pixels than there are classes, or a label is not one of
        -1, ..., classes - 1.

    Examples
    --------
    >>> place_label(torch.ones(2, 5), torch.tensor([1, -1]), classes=3, lit=9.0)
    tensor([[0., 9., 0., 1., 1.],
            [0., 0., 0., 1., 1.]])
    """
    if classes > pixels.shape[1]:
        raise DataError(
            f"a label takes one pixel per class: {classes} classes do not fit "
            f"an image of {pixels.shape[1]} pixels; use larger images or fewer classes"
        )
    strange = labels[(labels < -1) | (labels >= classes)]
    if len(strange):
        raise DataError(
            f"a label is one of 0 to {classes - 1}, or -1 for none, not {strange[0].item()}: "
            "check the labels and the number of classes"
        )
    labelled = pixels.clone()
    own = labels[:, None] == torch.arange(classes, device=labels.device)
    labelled[:, :classes] = own.to(pixels.dtype) * lit
    return labelled


def wrong_labels(labels: Tensor, candidates: Sequence[int], generator: Generator) -> Tensor:
    """Draw for each example a label, uniformly from the candidates other than its own.

    These are the labels of negative examples. Drawing from all classes instead would turn one
    negative in ten into a positive. The result is int64 of shape (n,), on the device of `labels`.

    Parameters
    ----------
    labels : Tensor
        True labels, int64, shape (n,). One that is no candidate excludes nothing.
    candidates : sequence of int
        Labels to draw from, at least two different ones, else a DataError is raised; in any order
        and with gaps where a class is held out.
    generator : torch.Generator
        Source of the randomness; the numbers are drawn on its device.

    Examples
    --------
    >>> wrong_labels(torch.tensor([0, 7, 0]), [0, 7], torch.Generator().manual_seed(0))
    tensor([7, 0, 7])
    """
    ordered = torch.tensor(sorted(set(candidates)), device=labels.device)
    count = len(ordered)
    if count < 2:
        raise DataError(
            f"a wrong label needs at least two candidates, received {list(candidates)}: "
            "use data with two classes or more"
        )
    place = torch.searchsorted(ordered, labels.contiguous())
    excluded = ordered[place.clamp(max=count - 1)] == labels
    # One draw serves both cases, for count and count - 1 divide its range.
    draw = torch.randint(
        count * (count - 1), labels.shape, generator=generator, device=generator.device
    ).to(labels.device)
    # From the place after the own label, count - 1 steps round the circle miss it.
    steps = torch.where(excluded, draw % (count - 1), draw % count)
    return ordered[(place + 1 + steps) % count]


def wrong_pairs(
    labels: Tensor, candidates: Sequence[int], generator: Generator
) -> tuple[Tensor, Tensor]:
    """Draw as many pairs of an example and a wrong label as there are examples, out of all pairs.

    No pair is drawn twice. With ten candidates about a third of the examples, (8/9)⁹, are in no pair.
    The results are the places of the examples and the labels, both int64 of shape (n,), on the
    device of `labels`. The parameters are those of :func:`wrong_labels`.

    References
    ----------
    The authors' code, whose negative examples are such pairs.

    Examples
    --------
    >>> places, wrong = wrong_pairs(torch.tensor([0, 7, 0]), [0, 7], torch.Generator())
    >>> sorted(zip(places.tolist(), wrong.tolist()))
    [(0, 7), (1, 0), (2, 7)]
    """
    ordered = torch.tensor(sorted(set(candidates)), device=labels.device)
    pairs = (labels[:, None] != ordered).nonzero()
    order = torch.randperm(len(pairs), generator=generator, device=generator.device)
    places, which = pairs[order[: len(labels)].to(labels.device)].T
    return places, ordered[which]
