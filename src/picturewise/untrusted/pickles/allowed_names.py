"""The names that a pickle may use, and their meaning: NumPy's arrays, their types, and bytes.

This is our own table. Nothing is imported or called by a name from a file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from picturewise.errors import DataError
from picturewise.untrusted.array_bytes import Blob, array_from, plain_dtype

_WIDE = re.compile(rb"\\u(?!00)|\\U")  # a character beyond Latin-1, in Python's raw-unicode-escape


class Name(Enum):
    """One name of the table."""

    NDARRAY = "numpy.ndarray"
    DTYPE = "numpy.dtype"
    RECONSTRUCT = "multiarray._reconstruct"
    SCALAR = "multiarray.scalar"
    FROMBUFFER = "numeric._frombuffer"
    ENCODE = "_codecs.encode"
    BYTES = "builtins.bytes"

    @property
    def said(self) -> str:
        """The name in words."""
        return self.value

    @staticmethod
    def find(module: str, name: str) -> Name | None:
        """Return the entry for a module and a name in the file, or None."""
        return _TABLE.get((module, name))


_TABLE: Mapping[tuple[str, str], Name] = {
    ("numpy", "ndarray"): Name.NDARRAY,
    ("numpy", "dtype"): Name.DTYPE,
    ("numpy.core.multiarray", "_reconstruct"): Name.RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): Name.RECONSTRUCT,
    ("numpy.core.multiarray", "scalar"): Name.SCALAR,
    ("numpy._core.multiarray", "scalar"): Name.SCALAR,
    ("numpy.core.numeric", "_frombuffer"): Name.FROMBUFFER,
    ("numpy._core.numeric", "_frombuffer"): Name.FROMBUFFER,
    ("_codecs", "encode"): Name.ENCODE,
    ("__builtin__", "bytes"): Name.BYTES,
    ("builtins", "bytes"): Name.BYTES,
}


@dataclass(frozen=True)
class Text:
    """A text too long to be a real one, with its place in the file."""

    content: memoryview
    encoding: str


class Shell:
    """An array, or the type of its values, between its creation and the setting of its state."""

    def __init__(self, code: str | None = None) -> None:
        self.code = code  # of a type; an array does not have one
        self.filled: Any = None

    def fill(self, state: tuple[Any, ...], where: str) -> Any:
        """Return the finished array or type, and keep it for later uses of the shell.

        Raises:
            DataError: the state is not one that NumPy writes for plain numbers.
        """
        self.filled = _array(state, where) if self.code is None else _dtype(self.code, state, where)
        return self.filled


# Constants are inside their types here and below: compared with `case 1`, an array from the file would return an array.
def _array(state: tuple[Any, ...], where: str) -> Any:
    match state:
        case (
            int(1),
            tuple(shape),
            np.dtype() as dtype,
            bool() | int(0) | int(1) as fortran,
            bytes() | memoryview() as content,
        ):
            return array_from(content, dtype, shape, fortran=bool(fortran), where=where)
    raise _unlike(where)


def _dtype(code: str, state: tuple[Any, ...], where: str) -> Any:
    match state:
        case (int(), str() | bytes() as order, None, None, None, int(), int(), *rest) if len(rest) <= 1:
            return plain_dtype(code, _said(order), where=where)
    raise DataError(
        f"{where} contains an array of records, dates or similar. Save it again as integers or floats."
    )


def _reconstruct(arguments: tuple[Any, ...], where: str) -> Shell:
    match arguments:
        case (Name() as name, (int(0),), bytes(b"b") | str("b")) if name is Name.NDARRAY:
            return Shell()
    raise _unlike(where)


def _new_dtype(arguments: tuple[Any, ...], where: str) -> Shell:
    match arguments:
        case (str() | bytes() as code, bool() | int(), bool() | int()) if len(code) < 8:
            plain_dtype(_said(code), "=", where=where)
            return Shell(_said(code))
    raise _unlike(where)


def _scalar(arguments: tuple[Any, ...], where: str) -> Any:
    match arguments:
        case (np.dtype() as dtype, bytes() as content):
            return array_from(content, dtype, (), where=where).item()
    raise _unlike(where)


def _from_buffer(arguments: tuple[Any, ...], where: str) -> Any:
    match arguments:
        case (
            bytes() | memoryview() as content,
            np.dtype() as dtype,
            tuple(shape),
            str("C" | "F") as order,
            *rest,
        ):
            if not rest or (len(rest) == 1 and rest[0] is None):
                return array_from(content, dtype, shape, fortran=order == "F", where=where)
        case (bytes() | memoryview() as content, np.dtype() as dtype, tuple(shape), str("K"), tuple(axes)):
            if all(type(axis) is int for axis in axes) and sorted(axes) == list(range(len(shape))):
                return array_from(content, dtype, shape, where=where).transpose(axes)
    raise _unlike(where)


def _encode(arguments: tuple[Any, ...], where: str) -> Blob:
    """Return the bytes that Python 3, writing for Python 2, stores as a text of the first 256 characters."""
    match arguments:
        case (str() | Text() as text, str("latin1" | "latin-1") | bytes(b"latin1")):
            try:
                return (text if isinstance(text, str) else _narrow(text)).encode("latin-1")
            except UnicodeError:
                pass
    raise _unlike(where)


def _narrow(text: Text) -> str:
    """Return a long text; one with characters beyond Latin-1 is refused before it takes four times the memory.

    Raises:
        UnicodeError: there are such characters, or the text is not in its encoding.
    """
    if text.encoding == "utf-8":
        # 0xC3 begins the last of the characters up to 255.
        wide = bool((np.frombuffer(text.content, np.uint8) > 0xC3).any())
    else:
        wide = _WIDE.search(text.content) is not None
    if wide:
        raise UnicodeError
    return str(text.content, text.encoding)


def _bytes(arguments: tuple[Any, ...], where: str) -> bytes:
    if arguments != ():
        raise _unlike(where)
    return b""


def _said(text: str | bytes) -> str:
    return text if isinstance(text, str) else text.decode("latin-1")


def _unlike(where: str) -> DataError:
    return DataError(
        f"{where} contains an array that is not in NumPy's own pickle format. Save the arrays again with numpy.savez; "
        "Picturewise never runs code from files."
    )


CALLS: Mapping[Name, Callable[[tuple[Any, ...], str], Any]] = {
    Name.DTYPE: _new_dtype,
    Name.RECONSTRUCT: _reconstruct,
    Name.SCALAR: _scalar,
    Name.FROMBUFFER: _from_buffer,
    Name.ENCODE: _encode,
    Name.BYTES: _bytes,
}
