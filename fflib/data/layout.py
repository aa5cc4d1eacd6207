"""Find what a folder holds: its classes, its parts for training and testing, and their files."""

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from fflib.data.images import formats
from fflib.errors import DataError

__all__ = ["Layout", "layout"]

PARTS = {
    "train": ("train", "training"),
    "test": ("test", "testing"),
    "validation": ("val", "valid", "validation", "dev"),
}
"""What people call the folders of a divided data set, in any case."""

CLUTTER = ("__macosx", "@eadir", "desktop.ini", "thumbs.db")
"""What systems leave in folders; whatever begins with a full stop is hidden as well."""

READERS = {".heic": "pillow-heif", ".heif": "pillow-heif", ".avif": "a newer Pillow"}


@dataclass(frozen=True)
class Layout:
    """The files of a folder of class folders.

    Parameters
    ----------
    classes : tuple of str
        Names of the class folders, in natural order: 2 before 10.
    files : tuple of (str, int, Path)
        For each file what it is for, ``"train"``, ``"test"`` or, where the folder is not divided,
        ``""``; its class, counted from 0; and where it is.
    remarks : tuple of str
        How it is divided, and what is left out.
    """

    classes: tuple[str, ...]
    files: tuple[tuple[str, int, Path], ...]
    remarks: tuple[str, ...]


def layout(folder: Path) -> Layout:
    """List classes and files of a folder, in one of the layouts that :func:`fflib.data.load` names.

    A DataError is raised if there are fewer than two classes, a class has no images, or the parts of
    a divided folder are not clear or differ in their classes.
    """
    left: Counter[str] = Counter()
    parts = _parts(folder)
    if not parts:
        own = _classes(folder, left)
        files = _files("", own, left)
        return Layout(tuple(own), files, _left_out(left))
    remarks = []
    train, test, *spare = parts
    if spare:
        count = sum(path.suffix.lower() in formats() for path in spare[0].rglob("*"))
        remarks = [
            f"{spare[0].name}/ is left out, {count} images: {train.name}/ is trained on, and "
            f"{test.name}/ tested with"
        ]
    elif test.name.lower() not in PARTS["test"]:
        remarks = [f"{test.name}/ is tested with, since there is no test/"]
    found = {"train": _classes(train, left), "test": _classes(test, left)}
    if others := set(found["train"]) ^ set(found["test"]):
        raise DataError(
            f"{folder}: {train.name}/ and {test.name}/ must hold the same classes, "
            f"only one of them has {', '.join(sorted(others, key=_natural))}: add or remove class "
            "folders"
        )
    files = tuple(file for part, own in found.items() for file in _files(part, own, left))
    return Layout(tuple(found["train"]), files, (*remarks, *_left_out(left)))


def _files(
    part: str, classes: dict[str, Path], left: Counter[str]
) -> tuple[tuple[str, int, Path], ...]:
    return tuple(
        (part, label, path)
        for label, folder in enumerate(classes.values())
        for path in _images(folder, left)
    )


def _parts(folder: Path) -> list[Path]:
    """Find the parts of a divided folder, to train on, to test with, and perhaps to spare.

    There are none in a folder that is not divided.
    """
    found = [
        [path for path in _visible(folder) if path.is_dir() and path.name.lower() in names]
        for names in PARTS.values()
    ]
    train, *others = found
    if not train or not any(others):
        return []
    for paths in found:
        if len(paths) > 1:
            raise DataError(
                f"{folder} must have one folder for each part, found "
                f"{' and '.join(sorted(path.name for path in paths))}: put them together"
            )
    return [paths[0] for paths in found if paths]


def _classes(folder: Path, left: Counter[str]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in sorted(_visible(folder), key=lambda path: _natural(path.name)):
        if not path.is_dir():
            suffix = path.suffix.lower()
            left[suffix + " outside of the class folders" * (suffix in formats())] += 1
            continue
        # Systems store an é in one sign or in two.
        name = unicodedata.normalize("NFC", path.name)
        if name in found:
            raise DataError(f"{folder} must have one folder for a class, found two called {name}")
        found[name] = path
    if len(found) < 2:
        raise DataError(
            f"{folder}: at least two class folders are needed, found {len(found)}: give a folder "
            "that holds <class>/*, or train/<class>/* and test/<class>/*"
        )
    return found


def _images(folder: Path, left: Counter[str]) -> list[Path]:
    paths, others = [], Counter[str]()
    for path in _visible(folder):
        suffix = path.suffix.lower()
        if path.is_dir():
            others["folder in a class folder"] += 1
        elif suffix not in formats():
            others[suffix] += 1
        elif path.is_file():
            paths.append(path)
        else:  # a pipe would be waited for, and a device has no end
            others[f"{suffix} that is no file"] += 1
    if not paths:
        beside = f" beside {_counted(others)}" if others else ""
        raise DataError(
            f"{folder}: a class needs images ({' '.join(sorted(formats()))}), found none{beside}: "
            "add some or remove the folder"
        )
    left += others
    return sorted(paths)


def _visible(folder: Path) -> list[Path]:
    return [
        path
        for path in folder.iterdir()
        if not path.name.startswith(".") and path.name.lower() not in CLUTTER
    ]


def _natural(name: str) -> tuple[list[str | int], str]:
    """Order names as people do: numbers in them by their value, letters whatever their case."""
    parts = re.split(r"(\d+)", unicodedata.normalize("NFC", name).casefold())
    return [int(part) if i % 2 else part for i, part in enumerate(parts)], name


def _left_out(left: Counter[str]) -> tuple[str, ...]:
    if not left:
        return ()
    return (f"left out, since they are not read: {_counted(left)}",)


def _counted(left: Counter[str]) -> str:
    said = []
    for suffix, count in sorted(left.items()):
        reader = READERS.get(suffix)
        how = f" (install {reader} to read them)" if reader else ""
        said.append(f"{count} {suffix or 'without a suffix'}{how}")
    return ", ".join(said)
