"""How far a gradient travels: which layers learn from the loss of which."""

from copy import deepcopy

from torch import Tensor

from fflib.experiment import ConvExperiment, gradient_reach
from fflib.networks.convolutional import ConvNetwork
from fflib.training.convolutional import descend, losses_of

__all__ = ["layers_taught"]


def layers_taught(
    experiment: ConvExperiment,
    network: ConvNetwork,
    pixels: Tensor,
    labels: Tensor,
    wrong: Tensor | None = None,
) -> list[list[int]]:
    """Set one loss after the other, and list the layers whose parameters get a gradient from it.

    The losses are those of a training step, first layer first; all but one count nothing. Layers
    are counted from 0. :func:`fflib.experiment.architectures.gradient_reach` is the length of the longest list.

    Parameters
    ----------
    experiment, network
        What is trained.
    pixels, labels, wrong : Tensor, shapes (n, inputs), (n,) and (n,)
        A batch of images, and wrong labels where images carry one.

    Examples
    --------
    >>> import torch
    >>> experiment = ConvExperiment(architecture="conv", scope="projection", layers=2)
    >>> network = ConvNetwork((1, 8, 8), 4, 2, 2, goodness="mean-square", scope="projection")
    >>> layers_taught(experiment, network, torch.rand(2, 64), torch.tensor([0, 1]))
    [[0], [1]]
    """
    found, network = [], deepcopy(network)  # which keeps its gradients and moments to itself
    losses, _ = losses_of(experiment, network, pixels, labels, wrong)
    for chosen in range(len(losses)):
        losses, _ = losses_of(experiment, network, pixels, labels, wrong)
        network.zero_grad()
        own = [loss * (place == chosen) for place, loss in enumerate(losses)]
        descend(network, own, gradient_reach(experiment))
        found.append(
            [
                depth
                for depth, parameters in enumerate(network.parameters_by_layer)
                if any(p.grad is not None and p.grad.any() for p in parameters)
            ]
        )
    return found
