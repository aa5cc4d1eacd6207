"""Training: from an experiment to a run, or from several experiments at once to their runs."""

from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
from torch import Generator, Tensor

from fflib.data import Dataset, load
from fflib.errors import ExperimentError, TrainingError
from fflib.experiment import Circumstances, ConvExperiment, DenseExperiment, Experiment
from fflib.networks.convolutional import ConvNetwork
from fflib.networks.dense import Network
from fflib.training.convolutional import CONV_TRAINERS, Alone
from fflib.training.device import private_stream, processor, product_format, resolve_device
from fflib.training.monitor import Monitor
from fflib.training.run import Run
from fflib.training.session import Keeper, Task
from fflib.training.snapshots import Snapshots
from fflib.training.stack import Stack
from fflib.training.trainers import TRAINERS

__all__ = ["train", "train_on", "train_together"]

WATCHED = 2000  # images that the learning curve is measured on


def train(
    experiment: Experiment,
    device: str = "auto",
    progress: bool = True,
    *,
    keeper: Keeper | None = None,
) -> Run:
    """Train the network that an experiment describes.

    Parameters
    ----------
    experiment : Experiment
    device : str
        ``"auto"`` takes CUDA or MPS where there is one, else the CPU; or any name torch knows.
    progress : bool
        Show a bar with goodness and accuracy. ``TQDM_DISABLE=1`` silences it too.
    keeper : Keeper, optional
        Keeps the state of a long training, to go on from it after an interruption:
        :class:`fflib.sweeps.checkpoints.Checkpoints`.

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
    (run,) = train_together([experiment], device, progress, keeper=keeper)
    if isinstance(run, TrainingError):
        raise run
    return run


def train_together(
    experiments: Sequence[Experiment],
    device: str = "auto",
    progress: bool = True,
    *,
    keeper: Keeper | None = None,
) -> list[Run | TrainingError]:
    """Train networks of one configuration side by side, in one set of matrix products.

    A layer of 784 units cannot fill a large accelerator by itself. Each run draws from its own
    streams of randomness, so that it differs from the run trained alone by rounding and by
    nothing else.

    Parameters
    ----------
    experiments : sequence of Experiment
        Equal in everything but ``seed`` and ``hold_out``.
    device, progress, keeper
        As in :func:`train`.

    Returns
    -------
    list of Run or TrainingError
        In the order of the experiments. A run that fails does not stop the others.

    Raises
    ------
    ExperimentError
        The experiments differ in more, do not fit the data, or the device is not there.
    DataError
        The data are missing or damaged.

    Examples
    --------
    >>> import fflib
    >>> experiments = [
    ...     fflib.Experiment(model="bp", dataset="digits", hidden=32, epochs=2, seed=seed)
    ...     for seed in range(3)
    ... ]
    >>> [run.circumstances.together for run in train_together(experiments, progress=False)]
    [3, 3, 3]
    """
    dataset = _common(experiments).dataset
    resolve_device(device)  # so that a name that is wrong is told before anything is read
    return train_on(load(dataset), experiments, device, progress, keeper=keeper)


def train_on(
    data: Dataset,
    experiments: Sequence[Experiment],
    device: str = "auto",
    progress: bool = True,
    *,
    keeper: Keeper | None = None,
) -> list[Run | TrainingError]:
    """Train networks of one configuration side by side on data that are in memory already.

    Parameters
    ----------
    data : Dataset
        Stands in for what the experiments name, such as a part of it.
    experiments, device, progress, keeper
        As in :func:`train_together`, which says what is returned and raised.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from fflib.data import Split
    >>> digits = load("digits")
    >>> few = Split(digits.train.images[:500], digits.train.labels[:500])
    >>> experiment = Experiment(model="bp", dataset="digits", hidden=32, epochs=2)
    >>> (run,) = train_on(replace(digits, train=few), [experiment], progress=False)
    >>> len(run.data.train)
    500
    """
    common = _common(experiments)
    if common.architecture == "conv" and len(experiments) > 1:
        return [run for e in experiments for run in train_on(data, [e], device, progress)]
    place = resolve_device(device)
    products = product_format(common.precision, place)
    streams = [_streams(e.seed) for e in experiments]
    networks = [
        _initial(e, data, weights).to(place)
        for e, (weights, *_) in zip(experiments, streams, strict=True)
    ]
    for network in networks:
        network.products = products
    split = "fit" if common.evaluate_on == "validation" else "train"
    labels = data.split(split).labels
    watched = [_seen(e, data, e.evaluate_on, WATCHED) for e in experiments]

    def accuracy(run: int, depth: int | None) -> float:
        pixels, own = watched[run]
        return float((networks[run].predict(pixels, depth) == own).double().mean())

    monitor = Monitor(
        len(experiments),
        common.epochs * common.stages,
        accuracy,
        progress=progress,
        description=str(common) + (f" and {more} more" if (more := len(experiments) - 1) else ""),
        device=place,
    )
    stack = _stacked(networks)
    snapshots = Snapshots(stack, common.snapshots if isinstance(common, DenseExperiment) else 0)
    task = Task(
        common,
        stack,
        data.pixels(split).to(place),
        labels.to(place),
        [torch.arange(len(labels))[labels != _held_out(e)] for e in experiments],
        [Generator().manual_seed(negatives) for _, negatives, _ in streams],
        [Generator().manual_seed(order) for *_, order in streams],
        products,
        monitor,
        snapshots,
        keeper,
    )
    if keeper:
        keeper.restore(task, experiments)
    try:
        # Moments of weights that no longer move decay until they are too small for a normal
        # float, where processors are many times slower.
        torch.set_flush_denormal(True)
        with private_stream(place):
            trainers = CONV_TRAINERS if common.architecture == "conv" else TRAINERS
            trainers[common.model](task)
    except TrainingError:
        pass  # no run is left; each has its own reason below
    finally:
        torch.set_flush_denormal(False)
        monitor.close()
    stack.part()
    circumstances = Circumstances(
        str(place),
        processor(place),
        torch.get_num_threads(),
        "float32" if products == torch.float32 else "bfloat16 products",
        monitor.seconds,
        len(experiments),
    )
    return [
        monitor.failures.get(i)
        or Run(e, networks[i], data, circumstances, monitor.curves[i], snapshots.taken[i])
        for i, e in enumerate(experiments)
    ]


def _common(experiments: Sequence[Experiment]) -> Experiment:
    """What the experiments share, which must be all but the seed and the class held out."""
    if not experiments:
        raise ExperimentError("training needs at least one experiment, got none")
    first, *others = (e.model_dump(exclude={"seed", "hold_out"}) for e in experiments)
    for other in others:
        for field, value in first.items():
            if other[field] != value:
                raise ExperimentError(
                    "experiments trained together may differ in seed and hold_out only, got "
                    f"{field} {value!r} and {other[field]!r}: train them one after the other"
                )
    return experiments[0]


def _stacked(networks: list[Network | ConvNetwork]) -> Stack:
    """Networks side by side; a convolutional one, which is alone, by itself."""
    (first, *_) = networks
    if isinstance(first, ConvNetwork):
        return cast(Stack, Alone(first))  # to its trainers, which ask for no layers, all the same
    return Stack([network for network in networks if isinstance(network, Network)])


def _initial(experiment: Experiment, data: Dataset, seed: int) -> Network | ConvNetwork:
    """The network before training, its weights drawn from a stream of their own."""
    classes = len(data.classes)
    held_out = _held_out(experiment)
    seen = [label for label in range(classes) if label != held_out]
    if len(seen) == classes and experiment.hold_out is not None:
        raise ExperimentError(
            f"hold_out must be one of the classes 0 to {classes - 1} of {experiment.dataset}, "
            f"got {experiment.hold_out}"
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if isinstance(experiment, ConvExperiment):
            return ConvNetwork(
                data.shape,
                experiment.hidden,
                experiment.layers,
                classes,
                activation=experiment.activation,
                goodness=experiment.goodness,
                scope=experiment.scope,
                label=experiment.label,
                norm=experiment.norm,
                symmetric=experiment.loss == "symmetric",
                lit=data.lit,
                seen=seen,
            )
        assert isinstance(experiment, DenseExperiment)
        return Network(
            data.inputs,
            experiment.hidden,
            experiment.layers,
            classes,
            activation=experiment.activation,
            goodness=experiment.goodness,
            heads="every" if experiment.layerwise else "last",
            labelled=experiment.labelled,
            norm=experiment.norm,
            lit=data.lit,
            seen=seen,
            label_gain=experiment.label_gain,
            signs=experiment.signs,
        )


def _seen(experiment: Experiment, data: Dataset, split: str, most: int) -> tuple[Tensor, Tensor]:
    """Pixels and labels of the first images of a split, those of a held-out class left out."""
    labels = data.split(split).labels
    chosen = (labels != _held_out(experiment)).nonzero().squeeze(1)[:most]
    return data.pixels(split)[chosen], labels[chosen]


def _held_out(experiment: Experiment) -> int:
    """The class held out, or a label that no image has."""
    return -1 if experiment.hold_out is None else experiment.hold_out


def _streams(seed: int) -> list[int]:
    """Seeds of the three streams of randomness: weights, negatives, and the order of examples."""
    return np.random.SeedSequence(seed).generate_state(3).tolist()
