"""The errors of the package: one line each, with the rule, the value received and the way out."""

from collections.abc import Iterable
from difflib import SequenceMatcher


class FflibError(Exception):
    """What a person can put right; the command line shows its message and no traceback."""


class ExperimentError(FflibError, ValueError):
    """An experiment with unknown or impossible settings."""


class DataError(FflibError, ValueError):
    """A data set that is unknown, damaged, altered or of the wrong form."""


class MissingData(DataError):  # noqa: N818
    """A data set that is not on this machine and could not be downloaded."""


class TrainingError(FflibError):
    """A training that cannot give a result, such as a loss of NaN or a dead layer."""


class RecordError(FflibError):
    """A record that is damaged or does not belong to its experiment."""


class MissingRecord(RecordError):  # noqa: N818
    """A record that is in no store."""


class SweepError(FflibError):
    """A sweep that cannot go on; what is finished is recorded."""


class ChapterError(FflibError):
    """A chapter that cannot be executed as asked."""


def brief(value: object, most: int = 80) -> str:
    """Return a value as Python writes it, cut where it is too long for a line.

    Examples
    --------
    >>> brief("mnist"), brief([1] * 100, most=10)
    ("'mnist'", '[1, 1, ...')
    """
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # a number of too many digits, or a list without a bottom
        return f"a value of type {type(value).__name__}"
    return text if len(text) <= most else f"{text[: most - 3]}..."


def unknown(kind: str, value: object, valid: Iterable[str]) -> str:
    """Return one line on a name that does not exist: the valid names, the nearest first.

    Those equally near keep their order.

    Examples
    --------
    >>> unknown("dataset", "mnits", ["digits", "fashion-mnist", "mnist"])
    "unknown dataset 'mnits': choose one of mnist, digits, fashion-mnist"
    """
    wanted = brief(value).strip("'\"").lower()

    def nearness(name: str) -> float:
        return SequenceMatcher(None, wanted, name.lower()).ratio()

    names = sorted(valid, key=nearness, reverse=True)
    return f"unknown {kind} {brief(value)}: choose one of {', '.join(names)}"
