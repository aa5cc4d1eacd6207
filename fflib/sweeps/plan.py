"""What a sweep would take, told before it begins: runs, time and space."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean

from safetensors import SafetensorError, safe_open

from fflib.errors import FflibError
from fflib.experiment import Experiment
from fflib.records.stores import Record, Store

__all__ = ["Cost", "Estimate", "Plan", "costs", "estimate", "plan"]

# What a training takes by the epoch depends on everything but these.
FREE = {
    "seed": 0,
    "hold_out": None,
    "epochs": 1,
    "learning_rate": 1.0,
    "schedule": "constant",
    "label_gain": 1.0,
    "theta": None,
}


@dataclass(frozen=True)
class Cost:
    """What a recorded run took: seconds of training, and bytes of its record."""

    seconds: float
    size: int


@dataclass(frozen=True)
class Estimate:
    """What runs will take.

    Parameters
    ----------
    seconds : float
        Training time, one run after another, of those of which runs of equal kind are recorded.
    unknown : int
        How many runs there are besides.
    size : float
        Bytes of their records; nan where nothing is recorded to go by.
    """

    seconds: float
    unknown: int
    size: float


@dataclass(frozen=True)
class Plan:
    """What is to be done for some experiments.

    Parameters
    ----------
    recorded : list of Experiment
        They have a whole record already.
    failed : dict of Experiment to str
        They are known to fail, for the reason given.
    todo : list of Experiment
    damaged : list of str
        What is wrong with records that cannot be read; their runs are to be done again.
    """

    recorded: list[Experiment]
    failed: dict[Experiment, str]
    todo: list[Experiment]
    damaged: list[str]

    def __len__(self) -> int:
        return len(self.recorded) + len(self.failed) + len(self.todo)


def plan(experiments: Iterable[Experiment], *stores: Store, retry: bool = False) -> Plan:
    """Divide experiments into what is done and what is to do; every record is read, none moved.

    Parameters
    ----------
    experiments : iterable of Experiment
    *stores : Store
        A record in any of them will do. Failures are noted in the first.
    retry : bool
        Do also what is known to fail.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from pathlib import Path
    >>> with TemporaryDirectory() as folder:
    ...     len(plan([Experiment(dataset="digits")], Store(Path(folder))).todo)
    1
    """
    planned = list(dict.fromkeys(experiments))
    recorded, damaged = [], []
    for e in planned:
        for store in stores:
            if e in store:
                try:
                    Record.from_file(store.path(e))
                except FflibError as error:
                    damaged.append(str(error))
                else:
                    recorded.append(e)
                    break
    done = set(recorded)
    noted = {} if retry else stores[0].failures()
    failed = {e: noted[e] for e in planned if e in noted and e not in done}
    todo = [e for e in planned if e not in done and e not in failed]
    return Plan(recorded, failed, todo, damaged)


def costs(store: Store) -> dict[Experiment, Cost]:
    """What the records of a store took, by their headers alone; unreadable ones are left out."""
    found = {}
    for path in store.paths():
        try:
            with safe_open(path, framework="numpy") as file:
                text = json.loads((file.metadata() or {})["record"])
            circumstances = text["provenance"]["circumstances"]
            seconds = float(circumstances["seconds"]) / int(circumstances.get("together", 1))
            found[Experiment(**text["experiment"])] = Cost(seconds, path.stat().st_size)
        except (
            SafetensorError, OSError, KeyError, TypeError, ValueError, ArithmeticError,
            AttributeError, RecursionError, FflibError,
        ):  # fmt: skip
            continue
    return found


def estimate(todo: Iterable[Experiment], known: dict[Experiment, Cost]) -> Estimate:
    """Time and space by the recorded runs that differ in nothing that these depend on.

    Parameters
    ----------
    todo : iterable of Experiment
    known : dict of Experiment to Cost
        See :func:`costs`.

    Examples
    --------
    >>> short, long = (Experiment(dataset="digits", epochs=epochs) for epochs in (10, 30))
    >>> estimate([long], {short: Cost(4.0, 1000)})
    Estimate(seconds=12.0, unknown=0, size=1000.0)
    """
    by_kind: dict[Experiment, list[tuple[float, int]]] = {}
    for experiment, cost in known.items():
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
