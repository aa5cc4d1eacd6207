"""How to cite the book: what CITATION.cff says, read once for pages and releases.

``python -m fflib.book.citation v1.2.3`` says whether a release of that name would be cited as such.
"""

import datetime
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import yaml

from fflib.book.commands import exit_code
from fflib.errors import FflibError

__all__ = ["FILE", "Citation", "CitationError", "check_release", "read"]

FILE = "CITATION.cff"


class CitationError(FflibError, ValueError):
    """A citation file that is missing, incomplete or of another version."""


@dataclass(frozen=True)
class Citation:
    """What a reference to the book needs.

    Authors are persons as "Family, Given", others by their name; `released` is None before the release.
    """

    title: str
    authors: tuple[str, ...]
    version: str
    released: datetime.date | None


def read(path: Path) -> Citation:
    """Read a file in the Citation File Format, version 1.2.

    Raises
    ------
    CitationError
        If it is not there, or lacks something.
    """
    try:
        said = yaml.safe_load(path.read_text(encoding="utf-8"))
        return Citation(
            title=str(said["title"]),
            authors=tuple(_name(author) for author in said["authors"]),
            version=str(said["version"]),
            released=_date(said.get("date-released")),
        )
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError) as reason:
        raise CitationError(
            f"{path.name} is no whole citation file ({type(reason).__name__}: "
            f"{str(reason).splitlines()[0]}): see https://citation-file-format.github.io"
        ) from None


def _name(author: dict[str, str]) -> str:
    if "name" in author:
        return author["name"]
    family = " ".join(filter(None, (author.get("name-particle"), author["family-names"])))
    return f"{family}, {author['given-names']}" if "given-names" in author else family


def _date(value: object) -> datetime.date | None:
    if value is None or isinstance(value, datetime.date):
        return value
    return datetime.date.fromisoformat(str(value))


def check_release(tag: str, citation: Citation, package: str) -> None:
    """Refuse a release whose name, such as ``"v1.2.3"``, package and citation disagree.

    `package` is the version of the package.

    Raises
    ------
    CitationError
        If versions differ, or the citation has no date.

    Examples
    --------
    >>> check_release("v0.2.0", Citation("A book", ("Somebody",), "0.1.0", None), "0.2.0")
    Traceback (most recent call last):
    fflib.book.citation.CitationError: v0.2.0 needs version 0.2.0 in CITATION.cff, which says 0.1.0
    """
    wanted = tag.removeprefix("v")
    for where, said in ((FILE, citation.version), ("pyproject.toml", package)):
        if said != wanted:
            raise CitationError(f"{tag} needs version {wanted} in {where}, which says {said}")
    if citation.released is None:
        raise CitationError(f"{tag} needs a line date-released: YYYY-MM-DD in {FILE}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``python -m fflib.book.citation TAG``; return 0, or 1 if the release must not be made."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print("usage: python -m fflib.book.citation TAG", file=sys.stderr)
        return 2

    def check() -> str:
        check_release(arguments[0], read(Path(FILE)), version("forward-forward-ensembles"))
        return f"{arguments[0]} is what {FILE} and the package say"

    return exit_code(check)


if __name__ == "__main__":
    sys.exit(main())
