"""Which stored values are black and white: found by looking at train, once for the whole set.

Nothing in an array or in a deep picture file says it. Bytes, booleans and floats in 0..1 or 0..255 are what nearly all
have; of others the largest value tells the likely range, which is noted, or nobody can know, and it is refused.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from picturewise.data.arrays.value_range import DARK, PLAIN, Ends, ValueRange
from picturewise.errors import DataError

_SLACK = 1e-3  # of the range: what rounding in 32 or 16 bits moves a value by
_NEAR = 0.98  # of a range: what floats that were resized or smoothed still reach
_SMALL = (1.0, 15.0, 16.0, 100.0)
_DEEP = {1023.0: 10, 4095.0: 12, 16383.0: 14, 65535.0: 16}  # white, and its bits
_DOUBTFUL = 511.0  # more than 8 bits, and less than half of 10
_RARE = 0.1  # of the pictures: if fewer pass 255, these are wrong
BYTE = 255.0
_FEW_VALUES = 1000  # so few say nothing about where the others would end
_BLACK = 17.0  # no set of 8-bit pictures ends below it: it would be black
_FEW_LEVELS = (
    3.0,
    7.0,
    16.0,
)  # where whole numbers below it may end: 2 bits, 3 bits, as scikit-learn's digits
_NORMALISED = (
    "If they are normalised, add mean_image and std_image to the file (.npz or pickle); otherwise say which values are "
    "black and white: --value-range {ends}."
)
_LEARNED = "the range that the classifier learned from"

Blocks = Callable[[], Iterable[tuple[int, NDArray[Any]]]]
"""Yields the number of the first picture, and pictures (n, H, W, C), until all were there."""


@dataclass
class Seen:
    """What stored values are like.

    Attributes:
        dtype: their type.
        low: the smallest.
        high: the largest.
        lowest: the number of the picture that has the smallest.
        highest: the number of the picture that has the largest.
        whole: there are no fractions.
        count: how many pictures were looked at.
        deep: how many of them have values above 255.
        size: how many values they have.
        place: what a picture's number is, in words.
    """

    dtype: np.dtype[Any]
    low: float = math.inf
    high: float = -math.inf
    lowest: int = 0
    highest: int = 0
    whole: bool = True
    count: int = 0
    deep: int = 0
    size: int = 0
    place: str = "picture {:,} (counted from 0)"

    @property
    def enough(self) -> bool:
        """Whether further values can change nothing: bytes that pass 100 are 0..255."""
        return self.dtype == np.uint8 and self.high > max(_SMALL)

    @property
    def below(self) -> bool:
        """Whether values lie below 0, and not only by what smoothing and rounding do."""
        return self.low < (0 if self.whole else -_SLACK * max(1.0, self.high))

    def add(self, first: int, values: NDArray[Any], where: str) -> None:
        """Look at pictures (n, …), of which the first has that number.

        Raises:
            DataError: a value is not finite; the message says in which picture.
        """
        flat = values.reshape(len(values), -1)
        if not flat.size:
            return
        least, most = flat.min(axis=1), flat.max(axis=1)
        floats = flat.dtype.kind == "f"
        # A NaN anywhere makes both NaN.
        finite = np.isfinite(least) & np.isfinite(most) if floats else np.ones(len(flat), np.bool_)
        if not finite.all():
            row = int(np.argmin(finite))
            value = flat[row][~np.isfinite(flat[row])][0]
            raise DataError(
                f"{where}: {self.place.format(first + row)} has the value {value:g}, expected numbers in "
                "0..1 or 0..255; repair it or leave it out."
            )
        self.count += len(flat)
        self.size += flat.size
        self.deep += int((most > BYTE).sum())
        low, high = int(np.argmin(least)), int(np.argmax(most))
        if least[low] < self.low:
            self.low, self.lowest = float(least[low]), first + low
        if most[high] > self.high:
            self.high, self.highest = float(most[high]), first + high
        if floats and self.whole:
            self.whole = bool((flat == np.rint(flat)).all())


def find_value_range(
    dtype: np.dtype[Any],
    blocks: Blocks,
    where: str,
    *,
    mean: NDArray[np.float64] | None = None,
    std: NDArray[np.float64] | None = None,
    said: str | None = None,
    learned: Ends | None = None,
) -> ValueRange:
    """Return how values become 0..255, decided by what they are.

    Bytes are looked at until one passes 100. Where there are `mean` or `std`, and values below 0, what was done with
    both, or with `mean` alone, is undone, and the range that comes out must be 0..1 or 0..255.

    Args:
        dtype: of the values.
        blocks: the pictures of train.
        where: what to call them in an error.
        mean: (H, W, C) or broadcast to it: what may have been taken from each picture.
        std: the same, what may have been its divisor.
        said: the range that the user named.
        learned: the range that a classifier learned from, which is to look at these pictures.

    Raises:
        DataError: a value is not finite, or nobody can know the range; the message says in which picture.
    """
    if said is not None:
        return ValueRange.said(said)
    if dtype.kind == "b":
        return ValueRange(0.0, 1.0)
    seen = _seen(dtype, blocks, ValueRange(), where)
    if dtype.kind == "f" and seen.below:
        ways = [] if mean is None else [ValueRange(centre=mean)]
        if std is not None:
            ways.insert(0 if _divided(blocks, std) else len(ways), ValueRange(spread=std, centre=mean))
        for way in ways:
            restored = _seen(dtype, blocks, way, where)
            for top in (1.0, 255.0):
                if -_SLACK * top <= restored.low and restored.high <= top * (1 + _SLACK):
                    return replace(way, high=top, bright=top > 1)
    return decide(seen, where, learned=learned)


def decide(
    seen: Seen, where: str, *, learned: Ends | None = None, advice: str = _NORMALISED, deep_file: bool = False
) -> ValueRange:
    """Return the range that values are of.

    Args:
        seen: what they are like.
        where: what to call them in an error.
        learned: the range that a classifier learned from, which is to look at these pictures.
        advice: what to do where nobody can know it; `{ends}` stands for an example.
        deep_file: they come from picture files of more than 8 bits, where even 0..255 is worth a note.

    Raises:
        DataError: nobody can know it.
    """
    if learned is None:
        return _own(seen, where, advice, deep_file=deep_file)
    low, high = learned
    if learned == PLAIN:
        # Floats of 0 and 1 alone are black and white, as on train; whole numbers of 0 and 1 are a dark picture.
        unit = seen.dtype.kind == "b" or (seen.dtype.kind == "f" and seen.high <= 1)
        as_they_are = seen.whole and not unit and 0 <= seen.low <= seen.high <= high
        return ValueRange() if as_they_are else _own(seen, where, advice, deep_file=deep_file)
    slack = _SLACK * (high - low)
    if seen.dtype.kind == "b" or (seen.dtype == np.uint8 and (high > 255 or seen.high > high)):
        return ValueRange(0.0, 1.0 if seen.dtype.kind == "b" else 255.0)  # the type says it
    scale = ValueRange(low, high, plain=False, why=_LEARNED)
    if not (low - slack <= seen.low and seen.high <= high + slack):
        own = _own(seen, where, advice, deep_file=deep_file)
        if own.plain and seen.dtype.kind == "f":
            return replace(own, note=_otherwise(where, seen, own, learned))
        raise DataError(
            f"{where} holds values in {seen.low:g}..{seen.high:g}, but the classifier learned from {low:g}..{high:g}. "
            "Say which values are black and white here with --value-range LOW..HIGH."
        )
    if low < seen.high <= low + (high - low) / DARK and (high - low) > 1:
        if not seen.whole:
            raise DataError(
                f"{where} holds values up to {seen.high:g}, but the classifier learned from {low:g}..{high:g}. Say "
                "which values are black and white here with --value-range LOW..HIGH."
            )
        return replace(scale, note=_otherwise(where, seen, scale, learned))
    return scale


def _own(seen: Seen, where: str, advice: str, *, deep_file: bool) -> ValueRange:
    """Return the range that the values themselves tell."""
    if seen.dtype.kind == "b":
        return ValueRange(0.0, 1.0)
    if seen.below:
        raise _unfit(seen, where, advice)
    if seen.high <= (1 + _SLACK if seen.dtype.kind == "f" else 0):
        top = 1.0 if seen.dtype.kind == "f" else 255.0
        return ValueRange(0.0, top)
    least = 1 if seen.whole else _NEAR
    for top in _SMALL:
        if top * least <= seen.high <= top * (1 if seen.whole else 1 + _SLACK):
            return _noted(seen, where, top)
    if seen.whole and seen.high < _BLACK:
        if seen.size < _FEW_VALUES:
            return ValueRange()
        return _noted(seen, where, next(top for top in _FEW_LEVELS if seen.high <= top))
    if seen.high <= 255 * (1 + _SLACK) and (seen.whole or seen.high > max(_SMALL)):
        return _noted(seen, where, 255.0) if deep_file else ValueRange(bright=True)
    if seen.high > _DOUBTFUL and seen.deep >= _RARE * seen.count:
        for top in _DEEP:
            if seen.high <= top * (1 if seen.whole else 1 + _SLACK):
                return _noted(seen, where, top)
    raise _unfit(seen, where, advice)


def _noted(seen: Seen, where: str, top: float) -> ValueRange:
    """Return a range that is likely and has to be told; that 16 bits end at 65535 goes without saying."""
    sixteen = top == max(_DEEP) and seen.dtype.kind == "u" and seen.dtype.itemsize == 2
    bits = f" ({_DEEP[top]} bits)" if top in _DEEP else ""
    note = (
        f"{where}: the largest value is {seen.high:g}, so values were read as 0..{top:g}{bits}, black to white. If "
        "that is wrong, say so with --value-range LOW..HIGH."
    )
    return ValueRange(
        0.0, top, plain=False, bright=top > 1 and seen.high > top / DARK, note=None if sixteen else note
    )


def _otherwise(where: str, seen: Seen, scale: ValueRange, learned: Ends) -> str:
    return (
        f"{where}: the values end at {seen.high:g} and were read as {scale.low:g}..{scale.high:g}; the classifier "
        f"learned from {learned[0]:g}..{learned[1]:g}. If that is wrong, say so with --value-range LOW..HIGH."
    )


def _unfit(seen: Seen, where: str, advice: str) -> DataError:
    picture, value = (seen.lowest, seen.low) if seen.below else (seen.highest, seen.high)
    low, high = (seen.low if seen.below else 0.0), seen.high
    if -1 <= low < 0 < high <= 1:  # as networks are often given them
        low, high = -1.0, 1.0
    return DataError(
        f"{where} holds values in {seen.low:g}..{seen.high:g}, expected 0..1 or 0..255: {seen.place.format(picture)} "
        f"has {value:g}. {advice.format(ends=f'{low:g}..{high:g}')}"
    )


def _seen(dtype: np.dtype[Any], blocks: Blocks, way: ValueRange, where: str) -> Seen:
    """Return what values are like without a normalisation; of bytes, no more are looked at than tell it."""
    seen = Seen(dtype)
    for first, block in blocks():
        seen.add(first, way.restored(block), where)
        if seen.enough:
            break
    return seen


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
