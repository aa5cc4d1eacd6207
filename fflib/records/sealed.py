"""Sealed files: a JSON header and arrays in one safetensors file, with a digest over all of it.

Records, checkpoints and the images that drive ensembles are kept so. Reading one never runs code,
and the digest tells damage.
"""

import hashlib
from pathlib import Path

import numpy as np
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from fflib.errors import RecordError

__all__ = ["DamagedRecord", "reason", "seal", "unseal"]

DIGEST = "sha256"  # an array beside the others, of 32 bytes


class DamagedRecord(RecordError):  # noqa: N818
    """A file that is not a whole record, or not the record that its name stands for."""


def seal(text: str, arrays: dict[str, np.ndarray]) -> bytes:
    """Return the bytes of a safetensors file of a header and arrays, with a digest over both."""
    arrays = {name: np.ascontiguousarray(array) for name, array in sorted(arrays.items())}
    return save(arrays | {DIGEST: _digest(text, arrays)}, {"record": text})


def unseal(path: Path) -> tuple[str, dict[str, np.ndarray]]:
    """Read the header and the arrays of a sealed file.

    Raises
    ------
    DamagedRecord
        The file is no such file, or its digest does not match its content.
    RecordError
        It cannot be opened.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            text = (file.metadata() or {})["record"]
            arrays = {name: file.get_tensor(name) for name in sorted(file.keys())}
        intact = np.array_equal(arrays.pop(DIGEST), _digest(text, arrays))
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise DamagedRecord(f"{path} is not a whole record: {reason(error)}") from None
    except OSError as error:
        raise RecordError(f"{path} cannot be read: {reason(error)}") from None
    if not intact:
        raise DamagedRecord(f"{path} is not a whole record: its digest does not match its content")
    return text, arrays


def reason(error: Exception) -> str:
    """Say in one line what is wrong with a file."""
    if isinstance(error, ValidationError):
        first = error.errors(include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        return f"{where}: {first['msg'].removeprefix('Value error, ')}"
    return str(error).partition("\n")[0] or type(error).__name__


def _digest(text: str, arrays: dict[str, np.ndarray]) -> np.ndarray:
    digest = hashlib.sha256(text.encode())
    for name, array in arrays.items():
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(array.tobytes())
    return np.frombuffer(digest.digest(), np.uint8)
