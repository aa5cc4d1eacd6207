"""Goodness of a layer, normalisation between layers, and the Forward-Forward loss.

A layer's goodness is one number per example. Forward-Forward raises it on positive examples (an
image with its true label) and lowers it on negative ones (the same image with a wrong label).
"""

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from fflib.errors import ExperimentError, brief

__all__ = [
    "BUILT_IN",
    "GOODNESS",
    "MARK",
    "NORMS",
    "Goodness",
    "addressed",
    "ff_loss",
    "needs_registering",
    "normalise",
    "register",
    "vector_norm",
]


@dataclass(frozen=True)
class Goodness:
    """A goodness function G(h) of a layer's activations.

    Parameters
    ----------
    value : callable
        Maps activations, shape (..., units), to goodness, shape (...).
    gradient : callable or None
        Maps ``(h, g, pull)`` to ``pull`` times dG/dh, shape (..., units), where ``g`` and
        ``pull`` have shape (...). ``None`` leaves it to autograd, which is slower.
    factor : callable or None
        Maps ``(h, g, pull)`` to numbers, shape (...), which the activations are multiplied with to give
        the gradient: for a goodness that hangs on their length alone. ``None`` where there are none.
    ceiling : callable
        Maps the number of units to the largest goodness that activations within [-1, 1] can
        reach; a threshold at or above it can never be met.

    Examples
    --------
    >>> import torch
    >>> GOODNESS["l2"].value(torch.tensor([[3.0, 4.0]]))
    tensor([5.])
    """

    value: Callable[[Tensor], Tensor]
    gradient: Callable[[Tensor, Tensor, Tensor], Tensor] | None = None
    ceiling: Callable[[int], float] = lambda units: math.inf
    factor: Callable[[Tensor, Tensor, Tensor], Tensor] | None = None

    def __call__(self, h: Tensor) -> Tensor:
        """Goodness of activations, shape (..., units), differentiable by the closed form."""
        return self.value(h) if self.gradient is None else _Value.apply(h, self)

    def pulled(self, h: Tensor, g: Tensor, pull: Tensor) -> Tensor:
        """Return ``pull`` times dG/dh: by ``gradient``, or by autograd where there is none.

        The result may be overwritten. Autograd's has no memory of its own, as for a sum, whose gradient
        is one number, repeated.
        """
        if self.gradient is not None:
            return self.gradient(h, g, pull).contiguous()
        h = h.detach().requires_grad_()
        with torch.enable_grad():
            (slope,) = torch.autograd.grad(self.value(h), h, pull)
        return slope.clone(memory_format=torch.contiguous_format)


class _Value(torch.autograd.Function):
    """Goodness with its closed gradient: one pass over memory where autograd takes several."""

    @staticmethod
    def forward(ctx: Any, h: Tensor, goodness: Goodness) -> Tensor:
        g = goodness.value(h)
        ctx.save_for_backward(h, g)
        ctx.goodness = goodness
        return g

    @staticmethod
    def backward(ctx: Any, *pulls: Tensor) -> tuple[Tensor, None]:
        return ctx.goodness.gradient(*ctx.saved_tensors, *pulls), None


def vector_norm(x: Tensor, order: float, *, keepdim: bool = False) -> Tensor:
    """Compute the norm of an order over the last dimension.

    It is :func:`torch.linalg.vector_norm`, but six times as fast for the largest absolute value on
    a CPU.

    Examples
    --------
    >>> vector_norm(torch.tensor([[3.0, -4.0]]), math.inf)
    tensor([4.])
    """
    if order == math.inf:
        return x.abs().amax(-1, keepdim=keepdim)
    return torch.linalg.vector_norm(x, ord=order, dim=-1, keepdim=keepdim)


def _norm(order: float) -> Callable[[Tensor], Tensor]:
    return lambda h: vector_norm(h, order)


def _l1_gradient(h: Tensor, g: Tensor, pull: Tensor) -> Tensor:
    return h.sign().mul_(pull.unsqueeze(-1))


def _l2_factor(h: Tensor, g: Tensor, pull: Tensor) -> Tensor:
    # A silent layer has no direction to grow in; its gradient is taken as zero, as autograd does.
    return pull / g.clamp_min(torch.finfo(h.dtype).tiny)


