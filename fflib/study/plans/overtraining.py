"""The plan that tests why a second layer of Forward-Forward loses accuracy when training goes on.

The explanation came after the authors' configuration was trained at full length: the first layer learns its
pairs of image and wrong label by heart, so that the second has nothing to learn from its second epoch on,
and Adam's steps, as large as ever, carry it away. If that is so, three changes should each keep what is lost:
wrong labels that are drawn again in every epoch, so that there is nothing to learn by heart; a larger ε in
Adam, which leaves small gradients small; and weight decay, which holds weights that no gradient holds.

What counts is the accuracy on validation images at the end of the second stage, minus that after
:data:`fflib.study.analyses.length.EARLY` epochs of it. A change *keeps* what is lost if its difference from
the unchanged run of the same seed lies above :data:`KEPT`, by the interval of the mean over seeds, with 95 %
confidence over the three changes. It *does not* if the interval lies below, and the question is open
otherwise. The unchanged runs must lose accuracy, or there is nothing to keep.

The products of these runs are in bfloat16. One more, unchanged and of the first seed, has them in float32:
rounding is not the reason if that one loses more than :data:`KEPT`, too. (The bound was written down when the run
had ended, and before it was read.)

Snapshots say what else turns in the course of training, and when: sparseness, the size of ensembles, and the
share of negative weights, layer by layer.
"""

from itertools import product
from typing import Any

from fflib.experiment import Experiment

__all__ = ["CHANGES", "KEPT", "UNCHANGED", "in_float32", "runs"]

SEEDS = range(5)

UNCHANGED: dict[str, Any] = {
    "dataset": "mnist",
    "epochs": 300,
    "batch_size": 1024,
    "learning_rate": 0.01,
    "schedule": "constant",
    "precision": "mixed",
    "layers": 2,
    "snapshots": 16,
}
"""The authors' settings with two layers, trained until the first has been at its floor for a while."""

CHANGES: dict[str, dict[str, Any]] = {
    "wrong labels drawn in every epoch": {"negatives": "resampled"},
    "a larger ε in Adam": {"epsilon": 1e-4},
    "weight decay": {"weight_decay": 0.01},
}
"""What is changed, by name, each by itself."""

KEPT = 0.005
"""The smallest difference in accuracy that counts; at full length the second layer loses 0.04."""


def in_float32() -> Experiment:
    """Return the unchanged run of the first seed with products in float32."""
    return Experiment(model="ff", seed=SEEDS[0], **UNCHANGED | {"precision": "float32"})


def runs() -> list[Experiment]:
    """Return the unchanged runs and those with one change, seed by seed, and the one in float32."""
    changed = [
        Experiment(model="ff", seed=seed, **UNCHANGED | change)
        for seed, change in product(SEEDS, ({}, *CHANGES.values()))
    ]
    return [*changed, in_float32()]
