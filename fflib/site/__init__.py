"""What makes the built pages self-contained, light and accessible: small extensions of Sphinx."""
