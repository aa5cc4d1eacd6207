"""A run: a trained network together with the data and the circumstances of its training."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from fflib.data import Dataset
from fflib.errors import ExperimentError, unknown
from fflib.experiment import Circumstances, Experiment
from fflib.measures.ensembles import Activations
from fflib.networks.convolutional import ConvNetwork
from fflib.networks.dense import NO_LABEL, Network
from fflib.training.snapshots import Snapshot

__all__ = ["Carried", "Run"]

Carried = Literal["true", "none", "predicted"]


@dataclass
class Run:
    """What :func:`fflib.train` returns.

    Parameters
    ----------
    experiment, data, circumstances
        What was trained, on what, and how.
    network : Network or ConvNetwork
        As training left it.
    curve : list of dict
        One row per epoch: ``layer``, ``epoch``, ``seconds`` since training began, ``loss``, mean
        ``positive`` and ``negative`` goodness, the share of pairs ``ordered`` rightly, and at some
        epochs the ``accuracy``.
    snapshots : list of Snapshot
        What the network was like along its training, where the experiment asks for it.

    Examples
    --------
    >>> import fflib
    >>> experiment = fflib.Experiment(model="bp", dataset="digits", hidden=32, learning_rate=0.01)
    >>> run = fflib.train(experiment, progress=False)
    >>> run.accuracy > 0.5
    True
    >>> len(run.activations().values)
    3
    """

    experiment: Experiment
    network: Network | ConvNetwork
    data: Dataset
    circumstances: Circumstances
    curve: list[dict[str, Any]] = field(default_factory=list)
    snapshots: list[Snapshot] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """Time spent training, in seconds; reading data and evaluating left out.

        Where several runs were trained side by side, the time that they took together.
        """
        return self.circumstances.seconds

    @cached_property
    def scores(self) -> Tensor:
        """Scores of labels for evaluation images of seen classes, by layer, on the network's device.

        See :meth:`fflib.networks.base.LayeredNetwork.layer_scores`; computed once, since most
        measures begin with them.
        """
        return self.network.layer_scores(self.images(self.experiment.evaluate_on)[0])

    @cached_property
    def accuracy(self) -> float:
        """Share of evaluation images of seen classes that get their own label."""
        return float(self.correct(self.experiment.evaluate_on).double().mean())

    @cached_property
    def layer_accuracy(self) -> list[float]:
        """Accuracy of each layer by itself; empty where only the last one has a say."""
        if not self.network.reads_every_layer:
            return []
        _, labels = self.images(self.experiment.evaluate_on)
        choice = self.scores.argmax(-1).cpu()
        predicted = torch.tensor(self.network.seen)[choice]
        return (predicted == labels[:, None]).double().mean(0).tolist()

    def images(self, split: str, *, unseen: bool = False) -> tuple[Tensor, Tensor]:
        """Return images of a split of the data, shape (n, inputs), and their labels, shape (n,).

        They are standardised, without a label, and of the classes seen in training, or of the
        held-out class if ``unseen``.
        """
        labels = self.data.split(split).labels
        hold_out = self.experiment.hold_out
        if unseen and hold_out is None:
            raise ExperimentError(
                "unseen images need a held-out class, got a run without: set hold_out"
            )
        held_out = labels == (NO_LABEL if hold_out is None else hold_out)
        chosen = held_out if unseen else ~held_out
        return self.data.pixels(split)[chosen], labels[chosen]

    def correct(self, split: str, first: int | None = None) -> Tensor:
        """Tell which images of the seen classes get their own label, in the order of `images`.

        The first images of the split are judged, or by default all. The result is on the CPU.
        """
        pixels, labels = (x[:first] for x in self.images(split))
        if split == self.experiment.evaluate_on:
            return self.network.choose(self.scores[:first]) == labels
        return self.network.predict(pixels) == labels

    def activations(
        self,
        split: str = "test",
        correct_only: bool = True,
        *,
        carried: Carried = "true",
        unseen: bool = False,
    ) -> Activations:
        """Return activations of every layer on the images of a split.

        Parameters
        ----------
        split : {"test", "train", "fit", "validation"}
            Where the images come from.
        correct_only : bool
            Only images that the network classifies correctly, as the authors' code does. It has
            no effect on the unseen class, which no network can predict.
        carried : {"true", "none", "predicted"}
            The label on the border: the image's own, none, or the best of those seen in training.
            A plain network sees no label.
        unseen : bool
            Images of the held-out class in place of those of the seen classes.
        """
        if carried not in get_args(Carried):
            raise ExperimentError(unknown("carried label", carried, get_args(Carried)))
        pixels, labels = self.images(split, unseen=unseen)
        if correct_only and not unseen:
            right = self.correct(split)
            pixels, labels = pixels[right], labels[right]
        match carried:
            case "none":
                shown = torch.full_like(labels, NO_LABEL)
            case "predicted":
                shown = self.network.predict(pixels)
            case _:
                shown = labels
        return Activations(self.network.activations(pixels, shown), labels)
