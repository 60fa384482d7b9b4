"""`ValueRange`: how stored values become pixels 0..255, in the same way for all pictures of a set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from picturewise.data.hints import parse_value_range
from picturewise.errors import DataError

Ends: TypeAlias = tuple[float, float]
"""The stored values of black and of white."""

PLAIN: Ends = (0.0, 255.0)
"""The range of bytes: what a classifier was trained on if nothing else is known."""

DARK = 15
"""A part of the whole range: if no value is above it, another unit is likelier than dark pictures."""

_UNITS = (1.0, 15.0, 16.0)  # common largest values of integers
_OF_TRAIN = "the range of the training pictures"
_SAID = "the range from --value-range"


@dataclass(frozen=True, eq=False)
class ValueRange:
    """How stored values become 0..255: `(value * spread + centre - low) * 255 / (high - low)`.

    Attributes:
        low: the value of black.
        high: the value of white.
        spread: (1 or H, 1 or W, C) what the values were divided by.
        centre: (1 or H, 1 or W, C) what was subtracted before that.
        plain: the type determines the range: bytes, booleans, floats in 0..1 or 0..255. A classifier need not keep it.
        bright: train has values above a fifteenth of the range, so other splits must have such values too.
        note: what to tell the user about the choice.
        why: where the range comes from, for errors.
    """

    low: float = 0.0
    high: float = 255.0
    spread: NDArray[np.float64] | None = None
    centre: NDArray[np.float64] | None = None
    plain: bool = True
    bright: bool = False
    note: str | None = None
    why: str = _OF_TRAIN

    @classmethod
    def said(cls, text: str) -> ValueRange:
        """Return the range that a user has named, `LOW..HIGH`."""
        low, high = parse_value_range(text)
        return cls(low, high, plain=False, why=_SAID)

    @property
    def factor(self) -> float:
        """The factor for values above black."""
        return 255.0 / (self.high - self.low)

    @property
    def kept(self) -> Ends | None:
        """What a classifier keeps; None: it need not keep anything."""
        return None if self.plain else (self.low, self.high)

    @property
    def notes(self) -> tuple[str, ...]:
        """The note, if there is one."""
        return () if self.note is None else (self.note,)

    def facts(self) -> dict[str, Any]:
        """Return the facts to make it again, as JSON types; a range that undoes a normalisation has none."""
        names = ("low", "high", "plain", "bright", "note", "why")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> ValueRange:
        """Return the range with these `facts`."""
        return cls(**facts)

    def restored(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return values without the normalisation, in their range before it."""
        if self.spread is None and self.centre is None:
            return values.astype(np.float32) if values.dtype.kind in "bf" and values.itemsize < 4 else values
        floats = values.astype(np.float64)
        with np.errstate(invalid="ignore"):  # infinity times zero gives NaN, which is found later
            if self.spread is not None:
                floats *= self.spread
            if self.centre is not None:
                floats += self.centre
        return floats

    def to_bytes(self, values: NDArray[Any], where: str, first: int) -> NDArray[np.uint8]:
        """Return pictures (n, …) as uint8.

        Args:
            values: integers, floats or booleans.
            where: what to call the array in an error.
            first: the number of the first picture of the block.

        Raises:
            DataError: a value is NaN, infinite or out of range; the message says in which picture.
        """
        normalised = self.spread is not None or self.centre is not None
        as_they_are = (self.low, self.high) == (0, 255)
        if values.dtype == np.uint8 and as_they_are and not normalised:
            return values
        whole = values.dtype.kind in "iu" and not normalised
        restored = self.restored(values)
        beyond = 0 if whole else 0.5 / self.factor  # values that are rounded into the range
        good = (restored >= self.low - beyond) & (restored <= self.high + beyond)  # False for NaN
        if not good.all():
            row = int(np.argmin(good.reshape(len(values), -1).all(axis=1)))
            found = restored[row][~good[row]].flat[0]
            raise DataError(
                f"{where}: picture {first + row:,} (counted from 0) has the value {found:g}"
                f"{' after its normalisation was undone' * normalised}, but {self.why} is {self.low:g}..{self.high:g}. "
                "If black and white have other values, pass them with --value-range LOW..HIGH."
            )
        if whole and as_they_are:
            return values.astype(np.uint8)
        return self.scaled(restored)

    def scaled(self, values: NDArray[Any]) -> NDArray[np.uint8]:
        """Return restored values as uint8, whatever they are: values out of range become black or white."""
        span = self.high - self.low
        with np.errstate(invalid="ignore"):  # a NaN becomes any number; the check of the range refuses it
            above = values - self.low if self.low else values
            # Times 255 first, which is exact: numbers halfway between two levels are then rounded alike in all types.
            if span != 255:
                above = above * np.float32(255)
                above = above / above.dtype.type(span)
            pixels: NDArray[Any] = np.rint(above).clip(0, 255)
            return pixels.astype(np.uint8)


class Conversion:
    """The conversion of one split's pictures to bytes; it notices a split in another unit than train's.

    Args:
        scale: the range that train decided.
        where: what to call the split's array in an error.
    """

    def __init__(self, scale: ValueRange, where: str) -> None:
        self._scale, self._where, self._high, self._floats, self._bytes = scale, where, 0.0, False, False
        self._least = scale.low + (scale.high - scale.low) / DARK
        self._passed = not scale.bright

    def to_bytes(self, values: NDArray[Any], first: int) -> NDArray[np.uint8]:
        """Return what `ValueRange.to_bytes` returns."""
        self._bytes = values.dtype == np.uint8
        if not self._passed and values.size:
            self._high = max(self._high, float(self._scale.restored(values).max()))
            self._passed = self._high > self._least
            self._floats = values.dtype.kind == "f"
        return self._scale.to_bytes(values, self._where, first)

    def finish(self) -> None:
        """Check the whole split after its last picture.

        Raises:
            DataError: they are in another unit than train.
        """
        # Bytes cannot reach above 255 if train's range does.
        narrow = self._bytes and self._scale.bright and self._scale.high > 255
        if narrow or is_other_unit(self._high, self._scale, floats=self._floats):
            raise DataError(other_unit(self._where, 255.0 if narrow else self._high, self._scale))


def is_other_unit(high: float, scale: ValueRange, *, floats: bool) -> bool:
    """Return whether a split with the largest value `high` is likely in another unit than train, not just dark."""
    if not scale.bright or not scale.low < high <= scale.low + (scale.high - scale.low) / DARK:
        return False
    return floats or scale.high > 255 or high in _UNITS


def other_unit(where: str, high: float, scale: ValueRange) -> str:
    """Return the message about a split in another unit than train."""
    ends = f"{scale.low:g}..{scale.high:g}"
    return (
        f"{where} contains values in 0..{high:g}, but the train split contains values in {ends}. Convert all splits "
        f"to the same range or, if these pictures really are that dark, pass --value-range {ends}."
    )
