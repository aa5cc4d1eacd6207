"""Two ``fflib verdict`` at once, on one folder and one store, while files come and go.

The tests go through it once, ``benchmarks/faults.py`` ten times.
"""

import os
import subprocess
import sys
import time

import numpy as np
from PIL import Image

PATIENCE = 600  # seconds, on a machine that has other things to do
SMALL = ("--seeds", "1", "--hidden", "32", "--epochs", "20")
LEFT_BEHIND = ("Traceback", "leaked", "Warning")


def bars(folder, each=20, side=36):
    """Write images of a bright bar at one of three places, so large that they must be scaled."""
    rng = np.random.default_rng(0)
    for place, name in enumerate(("left", "middle", "right")):
        (folder / name).mkdir(parents=True)
        for i in range(each):
            pixels = rng.integers(0, 40, (side, side)).astype(np.uint8)
            pixels[:, side * place // 3 : side * (place + 1) // 3] += 180
            Image.fromarray(pixels).save(folder / name / f"{i:03}.png")
    return folder


def verdicts(folder, disturb=True):
    """Start two at once; meanwhile add a file and take it away, if they are to be disturbed.

    Returns
    -------
    list of (int, str)
        Exit code and stderr of both.
    Path
        The store that they share.
    """
    images, store = bars(folder / "images"), folder / "store"
    environment = os.environ | {
        "FFLIB_STORE": str(store),
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "fflib", "verdict", str(images), *SMALL, "--output", f"page{i}"],
            cwd=folder,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for i in range(2)
    ]
    late = images / "left" / "late.png"
    deadline = time.monotonic() + PATIENCE
    while disturb and any(process.poll() is None for process in started):
        late.write_bytes((images / "left" / "000.png").read_bytes())
        time.sleep(2)
        late.unlink()
        time.sleep(2)
        if time.monotonic() > deadline:
            break
    said = [process.communicate(timeout=PATIENCE)[1] for process in started]
    return list(zip([process.returncode for process in started], said, strict=True)), store


def faults(ended, store):
    """Say what is wrong with how they ended: neither a page nor one line that says why, or remains.

    The exit code is 0 or 1 with a page, on which all of a model may have failed, and 2 without one.
    """
    found = []
    for code, said in ended:
        errors = [line for line in said.splitlines() if line.startswith("error: ")]
        if code not in (0, 1, 2) or len(errors) != (code == 2):
            found.append(f"ended with {code}: {said[-500:]}")
        found += [f"{word}: {said[-2000:]}" for word in LEFT_BEHIND if word in said]
    kept = (".safetensors", ".failed.json", ".damaged")
    left = [path for path in store.rglob("*") if path.is_file() and path.parent.name != "copies"]
    partial = store.rglob(".writing-*")
    return found + [str(path) for path in (*left, *partial) if not path.name.endswith(kept)]


def rounds(folder, number, say=lambda line: None):
    """Count rounds, verdicts that ended in a page, and faults."""
    counted = {"rounds": number, "pages": 0, "faults": 0}
    for i in range(number):
        place = folder / str(i)
        place.mkdir()
        ended, store = verdicts(place, disturb=bool(i % 2))
        wrong = faults(ended, store)
        counted["pages"] += sum(code < 2 for code, _ in ended)
        counted["faults"] += len(wrong)
        reasons = [said.splitlines()[-1] for code, said in ended if code == 2]
        say(f"round {i}: exit codes {[code for code, _ in ended]} {reasons} {wrong}")
    return counted
