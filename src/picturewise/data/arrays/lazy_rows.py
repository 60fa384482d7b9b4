"""`Rows`: some rows of an array, which are copied only when they are read."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import NDArray

from picturewise.data.arrays.row_index import taken

Number = TypeVar("Number", bound=np.generic)
_BYTES_AT_ONCE = 4 << 20
_OF_ARRAYS = frozenset({
    "T", "all", "any", "argmax", "argmin", "argsort", "astype", "clip", "copy", "cumsum", "dot", "flatten",
    "max", "mean", "min", "nonzero", "ravel", "repeat", "reshape", "round", "squeeze", "std", "sum",
    "swapaxes", "tobytes", "tolist", "transpose", "var",
})  # fmt: skip
"""Further attributes of arrays that users need; none of them changes the array, of which they use a copy."""


class Rows(NDArrayOperatorsMixin, Generic[Number]):
    """The rows `array[indices]`, read like an array; the array may be larger than memory.

    Every NumPy index gives the same result as on `np.asarray` of the rows. A slice or an array of indices copies the
    rows that it selects; `np.asarray`, arithmetic and an array's methods copy all. Rows are read only.
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

    @property
    def size(self) -> int:
        """The number of values in the rows."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """The number of bytes in a copy of the rows."""
        return self.size * self.dtype.itemsize

    def __len__(self) -> int:
        return len(self._indices)

    def __iter__(self) -> Iterator[NDArray[Number]]:
        return (self[place] for place in range(len(self)))

    def __getitem__(self, key: Any) -> NDArray[Number]:
        rows: NDArray[Number] = taken(self._array, self._indices, key)
        return rows

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError("these rows can be converted to an array only by copying them")
        return self._array[self._indices].astype(dtype or self.dtype, copy=False)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        if any(isinstance(place, Rows) for place in options.get("out", ())):
            return NotImplemented  # rows are read only
        whole = [np.asarray(one) if isinstance(one, Rows) else one for one in inputs]
        return getattr(ufunc, method)(*whole, **options)

    if not TYPE_CHECKING:  # for users alone: our own code is not to copy all by accident

        def __getattr__(self, name: str) -> Any:
            if name not in _OF_ARRAYS:
                raise AttributeError(f"'Rows' object has no attribute '{name}'")
            return getattr(np.asarray(self), name)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *_OF_ARRAYS]

    def __repr__(self) -> str:
        return f"<{'×'.join(map(str, self.shape))} {self.dtype}, rows of an array that are copied when they are read>"

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
