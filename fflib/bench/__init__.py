"""How fast training is, beside a plain baseline and beside what the machine can do."""

from fflib.bench.growth import growth
from fflib.bench.measure import CARD, FULL, QUICK, Plan, bench, planned

__all__ = ["CARD", "FULL", "QUICK", "Plan", "bench", "growth", "planned"]
