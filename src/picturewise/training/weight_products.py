"""Weight gradients of convolutions on small maps as matrix products, where a processor has matrix instructions (AMX).

On maps of 8x8 and smaller, oneDNN's weight gradient of a 3x3 convolution in bfloat16 reaches a tenth to a quarter of
what a matrix product reaches with AMX, because it goes row by row. The gradient of each of the nine weights of a kernel
is a product of two matrices: the gradients of the outputs, and the inputs moved by a pixel. Without AMX, oneDNN is as
fast or faster (docs/dev/later.md), so it computes there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

SIDE = 3  # of the kernels
MOST_PIXELS = 64  # of a map
FEWEST_CHANNELS = 32  # in a row of a tile of AMX
FEWEST_ROWS = 512  # pixels of all maps together
_AROUND = (SIDE // 2,) * 2


class WeightProducts(TorchFunctionMode):
    """Within autocast to bfloat16, computes the weight gradients of suitable calls of torch.conv2d as products."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        named = dict(kwargs or {})
        if func is torch.conv2d and torch.is_autocast_enabled("cpu") and suits(*args, **named):
            with torch.autocast("cpu", enabled=False):
                return _convolved(*args, **named)
        return func(*args, **named)


def suits(
    input: Tensor,  # noqa: A002 (PyTorch's name for it)
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> bool:
    """Return whether products are faster for a call of torch.conv2d, as measured on a Xeon with AMX."""
    del bias
    if input.ndim != 4 or tuple(weight.shape[2:]) != (SIDE, SIDE) or groups != 1:
        return False
    same = padding == "same" or _pair(padding) == _AROUND
    if not same or _pair(stride) != (1, 1) or _pair(dilation) != (1, 1):
        return False
    pictures, _, height, width = input.shape
    return (
        height * width <= MOST_PIXELS
        and pictures * height * width >= FEWEST_ROWS
        and min(weight.shape[:2]) >= FEWEST_CHANNELS
        and weight.requires_grad
    )


def _pair(value: Any) -> Any:
    return (value, value) if isinstance(value, int) else value if isinstance(value, str) else tuple(value)


def _convolved(
    input: Tensor,  # noqa: A002 (PyTorch's name for it)
    weight: Tensor,
    bias: Tensor | None = None,
    *_: Any,
    **__: Any,
) -> Tensor:
    """Return what a suitable call of torch.conv2d returns within autocast."""
    narrow = input.bfloat16(), weight.bfloat16(), None if bias is None else bias.bfloat16()
    found: Tensor = _Convolution.apply(*narrow)  # type: ignore[no-untyped-call]  # torch has no types for it
    return found


class _Convolution(torch.autograd.Function):
    """A 3x3 convolution (B, C, H, W) → (B, F, H, W) with a margin of zeros."""

    @staticmethod
    def forward(ctx: Any, pictures: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(pictures, weight)
        ctx.has_bias = bias is not None
        return functional.conv2d(pictures, weight, bias, padding=_AROUND)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor, Tensor | None]:
        (gradient,) = gradients
        pictures, weight = ctx.saved_tensors
        of_pictures, _, of_bias = torch.ops.aten.convolution_backward(
            gradient, pictures, weight, [len(weight)] if ctx.has_bias else None, [1, 1], [*_AROUND], [1, 1],
            False, [0, 0], 1, [ctx.needs_input_grad[0], False, ctx.has_bias],
        )  # fmt: skip
        return of_pictures, weight_gradient(pictures, gradient), of_bias


def weight_gradient(pictures: Tensor, gradient: Tensor) -> Tensor:
    """Return the gradient (F, C, 3, 3) of the weight of a 3x3 convolution with a margin of zeros, in channels-last.

    Args:
        pictures: the input, (B, C, H, W).
        gradient: of the output, (B, F, H, W), of the same type.
    """
    _, channels, height, width = pictures.shape
    rows = gradient.permute(0, 2, 3, 1).reshape(-1, gradient.shape[1])  # (B·H·W, F)
    wide = functional.pad(pictures.permute(0, 2, 3, 1), (0, 0, *_AROUND, *_AROUND))
    found = torch.empty(gradient.shape[1], SIDE, SIDE, channels, dtype=pictures.dtype)
    for down in range(SIDE):
        for right in range(SIDE):
            moved = wide[:, down : down + height, right : right + width].reshape(-1, channels)
            found[:, down, right] = rows.t() @ moved
    return found.permute(0, 3, 1, 2)
