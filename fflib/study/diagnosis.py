"""What a finished training looks like when it went wrong, and what usually lies behind it.

The three signs are those that the paper's digest names: activity that is not sparse, accuracy that
is poor, excitation and inhibition out of balance. A training that fails outright ends in a
:class:`fflib.errors.TrainingError`, which says the same of layers that have learned nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from fflib.errors import TrainingError
from fflib.experiment import Experiment
from fflib.measures import polarity, sparsity
from fflib.training.run import Run
from fflib.training.train import train

__all__ = [
    "BALANCED",
    "DENSE",
    "ORDERED",
    "RISING",
    "SINGLE",
    "Finding",
    "Signature",
    "diagnose",
    "provoke",
    "signature_table",
]

DENSE = 0.45
"""Hoyer sparseness below which a layer counts as dense. Layers of published FF networks of rectified
units have 0.56 or more, the last layers of published BP/FF networks 0.40 or less."""

SINGLE = 0.98
"""Hoyer sparseness above which hardly more than one unit answers to an image."""

BALANCED = (1 / 3, 3.0)
"""Excitation over inhibition, as sums of weights: published FF networks of rectified units lie
between 0.7 and 1.8, those on digits may lie further from 1."""

ORDERED = 0.95
"""Share of pairs that a layer should order rightly: published layers order 0.99 of them."""

RISING = 0.02
"""Gain in accuracy between the last two measurements that says that training ended too early."""


@dataclass(frozen=True)
class Finding:
    """One sign that something went wrong.

    Parameters
    ----------
    sign : {"not sparse", "poor accuracy", "out of balance"}
    evidence : str
        Where it shows, with the numbers.
    cause : str
        What usually lies behind it, and what to change.
    """

    sign: str
    evidence: str
    cause: str

    def __str__(self) -> str:
        return f"{self.sign}: {self.evidence}; {self.cause}"


def diagnose(run: Run) -> list[Finding]:
    """Look for signs that a training went wrong.

    Sparseness and balance are judged for rectified units of dense networks with labels alone: other
    units do not rest at zero, and a plain network or a mean over an image is not sparse by itself.

    The result has a finding for each sign and cause, over all layers; it is empty where nothing is
    found, which is no proof that all is well.

    Examples
    --------
    >>> import fflib
    >>> brief = fflib.Experiment(model="bp", dataset="digits", hidden=32, epochs=3)
    >>> [found.sign for found in diagnose(fflib.train(brief, progress=False))]
    ['poor accuracy']
    """
    found = list(_poor_accuracy(run))
    e = run.experiment
    if e.labelled and e.activation == "relu" and e.architecture == "dense":
        found += [*_not_sparse(run), *_out_of_balance(run)]
    evidence: dict[tuple[str, str], list[str]] = {}
    for one in found:
        evidence.setdefault((one.sign, one.cause), []).append(one.evidence)
    return [Finding(sign, ", ".join(said), cause) for (sign, cause), said in evidence.items()]


def _not_sparse(run: Run) -> Iterator[Finding]:
    activations = run.activations(run.experiment.evaluate_on, correct_only=False)
    for depth, h in enumerate(activations.values, 1):
        sparseness = sparsity.mean_hoyer(h)
        evidence = f"layer {depth} has a Hoyer sparseness of {sparseness:.2f}"
        if sparseness < DENSE:
            shared = "model='bp-ff' has one loss on the goodness of all layers"
            yield Finding(
                "not sparse",
                f"{evidence}, below {DENSE:g}",
                f"{shared}: if a loss for each layer was meant, use model='ff'"
                if run.experiment.model == "bp-ff"
                else "try a higher learning_rate or more epochs, which make layers sparser",
            )
        elif sparseness > SINGLE and min(run.layer_accuracy) < 0.5:
            yield Finding(
                "poor accuracy",
                f"{evidence}: hardly more than one unit answers to an image",
                "the steps were too large: use a lower learning_rate",
            )


def _poor_accuracy(run: Run) -> Iterator[Finding]:
    e = run.experiment
    for layer in sorted({row["layer"] for row in run.curve}, key=lambda layer: layer or 0):
        rows = [row for row in run.curve if row["layer"] == layer]
        where = "the network" if layer is None else f"layer {layer + 1}"
        measured = [row["accuracy"] for row in rows if row["accuracy"] is not None]
        if len(measured) > 1 and (gain := measured[-1] - measured[-2]) > RISING:
            yield Finding(
                "poor accuracy",
                f"the accuracy of {where} still rose by {gain:.3f} at the end",
                "train for more epochs, or with a higher learning_rate",
            )
        if e.labelled and rows[-1]["ordered"] < ORDERED:
            yield Finding(
                "poor accuracy",
                f"{where} finds the right label better in {rows[-1]['ordered']:.1%} of pairs",
                "train for more epochs; if its loss does not fall, change learning_rate or theta",
            )


def _out_of_balance(run: Run) -> Iterator[Finding]:
    low, high = BALANCED
    for depth, weight in enumerate(run.network.weights, 1):
        balance = polarity.balance(weight)
        if not low <= balance <= high:
            yield Finding(
                "out of balance",
                f"positive weights of layer {depth} sum to {balance:.2f} times its negative ones",
                "norm=None leaves inputs as large as the layer below made them: give a norm"
                if run.experiment.norm is None
                else "look at how weights begin (label_gain, signs) and at theta",
            )


@dataclass(frozen=True)
class Signature:
    """What a mistake in the settings looks like.

    Parameters
    ----------
    name : str
    accuracy : float
        nan where training failed.
    hoyer, balance : tuple of float
        Sparseness and excitation over inhibition, layer by layer; empty where training failed.
    said : tuple of str
        What :func:`diagnose` finds, or the error that training ended in.
    """

    name: str
    accuracy: float
    hoyer: tuple[float, ...]
    balance: tuple[float, ...]
    said: tuple[str, ...]


def provoke(
    mistakes: Mapping[str, Mapping[str, Any]], *, progress: bool = False, **usual: Any
) -> list[Signature]:
    """Train networks, each with one mistake in its settings, and return what it looks like.

    `mistakes` are fields of :class:`fflib.Experiment` by a name for the mistake, `usual` fields of
    all experiments.

    Examples
    --------
    >>> small = {"dataset": "digits", "hidden": 32, "layers": 1}
    >>> (found,) = provoke({"tiny steps": {"learning_rate": 1e-9, "theta": 30.0}}, **small)
    >>> found.said[0].startswith("layer 1 cannot tell positive from negative")
    True
    """
    found = []
    for name, fields in mistakes.items():
        try:
            run = train(Experiment(**{**usual, **fields}), progress=progress)
        except TrainingError as error:
            found.append(Signature(name, np.nan, (), (), (str(error),)))
            continue
        activations = run.activations(run.experiment.evaluate_on, correct_only=False)
        hoyer = tuple(sparsity.mean_hoyer(h) for h in activations.values)
        balance = tuple(polarity.balance(w) for w in run.network.weights)
        said = tuple(map(str, diagnose(run)))
        found.append(Signature(name, run.accuracy, hoyer, balance, said))
    return found


def signature_table(signatures: list[Signature]) -> pd.DataFrame:
    """Show signatures, a row for each mistake.

    The columns are accuracy, sparseness and balance by layer, and what is said of it.
    """
    rows = {
        s.name: {
            "accuracy": "failed" if np.isnan(s.accuracy) else f"{s.accuracy:.3f}",
            "Hoyer by layer": " / ".join(f"{x:.2f}" for x in s.hoyer),
            "excitation / inhibition": " / ".join(f"{x:.2f}" for x in s.balance),
            "training says": ". ".join(s.said) or "nothing",
        }
        for s in signatures
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("settings")
