"""What a sweep says before and while it runs: its plan, a line for each run, and how to go on."""

import sys
from collections.abc import Iterable, Iterator
from threading import Lock
from typing import TYPE_CHECKING, Any

from typer import Exit, echo

from fflib.cli.output import duration, numbers

if TYPE_CHECKING:
    from fflib.experiment import Experiment
    from fflib.records.stores import Store
    from fflib.sweeps.plan import Estimate, Plan
    from fflib.sweeps.sweep import Outcome
    from fflib.sweeps.worker import Progress

__all__ = ["end", "expected_size", "expected_time", "follow", "headline"]

SHOWN = 8  # runs that have a bar of their own at a time


def headline(plan: "Plan", store: "Store") -> str:
    """Say how many runs there are, and how many of them are done."""
    noted = f"{len(plan.failed)} known to fail, " if plan.failed else ""
    return (
        f"{len(plan)} runs: {len(plan.recorded)} recorded in {store.folder}, "
        f"{noted}{len(plan.todo)} to train"
    )


def expected_time(runs: int, expected: "Estimate", jobs: int = 1) -> str:
    """Say how long the training of some runs takes."""
    if expected.unknown == runs:
        return "training time: unknown, since no run of these kinds is recorded"
    rest = shared = ""
    if expected.unknown:
        rest = f"; unknown for {expected.unknown} runs, of whose kind none is recorded"
    if jobs > 1:
        shared = f", {duration(expected.seconds / jobs)} on {jobs} workers"
    return (
        f"training time: about {duration(expected.seconds)} one run after another{shared}, as long "
        f"as the recorded ones took{rest}"
    )


def expected_size(expected: "Estimate") -> str:
    """Say how much the store will grow."""
    if expected.size != expected.size:  # nan: there is no record to go by
        return "store: of unknown size, since nothing is recorded"
    return f"store: about {expected.size / 1e6:.1f} MB more"


def follow(
    todo: "list[Experiment]", store: "Store", *, err: bool = False, **options: Any
) -> "Iterator[Outcome]":
    """Train with a line for each run, on stderr if `err`, by the options of a sweep.

    What is there already but cannot be read is set aside.
    """
    from fflib.errors import RecordError, SweepError
    from fflib.records.sealed import DamagedRecord
    from fflib.sweeps.sweep import sweep

    for experiment in todo:
        store.forget_failure(experiment)
        if experiment in store:
            try:
                store.load(experiment)  # another sweep may have made it since it was looked for
            except DamagedRecord:
                pass  # it has been set aside
            except RecordError:
                store.set_aside(store.path(experiment))
    done = 0
    bars = Bars(len(todo))
    outcomes = sweep(todo, store, say=bars.say, watch=bars.watch, **options)
    try:
        for done, outcome in enumerate(outcomes, 1):
            line = f"[{done}/{len(todo)}] {outcome.experiment}: {_result(outcome)}"
            bars.ended(str(outcome.experiment), line, err=err)
            yield outcome
    except KeyboardInterrupt:
        bars.close()
        echo(
            f"interrupted: {done} of {len(todo)} runs are done and their records in "
            f"{store.folder}; the same command goes on from there",
            err=True,
        )
        raise Exit(130) from None
    except SweepError as error:
        bars.close()
        raise SweepError(f"{error} ({done} of {len(todo)} runs were done)") from None
    finally:
        bars.close()


def end(outcomes: "Iterable[Outcome]") -> None:
    """Print the runs that failed and end the command, with 1 if there are any."""
    failed = [outcome for outcome in outcomes if outcome.record is None]
    for outcome in failed:
        echo(f"failed: {outcome.experiment}: {outcome.error}", err=True)
    raise Exit(int(bool(failed)))


def _result(outcome: "Outcome") -> str:
    if outcome.record is None:
        return "failed"
    metrics = outcome.record.metrics
    return (
        f"accuracy {metrics.accuracy:.4f}, Hoyer {numbers(h.hoyer for h in metrics.layers)}, "
        f"{duration(outcome.record.provenance.circumstances.seconds)}"
    )


class Bars:
    """A bar for all runs and one for each that is under way, in a terminal; else nothing."""

    def __init__(self, runs: int) -> None:
        from tqdm import tqdm

        self._lock = Lock()  # progress comes from another thread
        self._running: dict[str, tqdm] = {}
        # Only what is left out can be set by TQDM_DISABLE.
        silent = {} if sys.stderr.isatty() else {"disable": True}
        self._all = tqdm(total=runs, unit="run", smoothing=0, position=0, leave=False, **silent)

    def say(self, line: str, *, err: bool = True) -> None:
        """Print a line above the bars."""
        with self._lock, self._all.external_write_mode():
            echo(line, err=err)

    def watch(self, progress: "Progress") -> None:
        """Move the bar of a run."""
        from tqdm import tqdm

        with self._lock:
            if self._all.disable:
                return
            run = progress["run"]
            if run not in self._running:
                if len(self._running) >= SHOWN:
                    return
                self._running[run] = tqdm(
                    total=progress["epochs"], desc=f"  {run}", unit="epoch", leave=False
                )
            bar = self._running[run]
            bar.start_t = bar._time() - progress["seconds"]
            bar.n = progress["done"]
            bar.refresh()

    def ended(self, run: str, line: str, *, err: bool) -> None:
        """Print how a run ended, and count it."""
        self.say(line, err=err)
        with self._lock:
            if bar := self._running.pop(run, None):
                bar.close()
            self._all.update()

    def close(self) -> None:
        """Take the bars away."""
        with self._lock:
            for bar in self._running.values():
                bar.close()
            self._running.clear()
            self._all.close()
