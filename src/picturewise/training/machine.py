"""The machine for a run: device, number format, threads, and an allocator that suits training."""

from __future__ import annotations

import contextlib
import ctypes
import math
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch

from picturewise.cores import WORTH_SHARING, available_cores, has_amx, has_bfloat16
from picturewise.errors import UsageError

MEASURED_OPERATIONS = 18
"""Operations of the network `cnn` on 28x28, for whose depth `WORTH_SHARING` was measured; in a deeper one, each has
less to share."""

_GIBIBYTE = 1 << 30
_SURELY_ALLOWED = 1 << 25
"""The highest M_MMAP_THRESHOLD that mallopt's manual guarantees; glibc 2.36 accepts more, others may not."""
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # glibc, malloc.h


@dataclass(frozen=True)
class Machine:
    """Where and how a run computes.

    Attributes:
        device: that holds the network.
        precision: of the factors of large operations.
        threads: of each operation.
        products: weight gradients of convolutions on small maps are computed as matrix products; see `weight_products`.
    """

    device: torch.device
    precision: Literal["float32", "bfloat16"]
    threads: int
    products: bool = False

    @contextlib.contextmanager
    def computing(self) -> Iterator[None]:
        """Within the block, operations use this precision where it is sufficient (autocast)."""
        enabled = self.precision == "bfloat16"
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=enabled):
            yield


def choose_machine(
    device: str,
    precision: Literal["auto", "float32", "bfloat16"],
    *,
    multiplications: float = math.inf,
    threads: int | None = None,
) -> Machine:
    """Return the machine for a run; `auto` chooses the fastest available.

    Args:
        device: auto, cpu or cuda.
        precision: auto, float32 or bfloat16.
        multiplications: about how many one step takes; a small step is faster on one core, because sharing
            the work costs more than it saves, especially when other programs keep the cores busy.
        threads: of each operation; None: chosen.

    Raises:
        UsageError: a GPU is requested, but not available.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise UsageError("training.device is 'cuda', but PyTorch cannot find a GPU. Use 'auto' or 'cpu'.")
    chosen = torch.device("cuda" if device != "cpu" and torch.cuda.is_available() else "cpu")
    if precision == "auto":
        precision = "bfloat16" if _has_fast_bfloat16(chosen) else "float32"
    if threads is None:
        threads = 1 if multiplications < WORTH_SHARING else available_cores()
    return Machine(
        chosen, precision, threads, products=chosen.type == "cpu" and precision == "bfloat16" and has_amx()
    )


@contextlib.contextmanager
def prepared(machine: Machine) -> Iterator[None]:
    """Within the block, PyTorch uses the machine's threads; from here on, glibc keeps freed memory for the next step.

    By default, glibc returns every large block to the system and requests it again in each step; keeping it makes
    training on a processor about a quarter faster. glibc cannot report its earlier thresholds, so the new ones stay.
    """
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        if not libc.mallopt(_M_MMAP_THRESHOLD, _GIBIBYTE):
            # Otherwise it would stay at 128 KB, because glibc no longer adapts it once either of the two is set.
            libc.mallopt(_M_MMAP_THRESHOLD, _SURELY_ALLOWED)
        libc.mallopt(_M_TRIM_THRESHOLD, _GIBIBYTE)
    with with_threads(machine.threads):
        yield


@contextlib.contextmanager
def with_threads(threads: int) -> Iterator[None]:
    """Within the block, PyTorch uses this number of threads for an operation."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _has_fast_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return has_bfloat16()
