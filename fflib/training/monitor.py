"""What training reports while it runs: the learning curve, a progress bar, and an early alarm."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from tqdm.auto import tqdm

from fflib.errors import TrainingError

__all__ = ["Monitor"]

_TOO_FAST = "lower learning_rate, or choose a theta nearer to the goodness at the start"


class Monitor:
    """Follows a training: curve rows of every run, a progress bar, and the training clock.

    Parameters
    ----------
    runs : int
        Networks trained side by side.
    epochs : int
        Epochs in all, over all layers.
    accuracy : callable
        Called as ``accuracy(run, depth)``; accuracy of a network so far, on images that choose
        nothing. It is measured ever more rarely, and the time it takes is not training time.
    progress : bool
        Whether to show a bar (in a terminal or in JupyterLab).
    description : str
        What the bar stands for.
    device : torch.device
        Where the steps are counted.

    Attributes
    ----------
    curves : list of list of dict
        A row per epoch, for each run.
    failures : dict of int to TrainingError
        What went wrong, by run. Training goes on while any run is left.
    seconds : float
        Time spent training all runs.
    """

    def __init__(
        self,
        runs: int,
        epochs: int,
        accuracy: Callable[[int, int | None], float],
        *,
        progress: bool,
        description: str,
        device: torch.device,
    ) -> None:
        self.curves: list[list[dict[str, Any]]] = [[] for _ in range(runs)]
        self.failures: dict[int, TrainingError] = {}
        self.seconds = 0.0
        self._accuracy = accuracy
        # Only what is left out can be set by TQDM_DISABLE.
        silent = {} if progress else {"disable": True}
        self._bar = tqdm(total=epochs, desc=description, unit="epoch", **silent)
        # Sums over examples: loss, positive and negative goodness, pairs in order; then examples.
        precise = torch.float32 if device.type == "mps" else torch.float64
        self._totals = torch.zeros(runs, 5, device=device, dtype=precise)

    @contextmanager
    def epoch(self, layer: int | None, epoch: int, last: int, rate: float) -> Iterator[None]:
        """Time one epoch and write its curve rows; ``layer`` is None where all learn together."""
        self._totals.zero_()
        started = time.perf_counter()
        yield
        totals = self._totals.tolist()  # waits for the device, so the clock is honest
        self.seconds += time.perf_counter() - started
        where = "the network" if layer is None else f"layer {layer + 1}"
        measured = epoch == last or _is_checkpoint(epoch)
        for run, (*sums, examples) in enumerate(totals):
            loss, positive, negative, ordered = (total / examples for total in sums)
            if not math.isfinite(loss):
                self._fail(
                    run,
                    f"the loss of {where} is {loss} after epoch {epoch}, got learning_rate "
                    f"{rate:g}: {_TOO_FAST}",
                )
            accuracy = None
            if measured and run not in self.failures:
                accuracy = self._accuracy(run, None if layer is None else layer + 1)
                has_goodness = {"goodness": f"{positive:.2f}/{negative:.2f}"} if positive else {}
                self._bar.set_postfix(**has_goodness, acc=f"{accuracy:.3f}")
            self.curves[run].append(
                {
                    "layer": layer,
                    "epoch": epoch,
                    "seconds": self.seconds,
                    "loss": loss,
                    "positive": positive,
                    "negative": negative,
                    "ordered": ordered,
                    "accuracy": accuracy,
                }
            )
        self._bar.update()

    def count(self, runs: slice, loss: Tensor, goodness: Tensor | None, examples: int) -> None:
        """Add a step to the running epoch, without waiting for the device.

        The mean loss has shape (runs,) for the runs that took the step; the goodness of its images,
        where the model has one, shape (runs, 2, examples), positive first.
        """
        totals = self._totals[runs]
        totals[:, 0] += loss * examples
        if goodness is not None:
            totals[:, 1:3] += goodness.sum(-1)
            gap = goodness[:, 0] - goodness[:, 1]
            totals[:, 3] += 0.5 * (gap.sign() + 1).sum(-1)
        totals[:, 4] += examples

    def require_learning(self, layer: int | None, pairs: Sequence[int]) -> None:
        """Refuse a layer that separates positive from negative examples no better than a coin.

        The last epoch of each run saw so many pairs; a fair coin orders half of them, give or take
        three standard errors of 1 / (2 √pairs). Where no run is left, a TrainingError says what was
        seen and what to change.
        """
        where = "the network" if layer is None else f"layer {layer + 1}"
        for run, number in enumerate(pairs):
            row = next(row for row in reversed(self.curves[run]) if row["layer"] == layer)
            if row["positive"] == row["negative"] == 0:
                self._fail(
                    run, f"every unit of {where} is silent after {row['epoch']} epochs: {_TOO_FAST}"
                )
            if row["ordered"] < 0.5 + 1.5 / math.sqrt(number):
                self._fail(
                    run,
                    f"{where} cannot tell positive from negative examples: the positive one has "
                    f"the higher goodness in {row['ordered']:.1%} of {number} pairs (mean "
                    f"goodness {row['positive']:.3g} and {row['negative']:.3g}); train for more "
                    f"epochs, {_TOO_FAST}",
                )

    def _fail(self, run: int, message: str) -> None:
        """Keep what went wrong first with a run; stop where no run is left."""
        self.failures.setdefault(run, TrainingError(message))
        if len(self.failures) == len(self.curves):
            raise self.failures[run]

    def restore(
        self, curves: list[list[dict[str, Any]]], failures: dict[int, TrainingError], seconds: float
    ) -> None:
        """Go on from where another training of the same runs was."""
        self.curves, self.failures, self.seconds = curves, failures, seconds
        self._bar.update(len(curves[0]))

    def close(self) -> None:
        """Leave the bar as it stands."""
        self._bar.close()


def _is_checkpoint(epoch: int) -> bool:
    """1, 2, 3, 4, 6, 8, 12, 16, 24, ...: often while much changes, rarely afterwards."""
    return epoch & (epoch - 1) == 0 or (epoch % 3 == 0 and (epoch // 3) & (epoch // 3 - 1) == 0)
