"""The kernels of a whitening convolution: its output for the train pictures is uncorrelated with variance 1.

After Jordan, "94% on CIFAR-10 in 3.29 seconds on a single GPU" (2024, https://arxiv.org/abs/2404.00498), and the
ResNet-18 of Page's "How to train your ResNet" before it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from picturewise.networks.convolution import Whitening

SMOOTHING = 5e-4
"""Added to each variance, so that directions with hardly any, such as those of flat pictures, are not magnified."""

_AT_ONCE = 256  # pictures whose patches are in memory together


def whitening_layer(network: nn.Module) -> Whitening | None:
    """Return the whitening convolution of a network, whose input is the pictures themselves; None: there is none."""
    return next((module for module in network.children() if isinstance(module, Whitening)), None)


def whiten(layer: Whitening, pictures: Tensor) -> None:
    """Compute the kernels from prepared pictures (N, C, H, W), N ≥ 1; equal pictures give equal kernels."""
    kernels = whitening_kernels(second_moments(pictures, layer.kernel_size), layer.out_channels)
    with torch.no_grad():
        layer.weight.copy_(kernels.view(layer.weight.shape))


def second_moments(pictures: Tensor, kernel: tuple[int, ...]) -> Tensor:
    """Return the mean product of every two numbers of a patch, (C·P·Q, C·P·Q) float64, over all patches (P, Q)."""
    rows, columns = kernel
    total, count = torch.zeros((), dtype=torch.float64), 0
    for start in range(0, len(pictures), _AT_ONCE):
        part = pictures[start : start + _AT_ONCE]
        patches = part.unfold(2, rows, 1).unfold(3, columns, 1)  # (N, C, H', W', P, Q), a view
        flat = patches.permute(0, 2, 3, 1, 4, 5).flatten(3).flatten(0, 2).double()
        total, count = total + flat.T @ flat, count + len(flat)
    return total / count


def whitening_kernels(moments: Tensor, filters: int) -> Tensor:
    """Return kernels (filters, D) for second moments (D, D): directions of most variance first, then their negatives.

    After an activation that passes only one sign, both are needed so that nothing is lost.
    """
    variances, directions = torch.linalg.eigh(moments)  # in increasing order, one direction per column
    order = torch.arange(len(variances) - 1, len(variances) - 1 - filters // 2, -1)
    chosen = directions.T[order]
    # A direction and its negative are equivalent; the largest number of each is made positive.
    largest = chosen.gather(1, chosen.abs().argmax(dim=1, keepdim=True))
    chosen = chosen * largest.sign() / (variances[order].clamp(min=0) + SMOOTHING).sqrt()[:, None]
    return torch.cat([chosen, -chosen]).float()
