"""One array in NumPy's own format, `.npy`: a header that says type and shape, and the values.

The header is written as a Python dict. Here it must be exactly the dict that NumPy writes for plain numbers
(or texts, for class names), so that nothing has to be parsed as Python. See `numpy.lib.format`.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline.data.mapping import Content
from sightline.data.names import printable
from sightline.data.plain_arrays import array_from, plain_dtype
from sightline.errors import DataError

MAX_SIDES = 32  # of a shape
_SIDE = re.compile("[0-9]{1,18}L?")
MAX_HEADER = 4096  # bytes; NumPy writes 118 for what is read here
_MAGIC = b"\x93NUMPY"
_HEADER = re.compile(
    r"\{'descr': '(?P<order>[<>|=])(?P<code>[A-Za-z][0-9]{1,4})', "
    r"'fortran_order': (?P<fortran>True|False), "
    r"'shape': \((?P<shape>[0-9L, ]{0,640})\),? ?\} *\n?"
)


def decode_npy(content: Content, where: str) -> NDArray[Any]:
    """Return the array; its values lie in `content`.

    Raises:
        DataError: it is no array of plain numbers or texts, or has not the bytes that it promises.
    """
    if content[: len(_MAGIC)] != _MAGIC or len(content) < 12:
        raise DataError(f"{where} is truncated or no array, expected one in NumPy's format .npy.")
    long = content[6] > 1  # versions 2 and 3 have four bytes for the header's length
    before = 12 if long else 10
    length = int.from_bytes(content[8:before], "little")
    if content[6] not in {1, 2, 3} or length > min(MAX_HEADER, len(content) - before):
        raise DataError(
            f"{where} has a header of {length:,} bytes, more than there are or than NumPy writes."
        )
    header = bytes(content[before : before + length]).decode("latin-1")
    if (found := _HEADER.fullmatch(header)) is None:
        kind = "Python objects" if "'|O'" in header else "fields, or its header is damaged"
        raise DataError(
            f"{where} is an array of {kind}, expected plain numbers; Sightline runs no code from files."
        )
    # One step at a time: a pattern for the whole, of parts that can each be left out, takes for ever to say no.
    sides = [side.strip() for side in found["shape"].removesuffix(",").split(",")] if found["shape"] else []
    if len(sides) > MAX_SIDES or not all(map(_SIDE.fullmatch, sides)):
        raise DataError(
            f"{where} is an array of the shape ({printable(found['shape'])[:80]}), which there is not."
        )
    shape = tuple(int(side.rstrip("L")) for side in sides)
    values = memoryview(content)[before + length :]
    if found["code"][0] in "US":
        return _texts(values, found["order"], found["code"], shape, where)
    dtype = plain_dtype(found["code"], found["order"], where=where)
    return array_from(values, dtype, shape, fortran=found["fortran"] == "True", where=where)


def _texts(values: memoryview, order: str, code: str, shape: tuple[int, ...], where: str) -> NDArray[Any]:
    """Return texts (N,): names of classes."""
    length = int(code[1:])
    dtype = np.dtype(f"{order}{code}")
    if len(shape) != 1 or not length or shape[0] * dtype.itemsize != len(values):
        raise DataError(f"{where} is truncated, or an array of texts that are no list of class names.")
    array = np.frombuffer(values, dtype)
    try:
        array.tolist()
    except (ValueError, SystemError) as error:  # not a character of Unicode; for some NumPy says SystemError
        raise DataError(f"{where} holds texts that are damaged.") from error
    return array
