"""One array in NumPy's own format, `.npy`: a header that says type and shape, and the values.

The header is written as a Python dict. Here it must be exactly the dict that NumPy writes for plain numbers
(or texts, for class names), so that nothing has to be parsed as Python. See `numpy.lib.format`.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from picturewise.errors import DataError
from picturewise.printable import printable
from picturewise.untrusted.array_bytes import array_from, plain_dtype
from picturewise.untrusted.scratch import Content

MAX_SIDES = 32  # of a shape
_SIDE = re.compile("[0-9]{1,18}L?")
MAX_HEADER = 4096  # bytes; NumPy writes 118 for what is read here
_MAGIC = b"\x93NUMPY"
_HEADER = re.compile(
    r"\{'descr': '(?P<order>[<>|=])(?P<code>[A-Za-z][0-9]{1,4})', "
    r"'fortran_order': (?P<fortran>True|False), "
    r"'shape': \((?P<shape>[0-9L, ]{0,640})\),? ?\} *\n?"
)


@dataclass(frozen=True)
class NpyHeader:
    """What the first bytes say; the values begin at `length`, `fortran`: the first dimension changes fastest."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    fortran: bool
    length: int


def read_header(start: Content | memoryview, where: str) -> NpyHeader:
    """Return what an array says of itself.

    Args:
        start: its content, or the first `MAX_HEADER` bytes and a few more.
        where: what to call it in an error.

    Raises:
        DataError: it is no array of plain numbers or texts.
    """
    if bytes(start[:6]) != _MAGIC or len(start) < 12:
        raise DataError(f"{where} is truncated or no array, expected one in NumPy's format .npy.")
    if start[6] not in {1, 2, 3}:
        raise DataError(f"{where} is of version {start[6]} of NumPy's format, expected 1, 2 or 3.")
    long = start[6] > 1  # versions 2 and 3 have four bytes for the header's length
    before = 12 if long else 10
    length = int.from_bytes(start[8:before], "little")
    if length > min(MAX_HEADER, len(start) - before):
        raise DataError(
            f"{where} has a header of {length:,} bytes, more than there are or than NumPy writes."
        )
    header = bytes(start[before : before + length]).decode("latin-1")
    if (found := _HEADER.fullmatch(header)) is None:
        kind = "Python objects" if "'|O'" in header else "fields, or its header is damaged"
        raise DataError(
            f"{where} is an array of {kind}, expected plain numbers; Picturewise runs no code from files."
        )
    # One step at a time: a pattern for the whole, of parts that can each be left out, takes for ever to say no.
    sides = [side.strip() for side in found["shape"].removesuffix(",").split(",")] if found["shape"] else []
    if len(sides) > MAX_SIDES or not all(map(_SIDE.fullmatch, sides)):
        raise DataError(
            f"{where} is an array of the shape ({printable(found['shape'])[:80]}), which there is not."
        )
    shape = tuple(int(side.rstrip("L")) for side in sides)
    order, code = found["order"], found["code"]
    texts = code[0] in "US" and int(code[1:]) > 0
    dtype = np.dtype(f"{order}{code}") if texts else plain_dtype(code, order, where=where)
    return NpyHeader(dtype, shape, found["fortran"] == "True", before + length)


def decode_npy(content: Content, where: str) -> NDArray[Any]:
    """Return the array; its values lie in `content`.

    Raises:
        DataError: it is no array of plain numbers or texts, or has not the bytes that it promises.
    """
    header = read_header(content, where)
    values = memoryview(content)[header.length :]
    if header.dtype.kind in "US":
        return _texts(values, header, where)
    return array_from(values, header.dtype, header.shape, fortran=header.fortran, where=where)


def _texts(values: memoryview, header: NpyHeader, where: str) -> NDArray[Any]:
    """Return texts (N,): names of classes."""
    if len(header.shape) != 1 or header.shape[0] * header.dtype.itemsize != len(values):
        raise DataError(f"{where} is truncated, or an array of texts that are no list of class names.")
    # NumPy would stumble over a number that is no character only when the text is used.
    numbers = np.dtype(f"{header.dtype.byteorder}u4")
    if header.dtype.kind == "U" and (np.frombuffer(values, numbers) > sys.maxunicode).any():
        raise DataError(f"{where} holds texts that are damaged.")
    return np.frombuffer(values, header.dtype)
