"""Batch normalisation with the statistics of a whole batch, of which each worker has a part.

PyTorch's SyncBatchNorm does this on GPUs only. Here, it is done to the function that modules call, so that the modules,
also those of Python classes, and the names of their weights stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from picturewise.training.group import Group

_aten = torch.ops.aten


class WholeBatch(TorchFunctionMode):
    """Within the block, batch normalisation of a part of a batch uses the mean and variance of the whole batch.

    Mean, variance, running averages and gradients are those of one process that has the whole batch, up to rounding;
    the gradients of weight and bias are those of the part, and are added like those of all other layers.

    Args:
        group: the workers; each has at least one picture.

    Attributes:
        averages: the running averages that were changed, which are now equal in all workers.
    """

    def __init__(self, group: Group) -> None:
        super().__init__()
        self._group = group
        self.averages: list[Tensor] = []

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Call a function of PyTorch."""
        if func is functional.batch_norm:
            return self._batch_norm(*args, **(kwargs or {}))
        return func(*args, **(kwargs or {}))

    def _batch_norm(
        self,
        input: Tensor,  # noqa: A002 (the names of `functional.batch_norm`)
        running_mean: Tensor | None,
        running_var: Tensor | None,
        weight: Tensor | None = None,
        bias: Tensor | None = None,
        training: bool = False,
        momentum: float = 0.1,
        eps: float = 1e-5,
    ) -> Tensor:
        if not training:
            return functional.batch_norm(
                input, running_mean, running_var, weight, bias, momentum=momentum, eps=eps
            )
        self.averages += [one for one in (running_mean, running_var) if one is not None]
        if input.is_cuda:
            return _on_gpu(input, running_mean, running_var, weight, bias, momentum, eps)
        mean, variance, count = whole_statistics(input.detach(), self._group)
        with torch.no_grad():
            if running_mean is not None:
                running_mean.lerp_(mean.to(running_mean.dtype), momentum)
            if running_var is not None:
                unbiased = variance * (count / (count - 1))
                running_var.lerp_(unbiased.to(running_var.dtype), momentum)
        scale = torch.ones_like(mean) if weight is None else weight
        shift = torch.zeros_like(mean) if bias is None else bias
        found: Tensor = _Normalisation.apply(  # type: ignore[no-untyped-call]
            input, scale, shift, mean, variance, count, eps, self._group
        )
        return found


def whole_statistics(part: Tensor, group: Group) -> tuple[Tensor, Tensor, float]:
    """Return the mean (C,) and the biased variance (C,) of the batch, and the count of the values of a channel.

    Means and variances of the parts are combined as by Chan, Golub and LeVeque, "Updating formulae and a pairwise
    algorithm for computing sample variances" (1979), in float64.

    Args:
        part: (B, C) or (B, C, …) of this worker.
        group: the workers.

    Raises:
        ValueError: a channel has only one value in the whole batch.
    """
    channels = part.shape[1]
    wide = torch.promote_types(part.dtype, torch.float32)
    # Averages of this type make the kernel return it; with a momentum of 0, they stay as they are.
    unused = torch.zeros(channels, dtype=wide)
    own = _aten.batch_norm_update_stats(part, unused, unused.clone(), 0.0)
    count = torch.tensor([part.numel() // channels], dtype=torch.float64)
    parts = group.stacked(torch.cat([*(one.double() for one in own), count]))  # (workers, 2·C + 1)
    means, variances, counts = parts[:, :channels], parts[:, channels:-1], parts[:, -1:]
    total = float(counts.sum())
    if total < 2:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {part.shape}")
    share = counts / total
    mean = (means * share).sum(dim=0)
    variance = ((variances + (means - mean).square()) * share).sum(dim=0)
    return mean.to(wide), variance.to(wide), total


class _Normalisation(torch.autograd.Function):
    """(x - mean) / √(variance + eps) · weight + bias, with mean and variance of the whole batch.

    With n values of a channel in the batch, x̂ = (x - mean) / √(variance + eps), s = weight / √(variance + eps), and a
    gradient g of the output, that of the input is s · (g - Σg / n - x̂ · Σ(g · x̂) / n), with sums over the whole batch
    (Ioffe and Szegedy, 2015). PyTorch's kernels for fixed statistics compute s · g and the worker's part of the sums,
    and also the rest, which is a normalisation of x with other weights.
    """

    @staticmethod
    def forward(
        ctx: Any,
        input: Tensor,  # noqa: A002 (PyTorch's name for it)
        weight: Tensor,
        bias: Tensor,
        mean: Tensor,
        variance: Tensor,
        count: float,
        eps: float,
        group: Group,
    ) -> Tensor:
        """Return the output, of the type and layout of the input."""
        ctx.save_for_backward(input, weight, mean, variance)
        ctx.count, ctx.eps, ctx.group = count, eps, group
        return _normalised(input, weight.to(mean.dtype), bias.to(mean.dtype), mean, variance, eps)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of input, weight and bias."""
        input, weight, mean, variance = ctx.saved_tensors  # noqa: A001
        wide = weight.to(mean.dtype)
        asked = ctx.needs_input_grad[0]
        by_input, by_weight, by_bias = _aten.native_batch_norm_backward(
            gradient, input, wide, mean, variance, None, None, False, ctx.eps, [asked, True, True]
        )
        if asked:
            sums = ctx.group.stacked(torch.cat([by_weight, by_bias]).double()).sum(dim=0) / ctx.count
            scale = -wide.double() * (variance.double() + ctx.eps).rsqrt()
            rest = (scale * sums.view(2, -1)).to(mean.dtype)
            by_input.add_(_normalised(input, rest[0], rest[1], mean, variance, ctx.eps))
        return by_input, by_weight.to(weight.dtype), by_bias.to(weight.dtype), None, None, None, None, None


def _normalised(
    values: Tensor, weight: Tensor, bias: Tensor, mean: Tensor, variance: Tensor, eps: float
) -> Tensor:
    found: Tensor = _aten.native_batch_norm(values, weight, bias, mean, variance, False, 0.0, eps)[0]
    return found


def _on_gpu(
    input: Tensor,  # noqa: A002 (as above)
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None,
    bias: Tensor | None,
    momentum: float,
    eps: float,
) -> Tensor:
    """Return what SyncBatchNorm computes, by its own function."""
    from torch import distributed  # noqa: PLC0415 (only several workers need it)
    from torch.nn.modules._functions import SyncBatchNorm  # noqa: PLC0415 (the same)

    group = distributed.group.WORLD
    assert group is not None  # noqa: S101 (there are several workers)
    found: Tensor = SyncBatchNorm.apply(  # type: ignore[no-untyped-call]
        input, weight, bias, running_mean, running_var, eps, momentum, group, group.size()
    )
    return found
