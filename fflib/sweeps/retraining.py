"""Records put to the test: drawn at random, trained again from scratch, and compared.

Equal experiments give equal networks, bit for bit, on one kind of processor with one number of
threads, one version of torch and of fflib, and one number format. There, every metric and array of a record must
come out again. Elsewhere sums are rounded differently, differences grow during training, and the
result is at best another run of the same configuration, as another seed would give. There the two
must agree *within the spread of seeds*:

For every number that the claims rest on (accuracy; Hoyer sparseness and share of negative weights,
layer by layer) the recorded and the retrained run may differ by no more than two runs that differ
by chance alone: by the prediction interval for the difference of two runs
(:func:`fflib.statistics.prediction.allowed_difference`). The spread is estimated from the recorded
runs of the same configuration with *other* seeds, pooled over held-out classes. The record under
test is left out, since an altered one would widen its own allowance. The risk of missing an
allowance by chance, 5 % in all, is shared equally among all numbers compared, so that a
disagreement means something however many records are drawn.

A record that was made alone is trained again alone. One that was made beside others (its
circumstances say how many were trained together) may be trained beside others again, which need not
be the same: it is rounded differently, and compared within the spread of seeds.

The test is rather lenient: on another machine the same seed still starts from the same weights, so
that the two runs are closer than two seeds. Where other seeds leave fewer than two degrees of
freedom the spread cannot be estimated, and the comparison is *not decidable*.
"""

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from itertools import groupby
from typing import Literal

import numpy as np
import torch

from fflib.errors import ExperimentError
from fflib.experiment import Experiment
from fflib.records.stores import Record, Store
from fflib.statistics.prediction import allowed_difference
from fflib.sweeps.sweep import Outcome, sweep
from fflib.training.device import processor, product_format, resolve_device

__all__ = ["Comparison", "compare", "draw", "numbers", "relatives", "retrain"]

How = Literal["bit for bit", "seeds' spread", "not decidable", "not trained"]

RISK = 0.05
"""Chance that any allowance is missed although nothing is wrong, over all numbers compared."""

FREEDOM = 2
"""Degrees of freedom that a spread needs: with one, nearly everything would be allowed."""

BOTH = ("ff", "bp")
"""Models that a draw of two or more records includes."""


@dataclass(frozen=True)
class Comparison:
    """A record and the result of training its experiment again."""

    record: Record
    """The old one."""
    how: How
    agree: bool | None
    """None where it is not decidable."""
    why: str
    """The reason, in one sentence."""
    number: str = ""
    """The number that differs most, relative to its allowance."""
    difference: float = math.nan
    """Retrained minus recorded, in that number."""
    allowance: float = math.nan
    """How much it may differ either way; nan where it is not decidable."""

    def __str__(self) -> str:
        if not self.number:
            return self.why
        allowed = "" if math.isnan(self.allowance) else f" of ±{self.allowance:.2g} allowed"
        return f"{self.why}; {self.number} {self.difference:+.2g}{allowed}"


def draw(records: Iterable[Record], n: int, seed: int = 0) -> list[Record]:
    """Draw `n` records at random; two or more include at least one of FF and one of BP.

    Those that can be compared on this machine (see :func:`compare`) come first, with equal chances;
    others are drawn only where these do not suffice.

    Raises
    ------
    ExperimentError
        There are fewer records than asked for, or none of a model that must be among them.

    Examples
    --------
    >>> draw([], 0)
    []
    """
    everything = sorted(records, key=_key)
    if not 0 <= n <= len(everything):
        raise ExperimentError(
            f"cannot draw {n} records from a store of {len(everything)}: draw fewer"
        )
    order = np.random.default_rng(seed).permutation(len(everything))
    decidable = _decidable(everything)
    # The sort is stable: chance decides among those that can be compared, and among the others.
    places = sorted(order, key=lambda place: not decidable[place])
    shuffled = [everything[place] for place in places]
    drawn: list[Record] = []
    for model in BOTH if n >= len(BOTH) else ():
        of_model = [record for record in shuffled if record.experiment.model == model]
        if not of_model:
            raise ExperimentError(f"a draw must include {model}, and there is no record of it")
        drawn.append(of_model[0])
    taken = {_key(record) for record in drawn}
    return [*drawn, *(record for record in shuffled if _key(record) not in taken)][:n]


def relatives(record: Record, records: Iterable[Record]) -> list[list[Record]]:
    """Return the other recorded runs of a record's configuration, by the class held out.

    Runs of one list differ in their seed only; from list to list the held-out class differs.
    """
    groups: dict[int | None, list[Record]] = {}
    for other in records:
        if other.experiment != record.experiment and _kind(other) == _kind(record):
            groups.setdefault(other.experiment.hold_out, []).append(other)
    return list(groups.values())


def numbers(record: Record) -> dict[str, float]:
    """Return the numbers that are compared where bits need not agree.

    Examples
    --------
    >>> from fflib.study.plans.grids import planned
    >>> from fflib.records.stores import PUBLISHED
    >>> list(numbers(PUBLISHED.load(planned("main")[0])))[:3]
    ['accuracy', 'Hoyer, layer 1', 'Hoyer, layer 2']
    """
    layers = list(enumerate(record.metrics.layers, start=1))
    return {
        "accuracy": record.metrics.accuracy,
        **{f"Hoyer, layer {depth}": layer.hoyer for depth, layer in layers},
        **{f"negative weights, layer {depth}": layer.negative_weights for depth, layer in layers},
    }