def _linf_gradient(h: Tensor, g: Tensor, pull: Tensor) -> Tensor:
    largest = h.abs().eq_(g.unsqueeze(-1))  # as numbers, since sums of truth values are slow
    return largest.mul_((pull / largest.sum(-1)).unsqueeze(-1)).mul_(h.sign())


def _mean_square_factor(h: Tensor, g: Tensor, pull: Tensor) -> Tensor:
    return 2 / h.shape[-1] * pull


def _along(
    value: Callable[[Tensor], Tensor],
    factor: Callable[[Tensor, Tensor, Tensor], Tensor],
    ceiling: Callable[[int], float],
) -> Goodness:
    """Make a goodness whose gradient is along the activations."""
    return Goodness(value, lambda h, *pulls: h * factor(h, *pulls).unsqueeze(-1), ceiling, factor)


GOODNESS: dict[str, Goodness] = {
    "l1": Goodness(_norm(1), _l1_gradient, ceiling=float),
    "l2": _along(_norm(2), _l2_factor, math.sqrt),
    "linf": Goodness(_norm(math.inf), _linf_gradient, ceiling=lambda units: 1.0),
    "mean-square": _along(lambda h: h.square().mean(-1), _mean_square_factor, lambda units: 1.0),
}

BUILT_IN = tuple(GOODNESS)
"""The names of those that come with the package."""

_OWN: dict[str, str] = {}
"""The names that functions have been registered under, and their names in full."""

MARK = "@"  # between the name of one's own goodness and the digest of what it computes


def register(
    name: str,
    function: Callable[[Tensor], Tensor],
    *,
    bound: float | Callable[[int], float] = math.inf,
    gradient: Callable[[Tensor, Tensor, Tensor], Tensor] | None = None,
) -> str:
    """Make a function of one's own a goodness that experiments can name.

    Records are found again by name, and a name does not say what a function computes. Therefore the
    full name, which an experiment and its record carry, ends in a digest of the values that the
    function takes on fixed activations: a function that is changed has runs of its own, and a
    record is read only where the same function is registered. A changed function that is registered
    under the same name takes the place of the first; the same function changes nothing.

    Parameters
    ----------
    name : str
        Not that of a built-in goodness, and without an "@".
    function : callable
        Maps activations, shape (..., units), to goodness, shape (...), in torch.
    bound : float or callable
        The largest goodness that activations within [-1, 1] can reach, or a function of the number
        of units that gives it. With units that are bounded, such as sigmoid ones, a threshold out of
        reach is then refused before anything is trained.
    gradient : callable, optional
        As in :class:`Goodness`. Without it autograd is used, which is slower.

    Returns
    -------
    str
        The name in full.

    Raises
    ------
    ExperimentError
        The name is taken, or the function or its gradient is not what it should be.

    Examples
    --------
    >>> full = register("fourth-power", lambda h: h.pow(4).mean(-1), bound=1.0)
    >>> full.partition("@")[0]
    'fourth-power'
    >>> GOODNESS[full].value(torch.tensor([[1.0, 0.0]]))
    tensor([0.5000])
    """
    if name in BUILT_IN or not name or MARK in name:
        raise ExperimentError(
            f"a goodness of one's own needs a name without {MARK!r} that is not one of "
            f"{', '.join(BUILT_IN)}, got {brief(name)}: choose another"
        )
    ceiling = bound if callable(bound) else lambda units: bound
    goodness = Goodness(function, gradient, ceiling)
    full = f"{name}{MARK}{_digest(name, goodness)}"
    GOODNESS[full] = goodness
    _OWN[name] = full
    return full


