"""Verdicts in words: where a claim holds, who does so too, and what a label recalls. No word needs a count."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations, groupby
from typing import TYPE_CHECKING, Any

from fflib import wording
from fflib.study.claims.claim import Answer

if TYPE_CHECKING:
    from fflib.study.claims.verdicts import Cell

__all__ = ["condition", "recalls", "too", "where"]


EACH: dict[Answer, str] = {"holds": "every", "fails": "no", "open": "any"}


def where(verdict: str, cells: Sequence["Cell"]) -> str:
    """Say where a claim with this verdict holds, or where it surely does not; nothing without cells."""
    found = {cell.answer for cell in cells}
    if len(found) == 1:
        return _throughout(cells, EACH[found.pop()])
    if verdict == "mixed":
        return f"{condition([cell for cell in cells if cell.answer != 'open'])} only"
    if verdict == "fails":
        return f"surely not {condition(cells, 'fails')}"
    return f"surely so {condition(cells)} only" if found else ""


def _throughout(cells: Sequence["Cell"], each: str) -> str:
    datasets, protocols = (
        {getattr(cell, name) for cell in cells} for name in ("dataset", "protocol")
    )
    if cells[0].layer:
        place = f"in {each} layer"
    else:
        place = f"on {each} data set" if len(datasets) > 1 else FACTORS["dataset"]([*datasets])
    return place + f" under {'every' if each == 'every' else 'any'} protocol" * (len(protocols) > 1)


def too(rivals: Mapping[str, Counter[Any]], *, more_is_asked: bool = False) -> str:
    """Say which rivals, by name, pass the bound, from the cells in which each does.

    To pass it is not to do the same where `more_is_asked` of the claim's own runs, to be beyond a rival, too.

    Examples
    --------
    >>> found = {"BP": Counter(no=2), "BP/FF": Counter(yes=1, open=1)}
    >>> too(found)
    'BP/FF does so in part; BP does not'
    >>> too(found, more_is_asked=True)
    'BP/FF passes the bound in part; BP does not'
    """
    does: dict[str, list[str]] = {}
    one, many = ("passes the bound", "pass the bound") if more_is_asked else ("does so", "do so")
    for name, found in rivals.items():
        if found["yes"]:
            does.setdefault("in part" if len(found) > 1 else "too", []).append(name)
        elif found:
            does.setdefault("no" if found["no"] else "may", []).append(name)
    verbs = {
        "too": (f"{one}, too", f"{many}, too"),
        "in part": (f"{one} in part", f"{many} in part"),
        "may": ("may", "may"),
        "no": ("does not", "do not"),
    }
    return "; ".join(
        f"{wording.listed(names)} {verb[len(names) > 1]}"
        for how, verb in verbs.items()
        if (names := does.get(how))
    )


def recalls(found: Counter[Any]) -> str:
    """Say whether a label on a blank image recalls most of the ensembles, from the cells in which it does."""
    most = "most" if found["yes"] else "few" if set(found) == {"no"} else "perhaps most"
    part = ", if not in every layer" if found["yes"] and len(found) > 1 else ""
    return f"a label on a blank image recalls {most} of the ensembles{part}"


def condition(cells: Sequence["Cell"], answer: Answer = "holds") -> str:
    """Say in which cells a claim has this answer, and in no other of them.

    If one of protocol, data set and layer decides it, it is named, or else two of them: "under
    ReLU, ℓ₂", "on MNIST in the first layer".
    """
    for size in (1, 2):
        for factors in combinations(FACTORS, size):
            found: dict[tuple[Any, ...], set[bool]] = {}
            for cell in cells:
                levels = tuple(getattr(cell, name) for name in factors)
                found.setdefault(levels, set()).add(cell.answer == answer)
            if all(len(answers) == 1 for answers in found.values()):
                return _levels([levels for levels, a in found.items() if a == {True}], factors)
    names = [cell.name for cell in cells if cell.answer == answer]
    return f"in {len(names)} of {len(cells)} cells ({' | '.join(names)})"


def _levels(these: Sequence[tuple[Any, ...]], factors: Sequence[str]) -> str:
    """Name levels of some factors, those of the last one by those before."""
    last = FACTORS[factors[-1]]
    grouped = groupby(sorted(these), key=lambda levels: levels[:-1])
    said = [
        " ".join(
            [
                *(FACTORS[f]([lv]) for f, lv in zip(factors[:-1], first, strict=True)),
                last([lv[-1] for lv in own]),
            ]
        )
        for first, own in grouped
    ]
    return " and ".join(said)


def _in_layers(layers: Sequence[int]) -> str:
    names = ["first", "second", "third", "fourth", "fifth"]
    said = [names[n - 1] if n <= len(names) else f"{n}th" for n in layers]
    return f"in the {' and '.join(said)} layer{'s' if len(said) > 1 else ''}"


FACTORS: dict[str, Callable[[Sequence[Any]], str]] = {
    "protocol": lambda levels: f"under {' and '.join(map(wording.protocol_name, levels))}",
    "dataset": lambda levels: f"on {' and '.join(map(wording.dataset_name, levels))}",
    "layer": _in_layers,
}
"""What may decide whether a claim holds, and how prose names some of its levels."""
