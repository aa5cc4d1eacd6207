"""Every figure of the book, one function each: records or arrays in, a matplotlib figure out."""

from fflib.book.figures import style

__all__ = ["style"]
