"""Adam, with which every network is trained, and the course of its learning rate."""

from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, pairwise
from math import cos, pi

import torch
from torch import Tensor, nn
from torch.optim.adam import adam

__all__ = ["SCHEDULES", "Adam", "pieces", "rates"]

# Of torch's fused step on CUDA: numbers that one multiprocessor works on, one after the other, and
# tensors that one launch takes.
WORK = 65536
TENSORS = 36


def pieces(parameters: Sequence[Tensor]) -> list[int]:
    """Say into how many pieces each parameter is cut, so that a step occupies more of a CUDA device.

    A multiprocessor takes thousands of numbers of one tensor, so that a layer occupies a tenth of a
    device. Large tensors are cut as far as one launch goes; elsewhere, and where many runs side by
    side fill the device, they stay whole.

    Examples
    --------
    >>> pieces([torch.zeros(784, 784), torch.zeros(784)])  # on a CPU
    [1, 1]
    """
    large = [p.is_cuda and p.is_contiguous() and p.numel() > WORK for p in parameters]
    spare = TENSORS - (len(parameters) - sum(large))
    return [max(1, spare // sum(large)) if cut else 1 for cut in large]


class Adam:
    """Take the steps of :class:`torch.optim.Adam` or, with weight decay, ``AdamW``, bit for bit.

    Making one of torch's own optimisers loads torch's compiler, for two seconds of every process
    that trains, however shortly.

    Parameters
    ----------
    parameters : sequence of nn.Parameter
        On one device. One without a gradient stays put.
    then : sequence of callable
        Called after each step, as to keep the weights within bounds.
    epsilon : float
        Added to the root of the mean square that a step is divided by.
    weight_decay : float
        Before each step, all but biases (parameters of one dimension) shrink by this share, times
        the rate: Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019.

    Attributes
    ----------
    moments : list of dict of str to Tensor
        Of each parameter: ``step``, the steps that each of its :func:`pieces` has taken; ``exp_avg`` and ``exp_avg_sq``, the
        running means of its gradient and of the square of that.

    Examples
    --------
    >>> parameter = nn.Parameter(torch.tensor([1.0, 1.0]))
    >>> parameter.grad = torch.tensor([5.0, -0.5])
    >>> optimiser = Adam([parameter])
    >>> optimiser.rate = 0.1
    >>> optimiser.step()
    >>> parameter.data
    tensor([0.9000, 1.1000])
    """

    def __init__(
        self,
        parameters: Sequence[nn.Parameter],
        then: Sequence[Callable[[], None]] = (),
        *,
        epsilon: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        self.parameters, self.then = list(parameters), list(then)
        self._epsilon = epsilon
        self._decays = [weight_decay if p.dim() > 1 else 0.0 for p in self.parameters]
        self._pieces = pieces(self.parameters)
        self.moments = [
            {
                "step": torch.zeros(number, device=parameter.device),
                "exp_avg": torch.zeros_like(parameter, requires_grad=False),
                "exp_avg_sq": torch.zeros_like(parameter, requires_grad=False),
            }
            for parameter, number in zip(self.parameters, self._pieces, strict=True)
        ]
        device = self.parameters[0].device
        # A step that is replayed as a graph reads its rate from where it was at the recording.
        self._rate = torch.zeros((), device=device) if device.type == "cuda" else 0.0

    @property
    def rate(self) -> float:
        """Learning rate of the steps to come."""
        return float(self._rate)

    @rate.setter
    def rate(self, value: float) -> None:
        if isinstance(self._rate, Tensor):
            self._rate.fill_(value)
        else:
            self._rate = value

    @torch.no_grad()
    def step(self) -> None:
        """Take a step along the gradients."""
        every = list(zip(self.parameters, self.moments, self._decays, self._pieces, strict=True))
        for decay in set(self._decays):
            taking = [
                piece
                for parameter, moments, own, number in every
                if own == decay and parameter.grad is not None
                for piece in _cut(
                    number,
                    parameter.grad,
                    parameter.detach(),
                    moments["exp_avg"],
                    moments["exp_avg_sq"],
                    step=moments["step"],
                )
            ]
            if not taking:
                continue
            gradients, parameters, means, squares, steps = map(list, zip(*taking, strict=True))
            adam(
                parameters,
                gradients,
                means,
                squares,
                [],
                steps,
                fused=True,
                decoupled_weight_decay=decay > 0,
                amsgrad=False,
                beta1=0.9,
                beta2=0.999,
                lr=self._rate,
                weight_decay=decay,
                eps=self._epsilon,
                maximize=False,
            )
        for follow in self.then:
            follow()

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for parameter in self.parameters:
            parameter.grad = None


def _cut(
    number: int, gradient: Tensor, *states: Tensor, step: Tensor
) -> Iterator[tuple[Tensor, ...]]:
    """Yield so many pieces of a gradient and of what it changes, which are views, each with its step."""
    if number == 1:
        yield gradient, *states, step[0]
        return
    flat = (gradient.reshape(-1), *(state.view(-1) for state in states))
    yield from zip(*(tensor.tensor_split(number) for tensor in flat), step, strict=True)


def _constant(rate: float, epochs: int) -> list[float]:
    return [rate] * epochs


def _cosine(rate: float, epochs: int) -> list[float]:
    # One rate from the last, as torch computes them: what is on record was trained so.
    heights = [1 + cos(pi * epoch / epochs) for epoch in range(epochs)]
    falls = [after / before for before, after in pairwise(heights)]
    return list(accumulate(falls, lambda last, fall: fall * last, initial=rate))


SCHEDULES: dict[str, Callable[[float, int], list[float]]] = {
    "constant": _constant,
    "cosine": _cosine,
}
"""By name, what makes the rate of every epoch from the first one and the number of epochs."""


def rates(schedule: str, rate: float, epochs: int, warm_up: int = 0) -> list[float]:
    """Return the learning rate of every epoch, of which the first rise to it in equal steps.

    Large rates do harm while weights are random: P. Goyal et al., "Accurate, large minibatch SGD",
    arXiv:1706.02677 (2017), section 2.2.

    Examples
    --------
    >>> rates("constant", 0.75, 4, warm_up=2)
    [0.25, 0.5, 0.75, 0.75]
    """
    rising = [rate * (epoch + 1) / (warm_up + 1) for epoch in range(warm_up)]
    return rising + SCHEDULES[schedule](rate, epochs - warm_up)
