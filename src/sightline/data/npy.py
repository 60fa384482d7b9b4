"""One array in NumPy's own format, `.npy`: a header that says type and shape, and the values.

The header is written as a Python dict. Here it must be exactly the dict that NumPy writes for plain numbers
(or texts, for class names), so that nothing has to be parsed as Python. See `numpy.lib.format`.
"""

from __future__ import annotations

import re
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline.data.plain_arrays import array_from, plain_dtype
from sightline.errors import DataError

MAX_HEADER = 4096  # bytes; NumPy writes 118 for what is read here
_MAGIC = b"\x93NUMPY"
_HEADER = re.compile(
    r"\{'descr': '(?P<order>[<>|=])(?P<code>[A-Za-z][0-9]{1,4})', "
    r"'fortran_order': (?P<fortran>True|False), "
    r"'shape': \((?P<shape>(?:[0-9]{1,18}L?,? ?){0,32})\),? ?\} *\n?"
)


def decode_npy(content: bytes | bytearray, where: str) -> NDArray[Any]:
    """Return the array; its values lie in `content`.

    Raises:
        DataError: it is no array of plain numbers or texts, or has not the bytes that it promises.
    """
    if not content.startswith(_MAGIC) or len(content) < 12:
        raise DataError(f"{where} is truncated or no array, expected one in NumPy's format .npy.")
    if content[6] not in {1, 2, 3}:
        raise DataError(f"{where} is of version {content[6]} of NumPy's format, expected 1, 2 or 3.")
    long = content[6] > 1  # versions 2 and 3 have four bytes for the header's length
    before = 12 if long else 10
    length = int.from_bytes(content[8:before], "little")
    if length > min(MAX_HEADER, len(content) - before):
        raise DataError(
            f"{where} has a header of {length:,} bytes, more than there are or than NumPy writes."
        )
    header = bytes(content[before : before + length]).decode("latin-1")
    if (found := _HEADER.fullmatch(header)) is None:
        kind = "Python objects" if "'|O'" in header else "fields, or its header is damaged"
        raise DataError(
            f"{where} is an array of {kind}, expected plain numbers; Sightline runs no code from files."
        )
    shape = tuple(int(side.rstrip("L")) for side in re.findall("[0-9]+L?", found["shape"]))
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
    # NumPy would stumble over a number that is no character only when the text is used.
    if code[0] == "U" and (np.frombuffer(values, dtype.byteorder + "u4") > sys.maxunicode).any():
        raise DataError(f"{where} holds texts that are damaged.")
    return np.frombuffer(values, dtype)
