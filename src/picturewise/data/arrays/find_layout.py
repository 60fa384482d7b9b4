"""How numbers lie where their shape leaves it open: the reading in which neighbouring pixels are more alike.

Rows of 3,072 numbers are CIFAR's, a plane for each colour, or pictures (32, 32, 3) made flat; (N, 3, 64, 3) has its
channels first or last. In the wrong reading, what becomes neighbours lay several pixels apart.
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

_ROWS = 64  # pictures that are looked at
_BYTES = 4 << 20
# Times as rough as the other reading; CIFAR-10, SVHN, flowers and MNIST in the wrong order, 8x8 to 64x64: 1.55 to 7.
_CLEARLY = 1.25
_FEW = 6.0  # what is added for few numbers, divided by the root of their number
_FIRST: frozenset[LayoutName] = frozenset({"planar", "channels-first"})


@dataclass(frozen=True)
class FoundLayout:
    """How pictures lie in the array of train.

    Attributes:
        layout: it.
        channels_first: which of two possible ways it was, for the other splits; None: there was one only.
        note: what to tell people of the choice.
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
    """Return how pictures lie in an array.

    Args:
        shape: the array's.
        dtype: of its values.
        rows: gives the rows of the array at indices that rise, (n, …); called only where the shape leaves it open.
        where: what to call the array in an error.
        said: what the user says of it.

    Raises:
        DataError: it cannot be one of pictures, or both readings are about as likely, or it is not as the user says.
    """
    usual, readings = check_layout(shape, dtype, where), layouts_of(shape)
    if said is not None:
        first = said in _FIRST
        for layout in readings:
            if layout.channels_first is first or (len(shape) <= 3 and layout.channels == 1):
                return FoundLayout(layout, first)
        raise DataError(
            f"{where} has the shape {shape}, which is not {said}. Leave --layout out: the shape says how it lies."
        )
    if len(readings) == 1:
        flat = len(shape) == 3 and usual.shape[:2] != shape[1:]
        return FoundLayout(usual, None, _flat(where, shape, usual) if flat else None)
    indices = _sample(shape, dtype)
    sample = np.asarray(rows(indices)).astype(np.float32)
    rough = [_roughness(layout.arrange(sample)) for layout in readings]
    if rough[0] == rough[1] == 0:  # nothing but flat areas, in either reading
        return FoundLayout(usual, usual.channels_first)
    best = int(rough[1] < rough[0])
    least = rough[1 - best] / rough[best] if rough[best] else math.inf
    if not least > _CLEARLY + _FEW / math.sqrt(sample.size):
        raise DataError(
            f"{where} has the shape {shape}, and its pictures are about as smooth {_words(shape)[0]} as "
            f"{_words(shape)[1]}. Say which with --layout {' or '.join(_names(shape))}."
        )
    found = readings[best]
    return FoundLayout(found, found.channels_first, _told(where, shape, best) if best else None)


def evenly(count: int, most: int) -> NDArray[np.int64]:
    """Return at most so many of the numbers below `count`, evenly spaced, each once."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).astype(np.int64))


def _sample(shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[np.int64]:
    row = math.prod(shape[1:]) * dtype.itemsize
    return evenly(shape[0], max(1, min(_ROWS, _BYTES // max(1, row))))


def _roughness(pictures: NDArray[np.float32]) -> float:
    """Return the mean difference of neighbours in (n, H, W, C), in that direction in which it is greater.

    Where colours hardly differ, a row that mixes them up seems smooth, but what lies below each other does not.
    """
    with np.errstate(invalid="ignore"):  # what is no number is told where the range is found
        steps = [np.abs(np.diff(pictures, axis=axis)) for axis in (1, 2) if pictures.shape[axis] > 1]
    return max((float(step.mean()) for step in steps), default=0.0)


def _names(shape: tuple[int, ...]) -> tuple[LayoutName, LayoutName]:
    return ("interleaved", "planar") if len(shape) == 2 else ("channels-last", "channels-first")


def _words(shape: tuple[int, ...]) -> tuple[str, str]:
    if len(shape) == 2:
        return "with the colours of each pixel together", "with a plane for each colour"
    return "with the channels last", "with the channels first"


def _told(where: str, shape: tuple[int, ...], best: int) -> str:
    return (
        f"{where}: read {_words(shape)[best]} ({_names(shape)[best]}), in which the pictures are clearly smoother. If "
        f"that is wrong, say so with --layout {_names(shape)[1 - best]}."
    )


def _flat(where: str, shape: tuple[int, ...], layout: Layout) -> str:
    kind = "in colour" if layout.channels == 3 else "in grey"
    size = f"{layout.height}x{layout.width}"
    return f"{where} has the shape {shape}, which was read as {shape[0]:,} pictures of {size} {kind}."
