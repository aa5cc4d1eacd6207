"""Where and how fast a training ran, as it is said of a run and in its record."""

from dataclasses import dataclass

__all__ = ["Circumstances"]


@dataclass(frozen=True)
class Circumstances:
    """Where and how fast a training ran.

    Parameters
    ----------
    device, processor : str
        Torch's name of the device and the maker's.
    threads : int
        CPU threads; results are equal bit for bit only for equal threads on one kind of device.
    precision : str
        Number format of the matrix products.
    seconds : float
        Time spent training, reading data and evaluating left out.
    together : int
        Runs trained side by side in that time.
    """

    device: str
    processor: str
    threads: int
    precision: str
    seconds: float
    together: int = 1
