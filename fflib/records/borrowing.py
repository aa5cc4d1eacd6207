"""Whether a held-out class has an ensemble of its own, for the records of runs that have one."""

from dataclasses import asdict
from typing import get_args

from fflib.measures.borrowing import borrowing, linear_auroc
from fflib.measures.ensembles import RULES
from fflib.records.schema import Found, Row
from fflib.training.run import Carried, Run

__all__ = ["conditions", "unseen"]

JUDGED = ("median-quantile", "leave-one-out")  # Kolmogorov–Smirnov's rule takes too long


def conditions(run: Run) -> dict[str, Carried]:
    """Return the labels that images may carry, by the name of the condition on record."""
    if not run.network.labelled:
        return {"plain": "true"}
    return {carried: carried for carried in get_args(Carried)}


def unseen(run: Run) -> Found:
    """Compare the ensemble of a held-out class with those of the seen classes, and with a linear probe.

    A row for each label that the images carry (``carried``), seen ones too, hidden layer and ``rule`` has
    the fields of :class:`fflib.measures.borrowing.Borrowing` and ``linear_auroc``, that of
    :func:`fflib.measures.borrowing.linear_auroc` on the layer's activations. The row of layer 0 has the
    same on plain pixels. There are none where no class is held out.
    """
    if run.experiment.hold_out is None:
        return [], {}
    split, seed = run.experiment.evaluate_on, run.experiment.seed
    classes = len(run.data.classes)
    pixels, seen_pixels = (run.images(split, unseen=held)[0].numpy() for held in (True, False))
    linear = linear_auroc(pixels, seen_pixels, seed)
    rows: list[Row] = [{"about": "unseen", "layer": 0, "carried": "plain", "linear_auroc": linear}]
    for name, carried in conditions(run).items():
        shown, others = (
            run.activations(split, correct_only=False, carried=carried, unseen=held)
            for held in (True, False)
        )
        labels = others.labels.numpy()
        for layer, (u, s) in enumerate(zip(shown.values, others.values, strict=True), start=1):
            h = u.numpy(), s.numpy()
            linear = linear_auroc(*h, seed)
            for rule in JUDGED:
                found = borrowing(*h, labels, RULES[rule], classes=classes, seed=seed)
                row: Row = {"about": "unseen", "layer": layer, "carried": name, "rule": rule}
                rows.append(row | asdict(found) | {"linear_auroc": linear})
    return rows, {}
