"""Where a reader puts pictures: an array in memory, or one in a file of the store."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from picturewise.errors import DataError

Allocate: TypeAlias = Callable[[int, tuple[int, int], int], NDArray[np.uint8]]
"""Returns an array (N, H, W, C) to be filled, given N, (H, W) and C."""


def allocate_in_memory(count: int, size: tuple[int, int], channels: int) -> NDArray[np.uint8]:
    """Return an array (N, H, W, C) to be filled.

    Raises:
        DataError: there is not enough memory.
    """
    shape = (count, *size, channels)
    try:
        return np.empty(shape, np.uint8)
    except (MemoryError, ValueError) as error:  # ValueError: more than an array can have
        raise DataError(
            f"{count:,} pictures of {size[0]}x{size[1]} with {channels} channel{'s' * (channels > 1)} need "
            f"{math.prod(shape) / 2**30:,.1f} GiB of memory, more than is available. Choose a smaller --size."
        ) from error
