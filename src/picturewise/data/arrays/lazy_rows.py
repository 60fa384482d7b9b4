"""`Rows`: some rows of an array, which are copied only when they are read."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Generic, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

Number = TypeVar("Number", bound=np.generic)
_BYTES_AT_ONCE = 4 << 20


class Rows(Generic[Number]):
    """The rows `array[indices]`, read like an array; the array may be larger than memory.

    A slice or an array of indices copies the rows that it selects; `np.asarray` copies all.
    """

    def __init__(self, array: NDArray[Number], indices: NDArray[np.int64]) -> None:
        self._array = array
        self._indices = indices

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of chosen rows, then the shape of a row of the array."""
        return (len(self._indices), *self._array.shape[1:])

    @property
    def ndim(self) -> int:
        """That of the array."""
        return self._array.ndim

    @property
    def dtype(self) -> np.dtype[Number]:
        """That of the array."""
        return self._array.dtype

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, key: Any) -> NDArray[Number]:
        rows: NDArray[Number] = self._array[self._indices[key]]
        return rows

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError("chosen rows can only become one array by copying")
        return self._array[self._indices].astype(dtype or self.dtype, copy=False)

    def chosen(self, indices: NDArray[np.int64]) -> Rows[Number]:
        """Return some of these rows."""
        return Rows(self._array, self._indices[indices])


Table: TypeAlias = NDArray[Number] | Rows[Number]
Pictures: TypeAlias = NDArray[np.uint8] | Rows[np.uint8]


def chosen(table: NDArray[Number] | Rows[Number], indices: NDArray[np.int64]) -> Rows[Number]:
    """Return the rows at `indices` without copying them."""
    return table.chosen(indices) if isinstance(table, Rows) else Rows(table, indices)


def slices(pictures: Pictures) -> Iterator[slice]:
    """Return slices that cover pictures (N, …) in order, each a few MB, because all of them may not fit into memory."""
    step = max(1, _BYTES_AT_ONCE // max(1, math.prod(pictures.shape[1:])))
    return (slice(start, start + step) for start in range(0, len(pictures), step))
