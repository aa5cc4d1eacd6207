"""What a benchmark measures: in full, in some minutes, or on a card."""

from dataclasses import dataclass, field, replace
from typing import Any

from fflib.bench.growth import AXES
from fflib.training.device import resolve_device

__all__ = ["CARD", "FULL", "QUICK", "SWIFT", "Plan", "planned"]

# What ``fflib search --short`` chose on validation data; its records are in data/searches.
SWIFT: dict[str, Any] = {
    "schedule": "constant",
    "negatives": "hard",
    "batch_size": 32,
    "learning_rate": 0.01,
}


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
        Epochs per layer to try, in order, until that accuracy is reached: under ``SWIFT``, and by
        the baseline under the authors' settings.
    dataset : str
        What is trained on.
    batch_size, hidden : int
        Of training under the authors' settings: examples per step, and units per layer.
    together : tuple of int, optional
        Runs of FF that are trained side by side, and their examples per step.
    growth : dict of str to tuple of int
        The axes of :func:`fflib.bench.growth`.
    growth_epochs : int
        Epochs per layer at each of their points.
    """

    epochs: int = 8
    backprop_epochs: int = 3
    repeats: int = 3
    accuracy: float = 0.944
    swift_epochs: tuple[int, ...] = (2, 3, 4, 6)
    plain_epochs: tuple[int, ...] = (30, 40, 60)
    dataset: str = "mnist"
    batch_size: int = 512
    hidden: int = 784
    together: tuple[int, int] | None = None
    growth: dict[str, tuple[int, ...]] = field(default_factory=lambda: AXES)
    growth_epochs: int = 2


FULL = Plan()
QUICK = Plan(
    epochs=2,
    backprop_epochs=1,
    repeats=1,
    accuracy=0.88,
    swift_epochs=(1, 2),
    plain_epochs=(2, 3),
    growth={},
)
# On a card all but the baseline is over soon, and what grows is runs side by side.
CARD = Plan(
    epochs=6,
    backprop_epochs=3,
    repeats=2,
    accuracy=0.9,
    swift_epochs=(1, 2),
    plain_epochs=(4, 6),
    together=(10, 1024),
    growth={"hidden": (784, 1568), "runs": (1, 10, 20)},
)


def planned(device: str, *, quick: bool) -> Plan:
    """Return what is measured on a device, in full or in a few minutes.

    Examples
    --------
    >>> planned("cpu", quick=True) == QUICK
    True
    """
    if resolve_device(device).type == "cpu":
        return QUICK if quick else FULL
    side_by_side = {"runs": CARD.growth["runs"]}
    full = replace(FULL, together=CARD.together, growth=FULL.growth | side_by_side)
    return CARD if quick else full
