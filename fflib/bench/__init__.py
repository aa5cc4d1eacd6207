"""How fast training is, beside a plain baseline and beside what the machine can do."""

from fflib.bench.growth import growth
from fflib.bench.measure import bench
from fflib.bench.plan import CARD, FULL, QUICK, Plan, planned

__all__ = ["CARD", "FULL", "QUICK", "Plan", "bench", "growth", "planned"]
