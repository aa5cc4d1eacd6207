"""One benchmark that measures training, a plain baseline and the device's own product rate."""

import math
import platform
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from statistics import median
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from fflib.bench.baseline import Plain, train_plainly, untrained
from fflib.bench.growth import growth
from fflib.bench.plan import FULL, SWIFT, Plan
from fflib.data import Dataset, load
from fflib.experiment import Experiment
from fflib.networks.dense import Network
from fflib.records.measure import summarise
from fflib.training.device import processor, product_format, product_rate, resolve_device
from fflib.training.run import Run
from fflib.training.train import train, train_together

__all__ = ["bench", "products"]


def bench(
    plan: Plan = FULL,
    report: Callable[[str], None] = lambda line: None,
    *,
    device: str = "cpu",
) -> dict[str, Any]:
    """Measure on a device; on the CPU, with as many threads as torch is set to.

    ``report`` is called with a line of text as each part begins. The result has ratios, each with
    ``median``, ``min`` and ``max`` over repeats, in the number format this machine is fast in:

    - ``speedup_same_work``, ``speedup_bp_ff``, ``speedup_bp``: how many times faster training is than
      the baseline with a data loader; ``speedup_resident``, for FF, with all data on the device, and
      ``speedup_together``, for each of several runs side by side, where that is planned;
    - ``speedup_to_accuracy``, ``speedup_predict``: the same to an accuracy, and of prediction;
    - ``ceiling_fraction``: share of the product rate that FF reaches;
    - ``measuring_fraction``: time to measure a run of FF for its record, over that of its training.

    There are the same in each format under ``float32`` and ``mixed``, the other format being
    measured once; what they were made from under ``seconds``, ``accuracy``, ``product_rate``
    (GFLOP/s) and ``step`` (µs); the rows of :func:`fflib.bench.growth`; and ``machine``, ``plan``.

    An unknown device is an ExperimentError.
    """
    place = resolve_device(device)
    data = load(plan.dataset)
    fast = "mixed" if product_format("auto", place) == torch.bfloat16 else "float32"
    formats = sorted(("float32", "mixed"), key=lambda precision: precision != fast)
    tally = _Tally()
    for repeat in range(plan.repeats):
        # The format that is not the machine's own is there to compare with, and measured once.
        measured = formats if repeat == 0 else formats[:1]
        for model, name in (("ff", "same_work"), ("bp-ff", "bp_ff"), ("bp", "bp")):
            report(f"repeat {repeat + 1} of {plan.repeats}: {model}")
            experiment = _experiment(plan, model, repeat)
            plain = train_plainly(experiment, data, place)
            tally.plain[experiment] = plain.seconds, plain.accuracy
            tally.note(f"{model}, plain", *tally.plain[experiment])
            for precision in measured:
                before = product_rate(product_format(precision, place), place)
                run = _train(experiment, precision, device)
                after = product_rate(product_format(precision, place), place)
                tally.note(f"{model}, {precision}", run.seconds, run.accuracy)
                tally.ratios[precision][f"speedup_{name}"].append(plain.seconds / run.seconds)
                if model == "ff":
                    _only_of_ff(run, precision, (before + after) / 2, tally)
    if plan.together:
        report(f"{plan.together[0]} runs side by side")
        _together(plan, *plan.together, data, formats, tally, device)
    report(f"time to an accuracy of {plan.accuracy}")
    epochs = _time_to_accuracy(plan, data, formats, tally, device)
    ratios = {precision: _spreads(tally.ratios[precision]) for precision in formats}
    return {
        **ratios[fast],
        "precision": fast,
        **ratios,
        "epochs_to_accuracy": epochs,
        "seconds": _spreads(tally.seconds),
        "accuracy": tally.accuracy,
        "growth": growth(
            plan.dataset,
            plan.growth,
            plan.growth_epochs,
            report=report,
            device=device,
            batch_size=plan.batch_size,
            hidden=plan.hidden,
        ),
        "product_rate": _spreads(tally.rates),
        "step": _spreads(tally.steps),
        "machine": {
            "device": str(place),
            "processor": processor(place),
            "threads": torch.get_num_threads(),
            "torch": torch.__version__,
            "platform": platform.platform(),
        },
        "plan": asdict(plan) | {"swift": SWIFT},
    }


