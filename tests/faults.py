"""What a sweep is put through: workers, clients and schedulers killed, disks full, many runs.

The tests go through it in short, ``benchmarks/faults.py`` in full.
"""

import contextlib
import json
import os
import random
import resource
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean

import numpy as np
from distributed import Client

from fflib.experiment import Circumstances
from fflib.records.files import hold
from fflib.records.schema import LayerMetrics, Metrics, Provenance
from fflib.records.stores import PUBLISHED, Record, Store
from fflib.sweeps import gridfile
from fflib.sweeps.gridfile import read_grid
from fflib.sweeps.plan import costs, estimate, plan
from fflib.sweeps.sweep import sweep
from fflib.sweeps.worker import train_and_measure

HERE = Path(__file__).parent
PATIENCE = 240  # seconds, on a machine that has other things to do


def experiments(runs, **fields):
    """Runs of a second or less on the digits."""
    grid = {"dataset": "digits", "model": "bp", "hidden": 32, "epochs": 10}
    return gridfile.experiments(grid | {"seed": {"first": 0, "last": runs - 1}} | fields)


def content(record):
    """All of a record that does not say when, where and how fast it was made."""
    text = record.model_dump_json(exclude={"arrays", "provenance", "curve"})
    curve = [{**row, "seconds": None} for row in record.curve]
    arrays = {name: (str(a.dtype), a.shape, a.tobytes()) for name, a in record.arrays.items()}
    return text, json.dumps(curve), arrays


def leftovers(store):
    """What is in a store and is neither a record nor the note of a failure."""
    wanted = (".safetensors", ".failed.json")
    return [path for path in store.folder.rglob("*") if not path.name.endswith(wanted)]


# Makers: what a worker calls in place of training. They keep a diary beside the store.


def diary(store):
    """The lines so far, each as a list of words."""
    path = _diary(store)
    return [line.split() for line in path.read_text().splitlines()] if path.exists() else []


def _diary(store):
    return store.folder.with_suffix(".diary")


def _write_down(store, line):
    with _diary(store).open("a") as file:  # a line appears whole however many write at a time
        file.write(f"{line}\n")


def _store(keeper):
    return Store(keeper.path.parents[1])


def watched(experiment, keeper):
    """Train, and write down where the same run is done twice: at a time, or though recorded."""
    store = _store(keeper)
    with hold(store.folder.with_name(f"{store.folder.name}-{experiment.key}.lock")) as alone:
        twice = "" if alone and experiment not in store else " twice"
        _write_down(store, f"begin {experiment.key}{twice}")
        return train_and_measure(experiment, keeper)


def timed(experiment, keeper):
    """Train, and write down from when to when, and how much of that time the processor gave."""
    begun, given = time.monotonic(), time.process_time()
    record = train_and_measure(experiment, keeper)
    ended, got = time.monotonic(), time.process_time()
    _write_down(_store(keeper), f"{begun} {ended} {(got - given) / (ended - begun)}")
    return record


def stub(experiment, keeper):
    """Make a record up, which takes no time, and write down when."""
    _write_down(_store(keeper), time.monotonic())
    numbers = dict.fromkeys(LayerMetrics.model_fields, 0.0)
    layer = LayerMetrics(**numbers | {"hoyer_by_class": [], "links": None})
    where = Circumstances("cpu", "", 1, "float32", 1.0)
    return Record(
        experiment=experiment,
        metrics=Metrics(accuracy=0.5, layer_accuracy=[], images=2, correct=1, layers=[layer], unseen=None),
        curve=[],
        provenance=Provenance(
            version="0", commit="", python="", torch="", platform="", circumstances=where,
            date=datetime(2024, 1, 1, tzinfo=UTC), data={},
        ),
        arrays={"mean": np.zeros((3, 10, 100), np.float16)},
    )  # fmt: skip


def never(experiment, keeper):
    """Fail, for a reason that is the experiment's."""
    raise ValueError(f"seed {experiment.seed}\nis unlucky")


def deadly(experiment, keeper):
    """End the worker without a word if the seed is 0."""
    if experiment.seed == 0:
        os._exit(1)
    return stub(experiment, keeper)


# Two workers against one


