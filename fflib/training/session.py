"""What a trainer works on: networks, images, streams of randomness, and the course of epochs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from typing import Any, Generic, Protocol, TypeVar

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from fflib.data import wrong_labels, wrong_pairs
from fflib.experiment import ConvExperiment, Experiment
from fflib.goodness import Goodness
from fflib.networks.base import LayeredNetwork, examples_at_once
from fflib.training.adam import Adam, rates
from fflib.training.averaging import Average
from fflib.training.gradients import HiddenPairs, ImagePairs
from fflib.training.monitor import Monitor
from fflib.training.snapshots import Snapshots
from fflib.training.stack import Learner, Networks, Stack

__all__ = ["Keeper", "Session", "batches"]


N = TypeVar("N", bound=Networks)


class Keeper(Protocol):
    """Keeps the state of a training, to go on from it: :mod:`fflib.sweeps.checkpoints`."""

    def restore(self, session: "Session[Any]", experiments: Sequence[Experiment]) -> None:
        """Put a session, before anything is trained, in the state that was kept."""

    def enter(self, session: "Session[Any]", depth: int | None, optimiser: Adam) -> int:
        """Return how many epochs of a layer are done; put the optimiser in the state of then."""

    def epoch_ended(
        self, session: "Session[Any]", depth: int | None, epoch: int, optimiser: Adam
    ) -> None:
        """Record the end of an epoch."""


@dataclass
class Session(Generic[N]):
    """What a trainer needs.

    Parameters
    ----------
    experiment : Experiment
        The configuration, shared by all runs.
    stack : Stack or ConvStack
        The networks, one per run.
    pixels, labels : Tensor, shapes (n, inputs) and (n,)
        Images to train on, on the device.
    kept : list of Tensor, each of shape (n_run,)
        Places of the images that each run learns from: all but those of a held-out class.
    negatives, orders : list of torch.Generator
        Streams of randomness of each run.
    products : torch.dtype
        Number format of the matrix products; everything else is float32.
    monitor, snapshots, keeper
        What follows the training; the keeper is optional.
    kept_wrong : Tensor, optional
        Wrong labels to go on with, in place of new ones.
    averages : list of Average
        Of each run, where the experiment asks for it.

    Attributes
    ----------
    wrong_now : Tensor or None
        The wrong labels drawn last, see :meth:`wrong`.
    """

    experiment: Experiment
    stack: N
    pixels: Tensor
    labels: Tensor
    kept: list[Tensor]
    negatives: list[Generator]
    orders: list[Generator]
    products: torch.dtype
    monitor: Monitor
    snapshots: Snapshots
    keeper: Keeper | None = None
    kept_wrong: Tensor | None = None
    averages: list[Average] = field(default_factory=list)
    wrong_now: Tensor | None = field(default=None, init=False)

    def epochs(
        self, depth: int | None, layers: Sequence[Learner]
    ) -> Iterator[tuple[int, Adam, Iterator[tuple[slice, Tensor]]]]:
        """Yield (epoch, optimiser, batches) for every epoch, timed and recorded by the monitor.

        ``layers`` learn; ``depth`` says which layer that is, and is None where all learn together.
        """
        e, device = self.experiment, self.labels.device
        optimiser = Adam(
            [parameter for layer in layers for parameter in layer.parameters],
            [layer.keep_signs for layer in layers],
            epsilon=e.epsilon,
            weight_decay=e.weight_decay,
        )
        warm_up = e.warm_up if isinstance(e, ConvExperiment) else 0
        course = rates(e.schedule, e.learning_rate, e.epochs, warm_up)
        steps = [e.epochs * -(-len(kept) // e.batch_size) for kept in self.kept]
        self.snapshots.begin(depth, layers, steps)
        done = self.keeper.enter(self, depth, optimiser) if self.keeper else 0
        for epoch in range(done + 1, e.epochs + 1):
            optimiser.rate = course[epoch - 1]
            with self.monitor.epoch(depth, epoch, e.epochs, e.learning_rate):
                orders = [
                    kept[torch.randperm(len(kept), generator=order)].to(device)
                    for kept, order in zip(self.kept, self.orders, strict=True)
                ]
                yield epoch, optimiser, self.snapshots.along(batches(orders, e.batch_size))
            if self.keeper:
                self.keeper.epoch_ended(self, depth, epoch, optimiser)

    @property
    def runs(self) -> int:
        """Number of networks trained side by side."""
        return len(self.stack.networks)

    @property
    def every_network(self) -> list[LayeredNetwork]:
        """All networks whose state changes: those of the runs, and their averages."""
        return [*self.stack.networks, *(average.network for average in self.averages)]

    @property
    def objective(self) -> tuple[Goodness, float]:
        """Goodness and threshold, which a validated experiment of a labelled model has."""
        goodness, theta = self.stack.networks[0].goodness, self.experiment.theta
        assert goodness is not None
        assert theta is not None
        return goodness, theta

    @property
    def pairs_per_epoch(self) -> list[int]:
        """Number of images that each run learns from, each shown with a right and a wrong label."""
        return [len(kept) for kept in self.kept]

    @cached_property
    def image_and_strength(self: "Session[Stack]") -> tuple[Tensor, Tensor]:
        """Every image's part of the first layer's input and its label's, in product format."""
        image, strength = self.stack.networks[0].image_and_strength(self.pixels)
        return image.to(self.products), strength.to(self.products)

    @property
    def _places(self) -> Tensor:
        """Places of all images, shape (n,)."""
        return torch.arange(len(self.labels), device=self.labels.device)

    def wrong(self, depth: int) -> Tensor:
        """Draw a wrong label per run and image, shape (runs, n), as the experiment says.

        ``hard`` negatives are drawn in proportion to the network's own belief in each wrong
        label, judged by the first ``depth`` layers. Images that a run does not learn from get a
        label of no meaning. ``unpaired`` ones are of other images than the positive examples that
        they are shown with: their places follow the labels, shape (runs, 2, n).
        """
        if self.kept_wrong is not None:
            self.wrong_now = self.kept_wrong
            return self.kept_wrong
        drawn, places = (x.repeat(self.runs, 1) for x in (self.labels, self._places))
        for run, (network, kept) in enumerate(zip(self.stack.networks, self.kept, strict=True)):
            own = self.labels[kept.to(self.labels.device)]
            match self.experiment.negatives:
                case "hard":
                    seen = torch.tensor(network.seen)
                    belief = network.label_scores(self.pixels[kept.to(own.device)], depth).cpu()
                    belief = belief.masked_fill(seen == own.cpu()[:, None], 0)
                    choice = belief.multinomial(1, generator=self.negatives[run]).squeeze(1)
                    wrong = seen[choice]
                case "unpaired":
                    others, wrong = wrong_pairs(own.cpu(), network.seen, self.negatives[run])
                    places[run, kept.to(own.device)] = kept[others].to(own.device)
                case _:
                    wrong = wrong_labels(own.cpu(), network.seen, self.negatives[run])
            drawn[run, kept.to(own.device)] = wrong.to(own.device)
        unpaired = self.experiment.negatives == "unpaired"
        self.wrong_now = torch.stack([drawn, places], 1) if unpaired else drawn
        return self.wrong_now

    def pairs(
        self: "Session[Stack]",
        depth: int,
        wrong: Tensor,
        old: ImagePairs | HiddenPairs | None = None,
    ) -> ImagePairs | HiddenPairs:
        """Compute what layer ``depth`` (from 0) receives for true and for wrong labels.

        Where the ``old`` pairs of that layer have the same shape, they are overwritten and returned:
        a step that is recorded on a device then stays as it is.
        """
        network = self.stack.networks[0]
        image, strength = self.image_and_strength
        first: ImagePairs | HiddenPairs
        if self.experiment.negatives == "unpaired":
            first = self._unpaired(*wrong.unbind(1))
        else:
            both = torch.stack([self.labels.expand_as(wrong), wrong], 1)
            first = ImagePairs(image, F.one_hot(both, network.classes) * strength)
        if depth == 0:
            if isinstance(old, ImagePairs) and isinstance(first, ImagePairs):
                old.label.copy_(first.label)
                return old
            return first
        runs = slice(0, len(wrong))
        if isinstance(old, HiddenPairs) and old.awake is None:
            pairs = old
        else:
            shape = (len(wrong), 2, len(image), self.experiment.hidden)
            pairs = HiddenPairs(image.new_empty(shape))
        below = pairs.below
        # Runs side by side have silent units of their own; and elsewhere, products are cheap.
        alone = len(wrong) == 1 and image.device.type == "cpu"
        active = torch.zeros(self.experiment.hidden, dtype=torch.bool)
        # For each image, both labels of every run, in some eight forms.
        size = examples_at_once(image.device, 8 * 2 * len(wrong) * self.experiment.hidden)
        for rows in self._places.split(size):
            batch = first.at(runs, rows.expand(len(wrong), -1))
            z = batch.preactivation(self.stack.layers[0], runs)
            x = network.layer_input(network.activation.over(z))
            for layer in self.stack.layers[1:depth]:
                z = layer(x.flatten(1, 2).to(self.products), runs).float().view_as(x)
                x = network.layer_input(network.activation.over(z))
            below[:, :, rows] = x.to(self.products)
            if alone:
                active |= below[:, :, rows].flatten(0, 2).ne(0).any(0)
        return pairs.without_silent(active, 2 * self.experiment.batch_size) if alone else pairs

    def _unpaired(self: "Session[Stack]", wrong: Tensor, places: Tensor) -> HiddenPairs:
        """Pairs of whole inputs: every image with its label, and images at other places.

        The wrong labels and the places have shape (runs, n).
        """
        image, strength = self.image_and_strength
        labels = torch.stack([self.labels.expand_as(wrong), wrong], 1)
        places = torch.stack([self._places.expand_as(places), places], 1)
        shown, classes = image[places], self.stack.networks[0].classes
        shown[..., :classes] = F.one_hot(labels, classes) * strength[places]
        return HiddenPairs(shown)


def batches(orders: Sequence[Tensor], size: int) -> Iterator[tuple[slice, Tensor]]:
    """Cut the shuffled examples of every run into batches, those of equal length together.

    Runs may have different numbers of examples. Each batch comes with the runs that take this step,
    and has the shape (runs, batch).

    Examples
    --------
    >>> for runs, rows in batches([torch.arange(5), torch.arange(3)], 2):
    ...     print(runs.start, runs.stop, rows.tolist())
    0 2 [[0, 1], [0, 1]]
    0 1 [[2, 3]]
    1 2 [[2]]
    0 1 [[4]]
    """
    cut = [order.split(size) for order in orders]
    for step in range(max(map(len, cut))):
        start = 0
        turn = [parts[step] if step < len(parts) else parts[0][:0] for parts in cut]
        for length, equal in groupby(turn, key=len):
            rows = list(equal)
            if length:
                yield slice(start, start + len(rows)), torch.stack(rows)
            start += len(rows)
