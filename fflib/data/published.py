"""Find published data sets, check them against their MD5, read them by torchvision or from an archive."""

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

import torch

from fflib.data.archive import read_archive
from fflib.data.dataset import Dataset, Split
from fflib.errors import DataError, MissingData

TIMEOUT = 30  # seconds without an answer before a download is given up
SVHN = "SVHN"


@dataclass(frozen=True)
class Published:
    """A data set whose files have published checksums.

    Parameters
    ----------
    folder : str
        Where its files lie under a root, laid out as torchvision does.
    classes : tuple of str
        What each label stands for.
    shape : (int, int, int)
        Channels, height and width of an image.
    md5 : dict of str to str
        Checksum of each file.
    reader : str or None
        Name of torchvision's class that reads and downloads it; None for an archive of images,
        which no server offers for download.
    """

    folder: str
    classes: tuple[str, ...]
    shape: tuple[int, int, int]
    md5: dict[str, str]
    reader: str | None


CIFAR_10 = (
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
)

CIFAR_100 = (
    *("apple", "aquarium_fish", "baby", "bear", "beaver", "bed", "bee", "beetle", "bicycle"),
    *("bottle", "bowl", "boy", "bridge", "bus", "butterfly", "camel", "can", "castle"),
    *("caterpillar", "cattle", "chair", "chimpanzee", "clock", "cloud", "cockroach", "couch"),
    *("crab", "crocodile", "cup", "dinosaur", "dolphin", "elephant", "flatfish", "forest", "fox"),
    *("girl", "hamster", "house", "kangaroo", "keyboard", "lamp", "lawn_mower", "leopard", "lion"),
    *("lizard", "lobster", "man", "maple_tree", "motorcycle", "mountain", "mouse", "mushroom"),
    *("oak_tree", "orange", "orchid", "otter", "palm_tree", "pear", "pickup_truck", "pine_tree"),
    *("plain", "plate", "poppy", "porcupine", "possum", "rabbit", "raccoon", "ray", "road"),
    *("rocket", "rose", "sea", "seal", "shark", "shrew", "skunk", "skyscraper", "snail", "snake"),
    *("spider", "squirrel", "streetcar", "sunflower", "sweet_pepper", "table", "tank", "telephone"),
    *("television", "tiger", "tractor", "train", "trout", "tulip", "turtle", "wardrobe", "whale"),
    *("willow_tree", "wolf", "woman", "worm"),
)


PUBLISHED = {
    "mnist": Published(
        folder="MNIST/raw",
        classes=tuple("0123456789"),
        shape=(1, 28, 28),
        md5={
            "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
            "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
            "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
            "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
        },
        reader="MNIST",
    ),
    "fashion-mnist": Published(
        folder="FashionMNIST/raw",
        classes=(
            *("T-shirt", "Trouser", "Pullover", "Dress", "Coat"),
            *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
        ),
        shape=(1, 28, 28),
        md5={
            "train-images-idx3-ubyte": "f4a8712d7a061bf5bd6d2ca38dc4d50a",
            "train-labels-idx1-ubyte": "9018921c3c673c538a1fc5bad174d6f9",
            "t10k-images-idx3-ubyte": "8181f5470baa50b63fa0f6fddb340f0a",
            "t10k-labels-idx1-ubyte": "15d484375f8d13e6eb1aabb0c3f46965",
        },
        reader="FashionMNIST",
    ),
    "cifar-10": Published(
        folder="cifar-10-batches-py",
        classes=CIFAR_10,
        shape=(3, 32, 32),
        md5={
            "data_batch_1": "c99cafc152244af753f735de768cd75f",
            "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
            "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
            "data_batch_4": "634d18415352ddfa80567beed471001a",
            "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
            "test_batch": "40351d587109b95175f43aff81a1287e",
            "batches.meta": "5ff9c542aee3614f3951f8cda6e48888",
        },
        reader="CIFAR10",
    ),
    "cifar-100": Published(
        folder="cifar-100-python",
        classes=CIFAR_100,
        shape=(3, 32, 32),
        md5={
            "train": "16019d7e3df5f24257cddd939b257f8d",
            "test": "f0ef6b0ae62326f3e7ffdfab6717acfc",
            "meta": "7973b15100ade9c7d40fb424638fde48",
        },
        reader="CIFAR100",
    ),
    "svhn": Published(
        folder=".",
        classes=tuple("0123456789"),
        shape=(3, 32, 32),
        md5={
            "train_32x32.mat": "e26dedcc434d2e4c54c9b2d4a06d8373",
            "test_32x32.mat": "eb5a983be6a315427106f1b164d9cef3",
        },
        reader="SVHN",
    ),
    # The images of CIFAR-10 re-encoded as JPEG, which loses detail.
    "cifar-10-jpeg": Published(
        folder=".",
        classes=CIFAR_10,
        shape=(3, 32, 32),
        md5={"cifar10-jpeg.tar.gz": "0d11abded7da73ed95b60c470137a5e6"},
        reader=None,
    ),
}


