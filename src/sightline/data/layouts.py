"""Arrays of numbers as other tools lay pictures out, brought to (N, H, W, C) uint8 block by block."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline.errors import DataError

MAX_SIDE = 4096


@dataclass(frozen=True)
class Layout:
    """How one picture's numbers lie: its height, width and channels, and whether the channels come first."""

    height: int
    width: int
    channels: int
    channels_first: bool = False

    def arrange(self, block: NDArray[Any]) -> NDArray[Any]:
        """Return (n, …) as (n, H, W, C)."""
        if self.channels_first:
            return block.reshape(-1, self.channels, self.height, self.width).transpose(0, 2, 3, 1)
        return block.reshape(-1, self.height, self.width, self.channels)


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


def to_bytes(values: NDArray[Any], factor: float, where: str, first: int) -> NDArray[np.uint8]:
    """Return numbers (n, …) as uint8, rounded after being multiplied by `factor`.

    Args:
        values: whole numbers or floats.
        factor: 1 for values in 0..255, 255 for values in 0..1.
        where: what to call the array in an error.
        first: the number of the first picture of the block.

    Raises:
        DataError: a value is no number, infinite, or outside 0..255.
    """
    if values.dtype == np.uint8 and factor == 1:
        return values
    most = 255 / factor
    good = (values >= 0) & (values <= most)  # a NaN is neither
    if not good.all():
        row = int(np.argmin(good.reshape(len(values), -1).all(axis=1)))
        value = values[row][~good[row]].flat[0]
        raise DataError(
            f"{where}: picture {first + row:,} (counted from 0) has the value {value:g}, expected pixels in "
            f"0..{most:g}."
        )
    if values.dtype.kind in "iu" and factor == 1:
        return values.astype(np.uint8)
    scaled: NDArray[np.float32] = np.rint(values * np.float32(factor))
    return scaled.astype(np.uint8)


def to_labels(values: NDArray[Any], count: int, where: str, most: int = 9_999) -> NDArray[np.int64]:
    """Return class numbers (N,) int64 from (N,), (N, 1) or one column per class with a single 1 in each row.

    Raises:
        DataError: there are not `count`, or they are no whole numbers in 0..`most`.
    """
    flat = values
    if values.ndim == 2 and values.shape[1] > 1:
        if not (((values == 0) | (values == 1)).all() and (values.sum(axis=1) == 1).all()):
            raise DataError(
                f"{where}: labels of the shape {values.shape}, expected one number for each picture, or one column "
                "per class with a single 1 in each row."
            )
        flat = values.argmax(axis=1)
    flat = flat.reshape(-1)
    if len(flat) != count:
        raise DataError(f"{where}: {len(flat):,} labels for {count:,} pictures, expected one each.")
    good = (flat >= 0) & (flat <= most) & (flat == np.floor(flat))
    if not good.all():
        at = int(np.argmin(good))
        raise DataError(
            f"{where}: label {at:,} (counted from 0) is {flat[at]:g}, expected a whole number in 0..{most}."
        )
    return flat.astype(np.int64)
