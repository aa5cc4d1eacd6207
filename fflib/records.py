"""Records: what a run leaves behind, and the stores that find it again.

A record is one safetensors file named by the content of its experiment. Its header holds the
experiment, the metrics, the learning curve and the provenance as JSON; its body holds per-class
summaries as arrays. Reading one never runs code, and a digest over all of it tells damage.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from fflib.data.published import download_folder
from fflib.errors import MissingRecord, RecordError
from fflib.experiment import Experiment
from fflib.summary import Metrics, Provenance

__all__ = ["PUBLISHED", "Record", "Store", "find", "own_store"]

SUFFIX = ".safetensors"
DIGEST = "sha256"  # an array beside the others, of 32 bytes


class Record(BaseModel):
    """What one training run leaves behind.

    Parameters
    ----------
    experiment : Experiment
    metrics : Metrics
        Numbers by layer and class.
    curve : list of dict
        One row per epoch, see :class:`fflib.run.Run`.
    provenance : Provenance
        Which code, machine and data made it, when, and how long it took.
    arrays : dict of str to ndarray
        Per-class summaries that the figures need, see :func:`fflib.summary.summarise`.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", arbitrary_types_allowed=True, ser_json_inf_nan="strings"
    )

    experiment: Experiment
    metrics: Metrics
    curve: list[dict[str, Any]]
    provenance: Provenance
    arrays: dict[str, np.ndarray] = {}

    def to_bytes(self) -> bytes:
        """Serialise to the bytes of a safetensors file."""
        text = self.model_dump_json(exclude={"arrays"})
        arrays = {name: np.ascontiguousarray(a) for name, a in sorted(self.arrays.items())}
        return save(arrays | {DIGEST: _digest(text, arrays)}, {"record": text})

    @classmethod
    def from_file(cls, path: Path) -> "Record":
        """Read a record, whole or not at all.

        Raises
        ------
        RecordError
            The file is truncated, altered, not a record, or named for another experiment.
        """
        try:
            with safe_open(path, framework="numpy") as file:
                text = (file.metadata() or {})["record"]
                arrays = {name: file.get_tensor(name) for name in sorted(file.keys())}
            if not np.array_equal(arrays.pop(DIGEST), _digest(text, arrays)):
                raise RecordError("its digest does not match its content")
            record = cls(**json.loads(text), arrays=arrays)
        except (
            SafetensorError,
            KeyError,
            TypeError,
            ValueError,
            OSError,
            RecursionError,
            ValidationError,
            RecordError,
        ) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise RecordError(f"{path} is not a whole record: {reason}") from None
        if record.experiment.key != path.stem:
            raise RecordError(
                f"{path} holds the record of another experiment, {record.experiment.key}: "
                "rename it or remove it"
            )
        return record


def _digest(text: str, arrays: dict[str, np.ndarray]) -> np.ndarray:
    digest = hashlib.sha256(text.encode())
    for name, array in arrays.items():
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(array.tobytes())
    return np.frombuffer(digest.digest(), np.uint8)


class Store:
    """A folder of records.

    Parameters
    ----------
    folder : Path
        Need not exist before the first record is saved.

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
        """Where the record of an experiment lies, or would lie."""
        return self.folder / f"{experiment.key}{SUFFIX}"

    def paths(self) -> list[Path]:
        """The files of all records, damaged ones included."""
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
        RecordError
            There is a damaged one; it has been renamed and will not be found again.
        """
        path = self.path(experiment)
        if not path.is_file():
            raise MissingRecord(
                f"no record of {experiment} in {self.folder}: train it with fflib.obtain, or "
                "make reproduce"
            )
        return self._read(path)

    def _read(self, path: Path) -> Record:
        try:
            return Record.from_file(path)
        except RecordError as error:
            aside = path.with_suffix(".damaged")
            path.replace(aside)
            raise RecordError(
                f"{error}; set aside as {aside.name}: train it again, or restore it from git"
            ) from None

    def save(self, record: Record) -> Path:
        """Write a record: it appears whole or not at all, also when two processes write it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.path(record.experiment)
        with tempfile.NamedTemporaryFile(dir=self.folder, prefix=".writing-", delete=False) as file:
            try:
                file.write(record.to_bytes())
                file.flush()
                os.fsync(file.fileno())
            except BaseException:
                Path(file.name).unlink()
                raise
        os.chmod(file.name, 0o644)
        os.replace(file.name, path)
        return path


PUBLISHED = Store(download_folder() / "records")


def own_store() -> Store:
    """Where a reader's own records go: ``$FFLIB_STORE``, else ``data/own``, ignored by git."""
    return Store(Path(os.environ.get("FFLIB_STORE", download_folder() / "own")))


def find(experiment: Experiment) -> Record:
    """The record of an experiment, from the published store or the reader's own.

    Parameters
    ----------
    experiment : Experiment

    Returns
    -------
    Record

    Raises
    ------
    MissingRecord
        Neither store has one.
    RecordError
        There is a damaged one; it has been set aside.
    """
    for store in (PUBLISHED, own_store()):
        if experiment in store:
            return store.load(experiment)
    return own_store().load(experiment)