def _digest(name: str, goodness: Goodness) -> str:
    """Try a goodness out on fixed activations; what it computes there, as 8 hexadecimal digits."""
    steps = torch.arange(2 * 8 * 64, dtype=torch.float64)
    h = (1.7 * steps).sin().mul(1 + steps / 512).reshape(2, 8, 64).clamp_min(-0.5)
    h = torch.cat([h, h.relu(), torch.zeros(2, 1, 64, dtype=h.dtype)], dim=1).requires_grad_()
    by_function = _slope(name, Goodness(goodness.value), h)
    if goodness.gradient is not None:
        difference = (_slope(name, goodness, h) - by_function).abs().max()
        if not difference <= 1e-6 * (1 + by_function.abs().max()):
            raise ExperimentError(
                f"the gradient of goodness {name!r} must be that of its function, got one that "
                f"differs by {difference:.2g}: correct it, or leave it to autograd"
            )
    values = " ".join(f"{value:.5g}" for value in goodness.value(h).flatten().tolist())
    return hashlib.sha256(values.encode()).hexdigest()[:8]


def _slope(name: str, goodness: Goodness, h: Tensor) -> Tensor:
    """Return the gradient of a goodness, where it has one that training can use."""
    rule = (
        f"goodness {name!r} must map activations of shape (..., units) to goodness of shape (...)"
    )
    try:
        values = goodness(h)
        shape = tuple(values.shape)
    except Exception as error:  # what somebody else's function raises is not known
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        raise ExperimentError(f"{rule}, got {reason}: correct the function") from error
    if shape != tuple(h.shape[:-1]):
        raise ExperimentError(
            f"{rule}, got shape {shape} from {tuple(h.shape)}: reduce the last dimension, dim=-1"
        )
    if not values.requires_grad:
        raise ExperimentError(
            f"goodness {name!r} must depend on the activations by operations of torch, got one "
            "without a gradient: write it in torch"
        )
    (slope,) = torch.autograd.grad(values.sum(), h)
    if not (values.isfinite().all() and slope.isfinite().all()):
        raise ExperimentError(
            f"goodness {name!r} and its gradient must be finite, also where units are silent, got "
            "infinity or nan: add a small number under a root or a logarithm"
        )
    return slope


def addressed(name: Any) -> Any:
    """Return the full name of a goodness of one's own, and any other value as it is."""
    return _OWN.get(name, name) if isinstance(name, str) else name


def needs_registering(name: str) -> str:
    """Say what to do about a goodness whose function is not registered here."""
    own, _, digest = name.partition(MARK)
    if own in _OWN:
        return (
            f"goodness {own!r} is registered with another function here (now {_OWN[own]}, wanted "
            f"{name}): register the function that it had then"
        )
    return (
        f"goodness {own!r} ({digest}) is somebody's own and not known here: register its function "
        f"with fflib.goodness.register({own!r}, ...)"
    )


NORMS: dict[str, float] = {"l1": 1.0, "l2": 2.0, "linf": math.inf}


def normalise(x: Tensor, norm: str) -> Tensor:
    """Scale each example to unit norm, so that a layer sees a direction and no goodness.

    Parameters
    ----------
    x : Tensor, shape (..., units)
        Pixels or the activations of the layer below.
    norm : {"l1", "l2", "linf"}
        Which norm becomes 1. A silent example stays silent.

    Returns
    -------
    Tensor, shape (..., units)

    Examples
    --------
    >>> import torch
    >>> normalise(torch.tensor([[3.0, 4.0], [0.0, 0.0]]), "l2")
    tensor([[0.6000, 0.8000],
            [0.0000, 0.0000]])
    """
    length = vector_norm(x, NORMS[norm], keepdim=True)
    return x / length.clamp_min(torch.finfo(x.dtype).tiny)


def ff_loss(positive: Tensor, negative: Tensor, theta: float) -> Tensor:
    """Forward-Forward loss: softplus(θ - G⁺) and softplus(G⁻ - θ), averaged over all examples.

    Parameters
    ----------
    positive, negative : Tensor, shape (..., n)
        Goodness of n positive and n negative examples.
    theta : float
        Threshold θ that separates the two.

    Returns
    -------
    Tensor, shape (...)
        The loss in nats; log 2 where every goodness sits on the threshold.

    Examples
    --------
    >>> import torch
    >>> float(ff_loss(torch.tensor([3.0]), torch.tensor([3.0]), theta=3.0))
    0.693...
    """
    return 0.5 * (F.softplus(theta - positive).mean(-1) + F.softplus(negative - theta).mean(-1))
