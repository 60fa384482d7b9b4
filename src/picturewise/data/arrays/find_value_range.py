"""Which stored values are black and white: found by looking at train's pictures, once for the whole set.

Neither arrays nor deep picture files store it. Nearly all contain bytes, booleans or floats in 0..1 or 0..255. For
other values, the largest one suggests the likely range, which is noted; if nothing is likely, the values are refused.
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

_SLACK = 1e-3  # of the range: by how much rounding in 32 or 16 bits moves a value
_NEAR = 0.98  # of a range: floats that were resized or smoothed still reach it
_SMALL = (1.0, 15.0, 16.0, 100.0)
_DEEP = {1023.0: 10, 4095.0: 12, 16383.0: 14, 65535.0: 16}  # white, and its bits
_DOUBTFUL = 511.0  # more than 8 bits, and less than half of 10
_RARE = 0.1  # of the pictures: if fewer have values above 255, these are wrong
BYTE = 255.0
_FEW_VALUES = 1000  # too few values to say where the others would end
_BLACK = 17.0  # a set of 8-bit pictures that ends below it would be black
_FEW_LEVELS = (
    3.0,
    7.0,
    16.0,
)  # where integers below it may end: 2 bits, 3 bits, as scikit-learn's digits
_NORMALISED = (
    "If they are normalised, add mean_image and std_image to the file (.npz or pickle); otherwise, pass the values of "
    "black and white with --value-range {ends}."
)
_LEARNED = "the range that the classifier was trained on"

Blocks = Callable[[], Iterable[tuple[int, NDArray[Any]]]]
"""Yields the number of the first picture, and pictures (n, H, W, C), until all have been returned."""


@dataclass
class Seen:
    """Facts about stored values.

    Attributes:
        dtype: their type.
        low: the smallest.
        high: the largest.
        lowest: the number of the picture that has the smallest.
        highest: the number of the picture that has the largest.
        whole: all are integers.
        count: the number of pictures that were looked at.
        deep: the number of pictures with values above 255.
        size: the number of values.
        place: how messages name a picture by its number.
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
        """Whether further values cannot change the result: bytes above 100 mean 0..255."""
        return self.dtype == np.uint8 and self.high > max(_SMALL)

    @property
    def below(self) -> bool:
        """Whether values are below 0 by more than smoothing and rounding can explain."""
        return self.low < (0 if self.whole else -_SLACK * max(1.0, self.high))

    def add(self, first: int, values: NDArray[Any], where: str) -> None:
        """Look at pictures (n, …); `first` is the number of the first one.

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
                f"{where}: {self.place.format(first + row)} has the value {value:g}, which is not a finite "
                "number. Repair or remove the picture."
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
    """Return how to convert values to 0..255, based on the values themselves.

    Bytes are looked at until one is above 100. If there is a `mean` or `std`, and there are values below 0, the
    normalisation with both, or with `mean` alone, is undone; the resulting range must be 0..1 or 0..255.

    Args:
        dtype: of the values.
        blocks: the pictures of train.
        where: what to call the pictures in an error.
        mean: (H, W, C) or broadcast to it: what may have been subtracted from each picture.
        std: the same: what each picture may have been divided by.
        said: the range that the user named.
        learned: the range that a classifier was trained on, if these pictures are for a classifier.

    Raises:
        DataError: a value is not finite, or the range cannot be found; the message says in which picture.
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
    """Return the range that values belong to.

    Args:
        seen: facts about the values.
        where: what to call the pictures in an error.
        learned: the range that a classifier was trained on, if these pictures are for a classifier.
        advice: what to do if the range cannot be found; `{ends}` stands for an example.
        deep_file: they come from picture files with more than 8 bits, where even 0..255 needs a note.

    Raises:
        DataError: the range cannot be found.
    """
    if learned is None:
        return _own(seen, where, advice, deep_file=deep_file)
    low, high = learned
    if learned == PLAIN:
        # Floats of 0 and 1 alone are black and white, as on train; integers of 0 and 1 are a dark picture.
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
            f"{where} contains values in {seen.low:g}..{seen.high:g}, but the classifier was trained on "
            f"{low:g}..{high:g}. Pass the values of black and white with --value-range LOW..HIGH."
        )
    if low < seen.high <= low + (high - low) / DARK and (high - low) > 1:
        if not seen.whole:
            raise DataError(
                f"{where} contains only values up to {seen.high:g}, but the classifier was trained on "
                f"{low:g}..{high:g}. Pass the values of black and white with --value-range LOW..HIGH."
            )
        return replace(scale, note=_otherwise(where, seen, scale, learned))
    return scale


def _own(seen: Seen, where: str, advice: str, *, deep_file: bool) -> ValueRange:
    """Return the range that follows from the values themselves."""
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
    """Return a likely range with its note; 16 bits that end at 65535 need none."""
    sixteen = top == max(_DEEP) and seen.dtype.kind == "u" and seen.dtype.itemsize == 2
    bits = f" ({_DEEP[top]} bits)" if top in _DEEP else ""
    note = (
        f"{where}: the largest value is {seen.high:g}, so the values were read as 0..{top:g}{bits}, from black to "
        "white. If that is wrong, pass --value-range LOW..HIGH."
    )
    return ValueRange(
        0.0, top, plain=False, bright=top > 1 and seen.high > top / DARK, note=None if sixteen else note
    )


def _otherwise(where: str, seen: Seen, scale: ValueRange, learned: Ends) -> str:
    return (
        f"{where}: values up to {seen.high:g} were read as {scale.low:g}..{scale.high:g}, but the classifier "
        f"was trained on {learned[0]:g}..{learned[1]:g}. If that is wrong, pass --value-range LOW..HIGH."
    )


def _unfit(seen: Seen, where: str, advice: str) -> DataError:
    picture, value = (seen.lowest, seen.low) if seen.below else (seen.highest, seen.high)
    low, high = (seen.low if seen.below else 0.0), seen.high
    if -1 <= low < 0 < high <= 1:  # a range that is common for networks' input
        low, high = -1.0, 1.0
    ends = f"{low:g}..{high:g}" if low < high else "LOW..HIGH"  # all values are the same negative number
    return DataError(
        f"{where} contains values in {seen.low:g}..{seen.high:g} instead of 0..1 or 0..255: "
        f"{seen.place.format(picture)} has {value:g}. {advice.format(ends=ends)}"
    )


def _seen(dtype: np.dtype[Any], blocks: Blocks, way: ValueRange, where: str) -> Seen:
    """Return facts about values without their normalisation; of bytes, no more are read than necessary."""
    seen = Seen(dtype)
    for first, block in blocks():
        seen.add(first, way.restored(block), where)
        if seen.enough:
            break
    return seen


def _divided(blocks: Blocks, std: NDArray[np.float64]) -> bool:
    """Return whether centred values were divided by `std`: then their mean square is nearer to 1 than to that of `std`.

    The range cannot show it: multiplied once too often, pictures seem grey, but right.
    """
    total, count = 0.0, 0
    for _, block in blocks():
        total += float(np.square(block, dtype=np.float64).sum())
        count += block.size
    own, found = float(np.square(std).mean()), total / max(1, count)
    return not (found > 0 and own > 0) or abs(math.log(found)) <= abs(math.log(found / own))
