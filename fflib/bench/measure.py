"""One run that measures the engine, a plain baseline and the machine's own product rate."""

import platform
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

import torch
from torch import Tensor

from fflib.bench.baseline import Plain, train_plainly
from fflib.data import Dataset, load
from fflib.device import processor, product_format
from fflib.experiment import Experiment
from fflib.run import Run
from fflib.training import train

__all__ = ["FULL", "QUICK", "SWIFT", "Plan", "bench", "product_rate", "products"]

CPU = torch.device("cpu")

# Smaller batches take more steps an epoch. No search on record backs these values yet.
SWIFT: dict[str, Any] = {"batch_size": 128, "learning_rate": 0.01, "schedule": "constant"}


@dataclass(frozen=True)
class Plan:
    """How much is measured.

    Parameters
    ----------
    epochs : int
        Epochs per layer of FF, for the same work in all versions.
    backprop_epochs : int
        Epochs of BP/FF and BP.
    repeats : int
        Times each version is timed, in turn with the others.
    accuracy : float
        Test accuracy whose time is asked.
    swift_epochs, plain_epochs : tuple of int
        Epochs per layer to try, in order, until that accuracy is reached: by the engine under
        ``SWIFT``, and by the baseline under the authors' settings.
    dataset : str
    batch_size : int
    """

    epochs: int = 30
    backprop_epochs: int = 5
    repeats: int = 3
    accuracy: float = 0.944
    swift_epochs: tuple[int, ...] = (6, 8, 10, 12, 16)
    plain_epochs: tuple[int, ...] = (20, 30, 40, 60)
    dataset: str = "mnist"
    batch_size: int = 512


FULL = Plan()
QUICK = Plan(
    epochs=2,
    backprop_epochs=1,
    repeats=1,
    accuracy=0.88,
    swift_epochs=(2, 3),
    plain_epochs=(2, 3, 4),
)


def bench(plan: Plan = FULL, tell: Callable[[str], None] = lambda line: None) -> dict[str, Any]:
    """Measure on the CPU, with as many threads as torch is set to.

    Parameters
    ----------
    plan : Plan
    tell : callable
        Called with a line of text as each part begins.

    Returns
    -------
    dict
        The ratios ``speedup_same_work``, ``ceiling_fraction``, ``speedup_to_accuracy``,
        ``speedup_predict``, ``speedup_bp_ff`` and ``speedup_bp``, each with ``median``, ``min``
        and ``max`` over repeats, in the number format this machine is fast in; the same in each
        format under ``float32`` and ``mixed``; what they were made from under ``seconds``,
        ``accuracy``, ``product_rate`` (GFLOP/s); and ``machine``, ``plan``.
    """
    data = load(plan.dataset)
    formats = ("float32", "mixed")
    default = "mixed" if product_format("auto", CPU) == torch.bfloat16 else "float32"
    seconds: dict[str, list[float]] = {}
    accuracy: dict[str, float] = {}
    ratios: dict[str, dict[str, list[float]]] = {name: {} for name in formats}
    rates: dict[str, list[float]] = {name: [] for name in formats}

    def note(name: str, value: float) -> float:
        seconds.setdefault(name, []).append(value)
        return value

    def ratio(precision: str, name: str, value: float) -> None:
        ratios[precision].setdefault(name, []).append(value)

    for repeat in range(plan.repeats):
        for model, name in (("ff", "same_work"), ("bp-ff", "bp_ff"), ("bp", "bp")):
            tell(f"repeat {repeat + 1} of {plan.repeats}: {model}")
            experiment = _experiment(plan, model, repeat)
            plain = train_plainly(experiment, data)
            note(f"{model}, plain", plain.seconds)
            accuracy.setdefault(f"{model}, plain", _share_right(plain, data))
            for precision in formats:
                before = product_rate(precision)
                run = _engine(experiment, precision)
                rate = (before + product_rate(precision)) / 2
                note(f"{model}, {precision}", run.seconds)
                accuracy.setdefault(f"{model}, {precision}", run.accuracy)
                ratio(precision, f"speedup_{name}", plain.seconds / run.seconds)
                if model == "ff":
                    rates[precision].append(rate)
                    floor = products(experiment, data) / rate
                    ratio(precision, "ceiling_fraction", floor / run.seconds)
                    slow, fast = _prediction(run)
                    note("predict, plain", slow)
                    ratio(precision, "speedup_predict", slow / note(f"predict, {precision}", fast))

    tell(f"time to an accuracy of {plan.accuracy}")
    plain_epochs = _epochs_needed(plan, _experiment(plan, "ff", 0), plan.plain_epochs, default)
    reached = train_plainly(_with(_experiment(plan, "ff", 0), epochs=plain_epochs), data)
    slow = note("to accuracy, plain", reached.seconds)
    accuracy["to accuracy, plain"] = _share_right(reached, data)
    swift = _with(_experiment(plan, "ff", 0), **SWIFT)
    swift_epochs = _epochs_needed(plan, swift, plan.swift_epochs, default)
    for precision in formats:
        for _ in range(plan.repeats):
            run = _engine(_with(swift, epochs=swift_epochs), precision)
            accuracy.setdefault(f"to accuracy, {precision}", run.accuracy)
            fast = note(f"to accuracy, {precision}", run.seconds)
            ratio(precision, "speedup_to_accuracy", slow / fast)
    spread = {name: _spreads(ratios[name]) for name in formats}
    return {
        **spread[default],
        "precision": default,
        **spread,
        "epochs_to_accuracy": {"plain": plain_epochs, "engine": swift_epochs},
        "seconds": _spreads(seconds),
        "accuracy": accuracy,
        "product_rate": {n: _spread(r / 1e9 for r in v) for n, v in rates.items()},
        "machine": {
            "processor": processor(CPU),
            "threads": torch.get_num_threads(),
            "torch": torch.__version__,
            "platform": platform.platform(),
        },
        "plan": asdict(plan),
    }


