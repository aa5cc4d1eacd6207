"""MNIST and Fashion-MNIST: found, checked against their published MD5, read by torchvision."""

import hashlib
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from fflib.data.dataset import Dataset, Split
from fflib.errors import DataError, MissingData

TIMEOUT = 30  # seconds without an answer before a download is given up


@dataclass(frozen=True)
class Published:
    """A data set whose files have published checksums.

    Parameters
    ----------
    folder : str
        torchvision's name for the class and for the folder that holds ``raw/``.
    classes : tuple of str
        What each label stands for.
    md5 : dict of str to str
        Published checksum of each uncompressed file in ``raw/``.
    """

    folder: str
    classes: tuple[str, ...]
    md5: dict[str, str]


PUBLISHED = {
    "mnist": Published(
        folder="MNIST",
        classes=tuple("0123456789"),
        md5={
            "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
            "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
            "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
            "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
        },
    ),
    "fashion-mnist": Published(
        folder="FashionMNIST",
        classes=(
            "T-shirt",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ),
        md5={
            "train-images-idx3-ubyte": "f4a8712d7a061bf5bd6d2ca38dc4d50a",
            "train-labels-idx1-ubyte": "9018921c3c673c538a1fc5bad174d6f9",
            "t10k-images-idx3-ubyte": "8181f5470baa50b63fa0f6fddb340f0a",
            "t10k-labels-idx1-ubyte": "15d484375f8d13e6eb1aabb0c3f46965",
        },
    ),
}


@dataclass(frozen=True)
class FileCheck:
    """What a file's MD5 should be and what it is.

    Parameters
    ----------
    path : Path
        The file.
    expected : str
        The published MD5.
    found : str or None
        The MD5 of the file, None where there is no file.
    """

    path: Path
    expected: str
    found: str | None

    @property
    def ok(self) -> bool:
        """Whether the file is there and unaltered."""
        return self.found == self.expected


def download_folder() -> Path:
    """Return ``data/`` of the checkout, or of the working directory where there is none."""
    checkout = Path(__file__).parents[2]
    return (checkout if (checkout / "pyproject.toml").is_file() else Path.cwd()) / "data"


def roots(root: str | Path | None = None) -> list[Path]:
    """List the folders to look in: `root`, else ``$FFLIB_DATA`` and then ``data/``."""
    if root is not None:
        return [Path(root).expanduser()]
    if named := os.environ.get("FFLIB_DATA"):
        return [Path(named).expanduser(), download_folder()]
    return [download_folder()]


def files(name: str, root: Path) -> list[Path]:
    """List the paths at which torchvision expects a data set's four files under a root."""
    return [root / PUBLISHED[name].folder / "raw" / file for file in PUBLISHED[name].md5]


def find(name: str, root: str | Path | None = None) -> Path | None:
    """Find the first root that holds all files of a data set, None where no root does."""
    for candidate in roots(root):
        if all(path.is_file() for path in files(name, candidate)):
            return candidate
    return None


def check_files(name: str, root: Path) -> tuple[FileCheck, ...]:
    """Compare the checksums of a data set's files under a root with the published ones."""
    md5 = PUBLISHED[name].md5
    return tuple(
        FileCheck(path, md5[path.name], _md5(path) if path.is_file() else None)
        for path in files(name, root)
    )


def read_published(name: str, root: Path) -> Dataset:
    """Read a data set from its files under a root, once their checksums are found right.

    Raises
    ------
    DataError
        If a file is truncated or altered.
    """
    checks = check_files(name, root)
    for check in checks:
        if not check.ok:
            raise DataError(
                f"{check.path} is truncated or altered: its MD5 is {check.found}, the published "
                f"one {check.expected}; delete it and run `fflib data fetch {name}`"
            )
    published, loader = PUBLISHED[name], _torchvision_class(name)
    train, test = loader(root, train=True), loader(root, train=False)
    return Dataset.of(
        name,
        published.classes,
        Split(train.data, train.targets),
        Split(test.data, test.targets),
        {check.path.name: check.expected for check in checks},
    )


def download(name: str, places: list[Path]) -> Path:
    """Download a data set into the last of the places, with a progress bar.

    The files appear there once all of them are whole.

    Returns
    -------
    Path
        That place.

    Raises
    ------
    MissingData
        If the data cannot be downloaded or stored; it names all places.
    """
    root = places[-1]
    try:
        root.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=root, prefix=".fetch-") as fresh, _timeout(TIMEOUT):
            _torchvision_class(name)(fresh, download=True)
            for new, path in zip(files(name, Path(fresh)), files(name, root), strict=True):
                path.parent.mkdir(parents=True, exist_ok=True)
                new.replace(path)
    except (OSError, RuntimeError, HTTPException) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise missing(name, places, f"it could not be downloaded ({reason})") from error
    return root


def missing(name: str, places: list[Path], reason: str) -> MissingData:
    """Make the error for a data set that is nowhere: where it was looked for, the ways out."""
    folder = PUBLISHED[name].folder
    looked = " and ".join(str(place / folder / "raw") for place in places)
    return MissingData(
        f"{name} is not on this machine: looked in {looked}, and {reason}; "
        f"set FFLIB_DATA to the folder that holds {folder}/, run `fflib data fetch {name}`, "
        "or use the embedded dataset 'digits'"
    )


def _torchvision_class(name: str) -> Any:
    import torchvision  # takes a second, and the embedded data do without

    original = getattr(torchvision.datasets, PUBLISHED[name].folder)
    # torchvision prefers what its old versions pickled into `processed/` to the checked files.
    return type(original.__name__, (original,), {"_check_legacy_exist": lambda self: False})


def _md5(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "md5").hexdigest()
    except OSError as error:
        raise DataError(
            f"{path} must be readable: {error.strerror}; give yourself the right to read it"
        ) from error


@contextmanager
def _timeout(seconds: float) -> Iterator[None]:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
