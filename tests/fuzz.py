"""Inputs damaged at random, always the same ones for a seed, and what the command says of them.

Every kind of file that the command reads is cut short, has bits flipped, or holds wrong types, huge
numbers, nan, deep nesting or tricks with paths. The command has to end in one line that names the
file, or to pass over the damage where that is what it promises; never in a traceback.
"""

import json
import random
import time
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image
from typer.testing import CliRunner

from fflib.cli import app
from fflib.data import published
from fflib.records.sealed import seal

PATIENCE = 20  # seconds; the slowest takes less than one on a machine with nothing else to do
GRID = """\
dataset: digits
seed: {first: 0, last: 2}
hold_out: [null, 3]
either:
  - model: ff
    learning_rate: [0.003, 0.01]
  - model: [bp, bp-ff]
    epochs: 2
"""
HUGE = ["9" * 5000, 10**18, -(10**30), 1e308, float("inf"), float("nan"), float("-inf")]
WRONG = [
    None,
    True,
    [],
    {},
    [[[]]],
    {"a": {"b": 1}},
    "",
    "x" * 3000,
    "\0",
    "../../etc/passwd",
    -1,
    0,
]
PATHS = ["../../../etc/passwd", "/etc", "/dev/zero", "~root", "digits/../..", "$(touch x)", "`x`"]


def cut(rng, content):
    """Only a beginning of the file."""
    return content[: rng.randrange(len(content))]


def flipped(rng, content):
    """Some bits are others."""
    altered = bytearray(content)
    for _ in range(rng.choice([1, 1, 2, 8])):
        altered[rng.randrange(len(altered))] ^= 1 << rng.randrange(8)
    return bytes(altered)


def noise(rng, content):
    """Anything at all."""
    return rng.randbytes(rng.randrange(400))


def nested(rng, content):
    """One bracket in another, a thousand times."""
    opening = rng.choice(["[", "{a: ", '{"a":', "- ", "? "])
    return (opening * rng.choice([50, 2000, 20_000])).encode()


BYTES = (cut, flipped, noise, nested)


def value(rng):
    """Something that no field expects."""
    return rng.choice([*HUGE, *WRONG, *PATHS])


def replaced(rng, tree):
    """A copy of nested values, one of which is another."""
    tree = json.loads(json.dumps(tree))
    inner = tree
    while True:
        keys = list(inner) if isinstance(inner, dict) else range(len(inner))
        key = rng.choice(list(keys))
        if not isinstance(inner[key], dict | list) or not inner[key] or rng.random() < 0.3:
            inner[key] = value(rng)
            if isinstance(inner, dict) and rng.random() < 0.1:
                inner[str(value(rng))] = inner.pop(key)
            return tree
        inner = inner[key]


# Each makes an input and says how it is used: arguments, environment, what must be named.


def grid(rng, folder):
    """A grid file."""
    path = folder / "grid.yml"
    if rng.random() < 0.5:
        content = rng.choice(BYTES)(rng, GRID.encode())
    else:
        fields = rng.choice(
            ["model", "dataset", "seed", "hidden", "theta", "either", "epochs", "x"]
        )
        content = rng.choice(
            [
                f"{GRID}{fields}: {_yaml(value(rng))}\n",
                f"{fields}: {_yaml(value(rng))}\ndataset: digits\n",
                f"{fields}: [{_yaml(value(rng))}, {_yaml(value(rng))}]\ndataset: digits\n",
                f"a: &a [x, x]\n{fields}: [*a, *a, *a]\n",
                "model: !!python/object/apply:os.system ['touch x']\n",
                "seed: {first: 0, last: 99999999999}\n",
                "\n".join(f"{f}: [1, 2, 3, 4, 5, 6, 7, 8, 9]" for f in ("seed", "hidden", "epochs"))
                + "\nlayers: {first: 1}\n",
                "<<: {seed: 1}\nmodel: ff\n",
                "? [a, b]\n: c\n",
                "# " + "x" * 70_000,
                "seed: 2001-01-01\n",
                "--- a\n--- b\n",
            ]
        ).encode(errors="surrogatepass")
    path.write_bytes(content)
    return ["sweep", path, "--dry-run", "--store", folder / "store"], {}, path


def _yaml(thing):
    return json.dumps(thing) if not isinstance(thing, str) else thing.replace("\0", "\\0")


def record(rng, folder, whole, header, arrays):
    """A record in a store, its digest right or wrong."""
    store = folder / "store"
    store.mkdir()
    path = store / f"{header['experiment_key']}.safetensors"
    if rng.random() < 0.5:
        content = rng.choice(BYTES)(rng, whole)
    else:
        text = json.dumps(replaced(rng, header["content"]))
        content = seal(text, arrays)
    path.write_bytes(content)
    command = rng.choice(
        [["records", "show", path.stem], ["records", "list"], ["records", "verify"]]
    )
    return [*command, "--store", store], {}, path


