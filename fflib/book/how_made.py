"""How a figure was made: the runs behind it, and the command that makes them again.

A chapter shows it under each figure, folded. The block is plain Markdown in ``<details>``, which
opens on a page without scripts, and in JupyterLab.
"""

import json
import shlex
from collections.abc import Iterable, Sequence
from typing import Any

import yaml
from IPython.display import Markdown

from fflib import wording
from fflib.experiment import Experiment, fields
from fflib.records.stores import Record
from fflib.study.plans.grids import covering, planned

__all__ = ["made_by", "made_from", "made_here", "train_command"]

PAGE = "/chapters/reference/provenance.ipynb"
FEW = 3  # runs that are trained one by one, rather than as part of a grid
LISTED = 6  # keys that are named
NAMED = 4  # settings that are named
FOLD = '<details class="origin">\n<summary>How was this made?</summary>'
FOLD_END = "</details>"
BASIC = ("model", "dataset", "protocol", "seed")


def made_from(records: Iterable[Record], also: str = "") -> Markdown | None:
    """Say which runs a figure or a table was made from, and how to train them again.

    `records` are those that are shown, where one that comes twice counts once; `also` is a sentence on what
    is shown besides.

    Returns
    -------
    Markdown or None
        A folded block: runs by data set and protocol, their keys, and one command, which trains
        the grids that hold them, or where there are three runs at most these alone. Runs that are
        in no grid of :mod:`fflib.study.plans.grids` have a command each. None where there are no records.

    Examples
    --------
    >>> made_from([]) is None
    True
    """
    experiments = list(dict.fromkeys(record.experiment for record in records))
    if not experiments:
        return None
    grids, others = covering(experiments)
    parts = [
        f"From {_count(len(experiments))} on record:",
        "\n".join(_cells(experiments)),
        *([also] if also else []),
        _keys(experiments, published=not others),
    ]
    if len(experiments) <= FEW:
        grids, others = [], experiments
    if grids:
        parts += [
            f"To train {_all(grids, len(experiments))} again, and compare them with those on record:",
            _code(shlex.join(["fflib", "reproduce", *_options("grid", grids), "--into", "again"])),
        ]
    if others:
        what = "the others" if grids else "it" if len(others) == 1 else "them"
        kept = "its record has the same key" if len(others) == 1 else "records have the same keys"
        parts += [f"To train {what} again ({kept}):", _code(*map(train_command, others))]
    return _folded(parts)


def made_here(chapter: str, **parameters: Any) -> Markdown:
    """Say that a figure was computed while its chapter was executed, from networks trained there.

    The folded block has the command that executes the chapter, named without ending, with these values
    of its parameters.

    Examples
    --------
    >>> print(made_here("01-how-it-learns", seeds=[0], epochs=None).data.splitlines()[-4])
    python -m fflib.book --chapters 01-how-it-learns -p seeds '[0]' -p epochs null
    """
    command = ["python", "-m", "fflib.book", "--chapters", chapter]
    for name, value in parameters.items():
        command += ["-p", name, _yaml(value)]
    return made_by(
        "Computed while this page was made, and not taken from a record. To do it again, in the "
        "folder of the book:",
        shlex.join(command),
    )


def made_by(said: str, command: str) -> Markdown:
    """Say in a folded block how something was made that comes from no training run.

    `said` is what it is, and what the command is for.
    """
    return _folded([said, _code(command)])


def train_command(experiment: Experiment) -> str:
    """Return the command that trains exactly this experiment and keeps its record.

    Examples
    --------
    >>> train_command(Experiment(dataset="digits", epochs=3))
    'fflib train --model ff --dataset digits --protocol relu-l2 --seed 0 --epochs 3 --save'
    """
    given = {name: getattr(experiment, name) for name in (*BASIC, "hold_out")}
    command = ["fflib", "train"]
    for name, value in (given | experiment.own_settings()).items():
        # Other fields without a value have none by what else is given.
        if value is not None or name == "norm":
            command += _options(name.replace("_", "-"), ["none" if value is None else value])
    return shlex.join([*command, "--save"])


def _options(name: str, values: Iterable[object]) -> list[str]:
    return [word for value in values for word in (f"--{name}", str(value))]


def _yaml(value: object) -> str:
    """Write a value as ``-p`` reads it."""
    if isinstance(value, str) and yaml.safe_load(value) == value:
        return value
    return json.dumps(value, ensure_ascii=False)


def _cells(experiments: Sequence[Experiment]) -> list[str]:
    """Write a line for each data set and protocol."""
    cells: dict[tuple[str, str], list[Experiment]] = {}
    for e in experiments:
        cells.setdefault((e.dataset, e.protocol), []).append(e)
    return [
        f"- {wording.in_markdown(wording.dataset_name(dataset))}, {wording.protocol_name(protocol)}: {_count(len(runs))} of "
        f"{wording.listed(wording.model_name(m) for m in dict.fromkeys(e.model for e in runs))}, "
        f"{_seeds({e.seed for e in runs})}{_varied(runs)}"
        for (dataset, protocol), runs in cells.items()
    ]


def _varied(experiments: Sequence[Experiment]) -> str:
    """Name the settings in which runs of one model differ."""
    models = {e.model: [f for f in experiments if f.model == e.model] for e in experiments}
    names = [
        name.replace("hold_out", "held-out class").replace("_", " ")
        for name, field in fields().items()
        if name not in BASIC
        and any(
            len({getattr(e, name, field.default) for e in runs}) > 1 for runs in models.values()
        )
    ]
    if len(names) > NAMED:
        names = [*names[: NAMED - 1], f"{len(names) - NAMED + 1} more settings"]
    return f", which differ in {wording.listed(names)}" if names else ""


def _seeds(seeds: set[int]) -> str:
    low, high = min(seeds), max(seeds)
    if low == high:
        return f"seed {low}"
    if len(seeds) > 2 and len(seeds) == high - low + 1:
        return f"seeds {low} to {high}"
    return f"seeds {wording.listed(map(str, sorted(seeds)))}"


def _keys(experiments: Sequence[Experiment], published: bool) -> str:
    keys = [f"`{e.key}`" for e in experiments]
    more = len(keys) - FEW if len(keys) > LISTED else 0
    named = wording.listed([*keys[:FEW], f"{more} more"] if more else keys)
    where = f"; all are in the [table of runs]({PAGE})" if published else ""
    return f"{'Record' if len(keys) == 1 else 'Records'} {named}{where}."


def _all(grids: Sequence[str], shown: int) -> str:
    runs = len(planned(*grids))
    if runs == shown:
        return "them"
    return f"all {runs} runs of their {'grids' if len(grids) > 1 else 'grid'}"


def _count(runs: int) -> str:
    return "1 run" if runs == 1 else f"{runs} runs"


def _code(*lines: str) -> str:
    return "\n".join(["```bash", *lines, "```"])


def _folded(parts: Iterable[str]) -> Markdown:
    # Blank lines end a block of HTML, so that what stands between is Markdown again.
    text = "\n\n".join(parts)
    return Markdown(f"{FOLD}\n\n{text}\n\n{FOLD_END}\n")