class _Tally:
    """What has been measured so far."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = defaultdict(list)
        self.accuracy: dict[str, float] = {}
        self.ratios: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        self.rates: dict[str, list[float]] = defaultdict(list)
        self.steps: dict[str, list[float]] = defaultdict(list)
        self.plain: dict[Experiment, tuple[float, float]] = {}

    def note(self, name: str, seconds: float, accuracy: float | None = None) -> None:
        """Keep a time, and the accuracy of the first run of that name."""
        self.seconds[name].append(seconds)
        if accuracy is not None:
            self.accuracy.setdefault(name, accuracy)


def _only_of_ff(run: Run, precision: str, rate: float, tally: _Tally) -> None:
    """Note what is asked of Forward-Forward alone, of a run and of the baseline for the same work."""
    e, device = run.experiment, run.network.device
    ratios = tally.ratios[precision]
    resident = train_plainly(e, run.data, device, resident=True)
    tally.note("ff, plain and resident", resident.seconds, resident.accuracy)
    ratios["speedup_resident"].append(resident.seconds / run.seconds)
    ratios["ceiling_fraction"].append(products(e, run.data) / rate / run.seconds)
    tally.rates[precision].append(rate / 1e9)
    tally.steps[precision].append(1e6 * run.seconds / _steps(e, run.data))
    slow, quick = _prediction(run)
    tally.note("predict, plain", slow)
    tally.note(f"predict, {precision}", quick)
    ratios["speedup_predict"].append(slow / quick)
    started = time.perf_counter()
    summarise(replace(run))  # which has not predicted anything yet
    measuring = time.perf_counter() - started
    tally.note(f"measure, {precision}", measuring)
    ratios["measuring_fraction"].append(measuring / run.seconds)


def _together(
    plan: Plan,
    runs: int,
    batch_size: int,
    data: Dataset,
    formats: Sequence[str],
    tally: _Tally,
    device: str,
) -> None:
    """Time runs side by side, and the baseline for the same work as one of them."""
    seeds = [_with(_experiment(plan, "ff", s), batch_size=batch_size) for s in range(runs)]
    plain = train_plainly(seeds[0], data, resolve_device(device), resident=True)
    for precision in formats:
        asked = [_with(e, precision=precision) for e in seeds]
        trained = train_together(asked, device, progress=False)
        # Each has the time of all, and is trained to the end whether it learned or not.
        seconds = next(run.seconds for run in trained if isinstance(run, Run))
        name = f"{precision}, {runs} runs in batches of {batch_size}"
        tally.note(f"ff, {name}", seconds)
        tally.steps[name].append(1e6 * seconds / _steps(seeds[0], data))
        tally.ratios[precision]["speedup_together"].append(runs * plain.seconds / seconds)


def _time_to_accuracy(
    plan: Plan, data: Dataset, formats: Sequence[str], tally: _Tally, device: str
) -> dict[str, int]:
    """Time both versions until the accuracy is reached; return the epochs per layer it took."""
    usual = _experiment(plan, "ff", 0)
    # Where the baseline has not been timed yet, the epochs that it needs are found with the faster
    # trainers, which take the same steps.
    known = {experiment: accuracy for experiment, (_, accuracy) in tally.plain.items()}
    enough, _ = _first_to_reach(plan.accuracy, usual, plan.plain_epochs, formats[0], device, known)
    if enough not in tally.plain:
        plain = train_plainly(enough, data, resolve_device(device))
        tally.plain[enough] = plain.seconds, plain.accuracy
    slow, accuracy = tally.plain[enough]
    tally.note("to accuracy, plain", slow, accuracy)
    swift, run = _first_to_reach(
        plan.accuracy, _with(usual, **SWIFT), plan.swift_epochs, formats[0], device
    )
    for precision in formats:
        for _ in range(plan.repeats if precision == formats[0] else 1):
            run = run or _train(swift, precision, device)
            tally.note(f"to accuracy, {precision}", run.seconds, run.accuracy)
            tally.ratios[precision]["speedup_to_accuracy"].append(slow / run.seconds)
            run = None
    return {"plain": enough.epochs, "engine": swift.epochs}


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


def _steps(experiment: Experiment, data: Dataset) -> int:
    """Count the steps that Forward-Forward takes, layer after layer."""
    e = experiment
    return e.layers * e.epochs * math.ceil(len(data.train) / e.batch_size)


def _experiment(plan: Plan, model: str, seed: int) -> Experiment:
    """Return the authors' setting of a model, shortened."""
    return Experiment(
        model=model,
        dataset=plan.dataset,
        seed=seed,
        batch_size=plan.batch_size,
        hidden=plan.hidden,
        epochs=plan.epochs if model == "ff" else plan.backprop_epochs,
        schedule="constant",
    )


def _with(experiment: Experiment, **changes: Any) -> Experiment:
    return Experiment(**experiment.model_dump() | changes)


def _train(experiment: Experiment, precision: str, device: str) -> Run:
    return train(_with(experiment, precision=precision), device, progress=False)


def _first_to_reach(
    accuracy: float,
    experiment: Experiment,
    epochs: Iterable[int],
    precision: str,
    device: str,
    known: Mapping[Experiment, float] = MappingProxyType({}),
) -> tuple[Experiment, Run | None]:
    """Find the first length of training that reaches an accuracy, or else the last."""
    run = None
    for count in epochs:
        experiment = _with(experiment, epochs=count)
        run = None if experiment in known else _train(experiment, precision, device)
        if (run.accuracy if run else known[experiment]) >= accuracy:
            break
    return experiment, run


def _prediction(run: Run) -> tuple[float, float]:
    """Measure the seconds to predict the test set by the baseline and by the network, equal weights."""
    network = run.network
    assert isinstance(network, Network)
    pixels = run.data.pixels("test").to(network.device)
    plain = Plain(untrained(run.experiment, run.data, network.device), run.data)
    for layer, trained in zip(plain.network, network.layers, strict=True):
        layer.load_state_dict(trained.state_dict())
    return _seconds(lambda: plain.predict(pixels)), _seconds(lambda: network.predict(pixels))


def _seconds(work: Callable[[], Tensor]) -> float:
    work()  # the first time loads what later times find ready
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _spreads(values: Mapping[str, Sequence[float]]) -> dict[str, dict[str, float]]:
    return {
        name: {"median": median(numbers), "min": min(numbers), "max": max(numbers)}
        for name, numbers in values.items()
    }
