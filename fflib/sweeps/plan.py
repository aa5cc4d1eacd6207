"""What a sweep would take, before it begins: runs, time and space."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from statistics import fmean

from safetensors import safe_open

from fflib.errors import FflibError
from fflib.experiment import Experiment
from fflib.records.stores import Record, Store

__all__ = ["Cost", "Estimate", "Plan", "costs", "estimate", "plan"]

# The time that an epoch takes depends on everything but these.
FREE = {
    **{"seed": 0, "hold_out": None, "epochs": 1, "learning_rate": 1.0, "schedule": "constant"},
    **{"label_gain": 1.0, "theta": None, "epsilon": 1e-8, "weight_decay": 0.0},
}


@dataclass(frozen=True)
class Cost:
    """What a recorded run took: seconds of training, and bytes of its record."""

    seconds: float
    size: int


@dataclass(frozen=True)
class Estimate:
    """What runs will take."""

    seconds: float
    """Training time, one run after another, of the runs of whose kind some are recorded."""
    unknown: int
    """How many other runs there are."""
    size: float
    """Bytes of all their records; nan where nothing is recorded."""


@dataclass(frozen=True)
class Plan:
    """What is to be done for some experiments."""

    recorded: list[Experiment]
    """Those that have a whole record already."""
    failed: dict[Experiment, str]
    """Those that are known to fail, with the reason."""
    todo: list[Experiment]
    """Those that are to be trained."""
    damaged: list[str]
    """What is wrong with records that cannot be read; their experiments are to be trained again."""

    def __len__(self) -> int:
        return len(self.recorded) + len(self.failed) + len(self.todo)


def plan(experiments: Iterable[Experiment], *stores: Store, retry: bool = False) -> Plan:
    """Divide experiments into what is done and what is to do; read every record, move none.

    A record in any of the stores counts. Failures are noted in the first, and are to be tried again
    if `retry` says so.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from pathlib import Path
    >>> with TemporaryDirectory() as folder:
    ...     len(plan([Experiment(dataset="digits")], Store(Path(folder))).todo)
    1
    """
    planned = list(dict.fromkeys(experiments))
    recorded: dict[Experiment, None] = {}
    damaged = []
    for e, store in product(planned, stores):
        if e in store and e not in recorded:
            try:
                Record.from_file(store.path(e))
                recorded[e] = None
            except FflibError as error:
                damaged.append(str(error))
    noted = {} if retry else stores[0].failures()
    failed = {e: noted[e] for e in planned if e in noted and e not in recorded}
    todo = [e for e in planned if e not in recorded and e not in failed]
    return Plan(list(recorded), failed, todo, damaged)


def costs(store: Store) -> dict[Experiment, Cost]:
    """Return what the records of a store took, by their headers; unreadable ones are left out."""
    found = {}
    for path in store.paths():
        try:
            with safe_open(path, framework="numpy") as file:
                text = json.loads((file.metadata() or {})["record"])
            circumstances = text["provenance"]["circumstances"]
            seconds = float(circumstances["seconds"]) / int(circumstances.get("together", 1))
            found[Experiment(**text["experiment"])] = Cost(seconds, path.stat().st_size)
        except Exception:  # whatever is wrong with a file, only its cost is unknown
            continue
    return found


def estimate(todo: Iterable[Experiment], known: dict[Experiment, Cost]) -> Estimate:
    """Estimate time and space from the :func:`costs` of recorded runs of equal kind.

    Examples
    --------
    >>> short, long = (Experiment(dataset="digits", epochs=epochs) for epochs in (10, 30))
    >>> estimate([long], {short: Cost(4.0, 1000)})
    Estimate(seconds=12.0, unknown=0, size=1000.0)
    """
    by_kind: dict[Experiment, list[tuple[float, int]]] = {}
    for experiment, cost in known.items():
        if experiment.epochs:
            taken = by_kind.setdefault(_kind(experiment), [])
            taken.append((cost.seconds / experiment.epochs, cost.size))
    usual = fmean(cost.size for cost in known.values()) if known else float("nan")
    seconds, size, unknown = 0.0, 0.0, 0
    for experiment in todo:
        if taken := by_kind.get(_kind(experiment), []):
            seconds += experiment.epochs * fmean(each for each, _ in taken)
            size += fmean(each for _, each in taken)
        else:
            unknown += 1
            size += usual
    return Estimate(seconds, unknown, size)


def _kind(experiment: Experiment) -> Experiment:
    return experiment.model_copy(update=FREE)
