"""Measures turn activations and weights into numbers: they know tensors, not experiments."""

from fflib.measures import ensembles, polarity, sharing, sparsity, unseen

__all__ = ["ensembles", "polarity", "sharing", "sparsity", "unseen"]
