"""One array of whole numbers after the other from a MATLAB file of level 5, streamed in bounded memory.

Source: MAT-File Format, The MathWorks (version 5). A file is a header of 128 bytes and elements: four bytes of
type, four of length, content. A matrix is an element of elements: flags, dimensions, name, numbers; most often
it is packed with zlib. Nothing but plain arrays of whole numbers is read; structures, objects and functions
are passed over. SciPy's loadmat is as fast (0.30 s for 20,000 pictures as SVHN has them, here 0.26 s), but holds
them all in memory (60 MB, here 4 MB) and has no limit on what it unpacks.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from picturewise.errors import DataError
from picturewise.printable import printable
from picturewise.untrusted.regular_file import check_regular

MAX_UNPACKED = 8 << 30  # bytes of one array
MAX_ELEMENTS = 100
MAX_RATIO = 100  # times that numbers may grow when unpacked; photographs grow 1.3 times, zeros 1,000 times
_FREE = 1 << 20  # bytes that may grow as they like
_HEADER = 128
_MATRIX, _PACKED = 14, 15
_NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_PLAIN_CLASSES = range(
    6, 16
)  # double, single and the whole numbers; below are cells, structures, objects, text
_HDF5_AT = 512
_HDF5 = b"\x89HDF\r\n\x1a\n"
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Matrix:
    """One array of numbers in a file: what its first bytes say.

    Attributes:
        name: the variable's.
        shape: the dimensions; the first varies fastest.
        dtype: of the numbers as they lie there.
        place: where its element starts in the file.
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    place: int

    @property
    def nbytes(self) -> int:
        """The bytes of the numbers."""
        return math.prod(self.shape) * self.dtype.itemsize


def is_hdf5(path: Path) -> bool:
    """Return whether a file is of version 7.3, which is HDF5.

    Raises:
        OSError: it cannot be read.
    """
    with _opened(path) as file:
        start = file.read(_HDF5_AT + len(_HDF5))
    return start.startswith(_HDF5) or start[_HDF5_AT:] == _HDF5


def matrices(path: Path) -> dict[str, Matrix]:
    """Return the arrays of numbers of a file by name; their numbers are not read.

    Raises:
        DataError: it is no such file, or damaged.
    """
    with _opened(path) as file:
        order = _check_header(file, path)
        found: dict[str, Matrix] = {}
        size = file.seek(0, 2)
        place, elements = _HEADER, 0
        while place + 8 <= size:
            file.seek(place)
            kind, length = struct.unpack(f"{order}II", file.read(8))
            if place + 8 + length > size:
                raise _damaged(
                    path, f"it ends {place + 8 + length - size:,} bytes before its last array does"
                )
            elements += 1
            if elements > MAX_ELEMENTS:
                raise _damaged(path, f"it holds more than {MAX_ELEMENTS} arrays")
            if kind in {_MATRIX, _PACKED}:
                matrix = _matrix(_Stream(file, place, path), order, place, length)
                if matrix is not None:
                    found[matrix.name] = matrix
            place += 8 + length + (-length % 8 if kind != _PACKED else 0)
        return found


