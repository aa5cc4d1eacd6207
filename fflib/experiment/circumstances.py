"""Where and how fast a training ran, as it is said of a run and in its record."""

from dataclasses import dataclass

__all__ = ["Circumstances"]


@dataclass(frozen=True)
class Circumstances:
    """Where and how fast a training ran."""

    device: str
    """Torch's name of the device."""
    processor: str
    """The maker's name of the device."""
    threads: int
    """CPU threads; results are equal bit for bit only for equal threads on one kind of device."""
    precision: str
    """Number format of the matrix products."""
    seconds: float
    """Time spent training, reading data and evaluating left out."""
    together: int = 1
    """Runs trained side by side in that time."""
