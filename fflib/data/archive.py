"""Read images from an archive of class folders, without unpacking it."""

import tarfile
import zlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import torch

from fflib.data.dataset import Split
from fflib.data.images import formats, read_picture, stacked
from fflib.data.splits import spread
from fflib.errors import DataError

PARTS = ("train", "test")


def read_archive(archive: Path, classes: Sequence[str]) -> tuple[Split, Split]:
    """Read ``train/<class>/*`` and ``test/<class>/*`` of a tar archive, compressed or not.

    The names of the class folders are in the order of the labels. The classes are spread evenly
    over each split, as in :func:`fflib.data.splits.spread`. An archive that cannot be read, a
    file that lies elsewhere in it, or a broken image raises a DataError.
    """
    contents: dict[Path, bytes] = {}
    try:
        with tarfile.open(archive) as packed:
            for member in packed:
                name = PurePosixPath(member.name)
                if member.isfile() and name.suffix.lower() in formats():
                    file = packed.extractfile(member)
                    assert file is not None
                    contents[archive / name] = file.read()
    except (OSError, EOFError, tarfile.TarError, zlib.error) as error:
        message = f"{archive} must be a readable tar archive ({error}): replace it"
        raise DataError(message) from error
    by_folder: dict[tuple[str, ...], list[Path]] = {
        (part, label): [] for part in PARTS for label in classes
    }
    for path in sorted(contents):
        where = path.relative_to(archive).parent.parts
        if where not in by_folder:
            raise DataError(
                f"{path} must lie in train/<class> or test/<class> of the archive, with a class of "
                f"{', '.join(classes)}: replace the archive"
            )
        by_folder[where].append(path)
    train, test = (
        _split(archive, [by_folder[part, label] for label in classes], contents) for part in PARTS
    )
    return train, test


def _split(archive: Path, groups: list[list[Path]], contents: dict[Path, bytes]) -> Split:
    if not all(groups):
        raise DataError(f"{archive} must hold images of every class in train/ and test/")
    examples = spread(groups)
    pictures = [read_picture(path, read=contents.__getitem__) for path, _ in examples]
    first = pictures[0].size
    for picture, (path, _) in zip(pictures, examples, strict=True):
        if picture.size != first:
            raise DataError(
                f"{path}: all images must have one size, this has {picture.size} pixels and others "
                f"{first}: replace the archive"
            )
    images = stacked([picture.image for picture in pictures])
    return Split(images, torch.tensor([label for _, label in examples]))
