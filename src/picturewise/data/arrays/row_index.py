"""`taken`: NumPy's index on a choice of rows, reading no more rows than it names."""

from __future__ import annotations

from types import EllipsisType
from typing import Any

import numpy as np
from numpy.typing import NDArray


def taken(array: NDArray[Any], rows: NDArray[np.int64], key: Any) -> Any:
    """Return what `array[rows][key]` is, without copying the rows that `key` leaves out.

    Raises:
        IndexError: as NumPy does.
    """
    if _is_plain(key):  # nearly always, and the quickest
        return array[rows[key]]
    parts = _explicit(key, (len(rows), *array.shape[1:]))
    if parts is None:  # a single boolean, which selects all rows or none
        return array[rows][key]
    axes = [place for place, part in enumerate(parts) if part is not None]
    at = axes[0]
    before, first, rest = parts[:at], parts[at], parts[at + 1 :]
    if isinstance(first, np.ndarray):
        # Each row that is named is read once, however often it is named.
        places, numbers = np.unique(rows[first], return_inverse=True)
        return array[places][(*before, numbers.reshape(first.shape), *rest)]
    if isinstance(first, slice) and not any(isinstance(part, np.ndarray) for part in rest):
        view = array[(*before, slice(None), *rest)]  # of all rows; nothing is copied
        return view[(slice(None),) * at + (rows[first],)]
    if isinstance(first, slice):
        return array[rows[first]][(*before, slice(None), *rest)]
    row = rows[first]
    return array[row : row + 1][(*before, 0, *rest)]


def _is_plain(key: Any) -> bool:
    """Return whether an index is one of rows alone, in a form that needs no rewriting."""
    if isinstance(key, np.ndarray):
        return key.dtype.kind in "iu" or (key.dtype == bool and key.ndim == 1)
    return isinstance(key, slice | int | np.integer) and not isinstance(key, bool)


def _explicit(key: Any, shape: tuple[int, ...]) -> list[Any] | None:
    """Return an index with one part per axis, and None for new axes: slices, integers, arrays of integers.

    Returns:
        None: the index contains a single boolean, which does not index an axis.
    """
    parts: list[Any] = []
    for part in key if isinstance(key, tuple) else (key,):
        if part is None or isinstance(part, slice | EllipsisType):
            parts.append(part)
            continue
        array = np.asarray(part) if np.size(part) else np.asarray(part, getattr(part, "dtype", np.int64))
        if array.dtype == bool and array.ndim == 0:
            return None
        if array.dtype != bool and array.dtype.kind not in "iu":
            raise IndexError(
                f"Index rows with integers, slices or booleans; the index has type {array.dtype}"
            )
        parts += [array] if array.dtype == bool else [array if array.ndim else int(array)]
    return _numbered(_filled(parts, len(shape)), shape)


def _filled(parts: list[Any], axes: int) -> list[Any]:
    """Return the parts with full slices for `...` and for the axes after the last part."""
    used = sum(_axes(part) for part in parts)
    dots = [place for place, part in enumerate(parts) if part is Ellipsis]
    if len(dots) > 1:
        raise IndexError("an index can only have a single ellipsis ('...')")
    if used > axes:
        raise IndexError(f"too many indices: the array has {axes} axes, but {used} were indexed")
    at = dots[0] if dots else len(parts)
    return [*parts[:at], *[slice(None)] * (axes - used), *parts[at + len(dots) :]]


def _axes(part: Any) -> int:
    if part is None or part is Ellipsis:
        return 0
    return int(part.ndim) if isinstance(part, np.ndarray) and part.dtype == bool else 1


def _numbered(parts: list[Any], shape: tuple[int, ...]) -> list[Any]:
    """Return the parts with the positions of true values instead of boolean arrays."""
    found: list[Any] = []
    axis = 0
    for part in parts:
        if isinstance(part, np.ndarray) and part.dtype == bool:
            expected = shape[axis : axis + part.ndim]
            if part.shape != expected:
                raise IndexError(
                    f"a boolean index of shape {part.shape} does not match axes of shape {expected}"
                )
            found += part.nonzero()
        else:
            found.append(part)
        axis += _axes(part)
    return found