def compare(
    record: Record, outcome: Outcome, records: Iterable[Record], *, among: int = 1
) -> Comparison:
    """Compare a record with its retraining, as the module says.

    A training that failed disagrees with any record. The spread of seeds is estimated from the
    other `records`; the risk of error is shared `among` so many records that are compared in all.
    """
    again = outcome.record
    if again is None:
        return Comparison(record, "not trained", False, f"training failed: {outcome.error}")
    then, now = numbers(record), numbers(again)
    differences = {
        name: 0.0 if math.isnan(then[name]) and math.isnan(now[name]) else now[name] - then[name]
        for name in then
    }
    if not (elsewhere := _elsewhere(record, again)):
        largest = max(differences, key=lambda name: abs(np.nan_to_num(differences[name])))
        parts = _unequal(record, again)
        why = f"not equal: {', '.join(parts)}" if parts else "every metric and array is equal"
        return Comparison(record, "bit for bit", not parts, why, largest, differences[largest], 0.0)
    groups = [[numbers(other) for other in group] for group in relatives(record, records)]
    confidence = 1 - RISK / (among * len(then))
    allowed = {
        name: allowed_difference([[run[name] for run in group] for group in groups], confidence)
        for name in then
    }
    excess = {name: _excess(differences[name], allowed[name]) for name in then}
    worst = max(excess, key=lambda name: excess[name])
    reason = f"{elsewhere}; {sum(map(len, groups))} other recorded runs of its kind"
    if _freedom(groups) < FREEDOM:
        why = f"{reason} are too few"
        return Comparison(record, "not decidable", None, why, worst, differences[worst])
    missed = [name for name in then if excess[name] > 1]
    why = f"outside their spread: {', '.join(missed)}" if missed else "within their spread"
    found = differences[worst], allowed[worst]
    return Comparison(record, "seeds' spread", not missed, f"{reason}, {why}", worst, *found)


def retrain(
    drawn: Sequence[Record], store: Store, *, jobs: int | None = None
) -> Iterator[tuple[Record, Outcome]]:
    """Train the experiments of records again, each with as many threads as before.

    Those that were trained alone are trained alone again.
    Yield each old record and how its new run ended. The store must hold no records of these
    experiments.
    """

    def how(record: Record) -> tuple[int, bool]:
        then = record.provenance.circumstances
        return then.threads, then.together > 1

    old = {record.experiment: record for record in drawn}
    for (threads, beside), group in groupby(sorted(drawn, key=how), how):
        together = None if beside else 1
        again = [r.experiment for r in group]
        for outcome in sweep(again, store, jobs=jobs, threads=threads, together=together):
            yield old[outcome.experiment], outcome


def _key(record: Record) -> str:
    return record.experiment.key


def _kind(record: Record) -> tuple[Experiment, bool]:
    """Return what runs have in common that differ by their seeds and held-out classes alone."""
    experiment = record.experiment.model_copy(update={"seed": 0, "hold_out": None})
    return experiment, record.experiment.hold_out is None


def _freedom(groups: Iterable[Sequence[object]]) -> int:
    return sum(len(group) - 1 for group in groups)


def _decidable(records: Sequence[Record]) -> list[bool]:
    """Say of each record whether its retraining on this machine can be compared, most likely."""
    device = resolve_device("auto")
    here = processor(device), torch.__version__, version("forward-forward-ensembles")
    kinds: dict[tuple[Experiment, bool], list[Record]] = {}
    for record in records:
        kinds.setdefault(_kind(record), []).append(record)

    def decidable(record: Record) -> bool:
        then = record.provenance.circumstances
        products = str(product_format(record.experiment.precision, device)).removeprefix("torch.")
        same = (then.processor, record.provenance.torch, record.provenance.version) == here
        others = relatives(record, kinds[_kind(record)])
        equal = same and then.precision.startswith(products) and then.together == 1
        return equal or _freedom(others) >= FREEDOM

    return [decidable(record) for record in records]


def _elsewhere(record: Record, again: Record) -> str:
    """Say what differs between the circumstances of two runs, so that bits need not agree."""

    def circumstances(run: Record) -> dict[str, str | int]:
        c = run.provenance.circumstances
        return {
            **{"processor": c.processor, "device": c.device, "threads": c.threads},
            **{"runs together": c.together, "precision": c.precision},
            **{"torch": run.provenance.torch, "fflib": run.provenance.version},
        }

    then, now = circumstances(record), circumstances(again)
    differ = [name for name in then if then[name] != now[name]]
    said = [f"{name} {then[name]} then and {now[name]} now" for name in differ]
    if then["runs together"] == now["runs together"] != 1:
        said.append(f"{now['runs together']} runs together, perhaps of other seeds")
    return ", ".join(said)


def _unequal(record: Record, again: Record) -> list[str]:
    """List the metrics and arrays of a record that did not come out again, bit for bit."""
    then, now = (json.loads(r.metrics.model_dump_json(by_alias=True)) for r in (record, again))
    parts = [name for name in then if then[name] is not None and then[name] != now[name]]

    def bits(arrays: dict[str, np.ndarray], name: str) -> tuple[object, ...] | None:
        a = arrays.get(name)
        return None if a is None else (a.dtype, a.shape, a.tobytes())

    arrays = sorted(record.arrays)
    unequal = [name for name in arrays if bits(record.arrays, name) != bits(again.arrays, name)]
    return [*parts, *(f"array {name}" for name in unequal)]


def _excess(difference: float, allowance: float) -> float:
    """Return a difference in units of what is allowed."""
    if math.isnan(difference):
        return math.inf
    if math.isnan(allowance) or allowance == 0:
        return math.inf if difference and allowance == 0 else abs(difference)
    return abs(difference) / allowance