def note(rng, folder, experiment):
    """The note of a failure in a store."""
    store = folder / "store"
    store.mkdir()
    path = store / f"{experiment.key}.failed.json"
    noted = {"experiment": experiment.model_dump(mode="json"), "error": "it failed"}
    whole = json.dumps(noted).encode()
    if rng.random() < 0.5:
        content = rng.choice(BYTES)(rng, whole)
    else:
        content = json.dumps(replaced(rng, noted)).encode()
    path.write_bytes(content)
    sound = folder / "grid.yml"
    sound.write_text("dataset: digits\n")
    return ["sweep", sound, "--dry-run", "--store", store], {}, path


def image(rng, folder):
    """A picture in a folder of class folders."""
    pictures = np.random.default_rng(rng.randrange(2**32))
    for label in ("cat", "dog"):
        (folder / "pictures" / label).mkdir(parents=True)
        for number in range(5):
            kind = rng.choice(["png", "bmp", "gif", "tiff", "ppm", "jpg"])
            path = folder / "pictures" / label / f"{number}.{kind}"
            Image.fromarray(pictures.integers(0, 256, (8, 8), np.uint8)).save(path)
    path.write_bytes(rng.choice(BYTES)(rng, path.read_bytes()))
    options = ["--epochs", 1, "--hidden", 4, "--model", "bp", "--quiet", "--device", "cpu"]
    return ["train", "--dataset", folder / "pictures", *options], {}, path


def idx(rng, folder):
    """One of the files of MNIST."""
    paths = published.files("mnist", folder)
    whole = b"\0\0\x08\x03\0\0\0\x02\0\0\0\x1c\0\0\0\x1c" + rng.randbytes(2 * 784)
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(rng.choice(BYTES)(rng, whole))
    return ["train", "--dataset", "mnist"], {"FFLIB_DATA": str(folder)}, paths[0]


# How it ends


def verdict(arguments, environment, named):
    """What is wrong with the end of a command that was given a damaged input; "" if nothing."""
    begun = time.monotonic()
    result = CliRunner().invoke(app, [str(a) for a in arguments], env=environment)
    took = time.monotonic() - begun
    said = result.stderr.splitlines()
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        return f"{type(result.exception).__name__}: {result.exception}"
    if took > PATIENCE:
        return f"it took {took:.0f} s"
    if "Traceback" in result.output:
        return "a traceback"
    if result.exit_code not in (0, 1, 2):
        return f"exit code {result.exit_code}"
    if result.exit_code == 2 and len(said) != 1:
        return f"{len(said)} lines: {said}"
    if result.exit_code == 2 and named.name not in said[0] and named.stem not in said[0]:
        return f"the file is not named: {said[0]}"
    if result.exit_code == 1 and named.stem not in result.output:
        return f"the file is not named: {result.output}"
    if any(len(line) > 1500 for line in said):
        return "a line without end"
    return ""


def state(folder):
    """All files below a folder, and what is in them."""
    return {path: path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()}


def damage(folder, whole, inputs=500, seed=0):
    """Go through damaged inputs; count those that end otherwise than they should.

    Parameters
    ----------
    folder : Path
        An empty one.
    whole : Record
        Whose file is damaged.
    inputs : int
    seed : int

    Returns
    -------
    kinds : Counter
        How many inputs of each kind there were.
    faults : list of str
    """
    rng = random.Random(seed)
    content = json.loads(whole.model_dump_json(exclude={"arrays"}, by_alias=True))
    header = {"experiment_key": whole.experiment.key, "content": content}
    kinds = {
        "grid": grid,
        "record": lambda rng, place: record(rng, place, whole.to_bytes(), header, whole.arrays),
        "note": lambda rng, place: note(rng, place, whole.experiment),
        "image": image,
        "idx": idx,
    }
    counted, faults = Counter(), []
    for number in range(inputs):
        kind = list(kinds)[number % len(kinds)]
        place = folder / str(number) / "a" / "b"
        place.mkdir(parents=True)
        arguments, environment, named = kinds[kind](rng, place)
        before = state(folder / str(number))
        if fault := verdict(arguments, environment, named):
            faults.append(f"{kind} {number}: {fault}")
        after = state(folder / str(number))
        if {p: c for p, c in after.items() if (place / "store") not in p.parents} != {
            p: c for p, c in before.items() if (place / "store") not in p.parents
        }:
            faults.append(f"{kind} {number}: something was written outside of the store")
        counted[kind] += 1
    return counted, faults
