"""How networks are trained: from an experiment to a run."""
