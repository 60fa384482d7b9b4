"""Convolutions as modules."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn import functional


class _StridedPointwise(nn.Conv2d):
    """A 1x1 convolution with a stride, computed without a stride on the pixels that it uses.

    oneDNN's own implementation writes beyond its memory in the backward pass if the input has fewer channels than fill
    a vector (uxlfoundation/oneDNN issue 6035): gradients are wrong or the process crashes.
    """

    def forward(self, pictures: Tensor) -> Tensor:
        rows, columns = self.stride
        return functional.conv2d(pictures[:, :, ::rows, ::columns], self.weight, self.bias)


class Whitening(nn.Conv2d):
    """A convolution whose kernels are not trained: a buffer holds them, with the name that a parameter would have."""

    def __init__(self, incoming: int, outgoing: int, kernel: tuple[int, int], **options: Any) -> None:
        super().__init__(incoming, outgoing, kernel, **options)
        kernels = self.weight.detach()
        del self.weight
        self.register_buffer("weight", kernels)


def convolution(
    incoming: int,
    outgoing: int,
    kernel: tuple[int, int],
    stride: int,
    padding: tuple[int, int] = (0, 0),
    *,
    bias: bool,
    whiten: bool = False,
) -> nn.Conv2d:
    """Return a convolution of (B, `incoming`, H, W) to (B, `outgoing`, H', W')."""
    if whiten:
        return Whitening(incoming, outgoing, kernel, stride=stride, padding=padding, bias=bias)
    pointwise = kernel == (1, 1) and stride > 1
    kind = _StridedPointwise if pointwise else nn.Conv2d
    return kind(incoming, outgoing, kernel, stride, padding, bias=bias)
