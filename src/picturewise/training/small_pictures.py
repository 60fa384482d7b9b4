"""Convolutions that oneDNN computes incorrectly in bfloat16, computed in float32.

For pictures that are smaller than the stride, or than the padding around them, oneDNN's bfloat16 gradient of the
kernels reads uninitialised memory (oneDNN 3.12, avx512_core_bf16): `jit_trans_iw_ic_t::transpose` does not write the
padding if a stride leaves no column of the picture, and `compute_full_spat_loop` compares a negative number of rows as
an unsigned one. The content of that memory becomes part of the gradient, so a run is not repeatable, and sometimes the
gradient is not a number. Convolutions in three dimensions and transposed ones have the same problem at more sizes.
Small pictures cost little in float32.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from picturewise.training.machine import Machine
from picturewise.training.weight_products import WeightProducts

_OF_ANY_SIZE = (nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
_CALLED_OF_ANY_SIZE = {torch.conv3d, torch.conv_transpose1d, torch.conv_transpose2d, torch.conv_transpose3d}


def convolving(network: nn.Module, machine: Machine) -> contextlib.AbstractContextManager[object]:
    """Return a context in which `network` computes on `machine` with correct gradients, by the machine's kernels.

    Checking each call takes a few microseconds, so it is done only for networks with a convolution that may get such
    small pictures, which is not known beforehand.
    """
    if machine.device.type != "cpu" or machine.precision != "bfloat16":
        return contextlib.nullcontext()
    modes: list[TorchFunctionMode] = [WeightProducts()] if machine.products else []
    if any(map(_may, network.modules())):
        modes.append(_InFloat32())
    return _together(modes) if modes else contextlib.nullcontext()


@contextlib.contextmanager
def _together(modes: Sequence[TorchFunctionMode]) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        for mode in modes:
            stack.enter_context(mode)
        yield


class _InFloat32(TorchFunctionMode):
    """Calls the affected convolutions with float32 instead of autocast's bfloat16."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        named = dict(kwargs or {})
        wrong = func in _CALLED_OF_ANY_SIZE or (
            func in {torch.conv1d, torch.conv2d} and _small(*args, **named)
        )
        if wrong and torch.is_autocast_enabled("cpu"):  # a network may switch it off for one of its parts
            with torch.autocast("cpu", enabled=False):
                found = func(*map(_wide, args), **{name: _wide(value) for name, value in named.items()})
            return found.bfloat16()
        return func(*args, **named)


def _may(module: nn.Module) -> bool:
    """Return whether a module is a convolution that is affected if its pictures are small enough."""
    if isinstance(module, nn.Conv1d | nn.Conv2d):
        least = [1] * len(module.kernel_size)  # of pixels
        return _goes_wrong(least, module.kernel_size, module.stride)
    return isinstance(module, _OF_ANY_SIZE)


def _small(
    input: Tensor,  # noqa: A002 (PyTorch's name for it)
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    *_: Any,
    **__: Any,
) -> bool:
    """Return whether a call of torch.conv1d or torch.conv2d is affected."""
    kernel = weight.shape[2:]
    steps = [stride] * len(kernel) if isinstance(stride, int) else list(stride)
    return _goes_wrong(input.shape[-len(kernel) :], kernel, steps * (len(kernel) // len(steps)))


def _goes_wrong(sides: Sequence[int], kernel: Sequence[int], steps: Sequence[int]) -> bool:
    """Return whether pictures with these sides are too small in at least one direction."""
    return any(
        size > 1 and (side < step or side < size // 2)
        for side, size, step in zip(sides, kernel, steps, strict=True)
    )


def _wide(value: Any) -> Any:
    return value.float() if isinstance(value, Tensor) else value
