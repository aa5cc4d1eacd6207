"""Where the site will be found, if anybody has said so."""

import os
from urllib.parse import urlsplit

from fflib.errors import ChapterError

__all__ = ["VARIABLE", "site_address"]

VARIABLE = "SITE_URL"


def site_address(configured: str = "") -> str:
    """The address of the published site.

    Parameters
    ----------
    configured : str
        ``html.baseurl`` of ``_config.yml``, which the environment variable ``SITE_URL`` overrides.

    Returns
    -------
    str
        With a slash at its end; empty where it is not known.

    Raises
    ------
    ChapterError
        If it is not an absolute address of the web.

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
            f"mend {VARIABLE} or html.baseurl in _config.yml"
        )
    return address.rstrip("/") + "/"
