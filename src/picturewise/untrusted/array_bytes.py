"""From bytes and their description in a file to an array: only plain numbers, and exactly as many as declared."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from picturewise.errors import DataError

Blob = bytes | memoryview
# Booleans, integers and floats. Python objects, fields, dates and text are not pixels.
_CODES = frozenset({"b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"})
MAX_DIMENSIONS = 8


def plain_dtype(code: str, order: str, *, where: str) -> np.dtype[Any]:
    """Return the type of values for a code such as `f4` and a byte order (`<`, `>`, `|`, `=`).

    Raises:
        DataError: it is not a type of plain numbers.
    """
    if code not in _CODES or order not in {"<", ">", "|", "="}:
        kind = "Python objects" if code[:1] == "O" else f"type {code[:20]!r}"
        raise DataError(
            f"{where} contains an array of {kind}. Save it again as integers or floats; Picturewise never runs code "
            "from files."
        )
    return np.dtype((order if order != "|" else "=") + code)


def check_shape(shape: tuple[Any, ...], *, where: str) -> None:
    """Check a shape from a file.

    Raises:
        DataError: it has more than `MAX_DIMENSIONS` sides, or one that is not valid.
    """
    if len(shape) > MAX_DIMENSIONS or not all(type(side) is int and 0 <= side < 1 << 48 for side in shape):
        shown = str(shape) if all(type(side) is int and abs(side) < 1 << 64 for side in shape[:9]) else "(…)"
        raise DataError(
            f"{where} declares the array shape {shown[:100]}, which is not valid. The file may be damaged: download it "
            "again."
        )


def array_from(
    content: Blob, dtype: np.dtype[Any], shape: tuple[Any, ...], *, fortran: bool = False, where: str
) -> NDArray[Any]:
    """Return a read-only view of `content` as an array; nothing is copied.

    Args:
        content: the bytes of the values.
        dtype: from `plain_dtype`.
        shape: from the file, so it is checked here.
        fortran: whether the first dimension changes fastest.
        where: the file, for the error.

    Raises:
        DataError: the shape is not valid, or does not need exactly these bytes.
    """
    check_shape(shape, where=where)
    promised = math.prod(shape) * dtype.itemsize
    if promised != len(content):
        raise DataError(
            f"{where} is truncated or damaged: an array of {'x'.join(map(str, shape))} {dtype.name} needs "
            f"{promised:,} bytes, but has {len(content):,}. Download it again."
        )
    flat = np.frombuffer(content, dtype) if promised else np.empty(0, dtype)
    try:
        return flat.reshape(shape, order="F" if fortran else "C")
    except ValueError as error:  # no values, but sides whose product is too large for NumPy
        raise DataError(
            f"{where} declares the array shape {shape}, which is not valid. The file may be damaged: download it again."
        ) from error
