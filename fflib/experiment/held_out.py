"""The class that a training leaves out: by name for people, by number in the experiment."""

from fflib.data import class_names
from fflib.errors import DataError, unknown

__all__ = ["label_of", "name_of"]


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
