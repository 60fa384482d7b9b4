"""How others lay pictures out in arrays of numbers, and how they come to (N, H, W, C), block by block."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from picturewise.errors import DataError

MAX_SIDE = 4096
_BLOCK = 4 << 20  # bytes that are looked at or converted at a time


@dataclass(frozen=True)
class Layout:
    """How one picture's numbers lie: its height, width and channels, and whether the channels come first."""

    height: int
    width: int
    channels: int
    channels_first: bool = False

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels."""
        return self.height, self.width, self.channels

    def arrange(self, block: NDArray[Any]) -> NDArray[Any]:
        """Return (n, …) as (n, H, W, C)."""
        if self.channels_first:
            return block.reshape(-1, self.channels, self.height, self.width).transpose(0, 2, 3, 1)
        return block.reshape(-1, *self.shape)

    def blocks(self, array: NDArray[Any]) -> Iterator[tuple[int, NDArray[Any]]]:
        """Yield the number of the first picture, and pictures (n, H, W, C), a few megabytes at a time."""
        step = max(1, _BLOCK // (math.prod(self.shape) * array.dtype.itemsize))
        for first in range(0, len(array), step):
            yield first, self.arrange(array[first : first + step])


def layout_of(shape: tuple[int, ...]) -> Layout | None:
    """Return how pictures lie in an array of `shape`, or None where it cannot be one of pictures.

    (N, H, W), (N, H, W, C), (N, C, H, W) with C = 1 or 3, and (N, numbers) of squares, grey or in colour.

    >>> layout_of((60000, 784))
    Layout(height=28, width=28, channels=1, channels_first=False)
    >>> layout_of((100, 3, 32, 32)).channels_first
    True
    """
    found = None
    if len(shape) == 2:
        found = square(shape[1])
    elif len(shape) == 3:
        found = Layout(shape[1], shape[2], 1)
    elif len(shape) == 4 and shape[3] in {1, 3}:
        found = Layout(*shape[1:])
    elif len(shape) == 4 and shape[1] in {1, 3}:
        found = Layout(shape[2], shape[3], shape[1], channels_first=True)
    if found is None or not (1 <= found.height <= MAX_SIDE and 1 <= found.width <= MAX_SIDE):
        return None
    return found


def check_layout(shape: tuple[int, ...], dtype: np.dtype[Any], where: str) -> Layout:
    """Return how pictures lie in an array of numbers.

    Args:
        shape: the array's.
        dtype: of its values.
        where: what to call it in an error.

    Raises:
        DataError: it cannot be one of pictures, or is empty.
    """
    if dtype.kind not in "buif":
        raise DataError(f"{where} holds values of type {dtype}, expected numbers.")
    if shape[:1] == (0,):
        raise DataError(f"{where} holds no pictures: its shape is {shape}.")
    layout = layout_of(shape)
    if layout is None:
        raise DataError(
            f"{where} has the shape {shape}, expected pictures as (N, H, W), (N, H, W, 1 or 3), (N, 1 or 3, H, W) or "
            f"(N, pixels of a square), height and width in 1..{MAX_SIDE}."
        )
    return layout


def square(numbers: int) -> Layout | None:
    """Return the square picture, grey or else in colour, that has so many numbers.

    >>> square(3072)
    Layout(height=32, width=32, channels=3, channels_first=False)
    >>> square(785) is None
    True
    """
    for channels in (1, 3):
        side = math.isqrt(max(numbers, 0) // channels)
        if side >= 2 and side * side * channels == numbers:
            return Layout(side, side, channels)
    return None
