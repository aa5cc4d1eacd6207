"""How numbers are set in the text of the book."""

import re

__all__ = ["minus"]

# A sign stands before a number, or in front of its exponent; any other hyphen joins words.
_SIGN = re.compile(r"(?<![\w)\]])-(?=\.?\d)|(?<=\d[eE])-(?=\d)")


def minus(text: str) -> str:
    """Text with a typographic minus wherever a hyphen is the sign of a number.

    Parameters
    ----------
    text : str

    Returns
    -------
    str

    Examples
    --------
    >>> minus("-0.24 [-0.3, -0.1] on CIFAR-10")
    '−0.24 [−0.3, −0.1] on CIFAR-10'
    >>> minus("p = 1e-05, well-known, 2024-01-31")
    'p = 1e−05, well-known, 2024-01-31'
    """
    return _SIGN.sub("−", text)
