"""The order of numbers in pictures where the shape leaves it open: the one that makes neighbouring pixels more alike.

Rows of 3,072 numbers are either CIFAR's (one plane per colour) or flattened pictures (32, 32, 3); (N, 3, 64, 3) has
its channels first or last. Read in the wrong order, pixels that are far apart become neighbours.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from picturewise.data.arrays.layout import Layout, check_layout, layouts_of
from picturewise.data.hints import LayoutName
from picturewise.errors import DataError

_ROWS = 64  # the number of pictures that are looked at
_BYTES = 4 << 20
# Times as rough as the other reading; CIFAR-10, SVHN, flowers and MNIST in the wrong order, 8x8 to 64x64: 1.55 to 7.
_CLEARLY = 1.25
_FEW = 6.0  # added for small samples, divided by the square root of their size
_FIRST: frozenset[LayoutName] = frozenset({"planar", "channels-first"})


@dataclass(frozen=True)
class FoundLayout:
    """How the pictures of train are stored in the array.

    Attributes:
        layout: the layout.
        channels_first: which of two possible layouts it is, for the other splits; None: only one was possible.
        note: what to tell the user about the choice.
    """

    layout: Layout
    channels_first: bool | None = None
    note: str | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """The note, if there is one."""
        return () if self.note is None else (self.note,)


def find_layout(
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    rows: Callable[[NDArray[np.int64]], NDArray[Any]],
    where: str,
    said: LayoutName | None = None,
) -> FoundLayout:
    """Return how pictures are stored in an array.

    Args:
        shape: of the array.
        dtype: of its values.
        rows: returns the rows of the array at increasing indices, (n, …); called only where the shape leaves it open.
        where: what to call the array in an error.
        said: what the user says about it.

    Raises:
        DataError: it cannot hold pictures, both layouts are about as likely, or the user's layout does not fit.
    """
    usual, readings = check_layout(shape, dtype, where), layouts_of(shape)
    if said is not None:
        first = said in _FIRST
        for layout in readings:
            if layout.channels_first is first or (len(shape) <= 3 and layout.channels == 1):
                return FoundLayout(layout, first)
        raise DataError(
            f"{where} has shape {shape}, which cannot be {said}. Omit --layout; the shape already determines the "
            "layout."
        )
    if len(readings) == 1:
        flat = len(shape) == 3 and usual.shape[:2] != shape[1:]
        return FoundLayout(usual, None, _flat(where, shape, usual) if flat else None)
    indices = _sample(shape, dtype)
    sample = np.asarray(rows(indices)).astype(np.float32)
    rough = [_roughness(layout.arrange(sample)) for layout in readings]
    if rough[0] == rough[1] == 0:  # only flat areas, in either layout
        return FoundLayout(usual, usual.channels_first)
    best = int(rough[1] < rough[0])
    least = rough[1 - best] / rough[best] if rough[best] else math.inf
    if not least > _CLEARLY + _FEW / math.sqrt(sample.size):
        raise DataError(
            f"{where} has an ambiguous shape, {shape}: the pictures are about equally smooth {_words(shape)[0]} and "
            f"{_words(shape)[1]}. Pass --layout {' or --layout '.join(_names(shape))}."
        )
    found = readings[best]
    return FoundLayout(found, found.channels_first, _told(where, shape, best) if best else None)


def evenly(count: int, most: int) -> NDArray[np.int64]:
    """Return at most `most` different numbers below `count`, evenly spaced."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).astype(np.int64))


def _sample(shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[np.int64]:
    row = math.prod(shape[1:]) * dtype.itemsize
    return evenly(shape[0], max(1, min(_ROWS, _BYTES // max(1, row))))


def _roughness(pictures: NDArray[np.float32]) -> float:
    """Return the mean difference of neighbours in (n, H, W, C), in the direction where it is greater.

    Where the colours hardly differ, a row that mixes them up seems smooth, but its columns do not.
    """
    with np.errstate(invalid="ignore"):  # values that are not finite are reported where the range is found
        steps = [np.abs(np.diff(pictures, axis=axis)) for axis in (1, 2) if pictures.shape[axis] > 1]
    return max((float(step.mean()) for step in steps), default=0.0)


def _names(shape: tuple[int, ...]) -> tuple[LayoutName, LayoutName]:
    return ("interleaved", "planar") if len(shape) == 2 else ("channels-last", "channels-first")


def _words(shape: tuple[int, ...]) -> tuple[str, str]:
    if len(shape) == 2:
        return "with the colours of each pixel together", "with one plane per colour"
    return "with the channels last", "with the channels first"


def _told(where: str, shape: tuple[int, ...], best: int) -> str:
    return (
        f"{where} was read {_words(shape)[best]} ({_names(shape)[best]}), because this makes the pictures clearly "
        f"smoother. If that is wrong, pass --layout {_names(shape)[1 - best]}."
    )


def _flat(where: str, shape: tuple[int, ...], layout: Layout) -> str:
    kind = "colour" if layout.channels == 3 else "grey"
    size = f"{layout.height}x{layout.width}"
    return f"{where} has shape {shape} and was read as {shape[0]:,} {kind} pictures of {size}."
