"""A running mean of the weights along training, in which the noise of single steps cancels."""

from copy import deepcopy

import torch

from fflib.networks.convolutional import ConvNetwork

__all__ = ["Average"]


class Average:
    """Keep a network whose weights are the running mean of those of a network that is trained.

    After a step that leaves the weights w, the mean m becomes ``decay · m + (1 - decay) · w``. It
    begins with the weights that the network has now, which are forgotten after some 5 / (1 - decay)
    steps. The running moments of batch normalisation are averaged, too.

    Parameters
    ----------
    source : ConvNetwork
        The network that is trained.
    decay : float
        From 0, which keeps the last weights, to below 1.

    Attributes
    ----------
    network : ConvNetwork
        The network with averaged weights.

    References
    ----------
    B. T. Polyak and A. B. Juditsky, "Acceleration of stochastic approximation by averaging", SIAM
    Journal on Control and Optimization 30 (1992), for plain means; exponential ones as in A. Tarvainen
    and H. Valpola, "Mean teachers are better role models", NeurIPS 2017.

    Examples
    --------
    >>> source = ConvNetwork((1, 4, 4), hidden=2, layers=1, classes=2)
    >>> average = Average(source, decay=0.75)
    >>> before = source.layers[0].bias.clone()
    >>> with torch.no_grad():
    ...     source.layers[0].bias += 1
    >>> average.follow()
    >>> average.network.layers[0].bias - before
    tensor([0.2500, 0.2500], grad_fn=<SubBackward0>)
    """

    def __init__(self, source: ConvNetwork, decay: float) -> None:
        self.network = deepcopy(source)
        self._share = 1 - decay
        self._means, self._sources = (
            [value for value in network.state_dict().values() if value.is_floating_point()]
            for network in (self.network, source)
        )

    def follow(self) -> None:
        """Take the source's weights, after a step, into the mean."""
        torch._foreach_lerp_(self._means, self._sources, self._share)
