"""Muon: momentum that is orthogonalised before it is applied, for the hidden matrices of a network.

After Jordan et al., "Muon: An optimizer for hidden layers in neural networks" (2024,
https://kellerjordan.github.io/posts/muon/). `torch.optim` has this rule, too, but computes it in bfloat16 on every
device, which many processors must emulate.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from picturewise.networks.whitening import whitening_layer

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""For x, x³ and x⁵ in an iteration; chosen by Jordan et al. to lift small singular values fast, not to reach 1."""
ITERATIONS = 5

_SMALLEST_NORM = 1e-7  # parameters without any gradient yet stay at zero


def hidden_matrices(network: nn.Module) -> list[str]:
    """Return the names of the weights that Muon is meant for: those between the first and the last layer.

    Weights are parameters with two or more dimensions, trainable or not, except those with a single row, such as the
    positions of a transformer's patches. Their order is that of `named_parameters`; the first and the last belong to
    the first and the output layer. If the first layer whitens the pictures, all but the last are hidden. Otherwise a
    network with one or two weights has no hidden one.

    >>> hidden_matrices(nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Linear(3, 2)))
    ['1.weight']
    """
    weights = [key for key, p in network.named_parameters() if p.ndim > 1 and len(p) > 1]
    return weights[whitening_layer(network) is None : -1]


def muon(
    parameters: Sequence[Tensor],
    gradients: Sequence[Tensor],
    momenta: Sequence[Tensor],
    *,
    momentum: float,
    learning_rate: float,
    weight_decay: float,
    precision: torch.dtype = torch.float32,
) -> None:
    """Take one step in place, with Nesterov's momentum and decoupled weight decay.

    Args:
        parameters: matrices (out, in), or kernels (out, in, height, width), each seen as (out, in·height·width).
        gradients: of the same shapes; read only.
        momenta: of the same shapes; running means of the gradients, zero before the first step.
        momentum: how much of a mean is kept in each step, in [0, 1).
        learning_rate: the spectral norm of a step is about this, times √(out / in) if there are more rows than
            columns.
        weight_decay: the share of a parameter that is subtracted is this times the learning rate.
        precision: of the products of matrices.
    """
    for parameter, gradient, mean in zip(parameters, gradients, momenta, strict=True):
        mean.lerp_(gradient, 1 - momentum)
        ahead = gradient.lerp(mean, momentum).flatten(1)
        rows, columns = ahead.shape
        scale = max(1.0, rows / columns) ** 0.5
        parameter.mul_(1 - learning_rate * weight_decay)
        parameter.add_(orthogonalised(ahead, precision).view(parameter.shape), alpha=-learning_rate * scale)


def orthogonalised(matrix: Tensor, precision: torch.dtype = torch.float32) -> Tensor:
    """Return a matrix (R, C) with the same singular vectors, its singular values moved to between 0.68 and 1.21.

    Five Newton-Schulz iterations with a quintic polynomial; singular values below a 500th of the Frobenius norm stay
    smaller, and zero stays zero. Bfloat16, the usual precision, is sufficient for a step.
    """
    tall = len(matrix) > matrix.shape[1]
    wide = matrix.T if tall else matrix  # makes the square product the smaller one
    found = _by_square(wide, precision) if _square_pays(wide, precision) else _by_rows(wide, precision)
    return (found.T if tall else found).to(matrix.dtype)


def _by_rows(wide: Tensor, precision: torch.dtype) -> Tensor:
    """Return X₅ of Xₖ₊₁ = (a + b·G + c·G²)·Xₖ with G = Xₖ·Xₖᵀ, from X₀ of shape (R, C)."""
    a, b, c = COEFFICIENTS
    found = _scaled(wide.to(precision))
    for _ in range(ITERATIONS):
        product = found @ found.T
        found = torch.addmm(found, torch.addmm(product, product, product, beta=b, alpha=c), found, beta=a)
    return found


def _by_square(wide: Tensor, precision: torch.dtype) -> Tensor:
    """Return the same, up to rounding, from iterations on G of shape (R, R): Gₖ₊₁ = Q·Gₖ·Q with Q = a + b·Gₖ + c·Gₖ².

    X₅ is the product of all Q with X₀. G is kept in float32, because its eigenvalues are the squares of the singular
    values.
    """
    a, b, c = COEFFICIENTS
    wide = _scaled(wide)
    square = wide @ wide.T
    factors = None
    for left in reversed(range(ITERATIONS)):
        factor = torch.addmm(square, square, square, beta=b, alpha=c)
        factor.diagonal().add_(a)
        factors = factor if factors is None else factor @ factors
        if left:
            square = factor @ (square @ factor)
    assert factors is not None  # noqa: S101 (there are iterations)
    return factors.to(precision) @ wide.to(precision)


def _scaled(matrix: Tensor) -> Tensor:
    """Return a matrix divided by its Frobenius norm, so its largest singular value is at most 1."""
    norm: Tensor = matrix.norm()  # without this, its type is not known
    return matrix / norm.clamp(min=_SMALLEST_NORM)


def _square_pays(wide: Tensor, precision: torch.dtype) -> bool:
    """Return whether `_by_square` takes less time, on a processor, where float32 takes twice as long as bfloat16.

    In products of R x R x R numbers, it takes 2·C/R + 17 in float32, and `_by_rows` takes 5·(2·C/R + 1).
    """
    rows, columns = wide.shape
    return wide.device.type == "cpu" and columns > rows * (1.5 if precision == torch.float32 else 5)
