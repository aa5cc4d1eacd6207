"""Training: from an experiment to a run, or from several experiments at once to their runs."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Generator, Tensor
from torch.backends import cudnn

from fflib.data import Dataset
from fflib.errors import ExperimentError, TrainingError
from fflib.experiment import Circumstances, ConvExperiment, DenseExperiment, Experiment
from fflib.networks.convolutional import ConvNetwork
from fflib.networks.dense import Network
from fflib.training.averaging import Average
from fflib.training.convolutional import CONV_TRAINERS, ConvStack
from fflib.training.device import (
    keep_memory,
    private_stream,
    processor,
    product_format,
    resolve_device,
)
from fflib.training.monitor import Monitor
from fflib.training.run import Run
from fflib.training.session import Keeper, Session
from fflib.training.snapshots import Snapshots
from fflib.training.stack import Stack
from fflib.training.trainers import TRAINERS

__all__ = ["train", "train_together"]

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
        What is to be trained.
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
    data: Dataset | None = None,
) -> list[Run | TrainingError]:
    """Train networks of one configuration side by side, in one set of matrix products.

    A layer of 784 units cannot fill a large accelerator by itself. Each run draws from its own
    streams of randomness, so that it differs from the run trained alone by rounding and by
    nothing else. Convolutional networks take their steps one after the other. A run that fails
    does not stop the others: its place, in the order of the experiments, has the error.

    Parameters
    ----------
    experiments : sequence of Experiment
        Equal in everything but ``seed`` and ``hold_out``.
    device, progress, keeper
        As in :func:`train`.
    data : Dataset, optional
        Stands in for what the experiments name, such as a part of it.

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
    keep_memory()
    common = _common(experiments)
    place = resolve_device(device)
    data = common.data() if data is None else data
    products = product_format(common.precision, place)
    streams = [_streams(e.seed) for e in experiments]
    networks = [
        _initial(e, data, weights).to(place)
        for e, (weights, *_) in zip(experiments, streams, strict=True)
    ]
    for network in networks:
        network.products = products
    averaging = common.averaging if isinstance(common, ConvExperiment) else 0
    averages = [
        Average(network, averaging)
        for network in networks
        if averaging and isinstance(network, ConvNetwork)
    ]
    trained: Sequence[Network | ConvNetwork] = [a.network for a in averages] or networks
    split = "fit" if common.evaluate_on == "validation" else "train"
    labels = data.split(split).labels
    watched = [_seen(e, data, e.evaluate_on, WATCHED) for e in experiments]
    watched = [(pixels.to(place), own) for pixels, own in watched]

    def accuracy(run: int, depth: int | None) -> float:
        pixels, own = watched[run]
        return float((trained[run].predict(pixels, depth) == own).double().mean())

    monitor = Monitor(
        len(experiments),
        common.epochs * common.stages,
        accuracy,
        progress=progress,
        description=str(common) + (f" and {more} more" if (more := len(experiments) - 1) else ""),
        device=place,
    )
    stack = _side_by_side(networks)
    snapshots = Snapshots(stack, common.snapshots if isinstance(common, DenseExperiment) else 0)
    session: Session[Any] = Session(
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
        averages=averages,
    )
    if keeper:
        keeper.restore(session, experiments)
    try:
        # Moments of weights that no longer move decay until they are too small for a normal
        # float, where processors are many times slower.
        torch.set_flush_denormal(True)
        # Equal experiments give equal bits, and float32 is float32, in convolutions on CUDA, too.
        exact = cudnn.flags(enabled=True, deterministic=True, allow_tf32=False)
        with exact, private_stream(place):
            trainers = CONV_TRAINERS if common.architecture == "conv" else TRAINERS
            if common.epochs:
                trainers[common.model](session)
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
        or Run(e, trained[i], data, circumstances, monitor.curves[i], snapshots.taken[i])
        for i, e in enumerate(experiments)
    ]


def _common(experiments: Sequence[Experiment]) -> Experiment:
    """Return what experiments share, which must be all but the seed and the held-out class."""
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


def _side_by_side(networks: Sequence[Network | ConvNetwork]) -> Stack | ConvStack:
    """Stack networks, all of which are of one kind."""
    dense = [network for network in networks if isinstance(network, Network)]
    if dense:
        return Stack(dense)
    return ConvStack([network for network in networks if isinstance(network, ConvNetwork)])


def _initial(experiment: Experiment, data: Dataset, seed: int) -> Network | ConvNetwork:
    """Make the network before training, its weights drawn from a stream of their own."""
    e, classes = experiment, len(data.classes)
    seen = [label for label in range(classes) if label != _held_out(e)]
    if len(seen) == classes and e.hold_out is not None:
        raise ExperimentError(
            f"hold_out must be one of the classes 0 to {classes - 1} of {e.dataset}, "
            f"got {e.hold_out}"
        )
    if isinstance(e, ConvExperiment) and e.scope == "class" and e.hidden < classes:
        raise ExperimentError(
            f"with scope 'class' every class has channels of its own: hidden must be at least {classes} "
            f"for {e.dataset}, got {e.hidden}"
        )
    shared: dict[str, Any] = e.model_dump(include={"activation", "goodness", "norm"})
    shared |= {"lit": data.lit, "seen": seen}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if isinstance(e, ConvExperiment):
            return ConvNetwork(
                data.shape,
                e.hidden,
                e.layers,
                classes,
                scope=e.scope,
                label=e.label,
                symmetric=e.loss == "symmetric",
                block=e.block,
                pooling=e.pooling,
                **shared,
            )
        assert isinstance(e, DenseExperiment)
        return Network(
            data.inputs,
            e.hidden,
            e.layers,
            classes,
            heads="every" if e.layerwise else "last",
            labelled=e.labelled,
            label_gain=e.label_gain,
            signs=e.signs,
            **shared,
        )


def _seen(experiment: Experiment, data: Dataset, split: str, most: int) -> tuple[Tensor, Tensor]:
    """Pixels and labels of the first images of a split, those of a held-out class left out."""
    labels = data.split(split).labels
    chosen = (labels != _held_out(experiment)).nonzero().squeeze(1)[:most]
    return data.pixels(split)[chosen], labels[chosen]


def _held_out(experiment: Experiment) -> int:
    """Return the held-out class, or a label that no image has."""
    return -1 if experiment.hold_out is None else experiment.hold_out


def _streams(seed: int) -> list[int]:
    """Seeds of the three streams of randomness: weights, negatives, and the order of examples."""
    return np.random.SeedSequence(seed).generate_state(3).tolist()
