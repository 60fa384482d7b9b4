"""Buffers of a network that a forward pass changes, and that several parts of a batch cannot agree on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from picturewise.errors import UsageError


def copied_buffers(network: nn.Module) -> dict[str, Tensor]:
    """Return copies of all buffers."""
    return {name: buffer.clone() for name, buffer in network.named_buffers()}


def check_buffers(network: nn.Module, before: Mapping[str, Tensor], known: Iterable[Tensor]) -> None:
    """Check that a forward pass has changed only known buffers.

    Args:
        network: after the pass.
        before: its buffers before.
        known: those that may change.

    Raises:
        UsageError: it has changed another one.
    """
    fine = {id(tensor) for tensor in known}
    for name, buffer in network.named_buffers():
        if id(buffer) not in fine and name in before and not torch.equal(buffer, before[name]):
            raise UsageError(
                f"The network changes its buffer '{name}' while it is trained, which cannot be put together from "
                "several parts of a batch. Train it without --workers and training.shards."
            )
