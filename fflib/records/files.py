"""Files that appear whole or not at all, and files that one process at a time can hold."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import lock_descriptor

__all__ = ["hold", "remove_abandoned", "write_whole"]

PARTIAL = ".writing-"
ANY_PARTIAL = f"{PARTIAL}*"
WINDOWS = os.name == "nt"  # where a file that is open cannot be removed


def write_whole(path: Path, content: bytes) -> Path:
    """Write a file so that no reader ever sees a part of it, also when two processes write it.

    The content is written under another name, forced to the disk, and renamed. Then the folder is
    forced to the disk too, so that a file that has been seen once survives a loss of power. The
    file's folder is made where there is none. Returns the path.

    Raises
    ------
    OSError
        The disk is full, or the folder cannot be written to: what was there before is still there.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write_whole(Path(folder, "note"), b"whole").read_bytes()
    b'whole'
    """
    for last in (False, False, True):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, partial = tempfile.mkstemp(dir=path.parent, prefix=PARTIAL)
        try:
            with open(handle, "wb") as file:
                _lock(file.fileno())
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(partial, 0o644)
            os.replace(partial, path)
        except FileNotFoundError:
            if last:
                raise
            continue  # another process took it for abandoned while it was not locked
        except BaseException as error:
            Path(partial).unlink(missing_ok=True)
            if isinstance(error, OSError) and error.errno and error.filename is None:
                error.filename = str(path)  # a write that fails does not say where
            raise
        _force_folder(path.parent)
        break
    return path


def remove_abandoned(folder: Path, pattern: str = ANY_PARTIAL) -> None:
    """Remove files that no process holds any more, such as those of a writer that was killed.

    Half-written ones by default. The folder need not exist.
    """
    for path in folder.glob(pattern):
        with suppress(OSError), hold(path):
            pass  # a file that could be held is removed when it is released


@contextmanager
def hold(path: Path) -> Iterator[bool]:
    """Hold a file, which one process at a time can do, for as long as the block lasts.

    The operating system releases the file when the process ends, however it ends. A file that is
    released is removed; one that a killed process has left behind can be held again. Its folder is
    made where there is none. Yields whether this process holds the file; if not, another one does.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     with hold(Path(folder, "it")) as mine, hold(Path(folder, "it")) as again:
    ...         mine, again
    (True, False)
    """
    handle = _held(path)
    try:
        yield handle is not None
    finally:
        if handle is not None:
            if not WINDOWS:
                path.unlink(missing_ok=True)  # while it is held: later it may be another's
            os.close(handle)
            if WINDOWS:
                with suppress(OSError):
                    path.unlink(missing_ok=True)


def _held(path: Path) -> int | None:
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except FileNotFoundError:
            continue  # the folder was removed between the two lines
        if not _lock(handle):
            os.close(handle)
            return None
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(handle), os.stat(path)):
                return handle
        os.close(handle)  # its last holder has removed it: the handle is that of no file any more


def _lock(handle: int) -> bool:
    """Lock an open file; False where another process has done so.

    Where the file system knows no locks, the file counts as locked: two writers of one record then
    do the same work, and no harm.
    """
    try:
        return lock_descriptor(handle, blocking=False)
    except OSError:
        return True


def _force_folder(folder: Path) -> None:
    """Force the names in a folder to the disk, where the system can."""
    if WINDOWS:
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
