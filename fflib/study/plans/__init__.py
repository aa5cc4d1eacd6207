"""The plans of the study: the grids of experiments behind the published numbers."""
