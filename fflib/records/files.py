"""Files that appear whole or not at all, and files that one process at a time may hold."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows, where a file that is open cannot be removed: that is lock enough
    fcntl = None  # type: ignore[assignment]

__all__ = ["hold", "remove_abandoned", "write_whole"]

PARTIAL = ".writing-"


def write_whole(path: Path, content: bytes) -> Path:
    """Write a file so that nobody ever sees a part of it, also when two processes write it.

    It is written under another name, forced to the disk, and renamed; then the folder is forced to
    the disk too, so that a file that has been seen once outlives a loss of power.

    Parameters
    ----------
    path : Path
        Its folder is made where there is none.
    content : bytes

    Returns
    -------
    Path
        The same path.

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
            continue  # taken for abandoned in the moment in which it was not locked
        except BaseException as error:
            Path(partial).unlink(missing_ok=True)
            if isinstance(error, OSError) and error.errno and error.filename is None:
                error.filename = str(path)  # a write that fails does not say where
            raise
        _force_folder(path.parent)
        break
    return path


def remove_abandoned(folder: Path) -> None:
    """Remove what writers that were killed have left half written; live ones are left alone.

    Parameters
    ----------
    folder : Path
        Need not exist.
    """
    for path in folder.glob(f"{PARTIAL}*"):
        with suppress(OSError):  # on Windows what is open stays; elsewhere another was faster
            handle = os.open(path, os.O_RDWR)
            try:
                if _lock(handle):
                    path.unlink()
            finally:
                os.close(handle)


@contextmanager
def hold(path: Path) -> Iterator[bool]:
    """Hold a file that one process at a time can hold, for as long as the block lasts.

    The operating system lets go of it when the process ends, however it ends. The file is removed
    when it is let go of; one that a killed process has left behind stands in nobody's way.

    Parameters
    ----------
    path : Path
        Its folder is made where there is none.

    Yields
    ------
    bool
        Whether it is held; if not, another process holds it.

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
            if fcntl:
                path.unlink(missing_ok=True)  # before it is let go of, or the next one's would go
            os.close(handle)
            if not fcntl:
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
        os.close(handle)  # it was removed by its last holder: what is held is no file any more


def _lock(handle: int) -> bool:
    """Lock an open file; False where another process has done so.

    Where the file system knows no locks it counts as locked: two writers of one record then do
    the same work, and no harm.
    """
    if fcntl is None:
        import msvcrt

        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def _force_folder(folder: Path) -> None:
    """Force the names in a folder to the disk, where the system can."""
    if fcntl is None:
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
