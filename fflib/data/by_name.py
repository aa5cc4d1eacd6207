"""Find and load a data set by its name, or by the path of a folder of images."""

from functools import lru_cache
from pathlib import Path

from fflib.data import published
from fflib.data.dataset import Dataset
from fflib.data.digits import read_digits
from fflib.data.folder import read_folder
from fflib.data.layout import layout
from fflib.data.published import PUBLISHED, FileCheck
from fflib.errors import DataError, unknown

EMBEDDED = "digits"
NAMES = (EMBEDDED, *PUBLISHED)


def load(
    name: str | Path,
    root: str | Path | None = None,
    download: bool = True,
    *,
    size: int | None = None,
    groups: str | None = None,
) -> Dataset:
    """Load a data set by its name, or from a folder of class folders of images.

    Published data sets are looked for in `root`; without it in ``$FFLIB_DATA``, then in
    ``data/`` of the checkout (or of the working directory, for an installed package), and
    are else downloaded there. Their files are checked once per process. No data set
    is ever replaced by another. Calls share what they return: do not change its tensors.

    A folder holds either ``<class>/*``, or ``train/<class>/*`` and ``test/<class>/*``, whatever the
    case; training, testing, val, valid, validation and dev are understood, too. Classes are in natural
    order: 2 before 10. Of a folder that is not divided, a fifth of each class is drawn for testing by
    what the images show, so that the same images are divided in the same way wherever they are. Hidden
    files are passed over.

    Images of any common format and mode are taken as they are meant to be seen: turned by their
    orientation tag, transparent parts on grey, the first of several frames, 16 bits brought to 8. HEIC
    is read where pillow-heif is installed. If all have one size and no side is over 32 pixels, they are
    taken as they are; else the largest square around the middle is brought to 28×28 pixels, the size
    of the paper's images. Where none has colour they have one channel. ``Dataset.remarks`` says
    what was decided, what was left out, and which images to test with are among those to train on.

    Parameters
    ----------
    name : str or Path
        One of `NAMES`, or a folder; a str that is a name is never taken for a folder.
    root : str or Path, optional
        The only folder to look in and to download into, laid out as torchvision does:
        ``MNIST/raw/...``, ``FashionMNIST/raw/...``, ``cifar-10-batches-py/...``,
        ``cifar-100-python/...`` and, for SVHN, ``train_32x32.mat`` and ``test_32x32.mat``. The JPEG
        copy of CIFAR-10 is an archive in it, ``cifar10-jpeg.tar.gz``.
    download : bool
        Whether to download a data set that is not found.
    size : int, optional
        For a folder: bring all images to squares with sides of so many pixels.
    groups : str, optional
        For a folder that is not divided: a regular expression that finds in the name of each file
        what it belongs to, its first bracket or else all of it. Images with the same there are all
        trained on or all tested with.

    Raises
    ------
    DataError
        If the name is unknown, or a file is damaged, altered or of the wrong form.
    MissingData
        If the data are not found and cannot be downloaded.

    Examples
    --------
    >>> digits = load("digits")
    >>> digits.train.images.shape, digits.inputs
    (torch.Size([1437, 28, 28]), 784)
    """
    if isinstance(name, Path) or name not in NAMES:
        return read_folder(find_folder(name), size, groups)
    if name == EMBEDDED:
        return _read(name, None)
    place = published.find(name, root)
    if place is None:
        places = published.roots(root)
        if not download:
            raise published.missing(name, places, "downloading was switched off")
        place = published.download(name, places)
    return _read(name, place.resolve())


def find_folder(name: str | Path) -> Path:
    """Return the absolute path of a folder; one that is not there raises a DataError."""
    try:
        folder = Path(name).expanduser()
        if folder.is_dir():
            return folder.resolve()
    except (RuntimeError, ValueError):  # no such user, or no such path
        pass
    raise DataError(f"{unknown('dataset', str(name), NAMES)}, or a folder of class folders")


def class_names(name: str | Path) -> tuple[str, ...]:
    """Return what the labels of a data set stand for; of a published one without its images.

    The name and the errors are those of :func:`load`.

    Examples
    --------
    >>> class_names("fashion-mnist")[0]
    'T-shirt'
    """
    if name in NAMES:
        return PUBLISHED[name].classes if name in PUBLISHED else load(name).classes
    return layout(find_folder(name)).classes


def label_of(dataset: str, name: str) -> int:
    """Return the number of a class that is given by its name, or else by its number as text.

    Examples
    --------
    >>> label_of("fashion-mnist", "Sandal"), label_of("fashion-mnist", "5")
    (5, 5)
    """
    classes = class_names(dataset)
    if name in classes:
        return classes.index(name)
    if name.isdecimal():
        return int(name)
    raise ValueError(unknown(f"class of {dataset}", name, classes))


def name_of(dataset: str, label: int) -> str:
    """Return the name of a class; its number where the images are gone or have fewer classes."""
    try:
        return class_names(dataset)[label]
    except (DataError, OSError, IndexError):
        return str(label)


def image_shape(name: str | Path) -> tuple[int, int, int]:
    """Return channels, height and width of the images; of a published data set without them.

    The name and the errors are those of :func:`load`.

    Examples
    --------
    >>> image_shape("cifar-10"), image_shape("digits")
    ((3, 32, 32), (1, 28, 28))
    """
    return PUBLISHED[name].shape if name in PUBLISHED else load(name).shape


def check(name: str, root: str | Path | None = None) -> tuple[FileCheck, ...]:
    """Compare the checksums of a data set's files with the published ones; digits has no files.

    Folders are searched as by :func:`load`. Where the data are not complete anywhere, the first of
    them is reported. An unknown name raises a DataError.
    """
    _require_name(name)
    if name == EMBEDDED:
        return ()
    return published.check_files(name, published.find(name, root) or published.roots(root)[0])


def fetch(name: str, root: str | Path | None = None) -> tuple[FileCheck, ...]:
    """Download a data set, with a progress bar, unless it is here and intact; return its files.

    Folders are those of :func:`load`. For the embedded data set there is nothing to do.

    Raises
    ------
    DataError
        If the name is unknown, or the download has other checksums than the published ones.
    MissingData
        If it cannot be downloaded.
    """
    checks = check(name, root)
    if all(file.ok for file in checks):
        return checks
    return published.check_files(name, published.download(name, published.roots(root)))


def where(name: str, root: str | Path | None = None) -> Path | None:
    """Find the folder on this machine in which :func:`load` finds a data set, without reading it.

    It is None where no folder has all its files, as for digits, which has none. An unknown name
    raises a DataError.
    """
    _require_name(name)
    return None if name == EMBEDDED else published.find(name, root)


def _require_name(name: str) -> None:
    if name not in NAMES:
        raise DataError(unknown("dataset", name, NAMES))


@lru_cache(maxsize=len(NAMES))
def _read(name: str, place: Path | None) -> Dataset:
    return read_digits() if place is None else published.read_published(name, place)
