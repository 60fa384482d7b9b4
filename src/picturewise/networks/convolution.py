"""Convolutions as modules."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from picturewise.architectures.margins import Margins


class _StridedPointwise(nn.Conv2d):
    """A 1x1 convolution with a stride, computed without a stride on the pixels that it uses.

    oneDNN's own implementation writes beyond its memory in the backward pass if the input has fewer channels than fill
    a vector (uxlfoundation/oneDNN issue 6035): gradients are wrong or the process crashes.
    """

    def forward(self, pictures: Tensor) -> Tensor:
        rows, columns = self.stride
        return functional.conv2d(
            pictures[:, :, ::rows, ::columns], self.weight, self.bias, groups=self.groups
        )


class _Edged(nn.Conv2d):
    """A convolution that first adds rows and columns of zeros, not as many on opposite sides."""

    margins = Margins()

    def forward(self, pictures: Tensor) -> Tensor:
        above, left, below, right = self.margins
        wide = functional.pad(pictures, (left, right, above, below))
        return functional.conv2d(wide, self.weight, self.bias, self.stride, groups=self.groups)


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
    margins: Margins = Margins(),  # noqa: B008 (a constant)
    *,
    bias: bool,
    whiten: bool = False,
    groups: int = 1,
) -> nn.Conv2d:
    """Return a convolution of (B, `incoming`, H, W) to (B, `outgoing`, H', W')."""
    if margins.uneven:
        edged = _Edged(incoming, outgoing, kernel, stride, groups=groups, bias=bias)
        edged.margins = margins
        return edged
    padding = margins[:2]
    if whiten:
        return Whitening(incoming, outgoing, kernel, stride=stride, padding=padding, bias=bias)
    pointwise = kernel == (1, 1) and stride > 1
    kind = _StridedPointwise if pointwise else nn.Conv2d
    return kind(incoming, outgoing, kernel, stride, padding, groups=groups, bias=bias)
