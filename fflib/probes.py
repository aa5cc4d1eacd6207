"""Measurements that a run takes only where its experiment asks for them, since they take long."""

from collections.abc import Callable
from dataclasses import asdict

import numpy as np
import torch

from fflib.measures.interventions import interventions
from fflib.run import Run

__all__ = ["PROBES", "Row", "weight_signs"]

Row = dict[str, str | int | float | None]
"""One line of a table; None stands for what is not defined."""

IMAGES = 1000  # that every changed network is evaluated on


def weight_signs(run: Run) -> list[Row]:
    """Change weights by their sign, and see what becomes of accuracy, sparseness and ensembles.

    Parameters
    ----------
    run : Run

    Returns
    -------
    list of dict
        The fields of :class:`fflib.measures.interventions.Effect`, on the first images that the
        run is evaluated on, wrongly classified ones too.
    """
    pixels, labels = (x[:IMAGES] for x in run.images(run.experiment.evaluate_on))

    def respond(weights: list[np.ndarray]) -> tuple[np.ndarray, list[np.ndarray]]:
        changed = run.network.with_weights([torch.from_numpy(w) for w in weights])
        hidden = [h.numpy() for h in changed.activations(pixels, labels)]
        return changed.predict(pixels).numpy(), hidden

    weights = [w.numpy() for w in run.network.weights]
    classes, seed = len(run.data.classes), run.experiment.seed
    return [
        asdict(effect)
        for effect in interventions(weights, respond, labels.numpy(), classes, seed=seed)
    ]


PROBES: dict[str, Callable[[Run], list[Row]]] = {"weight-signs": weight_signs}
"""By the name that an experiment gives as ``probe``."""