def product_rate(precision: str, seconds: float = 0.3) -> float:
    """Rate of a large matrix product on this machine, in floating-point operations per second.

    Parameters
    ----------
    precision : {"float32", "mixed"}
    seconds : float
        How long to measure.
    """
    rows, width = 4096, 784
    x = torch.ones(rows, width, dtype=product_format(precision, CPU))
    weight = torch.ones(width, width, dtype=x.dtype)
    result = x @ weight
    times = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        started = time.perf_counter()
        torch.mm(x, weight, out=result)
        times.append(time.perf_counter() - started)
    return 2 * rows * width**2 / median(times)


def products(experiment: Experiment, data: Dataset) -> float:
    """Floating-point operations of the matrix products that Forward-Forward cannot do without.

    Each example passes a layer forwards and once more for the gradient of the weights. A pair
    shares its image in the first layer; higher up it is two examples.

    Examples
    --------
    >>> experiment = Experiment(dataset="digits", epochs=1, layers=1)
    >>> products(experiment, load("digits")) == 2 * 2 * 1437 * 784**2
    True
    """
    e, n = experiment, len(data.train)
    first = 2 * 2 * n * data.inputs * e.hidden
    higher = 2 * 2 * 2 * n * e.hidden**2
    return e.epochs * (first + (e.layers - 1) * higher)


def _experiment(plan: Plan, model: str, seed: int) -> Experiment:
    """The authors' setting of a model, shortened."""
    return Experiment(
        model=model,
        dataset=plan.dataset,
        seed=seed,
        batch_size=plan.batch_size,
        epochs=plan.epochs if model == "ff" else plan.backprop_epochs,
        schedule="constant",
    )


def _with(experiment: Experiment, **changes: Any) -> Experiment:
    return Experiment(**experiment.model_dump() | changes)


def _engine(experiment: Experiment, precision: str) -> Run:
    return train(_with(experiment, precision=precision), device="cpu", progress=False)


def _epochs_needed(
    plan: Plan, experiment: Experiment, candidates: Iterable[int], precision: str
) -> int:
    """The first number of epochs with which the engine reaches the accuracy, or the last."""
    epochs = 0
    for epochs in candidates:
        if _engine(_with(experiment, epochs=epochs), precision).accuracy >= plan.accuracy:
            break
    return epochs


def _prediction(run: Run) -> tuple[float, float]:
    """Seconds to predict the test set label by label, and by the engine, with equal weights."""
    pixels = run.data.pixels("test")
    plain = Plain(list(run.network.layers), run.data, labelled=True)
    return _seconds(lambda: plain.predict(pixels)), _seconds(lambda: run.network.predict(pixels))


def _seconds(work: Callable[[], Tensor]) -> float:
    work()  # the first time loads what later times find ready
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _share_right(plain: Plain, data: Dataset) -> float:
    predicted = plain.predict(data.pixels("test"))
    return float((predicted == data.test.labels).double().mean())


def _spread(values: Iterable[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {"median": median(ordered), "min": ordered[0], "max": ordered[-1]}


def _spreads(values: dict[str, list[float]]) -> dict[str, dict[str, float]]:
    return {name: _spread(numbers) for name, numbers in values.items()}
