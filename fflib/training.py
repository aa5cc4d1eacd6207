"""Training: from an experiment to a run.

Three ways to train one stack of layers: Forward-Forward, layer after layer, each on the frozen
output of the one below; its objective back-propagated through the whole stack (BP/FF); and plain
back-propagation of the cross-entropy (BP).
"""

import platform
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import CosineAnnealingLR, LambdaLR, LRScheduler

from fflib.data import load, wrong_labels
from fflib.engine import HiddenPairs, LabelledPairs, layer_gradient
from fflib.errors import ExperimentError, unknown
from fflib.experiment import Experiment
from fflib.goodness import Goodness, ff_loss
from fflib.monitor import Monitor
from fflib.network import CHUNK, Network
from fflib.run import Circumstances, Run

__all__ = ["resolve_device", "train"]

WATCHED = 2000  # images that the learning curve is measured on


def train(experiment: Experiment, device: str = "auto", progress: bool = True) -> Run:
    """Train the network that an experiment describes.

    Parameters
    ----------
    experiment : Experiment
    device : str
        ``"auto"`` takes CUDA or MPS where there is one, else the CPU; or any name torch knows.
    progress : bool
        Show a bar with goodness and accuracy. ``TQDM_DISABLE=1`` silences it too.

    Returns
    -------
    Run
        Equal bit for bit for equal experiment, kind of device and thread count.

    Raises
    ------
    ExperimentError
        The experiment does not fit the data, or the device is not there.
    TrainingError
        The loss is not a number, or a layer has died; the message says what to change.
    DataError
        The data are missing or damaged.

    Examples
    --------
    >>> import fflib
    >>> experiment = fflib.Experiment(model="ff", dataset="digits", hidden=64, theta=1.0)
    >>> run = fflib.train(experiment, progress=False)
    >>> [row["layer"] for row in run.curve][::40]
    [0, 1, 2]
    """
    place = resolve_device(device)
    data = load(experiment.dataset)
    classes = len(data.classes)
    seen = [label for label in range(classes) if label != experiment.hold_out]
    if len(seen) == classes and experiment.hold_out is not None:
        raise ExperimentError(
            f"hold_out must be one of the classes 0 to {classes - 1} of {experiment.dataset}, "
            f"got {experiment.hold_out}"
        )
    weights, negatives, order = _streams(experiment.seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(weights)
        network = Network(
            data.inputs,
            experiment.hidden,
            experiment.layers,
            classes,
            activation=experiment.activation,
            goodness=experiment.goodness,
            norm=experiment.norm,
            lit=data.lit,
            seen=seen,
        ).to(place)
    run = Run(experiment, network, data, Circumstances("", "", 0, "", 0.0))
    pixels, labels = run.images("fit" if experiment.evaluate_on == "validation" else "train")
    watched = tuple(part[:WATCHED] for part in run.images(experiment.evaluate_on))

    def accuracy(depth: int | None) -> float:
        return float((network.predict(watched[0], depth) == watched[1]).double().mean())

    task = _Task(
        experiment,
        network,
        pixels.to(place),
        labels.to(place),
        torch.Generator().manual_seed(negatives),
        torch.Generator().manual_seed(order),
        Monitor(
            experiment.epochs * (experiment.layers if experiment.model == "ff" else 1),
            accuracy,
            progress=progress,
            description=str(experiment),
        ),
    )
    try:
        # Moments of weights that no longer move decay until they are too small for a normal
        # float, where processors are many times slower.
        torch.set_flush_denormal(True)
        TRAINERS[experiment.model](task)
    finally:
        torch.set_flush_denormal(False)
        task.monitor.close()
    run.curve = task.monitor.curve
    run.circumstances = Circumstances(
        str(place),
        _processor(place),
        torch.get_num_threads(),
        "bfloat16 products" if experiment.precision == "mixed" else "float32",
        task.monitor.seconds,
    )
    return run


@dataclass
class _Task:
    """What a trainer needs: the network, its images on the device, and streams of randomness."""

    experiment: Experiment
    network: Network
    pixels: Tensor
    labels: Tensor
    negatives: torch.Generator
    order: torch.Generator
    monitor: Monitor

    def epochs(
        self, layer: int | None, parameters: list[nn.Parameter]
    ) -> Iterator[tuple[int, torch.optim.Optimizer, Sequence[Tensor]]]:
        """Yield (epoch, optimiser, steps) for every epoch, timed and recorded by the monitor."""
        e = self.experiment
        optimiser = torch.optim.Adam(parameters, lr=e.learning_rate, fused=True)
        schedule = SCHEDULES[e.schedule](optimiser, e.epochs)
        for epoch in range(1, e.epochs + 1):
            with self.monitor.epoch(layer, epoch, e.epochs, e.learning_rate):
                shuffled = torch.randperm(len(self.labels), generator=self.order)
                yield epoch, optimiser, shuffled.to(self.labels.device).split(e.batch_size)
            schedule.step()

    def products(self) -> torch.autocast:
        """Compute matrix products in the experiment's format; to be entered anew at every step.

        The cache of autocast would go on using weights from before a step of our own.
        """
        return torch.autocast(
            self.labels.device.type,
            torch.bfloat16,
            enabled=self.experiment.precision == "mixed",
            cache_enabled=False,
        )

    @property
    def objective(self) -> tuple[Goodness, float]:
        """Goodness and threshold, which a validated experiment of a labelled model has."""
        goodness, theta = self.network.goodness, self.experiment.theta
        assert goodness is not None and theta is not None
        return goodness, theta

    def wrong(self, depth: int) -> Tensor:
        """One wrong label per image, shape (n,), drawn as the experiment says.

        ``hard`` negatives are drawn in proportion to the network's own belief in each wrong
        label, judged by the first ``depth`` layers.
        """
        if self.experiment.negatives != "hard":
            drawn = wrong_labels(self.labels.cpu(), self.network.seen, self.negatives)
            return drawn.to(self.labels.device)
        seen = torch.tensor(self.network.seen, device=self.labels.device)
        belief = self.network.label_scores(self.pixels, depth)
        belief = belief.masked_fill(seen == self.labels[:, None], 0).cpu()
        return seen[belief.multinomial(1, generator=self.negatives).squeeze(1).to(seen.device)]

    def pairs(self, depth: int, wrong: Tensor) -> LabelledPairs | HiddenPairs:
        """What layer ``depth`` (from 0) receives for true and wrong labels."""
        image, strength = self.network.image_and_strength(self.pixels)
        both = torch.stack([self.labels, wrong])
        first = LabelledPairs(image, F.one_hot(both, self.network.classes) * strength)
        if depth == 0:
            return first
        below = torch.empty(
            2, len(image), self.experiment.hidden, device=image.device, dtype=image.dtype
        )
        for rows in torch.arange(len(image), device=image.device).split(CHUNK):
            z = first.preactivation(self.network.layers[0], rows)
            x = self.network.layer_input(self.network.activation.value(z))
            for layer in self.network.layers[1:depth]:
                x = self.network.layer_input(self.network.activation.value(layer(x)))
            below[:, rows] = x
        return HiddenPairs(below)


def forward_forward(task: _Task) -> None:
    """Train each layer alone, by its own goodness, on the frozen output of the one below."""
    e, network = task.experiment, task.network
    goodness, theta = task.objective
    wrong = task.wrong(depth=1)
    with torch.no_grad():
        for depth, layer in enumerate(network.layers):
            pairs = task.pairs(depth, wrong)
            for epoch, optimiser, steps in task.epochs(depth, list(layer.parameters())):
                if e.negatives != "fixed" and epoch > 1:
                    wrong = task.wrong(depth + 1)
                    pairs = task.pairs(depth, wrong)
                for rows in steps:
                    with task.products():
                        z = pairs.preactivation(layer, rows)
                    dz, g = layer_gradient(z, network.activation, goodness, theta)
                    with task.products():
                        layer.weight.grad = pairs.weight_gradient(dz, rows)
                    layer.bias.grad = dz.sum((0, 1))
                    optimiser.step()
                    task.monitor.count(ff_loss(g[0], g[1], theta), g, len(rows))
            task.monitor.require_learning(depth, len(task.labels))


def backprop_goodness(task: _Task) -> None:
    """Train all layers together by the loss on the sum of their goodness (BP/FF)."""
    e, network = task.experiment, task.network
    goodness, theta = task.objective
    pairs = task.pairs(0, task.wrong(depth=e.layers))
    first, *rest = network.layers
    for epoch, optimiser, steps in task.epochs(None, list(network.parameters())):
        if e.negatives != "fixed" and epoch > 1:
            pairs = task.pairs(0, task.wrong(depth=e.layers))
        for rows in steps:
            with task.products():
                z = pairs.preactivation(first, rows)
            h = network.activation.value(z)
            g = goodness.value(h)
            for layer in rest:
                x = network.layer_input(h)
                with task.products():
                    z = layer(x).float()
                h = network.activation.value(z)
                g = g + goodness.value(h)
            loss = ff_loss(g[0], g[1], theta)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            task.monitor.count(loss.detach(), g.detach(), len(rows))
    task.monitor.require_learning(None, len(task.labels))


def backprop(task: _Task) -> None:
    """Train all layers and the head together by cross-entropy on bare images (BP)."""
    network, head = task.network, task.network.head
    assert head is not None
    for _, optimiser, steps in task.epochs(None, list(network.parameters())):
        for rows in steps:
            with task.products():
                logits = head(network(task.pixels[rows])[-1]).float()
            loss = F.cross_entropy(logits, task.labels[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            task.monitor.count(loss.detach(), None, len(rows))


TRAINERS: dict[str, Callable[[_Task], None]] = {
    "ff": forward_forward,
    "bp-ff": backprop_goodness,
    "bp": backprop,
}

SCHEDULES: dict[str, Callable[[torch.optim.Optimizer, int], LRScheduler]] = {
    "constant": lambda optimiser, epochs: LambdaLR(optimiser, lambda epoch: 1.0),
    "cosine": CosineAnnealingLR,
}


def resolve_device(name: str) -> torch.device:
    """The device a name stands for; ``"auto"`` takes the fastest kind this machine has.

    Parameters
    ----------
    name : str

    Returns
    -------
    torch.device

    Raises
    ------
    ExperimentError
        The name is unknown, or there is no such device here.
    """
    here = ["cpu"]
    if torch.cuda.is_available():
        here.insert(0, "cuda")
    if torch.backends.mps.is_available():
        here.insert(0, "mps")
    if name == "auto":
        return torch.device(here[0])
    try:
        if name.split(":")[0] not in here:
            raise RuntimeError
        torch.empty(0, device=name)  # an index that is not there shows only in use
    except RuntimeError:
        raise ExperimentError(unknown("device", name, ["auto", *here])) from None
    return torch.device(name)


def _streams(seed: int) -> list[int]:
    return np.random.SeedSequence(seed).generate_state(3).tolist()


def _processor(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return torch.cpu.get_capabilities().get("cpu_name") or platform.processor()