def efficiency(folder, runs=16, **fields):
    """How well two workers share 16 short runs.

    Returns
    -------
    ratio : float
        Time of one worker by twice that of two, from the beginning of the first run to the end of
        the last.
    same : bool
        Whether the records are equal but for when and how fast they were made.
    share : float
        The part of a core that a run had on average. What is far below one went to others, and the
        ratio then tells of them.
    """
    took, made, shares = {}, {}, []
    for jobs in (1, 2):
        store = Store(folder / str(jobs))
        outcomes = list(sweep(experiments(runs, **fields), store, jobs=jobs, threads=1, make=timed))
        made[jobs] = {o.experiment: content(o.record) for o in outcomes}
        begun, ended, share = zip(*[map(float, words) for words in diary(store)], strict=True)
        took[jobs] = max(ended) - min(begun)
        shares.extend(share)
    return took[1] / (2 * took[2]), made[1] == made[2] and len(made[1]) == runs, fmean(shares)


# Killed at random


class Cluster:
    """A scheduler and two workers, each a process of its own, as anybody would start them."""

    def __init__(self, folder, *options):
        self.file = folder / "scheduler.json"
        # Without a dashboard Dask still answers HTTP, and on all interfaces unless given one.
        local = ("--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0")
        self.common = (*local, "--scheduler-file", self.file, *options)
        self.workers = []
        self.scheduler = None

    def start(self):
        """Start what is not running."""
        if self.scheduler is None or self.scheduler.poll() is not None:
            self.close()
            self.file.unlink(missing_ok=True)
            options = ("--port", "0", *self.common)
            self.scheduler = _module("dask_scheduler", *options)
            until(self.file.exists)
        self.workers = [worker for worker in self.workers if worker.poll() is None]
        while len(self.workers) < 2:
            options = ("--nthreads", "1", "--no-nanny", "--memory-limit", "0", *self.common)
            self.workers.append(_module("dask_worker", *options))

    @contextlib.contextmanager
    def extra(self, *options, path=None):
        """Have one more worker for a while."""
        process = _module(
            "dask_worker", "--no-nanny", "--memory-limit", "0", *options, *self.common, path=path
        )
        with Client(self.address, set_as_default=False) as client:
            client.wait_for_workers(3, timeout=PATIENCE)
        try:
            yield
        finally:
            process.kill()
            process.wait()

    @property
    def address(self):
        """Where the scheduler listens."""
        return json.loads(self.file.read_text())["address"]

    def close(self):
        """Kill everything that is left."""
        for process in (*self.workers, self.scheduler):
            if process is not None:
                process.kill()
                process.wait()
        self.workers, self.scheduler = [], None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.close()


def _module(name, *options, path=None):
    command = [sys.executable, "-m", f"distributed.cli.{name}", *map(str, options)]
    return spawn(command, path)


def spawn(command, path=None):
    place, path = path, path or os.pathsep.join([str(HERE), *sys.path])
    environment = os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        command,
        env=environment,
        cwd=place,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def until(reached, patience=PATIENCE):
    deadline = time.monotonic() + patience
    while not reached():
        if time.monotonic() > deadline:
            raise TimeoutError(f"nothing happened in {patience} s")
        time.sleep(0.02)


CLIENT = """
import sys
from pathlib import Path
import faults
from fflib.errors import SweepError
from fflib.records.stores import Store
from fflib.sweeps.sweep import sweep
if __name__ == "__main__":
    store, scheduler, runs = Store(Path(sys.argv[1])), sys.argv[2], int(sys.argv[3])
    fields = {"epochs": int(epochs) for epochs in sys.argv[4:]}
    try:
        outcomes = list(
            sweep(
                faults.experiments(runs, **fields), store, scheduler=scheduler, checkpoint=0.05,
                make=faults.watched,
            )
        )
    except SweepError:
        sys.exit(3)
    sys.exit(any(outcome.record is None for outcome in outcomes))
"""


def killing(folder, rounds, runs=8, seed=0, say=lambda line: None):
    """Kill workers, clients and now and then the scheduler; count what is lost and done twice.

    Returns
    -------
    dict
        Over all rounds: ``lost``, runs that have no record in the end, or another one than those
        of a sweep that was left alone; ``duplicated``, runs that were trained by two workers at a
        time, or though they were on record; ``leftovers``, files that are no records.
    """
    rng = random.Random(seed)
    undisturbed = Store(folder / "undisturbed")
    wanted = {
        o.experiment: content(o.record)
        for o in sweep(experiments(runs), undisturbed, jobs=2, threads=1)
    }
    counted = Counter(rounds=rounds, lost=0, duplicated=0, leftovers=0)
    with Cluster(folder) as cluster:
        for number in range(rounds):
            store = Store(folder / f"round-{number}")
            _disturbed(cluster, store, runs, rng, scheduler_too=number % 4 == 3)
            records = {record.experiment: content(record) for record in store}
            lost = sum(records.get(e) != kept for e, kept in wanted.items())
            twice = sum(words[-1] == "twice" for words in diary(store))
            left = len(leftovers(store))
            say(
                f"round {number}: {len(diary(store))} begun for {runs} runs, {lost} lost, "
                f"{twice} twice, {left} left over"
            )
            counted.update(lost=lost, duplicated=twice, leftovers=left)
    return dict(counted)


