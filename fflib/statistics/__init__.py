"""Statistics over training runs: the unit of statistics is the run, never the test image."""

from fflib.statistics.corrections import holm
from fflib.statistics.intervals import Interval, known_interval, mean_interval, paired_interval
from fflib.statistics.permutations import Mantel, mantel, orderings, permutations_needed

__all__ = [
    "Interval",
    "Mantel",
    "holm",
    "known_interval",
    "mantel",
    "mean_interval",
    "orderings",
    "paired_interval",
    "permutations_needed",
]
