"""Where the site and its repository can be found, where somebody has said so."""

import os
from dataclasses import dataclass
from urllib.parse import urlsplit

from fflib.errors import ChapterError

__all__ = ["VARIABLE", "Repository", "published_from", "site_address"]

VARIABLE = "SITE_URL"
"""The environment variable that overrides ``html.baseurl`` of ``_config.yml``."""


def site_address(configured: str = "") -> str:
    """Return the address of the published site, with a slash at its end; empty where it is not known.

    The environment variable ``SITE_URL`` overrides the one that is configured, ``html.baseurl`` of
    ``_config.yml``. One that is not an absolute address of the web raises ChapterError.

    Examples
    --------
    >>> site_address("https://example.org/book")
    'https://example.org/book/'
    """
    address = os.environ.get(VARIABLE) or configured
    if not address:
        return ""
    parsed = urlsplit(address)
    if parsed.scheme not in ("http", "https") or not parsed.netloc or parsed.query:
        raise ChapterError(
            f"the site's address must be like https://example.org/book/, not {address!r}: "
            f"correct {VARIABLE} or html.baseurl in _config.yml"
        )
    return address.rstrip("/") + "/"


@dataclass(frozen=True)
class Repository:
    """A repository and one of its states.

    It can be cloned from `address`, which has no slash at its end, and is empty where it is not known;
    `ref` is a branch, a tag or a commit, and empty for the usual branch.

    Examples
    --------
    >>> Repository("https://github.com/somebody/fflib", "v1").on_github
    'somebody/fflib'
    """

    address: str = ""
    ref: str = ""

    def __post_init__(self) -> None:
        parsed = urlsplit(self.address)
        if self.address and (parsed.scheme != "https" or not parsed.path.strip("/")):
            raise ChapterError(
                "the repository's address must be like https://github.com/somebody/fflib, got "
                f"{self.address!r}: correct repository.url in _config.yml"
            )

    @property
    def on_github(self) -> str:
        """Owner and name on GitHub; empty for a repository elsewhere."""
        parsed = urlsplit(self.address)
        return parsed.path.strip("/") if parsed.netloc == "github.com" else ""


def published_from(configured: str = "", branch: str = "main") -> Repository:
    """Return the repository that pages are published from, in the state that they are built from.

    That is the one `configured`, ``repository.url`` of ``_config.yml``; where this is empty, in GitHub
    Actions the one that is built there. The ref is `branch`, unless GitHub Actions says which tag or
    commit is built. An address that is not one of the web raises ChapterError.
    """
    server, name = (os.environ.get(f"GITHUB_{part}", "") for part in ("SERVER_URL", "REPOSITORY"))
    address = configured or (f"{server}/{name}" if server and name else "")
    tag = os.environ.get("GITHUB_REF_TYPE") == "tag" and os.environ.get("GITHUB_REF_NAME")
    ref = tag or os.environ.get("GITHUB_SHA") or branch
    return Repository(address.rstrip("/").removesuffix(".git"), ref if address else "")
