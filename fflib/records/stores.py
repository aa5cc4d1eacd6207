"""Records: what a run leaves behind, and the stores that find it again.

A record is one safetensors file named by the content of its experiment. Its header holds the
experiment and the provenance as JSON. Its body holds three parts, each compressed by LZMA: ``numbers``,
the metrics as JSON; ``curve``, a safetensors file with an array for each column of the learning
curve; and ``arrays``, one with per-class summaries. Reading a record never runs code, and a digest
over all of it tells damage. Files whose parts are compressed by zlib are read as well, and those with all but
the arrays in their header, and these as they are: earlier records were kept so.
"""

import json
import lzma
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict
from safetensors import SafetensorError
from safetensors.numpy import load, save

from fflib.data.published import download_folder, own_folder
from fflib.errors import FflibError, MissingRecord, RecordError
from fflib.experiment import Experiment
from fflib.records.curves import Cell, columns, rows
from fflib.records.files import write_whole
from fflib.records.schema import Metrics, Provenance
from fflib.records.sealed import DamagedRecord, reason, seal, unseal

__all__ = ["PUBLISHED", "Inventory", "Record", "Store", "find", "own_store"]

SUFFIX = ".safetensors"
ASIDE = ".damaged"
FAILED = ".failed.json"


class Record(BaseModel):
    """What one training run leaves behind."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", arbitrary_types_allowed=True, ser_json_inf_nan="strings"
    )

    experiment: Experiment
    metrics: Metrics
    """Numbers by layer and class."""
    curve: list[dict[str, Cell]]
    """One row per epoch, see :class:`fflib.Run`; fewer for long trainings, see
    :func:`fflib.records.curves.thinned`."""
    provenance: Provenance
    """Which code, machine and data made it, when, and how long it took."""
    arrays: dict[str, np.ndarray] = {}
    """Per-class summaries that the figures need, see :func:`fflib.records.measure.summarise`."""

    def to_bytes(self) -> bytes:
        """Return the bytes of the record's file."""
        header = self.model_dump_json(include={"experiment", "provenance"}, by_alias=True)
        numbers = json.loads(self.model_dump_json(include={"metrics", "curve"}, by_alias=True))
        if table := columns(self.curve):
            numbers["curve"] = list(table)  # their order, which safetensors does not keep
        arrays = {name: np.ascontiguousarray(array) for name, array in self.arrays.items()}
        parts = {
            "numbers": json.dumps(numbers).encode(), "curve": save(table), "arrays": save(arrays)
        }  # fmt: skip
        # a higher preset takes 64 MB and 40 ms for each part, however small, and saves nothing
        packed = {name: lzma.compress(part) for name, part in parts.items()}
        return seal(header, {name: np.frombuffer(part, np.uint8) for name, part in packed.items()})

    @classmethod
    def from_file(cls, path: Path) -> "Record":
        """Read a record, whole or not at all; the file stays where it is.

        Raises
        ------
        DamagedRecord
            The file is truncated, altered, not a record, or named for another experiment.
        RecordError
            It cannot be opened, or is a whole record of a data set or a version that is not here.
        """
        text, arrays = unseal(path)
        try:
            fields = _unpacked(json.loads(text), arrays)
            record = cls(**fields)
        except (TypeError, ValueError, LookupError, RecursionError, *_BROKEN) as error:
            raise RecordError(
                f"{path} is whole but of no use here: {reason(error)}; if it is of another "
                "version of fflib or of images that have moved, remove it to train again"
            ) from None
        if record.experiment.key != path.stem:
            raise DamagedRecord(
                f"{path} holds the record of another experiment, {record.experiment.key}"
            )
        return record


_BROKEN = (SafetensorError, zlib.error, lzma.LZMAError)
_LZMA = b"\xfd7zXZ\x00"
"""What a part that is compressed so begins with."""


