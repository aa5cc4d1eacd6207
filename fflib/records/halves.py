"""Ensembles from one half of the images, to be put to the test on the other."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fflib.measures.ensembles import Activations, median_quantile
from fflib.training.run import Run

__all__ = ["found_on_half", "some"]


def found_on_half(
    run: Run, everything: Activations, *, correct_only: bool = True
) -> tuple[NDArray[np.bool_], Tensor]:
    """Find ensembles on a random half of the evaluation images, and say which are in the other.

    They would otherwise be judged by the images that they were made from. The seed of the run
    decides the halves. Ensembles, of shape (layer, class, unit), are those of the median–quantile
    rule on the images of the one half, by default on those that are classified correctly; `everything`
    is the activity on all evaluation images of seen classes with their true labels.
    """
    labels = everything.labels
    order = torch.from_numpy(np.random.default_rng(run.experiment.seed).permutation(len(labels)))
    for_finding, rest = order.tensor_split(2)
    if correct_only:
        for_finding = for_finding[run.correct(run.experiment.evaluate_on)[for_finding]]
    return median_quantile(some(everything, for_finding), classes=len(run.data.classes)), rest


def some(activations: Activations, chosen: Tensor) -> Activations:
    """Activations on some of the images."""
    values = [h[chosen.to(h.device)] for h in activations.values]
    return Activations(values, activations.labels[chosen])
