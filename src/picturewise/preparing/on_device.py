"""`on_device`: copies arrays to a GPU without waiting."""

from __future__ import annotations

from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor


def on_device(numbers: NDArray[Any], device: torch.device) -> Tensor:
    """Return an array as a tensor of the same shape and type on `device`; on the processor they share memory.

    A plain `to` waits until the GPU has finished all earlier work. This function returns as soon as the driver has its
    own copy, which it makes of memory that is not pinned ("API synchronization behavior" in NVIDIA's manual of the CUDA
    runtime), so the array may change or be deleted; the GPU keeps the order.
    """
    return torch.from_numpy(numbers).to(device, non_blocking=True)
