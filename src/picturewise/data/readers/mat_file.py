"""The arrays of integers in a MATLAB file of level 5, streamed one by one in bounded memory.

Source: MAT-File Format, The MathWorks (version 5). A file is a header of 128 bytes and elements: four bytes of
type, four of length, content. A matrix is an element of elements: flags, dimensions, name, numbers; it is usually
packed with zlib. Only plain arrays of integers are read; structures, objects and functions are skipped. SciPy's
loadmat is as fast (0.30 s for 20,000 pictures in the form of SVHN, here 0.26 s), but holds them all in memory (60 MB,
here 4 MB) and does not limit what it unpacks.
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
MAX_RATIO = (
    100  # how many times larger unpacked numbers may be; photographs grow 1.3 times, zeros 1,000 times
)
_FREE = 1 << 20  # bytes that may unpack to any size
_HEADER = 128
_MATRIX, _PACKED = 14, 15
_NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_PLAIN_CLASSES = range(6, 16)  # double, single and the integers; below are cells, structures, objects, text
_HDF5_AT = 512
_HDF5 = b"\x89HDF\r\n\x1a\n"
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Matrix:
    """One array of numbers in a file, described by its first bytes.

    Attributes:
        name: of the variable.
        shape: the dimensions; the first varies fastest.
        dtype: of the stored numbers.
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
    """Return whether a file has version 7.3, which is HDF5.

    Raises:
        OSError: it cannot be read.
    """
    with _opened(path) as file:
        start = file.read(_HDF5_AT + len(_HDF5))
    return start.startswith(_HDF5) or start[_HDF5_AT:] == _HDF5


def matrices(path: Path) -> dict[str, Matrix]:
    """Return the arrays of numbers in a file by name, without reading the numbers.

    Raises:
        DataError: it is not such a file, or is damaged.
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
                raise _damaged(path, f"its last array is {place + 8 + length - size:,} bytes too short")
            elements += 1
            if elements > MAX_ELEMENTS:
                raise _damaged(path, f"it contains more than {MAX_ELEMENTS} arrays")
            if kind in {_MATRIX, _PACKED}:
                matrix = _matrix(_Stream(file, place, path), order, place, length)
                if matrix is not None:
                    found[matrix.name] = matrix
            place += 8 + length + (-length % 8 if kind != _PACKED else 0)
        return found


def blocks(path: Path, matrix: Matrix) -> Iterator[NDArray[Any]]:
    """Yield the numbers in the order of the file, in blocks of whole last-dimension items.

    Each block has the shape (n, …): the dimensions from the last, which varies slowest, to the first.

    Raises:
        DataError: there are fewer numbers than declared, or they cannot be unpacked.
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
    """The content of one element, unpacked on the way and no further than requested."""

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
        """Compare the checksum after the last number.

        Raises:
            DataError: it differs, or more follows than padding to eight bytes.
        """
        if not self._packed:
            return
        while not self._unpacker.eof:
            self._waiting = self._waiting or self._file.read(64)
            try:
                more = self._unpacker.decompress(self._waiting, 8)
            except zlib.error as error:
                raise _damaged(self._path, f"an array cannot be decompressed ({error})") from error
            if len(more) >= 8 or not (more or self._waiting):
                raise _damaged(self._path, "an array does not have the declared length")
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
                raise _damaged(self._path, f"an array cannot be decompressed ({error})") from error
            self._waiting = self._unpacker.unconsumed_tail
            if not part and (ended or self._unpacker.eof):
                raise _damaged(self._path, f"an array is {left:,} bytes too short")
            parts.append(part)
            left -= len(part)
        return b"".join(parts)


def _matrix(stream: _Stream, order: str, place: int, length: int) -> Matrix | None:
    """Return an element's description, and leave the stream at its numbers; None: not an array of numbers.

    `length` is the size of the element in the file; 0: its numbers were already checked against it.
    """
    path = stream._path  # noqa: SLF001 (both belong together)
    (kind,) = struct.unpack(f"{order}I4x", stream.read(8))
    if kind != _MATRIX:
        return None
    flags = _element(stream, order, most=16)
    dimensions = _element(stream, order, most=4 * 8)
    name = _element(stream, order, most=64)
    if len(flags) != 8 or not 8 <= len(dimensions) <= 32 or len(dimensions) % 4:
        raise _damaged(path, "the flags or dimensions of an array are not valid")
    word = struct.unpack(f"{order}I", flags[:4])[0]
    if word & 0xFF not in _PLAIN_CLASSES or word & 0x0800:  # 0x0800: complex
        return None
    kind, count, held = _tag(stream, order)
    dtype = np.dtype(order + _NUMBERS[kind]) if kind in _NUMBERS else None
    shape = struct.unpack(f"{order}{len(dimensions) // 4}i", dimensions)
    if dtype is None or held is not None or min(shape) < 0:
        return None  # one or two numbers inside the tag are neither pictures nor labels
    shown = printable(name.decode("latin-1"))
    found = Matrix(shown, shape, dtype, place)
    if found.nbytes != count:
        raise _damaged(
            path, f"{shown} has {count:,} bytes of data, but its dimensions require {found.nbytes:,}"
        )
    if found.nbytes > MAX_UNPACKED or (length and found.nbytes > _FREE + MAX_RATIO * length):
        raise DataError(
            f"{printable(path)} declares {found.nbytes:,} bytes in {shown} but stores only {length:,}; at most "
            f"{MAX_RATIO} times the stored bytes, and {MAX_UNPACKED:,} in total, are allowed. The file is probably "
            "malicious; do not use it."
        )
    return found


def _tag(stream: _Stream, order: str) -> tuple[int, int, bytes | None]:
    """Return an element's type and length, and its content if it is small enough to be in the tag."""
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
            stream._path,  # noqa: SLF001 (both belong together)
            f"a part of an array has {length:,} bytes, but at most {most} are allowed",
        )
    return stream.read(length + -length % 8)[:length]


def _opened(path: Path) -> BinaryIO:
    check_regular(path, "a MATLAB file")
    return path.open("rb")


def _check_header(file: BinaryIO, path: Path) -> str:
    """Return the byte order, `<` or `>`."""
    file.seek(0)
    start = file.read(_HEADER)
    orders = {b"IM": "<", b"MI": ">"}
    if start[:10] == b"MATLAB 7.3" or start[:8] == _HDF5:
        raise DataError(
            f"{printable(path)} is a MATLAB 7.3 file, but only version 7 and older are supported here. Save it with "
            "'-v7', or as HDF5 with arrays named X_train and y_train."
        )
    if len(start) < _HEADER or start[:6] != b"MATLAB" or start[126:128] not in orders:
        raise _damaged(path, "it does not start like a MATLAB 5 file")
    return orders[start[126:128]]


def _damaged(path: Path, what: str) -> DataError:
    return DataError(f"{printable(path)} is damaged or truncated: {what}. Download it again.")