@dataclass(frozen=True)
class FileCheck:
    """The published MD5 of a file and the one found, None where there is no file."""

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


def own_folder() -> Path:
    """Return where a reader's own records go: ``$FFLIB_STORE``, else ``data/own``."""
    return Path(os.environ.get("FFLIB_STORE", download_folder() / "own"))


def roots(root: str | Path | None = None) -> list[Path]:
    """List the folders to look in: `root`, else ``$FFLIB_DATA`` and then ``data/``."""
    if root is not None:
        return [Path(root).expanduser()]
    if named := os.environ.get("FFLIB_DATA"):
        return [Path(named).expanduser(), download_folder()]
    return [download_folder()]


def files(name: str, root: Path) -> list[Path]:
    """List the paths at which a data set's files are expected under a root."""
    return [root / PUBLISHED[name].folder / file for file in PUBLISHED[name].md5]


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
    """Read a data set under a root; a file that is truncated or altered raises a DataError."""
    checks = check_files(name, root)
    for check in checks:
        if not check.ok:
            raise DataError(
                f"{check.path} is truncated or altered: its MD5 is {check.found}, the published "
                f"one {check.expected}; delete it and run `fflib data fetch {name}`"
            )
    published = PUBLISHED[name]
    if published.reader is None:
        (archive,) = files(name, root)
        train, test = read_archive(archive, published.classes)
    else:
        train, test = _read(published.reader, root)
    checksums = {check.path.name: check.expected for check in checks}
    return Dataset.of(name, published.classes, train, test, checksums)


def _read(reader: str, root: Path) -> tuple[Split, Split]:
    """Read both splits by torchvision; images of (height, width, channel) become channels first."""
    train, test = (
        Split(images.contiguous(), torch.as_tensor(labels))
        for part in ("train", "test")
        for loaded in [_open(reader, root, part)]
        for images in [torch.as_tensor(loaded.data)]
        for labels in [loaded.labels if reader == SVHN else loaded.targets]
        for images in [images.permute(0, 3, 1, 2) if images.shape[3:] == (3,) else images]
    )
    return train, test


def _open(reader: str, root: str | Path, part: str, download: bool = False) -> Any:
    """Open a split by torchvision, which names those of SVHN."""
    named = {"split": part} if reader == SVHN else {"train": part == "train"}
    return _torchvision_class(reader)(root, **named, download=download)


def download(name: str, places: list[Path]) -> Path:
    """Download a data set into the last of the places, with a progress bar, and return that place.

    The files appear there once all of them are whole. If the data cannot be downloaded or stored, a
    MissingData error names all places.
    """
    reader, root = PUBLISHED[name].reader, places[-1]
    if reader is None:
        raise missing(name, places, "it is not offered for download")
    try:
        root.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=root, prefix=".fetch-") as fresh, _timeout(TIMEOUT):
            for part in ("train", "test"):
                _open(reader, fresh, part, download=True)
            for new, path in zip(files(name, Path(fresh)), files(name, root), strict=True):
                path.parent.mkdir(parents=True, exist_ok=True)
                new.replace(path)
    except (OSError, RuntimeError, HTTPException) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise missing(name, places, f"it could not be downloaded ({reason})") from error
    return root


def missing(name: str, places: list[Path], reason: str) -> MissingData:
    """Make the error for a data set that is nowhere: where it was looked for, the ways out."""
    first = files(name, Path())[0]
    what = first if PUBLISHED[name].folder == "." else first.parent
    looked = " and ".join(str(place / what) for place in places)
    fetching = "" if PUBLISHED[name].reader is None else f"run `fflib data fetch {name}`, "
    return MissingData(
        f"{name} is not on this machine: looked for {looked}, and {reason}; set FFLIB_DATA to the "
        f"folder that holds {what.parts[0]}, {fetching}or use the embedded dataset 'digits'"
    )


def _torchvision_class(reader: str) -> Any:
    import torchvision  # takes a second, and the embedded data do without

    original = getattr(torchvision.datasets, reader)
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