def _unpacked(header: dict[str, Any], arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    """Return the fields of a record, whichever way its file holds them."""
    if "numbers" not in arrays:
        return {**header, "arrays": arrays}
    parts = {name: _decompressed(part.tobytes()) for name, part in arrays.items()}
    numbers = json.loads(parts["numbers"])
    if table := load(parts["curve"]):
        numbers["curve"] = rows({name: table[name] for name in numbers["curve"]})
    return {**header, **numbers, "arrays": load(parts["arrays"])}


def _decompressed(part: bytes) -> bytes:
    return lzma.decompress(part) if part.startswith(_LZMA) else zlib.decompress(part)


@dataclass(frozen=True)
class Inventory:
    """What a check of a whole store found."""

    intact: list[Experiment]
    """Those whose records are whole and wanted, by a grid or by a search on validation data."""
    damaged: dict[Path, str]
    """Files that are no whole records, now or when they were set aside, and what is wrong."""
    orphaned: list[Experiment]
    """Those whose records are whole and not wanted."""
    missing: list[Experiment]
    """Those that are wanted and have no whole record."""
    failed: dict[Experiment, str]
    """Those whose training ended without a network, with the reason."""


class Store:
    """A folder of records, which need not exist before the first is saved.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     len(list(Store(Path(folder))))
    0
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)

    def path(self, experiment: Experiment) -> Path:
        """Return where the record of an experiment is, or would be."""
        return self.folder / f"{experiment.key}{SUFFIX}"

    def paths(self) -> list[Path]:
        """Return the files of all records, damaged ones included."""
        return sorted(self.folder.glob(f"*{SUFFIX}"))

    def __contains__(self, experiment: Experiment) -> bool:
        return self.path(experiment).is_file()

    def __iter__(self) -> Iterator[Record]:
        for path in self.paths():
            yield self._read(path)

    def load(self, experiment: Experiment) -> Record:
        """Read the record of an experiment.

        Raises
        ------
        MissingRecord
            There is none.
        DamagedRecord
            The record is damaged; its file has been renamed and is not found again.
        """
        path = self.path(experiment)
        if not path.is_file():
            raise MissingRecord(
                f"no record of {experiment} in {self.folder}: train it with fflib.obtain, or "
                "make reproduce"
            )
        # A folder may have another name or place by now.
        return self._read(path).model_copy(update={"experiment": experiment})

    def among(self, experiments: Iterable[Experiment]) -> list[Record]:
        """Load the records of some experiments, in order; leave out those not on record."""
        return [self.load(e) for e in experiments if e in self]

    def _read(self, path: Path) -> Record:
        try:
            return Record.from_file(path)
        except DamagedRecord as error:
            aside = self.set_aside(path)
            raise DamagedRecord(
                f"{error}; set aside as {aside.name}: train it again, or restore it from git"
            ) from None

    def set_aside(self, path: Path) -> Path:
        """Rename a damaged record so that it is not found again; another process may have done so."""
        with suppress(FileNotFoundError):
            path.replace(path.with_suffix(ASIDE))
        return path.with_suffix(ASIDE)

    def with_prefix(self, prefix: str) -> list[Path]:
        """Return the files of the records whose key begins with some characters."""
        return [path for path in self.paths() if path.stem.startswith(prefix)]

    def survey(self) -> tuple[dict[Path, Record], dict[Path, RecordError]]:
        """Read every record, and move none; return them, and what is wrong with other files."""
        records, faults = {}, {}
        for path in self.paths():
            try:
                records[path] = Record.from_file(path)
            except RecordError as error:
                faults[path] = error
        return records, faults

    def verify(self, wanted: Iterable[Experiment]) -> Inventory:
        """Check every record, and whether those that are wanted are there.

        Records of a search on validation data may lie beside them.
        """
        records, faults = self.survey()
        damaged = {path: str(error) for path, error in faults.items()}
        for path in sorted(self.folder.glob(f"*{ASIDE}")):
            if not path.with_suffix(SUFFIX).exists():
                damaged[path] = f"{path} was found damaged and set aside"
        grid = dict.fromkeys(wanted)
        failed = self.failures()
        found = dict.fromkeys(record.experiment for record in records.values())
        return Inventory(
            intact=[e for e in found if e in grid or e.evaluate_on == "validation"],
            damaged=damaged,
            orphaned=[e for e in found if e not in grid and e.evaluate_on != "validation"],
            missing=[e for e in grid if e not in found and e not in failed],
            failed=failed,
        )

    def save(self, record: Record) -> Path:
        """Write a record, which appears whole or not at all, also when two processes write it."""
        self.forget_failure(record.experiment)
        return write_whole(self.path(record.experiment), record.to_bytes())

    def _failure(self, experiment: Experiment) -> Path:
        return self.folder / f"{experiment.key}{FAILED}"

    def save_failure(self, experiment: Experiment, error: str) -> Path:
        """Note that a training ended without a network, and why.

        An experiment gives the same result every time, and fails every time: it need not be tried
        again.
        """
        noted = {"experiment": experiment.model_dump(mode="json"), "error": error}
        content = json.dumps(noted, indent=1, ensure_ascii=False)
        return write_whole(self._failure(experiment), f"{content}\n".encode())

    def forget_failure(self, experiment: Experiment) -> None:
        """Remove the note that a training failed, so that it is tried again."""
        self._failure(experiment).unlink(missing_ok=True)

    def failures(self, among: Iterable[Experiment] | None = None) -> dict[Experiment, str]:
        """Return the experiments, all or some, whose training failed, each with the reason.

        Raises
        ------
        RecordError
            A note cannot be read, or belongs to another experiment than its name says.
        """
        found = {}
        paths = self.folder.glob(f"*{FAILED}") if among is None else map(self._failure, among)
        for path in sorted(path for path in paths if path.exists()):
            try:
                noted = json.loads(path.read_text(encoding="utf-8"))
                experiment, error = Experiment(**noted["experiment"]), str(noted["error"])
            except (OSError, TypeError, ValueError, KeyError, RecursionError, FflibError) as fault:
                raise RecordError(f"{path} is no note of a failure: {reason(fault)}") from None
            if self._failure(experiment) != path:
                raise RecordError(f"{path} holds the note of another experiment, {experiment.key}")
            found[experiment] = error
        return found


PUBLISHED = Store(download_folder() / "records")


def own_store() -> Store:
    """Return the store of a reader's own records: ``$FFLIB_STORE``, else ``data/own``."""
    return Store(own_folder())


def find(experiment: Experiment) -> Record:
    """Find the record of an experiment, in the published store or the reader's own.

    Raises
    ------
    MissingRecord
        Neither store has one.
    RecordError
        The record is damaged; it has been set aside.
    """
    for store in (PUBLISHED, own_store()):
        if experiment in store:
            return store.load(experiment)
    return own_store().load(experiment)
