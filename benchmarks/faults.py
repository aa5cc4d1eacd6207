"""Put a sweep through its paces: python benchmarks/faults.py --json

It prints
    efficiency       of two workers against one, each of one thread, on 16 short runs
    identical        whether their records are equal
    share_of_core    that these runs had; far below 1, the machine was busy, and efficiency means nothing
    rounds           in which a worker, the client and now and then the scheduler are killed
    lost             runs that have no record after them, or another than when left alone
    duplicated       runs that were trained twice at a time, or although on record
    leftovers        files in the stores that are no records
    full_disk        the error, then (whole records, leftovers) when full and once there is room
    verdicts         rounds of two at once on one folder, while files come and go; how many of them ended
                     in a page, the others in a line that says why not; and faults, such as half a file
    damaged_inputs   that were given to the command
    unhandled        those that did not end in one line that names the file
    plan_seconds     to plan 2,000 runs
    overhead_ms      that each of 2,000 runs costs besides its training

Leave the machine alone meanwhile: on two idle cores it takes about twenty minutes.
"""

import argparse
import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import crowd
import faults
import fuzz

from fflib.sweeps.checkpoints import Checkpoints
from fflib.sweeps.worker import train_and_measure


def report(line):
    """Print on stderr how far the benchmark is."""
    print(line, file=sys.stderr, flush=True)


def measure(folder, rounds, inputs, runs):
    """All figures, by name."""
    efficiency, same, share = faults.efficiency(_new(folder, "two"), hidden=200, epochs=20)
    report(f"efficiency {efficiency:.3f}, records {'equal' if same else 'DIFFERENT'}")
    killed = faults.killing(_new(folder, "killed"), rounds, say=report)
    full = {
        kind: faults.full_disk(_new(folder, f"full-{kind}"), kind) for kind in ("tmpfs", "limit")
    }
    for kind, found in full.items():
        report(f"full disk, {kind}: {found or 'not to be had here'}")
    (experiment,) = faults.experiments(1, epochs=1)
    damaged = _new(folder, "damaged")
    whole = train_and_measure(experiment, Checkpoints(damaged / "state", 3600))
    counted, wrong = fuzz.damage(damaged, whole, inputs)
    for fault in wrong:
        report(fault)
    planned, each = faults.bookkeeping(_new(folder, "many"), runs)
    return {
        "efficiency": round(efficiency, 3),
        "identical": same,
        "share_of_core": round(share, 3),
        **killed,
        "full_disk": {kind: found and list(found) for kind, found in full.items()},
        "damaged_inputs": sum(counted.values()),
        "unhandled": len(wrong),
        "verdicts": crowd.rounds(_new(folder, "verdicts"), rounds // 2, say=report),
        "plan_seconds": round(planned, 2),
        "overhead_ms": round(each, 2),
    }


def _new(folder, name):
    (folder / name).mkdir()
    return folder / name


def main():
    """Measure, and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print one object")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--inputs", type=int, default=500)
    parser.add_argument("--runs", type=int, default=2000)
    asked = parser.parse_args()
    with TemporaryDirectory(prefix="fflib-faults-") as folder:
        found = measure(Path(folder), asked.rounds, asked.inputs, asked.runs)
    if asked.json:
        print(json.dumps(found, indent=2))
    else:
        for name, value in found.items():
            print(f"{name:<16}{value}")


if __name__ == "__main__":
    main()
