"""One array in NumPy's own format, `.npy`: a header that says type and shape, and the values.

NumPy reads the header as a Python literal: nothing in it is run, and it gets at most `MAX_HEADER` bytes. Of 65 hostile
headers of that length, none took more than 0.06 s or 10 MB, or ended a thread that had 1 MB of stack. The header is
checked here, because NumPy accepts more types and shapes than pictures have.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from picturewise.errors import DataError
from picturewise.untrusted.array_bytes import array_from, check_shape, plain_dtype
from picturewise.untrusted.scratch import Content

MAX_HEADER = 4096  # bytes; NumPy writes 118 for the arrays that are read here
_BEFORE_HEADER = 12  # bytes: magic, version, the header's length
_HEADER_READERS = {
    (1, 0): npy_format.read_array_header_1_0,
    (2, 0): npy_format.read_array_header_2_0,
    (3, 0): npy_format.read_array_header_2_0,  # differs only in names of fields, which are refused
}
_PYTHON_2 = re.compile(rb"(?<=[0-9])L(?=[,)])")  # its long integers; NumPy would read them with a warning
_QUOTED = re.compile(rb"'[^']*'|\"[^\"]*\"")
_RUN_TOGETHER = re.compile(rb"[0-9][A-Za-z_]")
_PLAIN_SPACE = bytes(
    32 if byte in b"\t\n\r\v\f" else byte for byte in range(256)
)  # line breaks: read with a warning, too
# Damaged literals, tokens and types raise these; a warning is raised if the user turned warnings into errors.
_DAMAGED = (
    ValueError, TypeError, AttributeError, LookupError, ArithmeticError, SyntaxError, tokenize.TokenError,
    RecursionError, MemoryError, Warning,
)  # fmt: skip


@dataclass(frozen=True)
class NpyHeader:
    """What the first bytes declare; the values begin at `length`; `fortran`: the first dimension changes fastest."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    fortran: bool
    length: int


def read_header(start: Content, where: str) -> NpyHeader:
    """Return an array's description of itself.

    Args:
        start: its content, or the first `MAX_HEADER` bytes and a few more.
        where: what to call it in an error.

    Raises:
        DataError: it is not an array of plain numbers or strings, or its shape is not valid.
    """
    text = _PYTHON_2.sub(b" ", start[_BEFORE_HEADER : _BEFORE_HEADER + MAX_HEADER]).translate(_PLAIN_SPACE)
    file = io.BytesIO(bytes(start[:_BEFORE_HEADER]) + text)
    try:
        version = npy_format.read_magic(file)
    except ValueError as error:
        raise DataError(
            f"{where} is truncated or is not in NumPy's .npy format. Save or download it again."
        ) from error
    if version not in _HEADER_READERS:
        raise DataError(
            f"{where} has version {version[0]} of NumPy's .npy format. Save it again in version 1, 2 or 3."
        )
    try:
        _check_literals(file.getvalue(), version)
        shape, fortran, dtype = _HEADER_READERS[version](file, max_header_size=MAX_HEADER)
    except _DAMAGED as error:
        raise DataError(
            f"{where} has a header that is damaged or longer than {MAX_HEADER:,} bytes. Save the array again as "
            "integers or floats; Picturewise never runs code from files."
        ) from error
    check_shape(shape, where=where)
    if dtype.kind not in "US" or not dtype.itemsize:
        dtype = plain_dtype(dtype.str[1:], dtype.str[0], where=where)
    return NpyHeader(dtype, shape, fortran, file.tell())


def _check_literals(start: bytes, version: tuple[int, int]) -> None:
    """Check that the header is a Python literal, and has no number such as 1or, which Python reads with a warning.

    NumPy would treat any other header as one of Python 2, and split it into tokens in quadratic time.

    Raises:
        ValueError, SyntaxError, TypeError, MemoryError, RecursionError: it is not.
    """
    begins = _BEFORE_HEADER if version > (1, 0) else _BEFORE_HEADER - 2
    header = start[begins : begins + int.from_bytes(start[8:begins], "little")]
    if _RUN_TOGETHER.search(_QUOTED.sub(b"", header)):
        raise ValueError("a number and a word run together")
    ast.literal_eval(header.decode("utf-8" if version >= (3, 0) else "latin-1"))


def decode_npy(content: Content, where: str) -> NDArray[Any]:
    """Return the array; its values stay in `content`.

    Raises:
        DataError: it is not an array of plain numbers or strings, or does not have the declared number of bytes.
    """
    header = read_header(content, where)
    values = memoryview(content)[header.length :]
    if header.dtype.kind in "US":
        return _texts(values, header, where)
    return array_from(values, header.dtype, header.shape, fortran=header.fortran, where=where)


def _texts(values: memoryview, header: NpyHeader, where: str) -> NDArray[Any]:
    """Return strings (N,): names of classes."""
    if len(header.shape) != 1 or header.shape[0] * header.dtype.itemsize != len(values):
        raise DataError(f"{where} is truncated, or is an array of strings that is not a list of class names.")
    # NumPy would notice a number that is not a character only when the text is used.
    numbers = np.dtype(f"{header.dtype.byteorder}u4")
    if header.dtype.kind == "U" and (np.frombuffer(values, numbers) > sys.maxunicode).any():
        raise DataError(f"{where} contains damaged strings. Download it again.")
    return np.frombuffer(values, header.dtype)
