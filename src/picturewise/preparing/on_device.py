"""`on_device`: arrays on their way to a GPU, for which nobody waits."""

from __future__ import annotations

from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor


def on_device(numbers: NDArray[Any], device: torch.device) -> Tensor:
    """Return an array as a tensor of the same shape and type on `device`; on the processor they share memory.

    A plain `to` lets this process wait until the GPU has done all that it was given before. This one returns as soon as
    the driver has a copy of its own, as it does of memory that is not pinned ("API synchronization behavior" in
    NVIDIA's manual of the CUDA runtime), so the array may change or go away; the GPU keeps the order.
    """
    return torch.from_numpy(numbers).to(device, non_blocking=True)
