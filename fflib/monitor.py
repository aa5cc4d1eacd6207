"""What training tells while it runs: the learning curve, the progress bar, and an early alarm."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor
from tqdm.auto import tqdm

from fflib.errors import TrainingError

__all__ = ["Monitor"]

_TOO_FAST = "lower learning_rate, or choose a theta nearer to the goodness at the start"


class Monitor:
    """Follows one training: a curve row per epoch, a progress bar, and the training clock.

    Parameters
    ----------
    epochs : int
        Epochs in all, over all layers.
    accuracy : callable
        Called as ``accuracy(depth)``; accuracy of the network so far, on images that choose
        nothing. It is asked ever more rarely, and the time it takes is not training time.
    progress : bool
        Whether to show a bar (in a terminal or in JupyterLab).
    description : str
        What the bar stands for.
    """

    def __init__(
        self,
        epochs: int,
        accuracy: Callable[[int | None], float],
        *,
        progress: bool,
        description: str,
    ) -> None:
        self.curve: list[dict[str, Any]] = []
        self.seconds = 0.0
        self._accuracy = accuracy
        # Only what is left out can be set by TQDM_DISABLE.
        silent = {} if progress else {"disable": True}
        self._bar = tqdm(total=epochs, desc=description, unit="epoch", **silent)
        self._totals: Tensor | None = None

    @contextmanager
    def epoch(self, layer: int | None, epoch: int, last: int, rate: float) -> Iterator[None]:
        """Time one epoch and write its curve row; ``layer`` is None where all learn together."""
        self._totals = None
        started = time.perf_counter()
        yield
        assert self._totals is not None
        totals = self._totals.tolist()  # waits for the device, so the clock is honest
        self.seconds += time.perf_counter() - started
        examples = totals.pop()
        loss, positive, negative, ordered = (total / examples for total in totals)
        where = "the network" if layer is None else f"layer {layer + 1}"
        if not math.isfinite(loss):
            raise TrainingError(
                f"the loss of {where} is {loss} after epoch {epoch}, got learning_rate {rate:g}: "
                f"{_TOO_FAST}"
            )
        row = {
            "layer": layer,
            "epoch": epoch,
            "seconds": self.seconds,
            "loss": loss,
            "positive": positive,
            "negative": negative,
            "ordered": ordered,
            "accuracy": None,
        }
        if epoch == last or _is_checkpoint(epoch):
            row["accuracy"] = self._accuracy(None if layer is None else layer + 1)
            self._bar.set_postfix(goodness=f"{positive:.2f}/{negative:.2f}", acc=row["accuracy"])
        self.curve.append(row)
        self._bar.update()

    def count(self, loss: Tensor, goodness: Tensor | None, examples: int) -> None:
        """Add a step to the running epoch, without waiting for the device.

        Parameters
        ----------
        loss : Tensor, shape ()
            Mean loss of the step.
        goodness : Tensor of shape (2, n) or None
            Goodness of positive and negative examples, where the model has one.
        examples : int
            Number of images in the step.
        """
        row = loss.new_zeros(5)
        row[0] = loss * examples
        if goodness is not None:
            row[1:3] = goodness.sum(-1)
            gap = goodness[0] - goodness[1]
            row[3] = 0.5 * (gap.sign() + 1).sum()
        row[4] = examples
        if row.device.type != "mps":  # which has no double precision
            row = row.double()
        self._totals = row if self._totals is None else self._totals + row

    def require_learning(self, layer: int | None, pairs: int) -> None:
        """Refuse a layer that tells positive from negative no better than a coin.

        Parameters
        ----------
        layer : int or None
            Which layer has just been trained.
        pairs : int
            Number of pairs its last epoch saw; a fair coin orders half of them, give or take
            three standard errors of 1 / (2 √pairs).

        Raises
        ------
        TrainingError
            With what was seen and what to change.
        """
        row = self.curve[-1]
        where = "the network" if layer is None else f"layer {layer + 1}"
        if row["positive"] == row["negative"] == 0:
            raise TrainingError(
                f"every unit of {where} is silent after {row['epoch']} epochs: {_TOO_FAST}"
            )
        if row["ordered"] < 0.5 + 1.5 / math.sqrt(pairs):
            raise TrainingError(
                f"{where} cannot tell positive from negative examples: the positive one has the "
                f"higher goodness in {row['ordered']:.1%} of {pairs} pairs (mean goodness "
                f"{row['positive']:.3g} and {row['negative']:.3g}); train for more epochs, "
                f"{_TOO_FAST}"
            )

    def close(self) -> None:
        """Leave the bar as it stands."""
        self._bar.close()


def _is_checkpoint(epoch: int) -> bool:
    """1, 2, 3, 4, 6, 8, 12, 16, 24, ...: often while much changes, rarely afterwards."""
    return epoch & (epoch - 1) == 0 or (epoch % 3 == 0 and (epoch // 3) & (epoch // 3 - 1) == 0)
