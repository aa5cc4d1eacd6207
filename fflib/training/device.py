"""The device that trains: which one, what it does well, and how its work is handed to it."""

import platform
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor

from fflib.errors import ExperimentError, unknown

__all__ = ["Replay", "private_stream", "processor", "product_format", "resolve_device"]


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

    ``"mixed"`` is bfloat16; ``"auto"`` takes it where the device multiplies it in units of its own
    (tensor cores, or the matrix extension of recent Intel processors). Elsewhere it is no faster
    than float32, or slower.

    Examples
    --------
    >>> product_format("mixed", torch.device("cpu"))
    torch.bfloat16
    """
    if precision == "auto":
        match device.type:
            case "cuda":
                fast = torch.cuda.is_bf16_supported(including_emulation=False)
            case "cpu":
                fast = bool(torch.cpu.get_capabilities().get("amx_bf16"))
            case _:
                fast = False
        precision = "mixed" if fast else "float32"
    return torch.bfloat16 if precision == "mixed" else torch.float32


def processor(device: torch.device) -> str:
    """Return the maker's name of a device."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return torch.cpu.get_capabilities().get("cpu_name") or platform.processor()


def private_stream(device: torch.device) -> AbstractContextManager[object]:
    """Make a CUDA stream of its own current, which recording a graph needs; elsewhere, do nothing."""
    if device.type != "cuda":
        return nullcontext()
    stream = torch.cuda.Stream(device)
    stream.wait_stream(torch.cuda.current_stream(device))
    return torch.cuda.stream(stream)


class Replay:
    """A training step that a CUDA device replays as one graph, and other devices take directly.

    A step of these small networks is dozens of kernels, each shorter than its launch. Replaying
    launches them all at once. The step is called as ``step(runs, rows)``. It must work in place on
    tensors that stay where they are, and must not wait for the device.
    """

    EAGER = 2  # steps taken directly, in which kernels are loaded and Adam's moments made

    def __init__(self, step: Callable[[slice, Tensor], None]) -> None:
        self._step = step
        self._taken: dict[tuple[int, int, int], int] = {}
        self._graphs: dict[tuple[int, int, int], tuple[torch.cuda.CUDAGraph, Tensor]] = {}

    def __call__(self, runs: slice, rows: Tensor) -> None:
        """Take one step on ``rows``, shape (runs, batch)."""
        if rows.device.type != "cuda":
            self._step(runs, rows)
            return
        shape = (runs.start, runs.stop, rows.shape[1])
        self._taken[shape] = self._taken.get(shape, 0) + 1
        if self._taken[shape] <= self.EAGER:
            self._step(runs, rows)
            return
        if shape not in self._graphs:
            graph, static = torch.cuda.CUDAGraph(), rows.clone()
            with torch.cuda.graph(graph, stream=torch.cuda.current_stream()):
                self._step(runs, static)
            self._graphs[shape] = graph, static
        graph, static = self._graphs[shape]
        static.copy_(rows)
        graph.replay()
