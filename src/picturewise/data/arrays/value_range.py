"""How the numbers in a file become pixels 0..255: taken as they are, multiplied, or freed of a normalisation."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from picturewise.errors import DataError

_SLACK = 1e-3  # of the range: what rounding in 32 or 16 bits moves a value by

Blocks = Callable[[], Iterable[tuple[int, NDArray[Any]]]]
"""Yields the number of the first picture, and pictures (n, H, W, C), until all were there."""


@dataclass(frozen=True, eq=False)
class ValueRange:
    """How stored values become 0..255: `(value * spread + centre) * factor`.

    Attributes:
        factor: 255 where the values lie in 0..1, else 1.
        spread: (1 or H, 1 or W, C) what the values were divided by.
        centre: (1 or H, 1 or W, C) what was taken from them before.
    """

    factor: float = 1.0
    spread: NDArray[np.float64] | None = None
    centre: NDArray[np.float64] | None = None

    def restored(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return values without the normalisation, in the range that they had before it."""
        if self.spread is None and self.centre is None:
            return values.astype(np.float32) if values.dtype.kind in "bf" and values.itemsize < 4 else values
        floats = values.astype(np.float64)
        with np.errstate(invalid="ignore"):  # infinity times zero; whoever looks at it finds a NaN
            if self.spread is not None:
                floats *= self.spread
            if self.centre is not None:
                floats += self.centre
        return floats

    def to_bytes(self, values: NDArray[Any], where: str, first: int) -> NDArray[np.uint8]:
        """Return pictures (n, …) as uint8.

        Args:
            values: whole numbers, floats or booleans.
            where: what to call the array in an error.
            first: the number of the first picture of the block.

        Raises:
            DataError: a value is no number, infinite, or does not come to 0..255; the message says in which picture.
        """
        normalised = self.spread is not None or self.centre is not None
        if values.dtype == np.uint8 and self.factor == 1 and not normalised:
            return values
        whole = values.dtype.kind in "iu" and not normalised
        most, restored = 255 / self.factor, self.restored(values)
        beyond = 0 if whole else 0.5 / self.factor  # what is rounded into the range
        good = (restored >= -beyond) & (restored <= most + beyond)  # a NaN is neither
        if not good.all():
            row = int(np.argmin(good.reshape(len(values), -1).all(axis=1)))
            found = restored[row][~good[row]].flat[0]
            raise DataError(
                f"{where}: picture {first + row:,} (counted from 0) has the value {found:g}"
                f"{' without the normalisation' * normalised}, expected pixels in 0..{most:g}, the range of train."
            )
        if whole and self.factor == 1:
            return values.astype(np.uint8)
        scaled: NDArray[Any] = np.rint(restored * np.float32(self.factor)).clip(0, 255)
        return scaled.astype(np.uint8)


def find_value_range(
    dtype: np.dtype[Any],
    blocks: Blocks,
    where: str,
    *,
    mean: NDArray[np.float64] | None = None,
    std: NDArray[np.float64] | None = None,
) -> ValueRange:
    """Return how values become 0..255, decided by their range.

    Whole numbers are taken as they are and not even looked at. Floats that lie in 0..1 or 0..255 are not normalised;
    of others, what was done with `std` and `mean`, or with `mean` alone, is undone, and the range that comes out
    must be one of these.

    Args:
        dtype: of the values.
        blocks: the pictures of train.
        where: what to call them in an error.
        mean: (H, W, C) or broadcast to it: what may have been taken from each picture.
        std: the same, what may have been its divisor.

    Raises:
        DataError: a value is not finite, or no way leads to such a range; the message says in which picture.
    """
    if dtype.kind == "b":
        return ValueRange(255.0)
    if dtype.kind in "ui":
        return ValueRange()
    ways = [ValueRange()]
    if mean is not None:
        ways.append(ValueRange(1.0, None, mean))
    if std is not None:
        ways.insert(1 if _divided(blocks, std) else len(ways), ValueRange(1.0, std, mean))
    found = []
    for way in ways:
        found.append(values := _Range.of(blocks, way, where))
        for top in (1.0, 255.0):
            if -_SLACK * top <= values.low and values.high <= top * (1 + _SLACK):
                return ValueRange(255.0 / top, way.spread, way.centre)
    raise found[0].unfit(where)


@dataclass
class _Range:
    """The smallest and the largest value, and in which pictures they are."""

    low: float = math.inf
    high: float = -math.inf
    lowest: int = 0
    highest: int = 0

    @classmethod
    def of(cls, blocks: Blocks, way: ValueRange, where: str) -> _Range:
        found = cls()
        for first, block in blocks():
            values = way.restored(block).reshape(len(block), -1)
            least, most = values.min(axis=1), values.max(axis=1)
            finite = np.isfinite(least) & np.isfinite(most)  # a NaN anywhere makes both NaN
            if not finite.all():
                row = int(np.argmin(finite))
                value = block[row][~np.isfinite(block[row])].flat[0]
                raise DataError(
                    f"{where}: picture {first + row:,} (counted from 0) has the value {value:g}, expected numbers in "
                    "0..1 or 0..255; mend it or leave it out."
                )
            low, high = int(np.argmin(least)), int(np.argmax(most))
            if least[low] < found.low:
                found.low, found.lowest = float(least[low]), first + low
            if most[high] > found.high:
                found.high, found.highest = float(most[high]), first + high
        return found

    def unfit(self, where: str) -> DataError:
        picture, value = (self.lowest, self.low) if self.low < -_SLACK else (self.highest, self.high)
        return DataError(
            f"{where} holds values in {self.low:g}..{self.high:g}, expected 0..1 or 0..255: picture {picture:,} "
            f"(counted from 0) has {value:g}. Normalised pictures are read from an .npz file or a pickle that also "
            "holds the mean_image and std_image which lead back."
        )


def _divided(blocks: Blocks, std: NDArray[np.float64]) -> bool:
    """Return whether centred values were divided by `std`: their mean square is then nearer to 1 than to its own.

    The range does not tell: pictures that were not divided seem grey, but right, after one multiplication more.
    """
    total, count = 0.0, 0
    for _, block in blocks():
        total += float(np.square(block, dtype=np.float64).sum())
        count += block.size
    own, found = float(np.square(std).mean()), total / max(1, count)
    return not (found > 0 and own > 0) or abs(math.log(found)) <= abs(math.log(found / own))
