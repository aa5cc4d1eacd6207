"""Sphinx extensions of the book: how its pages differ from what the theme makes."""
