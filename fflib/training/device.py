"""The device that trains: which one, what it does well, and how its work is handed to it."""

import ctypes
import math
import platform
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache, partial

import torch
from torch import Tensor

from fflib.errors import ExperimentError, unknown

__all__ = [
    "Replay",
    "keep_memory",
    "private_stream",
    "processor",
    "product_format",
    "product_rate",
    "recorded",
    "resolve_device",
]

# How many times faster products in bfloat16 must be to be chosen. What is around them takes longer
# then, since it is converted to and fro; and where both are alike, noise must not decide.
GAIN = 1.5

# Options of glibc's mallopt: how many pieces of memory may come from outside the heap, how much may lie free at
# its end (without limit), and by how much it grows.
MALLOC = {-4: 0, -1: -1, -2: 64 << 20}


def resolve_device(name: str) -> torch.device:
    """Return the device of a name; ``"auto"`` takes the fastest kind this machine has.

    An unknown name, or a device that is not here, raises an ExperimentError.
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


def product_format(precision: str, device: torch.device) -> torch.dtype:
    """Choose the number format of the matrix products.

    ``"mixed"`` is bfloat16. ``"auto"`` takes it where the device multiplies it much faster than
    float32, which is measured once per process, device and number of threads.

    Examples
    --------
    >>> product_format("mixed", torch.device("cpu"))
    torch.bfloat16
    """
    if precision == "auto":
        return _fastest_format(device, torch.get_num_threads())
    return torch.bfloat16 if precision == "mixed" else torch.float32


@lru_cache(maxsize=8)
def _fastest_format(device: torch.device, threads: int) -> torch.dtype:
    rates = {each: product_rate(each, device, 0.1) for each in (torch.float32, torch.bfloat16)}
    return torch.bfloat16 if rates[torch.bfloat16] > GAIN * rates[torch.float32] else torch.float32


def product_rate(products: torch.dtype, device: torch.device, seconds: float = 0.3) -> float:
    """Measure how fast a device multiplies large matrices in a number format.

    The product is repeated for so many seconds, at least twice. The rate is that of the fastest,
    since whatever else the machine does slows the others down. It is in floating-point operations
    per second, and 0 where the device does not know the format.

    Examples
    --------
    >>> product_rate(torch.float32, torch.device("cpu"), seconds=0.01) > 0
    True
    """
    # As many rows as keep the device busy; an accelerator would be idle between smaller products.
    rows, width = (512 if device.type == "cpu" else 16384), 784
    try:
        x = torch.ones(rows, width, dtype=products, device=device)
        weight = torch.ones(width, width, dtype=products, device=device)
        float((x @ weight)[0, 0])  # the first product loads what later ones find ready
    except (RuntimeError, TypeError):
        return 0.0
    fastest = math.inf
    end = time.perf_counter() + seconds
    while fastest == math.inf or time.perf_counter() < end:
        started = time.perf_counter()
        float((x @ weight)[0, 0])  # reading a number waits for the device
        fastest = min(fastest, time.perf_counter() - started)
    return 2 * rows * width**2 / fastest


def processor(device: torch.device) -> str:
    """Return the maker's name of a device."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return torch.cpu.get_capabilities().get("cpu_name") or platform.processor()


def keep_memory() -> None:
    """Have the memory of a tensor that is gone used by the next, where the C library is glibc.

    Otherwise memory of this size goes back to the system as often as not. A training step makes and
    frees the same tensors over and over, and pages that come new from the system each time take up
    to half of its time.
    """
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        for option, size in MALLOC.items():
            libc.mallopt(option, size)


def private_stream(device: torch.device) -> AbstractContextManager[object]:
    """Make a CUDA stream of its own current, which recording a graph needs; elsewhere, do nothing."""
    if device.type != "cuda":
        return nullcontext()
    stream = torch.cuda.Stream(device)
    stream.wait_stream(torch.cuda.current_stream(device))
    return torch.cuda.stream(stream)


def recorded(step: Callable[[], None]) -> Callable[[], None]:
    """Record a step as a CUDA graph, without taking it, and return what takes it."""
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=torch.cuda.current_stream()):
        step()
    return graph.replay


class Replay:
    """A training step that a CUDA device replays as one graph, and other devices take directly.

    A step of these small networks is dozens of kernels, each shorter than its launch. Replaying
    launches them all at once. The step is called as ``step(runs, rows)``. It must work in place on
    tensors that stay where they are, and must not wait for the device. ``record`` makes of a step
    without arguments what replays it; by default :func:`recorded`, where the device is CUDA.
    """

    EAGER = 2  # steps taken directly, in which kernels are loaded and Adam's moments made

    def __init__(
        self,
        step: Callable[[slice, Tensor], None],
        record: Callable[[Callable[[], None]], Callable[[], None]] | None = None,
    ) -> None:
        self._step, self._record = step, record
        self._taken: dict[tuple[int, int, int], int] = {}
        self._replays: dict[tuple[int, int, int], tuple[Callable[[], None], Tensor]] = {}

    def __call__(self, runs: slice, rows: Tensor) -> None:
        """Take one step on ``rows``, shape (runs, batch)."""
        record = self._record or (recorded if rows.device.type == "cuda" else None)
        if record is None:
            self._step(runs, rows)
            return
        shape = (runs.start, runs.stop, rows.shape[1])
        self._taken[shape] = self._taken.get(shape, 0) + 1
        if self._taken[shape] <= self.EAGER:
            self._step(runs, rows)
            return
        if shape not in self._replays:
            static = rows.clone()
            self._replays[shape] = record(partial(self._step, runs, static)), static
        replay, static = self._replays[shape]
        static.copy_(rows)
        replay()