def _disturbed(cluster, store, runs, rng, *, scheduler_too):
    """Sweep; kill a worker, the client, and perhaps the scheduler; sweep again to the end."""
    cluster.start()
    client = start_client(store, cluster.address, runs)
    moment = rng.randint(1, runs - 2)
    until(lambda: len(diary(store)) >= moment or client.poll() is not None)
    time.sleep(rng.uniform(0, 0.3))
    rng.choice(cluster.workers).kill()
    time.sleep(rng.uniform(0, 0.5))
    if scheduler_too:
        cluster.scheduler.kill()
        cluster.scheduler.wait()
        time.sleep(rng.uniform(0, 0.5))
    client.kill()
    client.wait()
    cluster.start()
    client = start_client(store, cluster.address, runs)
    if client.wait(PATIENCE) != 0:
        raise RuntimeError(f"the last client ended with {client.returncode}")


def start_client(store, address, runs):
    return spawn([sys.executable, "-c", CLIENT, str(store.folder), address, str(runs)])


# A full disk

FULL = """
import sys
from pathlib import Path
import faults
from fflib.errors import SweepError
from fflib.records.stores import Store
from fflib.sweeps.sweep import sweep
if __name__ == "__main__":
    kind, store = sys.argv[1], Store(Path(sys.argv[2]))
    with faults.full(kind, store):
        try:
            list(sweep(faults.experiments(6, epochs=2), store, jobs=1, threads=1))
        except SweepError as error:
            print(error)
        print(*[len(list(store)), len(faults.leftovers(store))])
        faults.make_room(kind, store)
        outcomes = list(sweep(faults.experiments(6, epochs=2), store, jobs=1, threads=1))
        print(*[len(list(store)), len(faults.leftovers(store))])
"""


@contextlib.contextmanager
def full(kind, store):
    """Take room away: a small file system, else a limit on the size of a file."""
    store.folder.mkdir(parents=True)
    if kind == "tmpfs":
        _mount("size=32k", store)
    else:
        # Records of 7 kB do not fit; a first one has been made before.
        list(sweep(experiments(1, epochs=2), store, jobs=1, threads=1))
        resource.setrlimit(resource.RLIMIT_FSIZE, (4_000, resource.RLIM_INFINITY))
    yield


def make_room(kind, store):
    """Give it back."""
    if kind == "tmpfs":
        _mount("remount,size=4m", store)
    else:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)


def _mount(options, store):
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(store.folder)]
    subprocess.run(command, check=True)


def full_disk(folder, kind):
    """Sweep till the disk is full, then make room and sweep again.

    Returns
    -------
    tuple of str
        The error; how many records are whole and how many files are no records, then and at last.
        None where this kind of a full disk cannot be had.
    """
    own = ["unshare", "--map-root-user", "--mount"] if kind == "tmpfs" else []
    if own:
        try:
            probe = [*own, "mount", "-t", "tmpfs", "tmpfs", str(folder)]
            subprocess.run(probe, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            return None
    path = os.pathsep.join([str(HERE), *sys.path])
    script = folder / "full.py"
    script.write_text(FULL)
    done = subprocess.run(
        [*own, sys.executable, script, kind, folder / "store"],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return tuple(done.stdout.splitlines())


# Many runs


def bookkeeping(folder, runs=2000):
    """Seconds to plan so many runs, and milliseconds that each costs besides its training."""
    grid = folder / "grid.yml"
    grid.write_text(
        f"dataset: digits\nmodel: [ff, bp]\nhidden: 32\nseed: {{first: 0, last: {runs // 2 - 1}}}\n"
    )
    store = Store(folder / "many")
    begun = time.monotonic()
    todo = plan(read_grid(grid), store).todo
    estimate(todo, costs(PUBLISHED) | costs(store))
    planned = time.monotonic() - begun
    done = sum(outcome.record is not None for outcome in sweep(todo, store, jobs=2, make=stub))
    ended = time.monotonic()
    if done != runs:
        raise RuntimeError(f"{done} of {runs} runs were done")
    took = ended - min(float(moment) for (moment,) in diary(store))
    return planned, 1000 * took / runs
