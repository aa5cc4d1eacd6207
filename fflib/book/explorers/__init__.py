"""Explorers: panels in which a reader chooses what to look at, on a static page and on a live run."""
