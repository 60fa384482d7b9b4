"""Bytes and what a file says of them to an array: plain numbers only, and exactly as many as promised."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from picturewise.errors import DataError

Blob = bytes | memoryview
# Booleans, whole numbers and floats. Python objects, fields, dates and text are no pixels.
_CODES = frozenset({"b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"})
MAX_DIMENSIONS = 8


def plain_dtype(code: str, order: str, *, where: str) -> np.dtype[Any]:
    """Return the type of values that a code such as `f4` and a byte order (`<`, `>`, `|`, `=`) stand for.

    Raises:
        DataError: it is no type of plain numbers.
    """
    if code not in _CODES or order not in {"<", ">", "|", "="}:
        kind = "Python objects" if code[:1] == "O" else f"type {code[:20]!r}"
        raise DataError(
            f"{where} holds an array of {kind}, expected plain numbers; Picturewise runs no code from files."
        )
    return np.dtype((order if order != "|" else "=") + code)


def check_shape(shape: tuple[Any, ...], *, where: str) -> None:
    """Check a shape as a file says it.

    Raises:
        DataError: it has more than `MAX_DIMENSIONS` sides, or one that no array can have.
    """
    if len(shape) > MAX_DIMENSIONS or not all(type(side) is int and 0 <= side < 1 << 48 for side in shape):
        shown = (
            str(shape)
            if all(type(side) is int and abs(side) < 1 << 64 for side in shape[:9])
            else "what it says"
        )
        raise DataError(
            f"{where} holds an array whose shape cannot be {shown[:100]}; the file may be damaged."
        )


def array_from(
    content: Blob, dtype: np.dtype[Any], shape: tuple[Any, ...], *, fortran: bool = False, where: str
) -> NDArray[Any]:
    """Return a read-only view of `content` as an array; nothing is copied.

    Args:
        content: the bytes of the values.
        dtype: from `plain_dtype`.
        shape: as the file says it, so checked here.
        fortran: whether the first dimension changes fastest.
        where: the file, for the error.

    Raises:
        DataError: the shape is none, or does not need exactly the bytes that are there.
    """
    check_shape(shape, where=where)
    promised = math.prod(shape) * dtype.itemsize
    if promised != len(content):
        raise DataError(
            f"{where} is truncated or damaged: an array of {'x'.join(map(str, shape))} {dtype.name} needs "
            f"{promised:,} bytes, found {len(content):,}; get it again from its source."
        )
    flat = np.frombuffer(content, dtype) if promised else np.empty(0, dtype)
    try:
        return flat.reshape(shape, order="F" if fortran else "C")
    except ValueError as error:  # no values, but sides whose product is more than NumPy can count
        raise DataError(
            f"{where} holds an array whose shape cannot be {shape}; it may be damaged."
        ) from error
