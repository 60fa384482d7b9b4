"""How pictures are laid out in arrays of numbers, and how they are converted to (N, H, W, C), block by block."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from picturewise.errors import DataError

MAX_SIDE = 4096
_BLOCK = 4 << 20  # bytes that are looked at or converted at a time


@dataclass(frozen=True)
class Layout:
    """The order of one picture's numbers: its height, width and channels, and whether the channels come first."""

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


def layouts_of(shape: tuple[int, ...]) -> tuple[Layout, ...]:
    """Return the possible layouts of pictures in an array of `shape`, the usual one first; empty: there is none.

    (N, H, W), (N, H, W, C), (N, C, H, W) with C = 1 or 3, and squares, grey or in colour, in rows: (N, numbers),
    (N, C, pixels) or (N, pixels, C); nobody has pictures that are one or three pixels high.

    >>> [layout.channels_first for layout in layouts_of((100, 3072))]
    [False, True]
    """
    found: list[Layout] = []
    if len(shape) == 2 and (one := square(shape[1])) is not None:
        found = [one] if one.channels == 1 else [one, replace(one, channels_first=True)]
    elif len(shape) == 3:
        first, last = (
            _side(shape[2]) if shape[1] in {1, 3} else 0,
            _side(shape[1]) if shape[2] in {1, 3} else 0,
        )
        if first:
            found = [Layout(first, first, shape[1], channels_first=True)]
        elif last:
            found = [Layout(last, last, shape[2])]
        else:
            found = [Layout(shape[1], shape[2], 1)]
    elif len(shape) == 4:
        found = [Layout(*shape[1:])] if shape[3] in {1, 3} else []
        found += [Layout(shape[2], shape[3], shape[1], channels_first=True)] if shape[1] in {1, 3} else []
    return tuple(
        layout for layout in found if 1 <= layout.height <= MAX_SIDE and 1 <= layout.width <= MAX_SIDE
    )


def layout_of(shape: tuple[int, ...]) -> Layout | None:
    """Return the usual layout of pictures in an array of `shape`, or None if it cannot hold pictures.

    >>> layout_of((60000, 784))
    Layout(height=28, width=28, channels=1, channels_first=False)
    >>> layout_of((100, 3, 32, 32)).channels_first
    True
    """
    return next(iter(layouts_of(shape)), None)


def check_layout(
    shape: tuple[int, ...], dtype: np.dtype[Any], where: str, *, channels_first: bool | None = None
) -> Layout:
    """Return the layout of pictures in an array of numbers.

    Args:
        shape: of the array.
        dtype: of its values.
        where: what to call the array in an error.
        channels_first: which of two possible layouts it is; None: the usual one.

    Raises:
        DataError: it cannot hold pictures, or is empty.
    """
    if dtype.kind not in "buif":
        raise DataError(f"{where} contains values of type {dtype}. Pass an array of integers or floats.")
    if shape[:1] == (0,):
        raise DataError(f"{where} does not contain any pictures: its shape is {shape}.")
    layouts = layouts_of(shape)
    if not layouts:
        raise DataError(f"{where} has shape {shape}. Expected {expected_of(shape)}")
    return next((layout for layout in layouts if layout.channels_first is channels_first), layouts[0])


def expected_of(shape: tuple[int, ...]) -> str:
    """Return what to say about an array that does not have the shape of pictures, with what to do at the end."""
    if len(shape) == 4 and 4 in {shape[1], shape[3]}:
        part = "pictures[..., :3]" if shape[3] == 4 else "pictures[:, :3]"
        return (
            f"1 or 3 channels; leave out a fourth, such as the transparency of RGBA (in NumPy: {part}), or save the "
            "pictures as PNG files, which are placed on a background."
        )
    return (
        "pictures of shape (N, H, W), (N, H, W, 1 or 3), (N, 1 or 3, H, W) or (N, pixels of a square), with a height "
        f"and width in 1..{MAX_SIDE}."
    )


def _side(pixels: int) -> int:
    """Return the side of the square with `pixels` pixels, at least 4x4; 0: there is none."""
    side = math.isqrt(pixels)
    return side if side >= 4 and side * side == pixels else 0


def square(numbers: int) -> Layout | None:
    """Return the square picture, grey or otherwise in colour, that has `numbers` numbers.

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
