"""Convolutions as modules."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


class _StridedPointwise(nn.Conv2d):
    """A 1x1 convolution with a stride, computed as one without it of the pixels that it looks at.

    oneDNN's own writes beyond its memory in the backward pass when fewer channels come in than fill a vector
    (uxlfoundation/oneDNN issue 6035): gradients are wrong or the process dies.
    """

    def forward(self, pictures: Tensor) -> Tensor:
        rows, columns = self.stride
        return functional.conv2d(pictures[:, :, ::rows, ::columns], self.weight, self.bias)


def convolution(
    incoming: int,
    outgoing: int,
    kernel: tuple[int, int],
    stride: int,
    padding: tuple[int, int] = (0, 0),
    *,
    bias: bool,
) -> nn.Conv2d:
    """Return a convolution of (B, `incoming`, H, W) to (B, `outgoing`, H', W')."""
    pointwise = kernel == (1, 1) and stride > 1
    kind = _StridedPointwise if pointwise else nn.Conv2d
    return kind(incoming, outgoing, kernel, stride, padding, bias=bias)