def blocks(path: Path, matrix: Matrix) -> Iterator[NDArray[Any]]:
    """Yield the numbers in the order in which they lie, in blocks of whole last-dimension items.

    Each block has the shape (n, …): the dimensions from the last, which varies slowest, to the first.

    Raises:
        DataError: the numbers are fewer than promised, or cannot be unpacked.
    """
    with _opened(path) as file:
        order = _check_header(file, path)
        stream = _Stream(file, matrix.place, path)
        _matrix(stream, order, matrix.place, 0)
        turned = matrix.shape[::-1]
        row = max(1, math.prod(turned[1:]) * matrix.dtype.itemsize)
        step = max(1, _BLOCK // row)
        for start in range(0, turned[0], step):
            rows = min(step, turned[0] - start)
            content = stream.read(rows * row)
            yield np.frombuffer(content, matrix.dtype).reshape(rows, *turned[1:])
        stream.finish()


class _Stream:
    """The content of one element, unpacked on the way and no further than asked."""

    def __init__(self, file: BinaryIO, place: int, path: Path) -> None:
        self._file, self._path = file, path
        file.seek(place)
        start = file.read(8)
        self._packed = _PACKED in struct.unpack("<I", start[:4]) + struct.unpack(">I", start[:4])
        self._unpacker = zlib.decompressobj()
        self._waiting = b""
        if not self._packed:
            file.seek(place)

    def finish(self) -> None:
        """Compare the checksum behind the last number.

        Raises:
            DataError: it differs, or more follows than fills up eight bytes.
        """
        if not self._packed:
            return
        while not self._unpacker.eof:
            self._waiting = self._waiting or self._file.read(64)
            try:
                more = self._unpacker.decompress(self._waiting, 8)
            except zlib.error as error:
                raise _damaged(self._path, f"an array cannot be unpacked, {error}") from error
            if len(more) >= 8 or not (more or self._waiting):
                raise _damaged(self._path, "an array does not end where it should")
            self._waiting = self._unpacker.unconsumed_tail

    def read(self, count: int) -> bytes:
        """Return exactly `count` bytes.

        Raises:
            DataError: there are fewer.
        """
        if not self._packed:
            content = self._file.read(count)
            if len(content) < count:
                raise _damaged(self._path, "it ends within an array")
            return content
        parts, left = [], count
        while left:
            if not self._waiting:
                self._waiting = self._file.read(1 << 16)
            ended = not self._waiting
            try:
                part = self._unpacker.decompress(self._waiting, left)
            except zlib.error as error:
                raise _damaged(self._path, f"an array cannot be unpacked, {error}") from error
            self._waiting = self._unpacker.unconsumed_tail
            if not part and (ended or self._unpacker.eof):
                raise _damaged(self._path, f"an array ends {left:,} bytes early")
            parts.append(part)
            left -= len(part)
        return b"".join(parts)


def _matrix(stream: _Stream, order: str, place: int, length: int) -> Matrix | None:
    """Return what an element says of itself, and leave the stream at its numbers; None: no array of numbers.

    `length` is what the element takes in the file; 0: its numbers were checked against it before.
    """
    path = stream._path  # noqa: SLF001 (the two are one thing in two pieces)
    (kind,) = struct.unpack(f"{order}I4x", stream.read(8))
    if kind != _MATRIX:
        return None
    flags = _element(stream, order, most=16)
    dimensions = _element(stream, order, most=4 * 8)
    name = _element(stream, order, most=64)
    if len(flags) != 8 or not 8 <= len(dimensions) <= 32 or len(dimensions) % 4:
        raise _damaged(path, "an array has no flags or dimensions as expected")
    word = struct.unpack(f"{order}I", flags[:4])[0]
    if word & 0xFF not in _PLAIN_CLASSES or word & 0x0800:  # 0x0800: complex
        return None
    kind, count, held = _tag(stream, order)
    dtype = np.dtype(order + _NUMBERS[kind]) if kind in _NUMBERS else None
    shape = struct.unpack(f"{order}{len(dimensions) // 4}i", dimensions)
    if dtype is None or held is not None or min(shape) < 0:
        return None  # a number or two within the tag are neither pictures nor labels
    shown = printable(name.decode("latin-1"))
    found = Matrix(shown, shape, dtype, place)
    if found.nbytes != count:
        raise _damaged(
            path, f"{shown} has {count:,} bytes of numbers where its dimensions ask for {found.nbytes:,}"
        )
    if found.nbytes > MAX_UNPACKED or (length and found.nbytes > _FREE + MAX_RATIO * length):
        raise DataError(
            f"{printable(path)} promises {found.nbytes:,} bytes of numbers in {shown} and holds {length:,} for "
            f"them, expected at most {MAX_RATIO} times what it holds and {MAX_UNPACKED:,} in all; it was made to do "
            "harm."
        )
    return found


def _tag(stream: _Stream, order: str) -> tuple[int, int, bytes | None]:
    """Return an element's type and length, and its content where that is small enough to lie in the tag."""
    first, second = stream.read(4), stream.read(4)
    (word,) = struct.unpack(f"{order}I", first)
    if word >> 16:
        return word & 0xFFFF, word >> 16, second[: min(word >> 16, 4)]
    return word, struct.unpack(f"{order}I", second)[0], None


def _element(stream: _Stream, order: str, *, most: int) -> bytes:
    _, length, held = _tag(stream, order)
    if held is not None:
        return held
    if length > most:
        raise _damaged(
            stream._path,  # noqa: SLF001 (the two are one thing in two pieces)
            f"a part of {length:,} bytes where at most {most} are expected",
        )
    return stream.read(length + -length % 8)[:length]


def _opened(path: Path) -> BinaryIO:
    check_regular(path, "a MATLAB file")
    return path.open("rb")


def _check_header(file: BinaryIO, path: Path) -> str:
    """Return the order of bytes, `<` or `>`."""
    file.seek(0)
    start = file.read(_HEADER)
    orders = {b"IM": "<", b"MI": ">"}
    if start[:10] == b"MATLAB 7.3" or start[:8] == _HDF5:
        raise DataError(
            f"{printable(path)} is a MATLAB file of version 7.3, expected one of version 7 or older; save it with "
            "'-v7', or as HDF5 with the arrays named X_train, y_train."
        )
    if len(start) < _HEADER or start[:6] != b"MATLAB" or start[126:128] not in orders:
        raise _damaged(path, "it does not start as MATLAB's files of level 5 do")
    return orders[start[126:128]]


def _damaged(path: Path, what: str) -> DataError:
    return DataError(f"{printable(path)} is damaged or truncated: {what}; get it again from its source.")
