"""One IDX file, the format of MNIST: a header and the bytes of one array, as they are or gzipped.

The header is 00 00, the type of the values, the number of dimensions, and each dimension as four bytes, the largest
first (Y. LeCun, C. Cortes, C. Burges, The MNIST database of handwritten digits). Exactly as many bytes must follow as
the header declares: not one less, not one more. For a file of 1 MB that unpacks to 1 GB, gzip and the package idx2numpy
take 3.3 s and 796 MB; here it is refused after 0.04 s and 18 MB.
"""

from __future__ import annotations

import contextlib
import math
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from picturewise.data.arrays.allocate import Allocate, allocate_in_memory
from picturewise.data.arrays.labels import GivenLabels, given_labels
from picturewise.data.arrays.layout import MAX_SIDE
from picturewise.data.arrays.lazy_rows import slices
from picturewise.errors import DataError
from picturewise.printable import printable
from picturewise.untrusted.archives.gzip_stream import CHUNK, MAX_UNPACKED, UnpackedStream
from picturewise.untrusted.regular_file import check_regular

PICTURE_TYPE = 0x08
INTEGER_TYPES: Mapping[int, np.dtype[Any]] = {
    0x08: np.dtype("u1"),
    0x09: np.dtype("i1"),
    0x0B: np.dtype(">i2"),
    0x0C: np.dtype(">i4"),
}
PICTURE_TYPES: Mapping[int, np.dtype[Any]] = {
    **INTEGER_TYPES,
    0x0D: np.dtype(">f4"),
    0x0E: np.dtype(">f8"),
}
VALUE_BYTES = {0x08: 1, 0x09: 1, 0x0B: 2, 0x0C: 4, 0x0D: 4, 0x0E: 8}

Convert = Callable[[NDArray[Any], int], NDArray[np.uint8]]
"""Returns pictures (n, H, W, C) as uint8, from the stored values and the number of the first picture."""

_GZIP_RATIO = 1032  # deflate unpacks one byte to at most this many bytes


@dataclass(frozen=True)
class IdxHeader:
    """What the first bytes declare: the type of the values and the shape of the array."""

    kind: int
    shape: tuple[int, ...]

    @property
    def offset(self) -> int:
        """The bytes before the values."""
        return 4 + 4 * len(self.shape)

    @property
    def nbytes(self) -> int:
        """The bytes of the values."""
        return math.prod(self.shape) * VALUE_BYTES[self.kind]

    @property
    def role(self) -> str:
        """The role of such an array: `pictures`, `labels` or `other`."""
        if len(self.shape) == 1:
            return "labels"
        return "pictures" if len(self.shape) in {3, 4} else "other"


def sniff(path: Path) -> IdxHeader | None:
    """Return the header of an IDX file, or None if the file is something else; never raises an error."""
    try:
        return read_header(path)
    except DataError:
        return None


def read_header(path: Path) -> IdxHeader:
    """Return the header of an IDX file, gzipped or not.

    Raises:
        DataError: the file cannot be read or is not an IDX file.
    """
    with _opened(path) as file:
        return _header(file, path)


def read_pictures(
    path: Path, allocate: Allocate = allocate_in_memory, convert: Convert | None = None
) -> NDArray[np.uint8]:
    """Return pictures (N, H, W, C) uint8, in the array from `allocate`.

    Args:
        path: the file.
        allocate: returns the array.
        convert: converts the stored values to bytes; None: they must be bytes, and stay as they are.

    Raises:
        DataError: the file is not an IDX file of pictures, or does not have the number of bytes that it declares.
    """
    with _opened(path) as file:
        header = _header(file, path)
        _check_pictures(header, path, bytes_only=convert is None)
        _check_promise(header, path, zipped=file.zipped)
        count, height, width, channels = (*header.shape, 1)[:4]
        images = allocate(count, (height, width), channels)  # (N, H, W) → (N, H, W, 1)
        if header.kind == PICTURE_TYPE:
            _fill(images.reshape(-1), file, header, path)
        if convert is None:
            return images
        stored = _stored_blocks(file, header, path) if header.kind != PICTURE_TYPE else _own_blocks(images)
        for first, block in stored:
            converted = convert(block, first)
            if converted is not block:
                images[first : first + len(block)] = converted
        return images


def value_type(path: Path) -> np.dtype[Any]:
    """Return the type of a file's values.

    Raises:
        DataError: the file is not an IDX file of pictures.
    """
    header = read_header(path)
    _check_pictures(header, path)
    return PICTURE_TYPES[header.kind]


def stored_blocks(path: Path) -> Iterator[tuple[int, NDArray[Any]]]:
    """Yield the number of the first picture, and stored values (n, H, W, C), until the last one.

    Raises:
        DataError: as for `read_pictures`.
    """
    with _opened(path) as file:
        header = _header(file, path)
        _check_pictures(header, path)
        _check_promise(header, path, zipped=file.zipped)
        yield from _stored_blocks(file, header, path)


def _stored_blocks(file: UnpackedStream, header: IdxHeader, path: Path) -> Iterator[tuple[int, NDArray[Any]]]:
    dtype, shape = PICTURE_TYPES[header.kind], (*header.shape, 1)[1:4]
    row = math.prod(shape) * dtype.itemsize
    step, filled = max(1, CHUNK // row), 0
    for first in range(0, header.shape[0], step):
        content = bytearray()
        wanted = min(step, header.shape[0] - first) * row
        while len(content) < wanted and (part := file.take(min(CHUNK, wanted - len(content)))):
            content += part
        filled += len(content)
        if len(content) < wanted:
            _check_length(filled, header, path)
        yield first, np.frombuffer(content, dtype).reshape(-1, *shape)
    if file.take(1):  # reading to the end also checks the checksum
        _check_length(filled + 1, header, path, found="at least ")


def _own_blocks(images: NDArray[np.uint8]) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    for rows in slices(images):
        yield rows.start, images[rows]


def read_labels(path: Path) -> GivenLabels:
    """Return the labels.

    Raises:
        DataError: the file is not an IDX file of integers, or does not have the number of bytes that it declares.
    """
    with _opened(path) as file:
        header = _header(file, path)
        if header.role != "labels" or header.kind not in INTEGER_TYPES:
            raise DataError(
                f"{_shown(path)} contains {_words(header)} instead of labels (integers in one dimension). "
                "Check that it has the right file name."
            )
        _check_promise(header, path, zipped=file.zipped)
        flat = np.empty(header.nbytes, np.uint8)
        _fill(flat, file, header, path)
    return given_labels(flat.view(INTEGER_TYPES[header.kind]), header.shape[0], _shown(path))


def _check_pictures(header: IdxHeader, path: Path, *, bytes_only: bool = False) -> None:
    if header.role != "pictures" or (bytes_only and header.kind != PICTURE_TYPE):
        raise DataError(
            f"{_shown(path)} contains {_words(header)} instead of pictures of shape (N, H, W) or (N, H, W, 1 or 3). "
            "Check that it has the right file name."
        )
    count, height, width = header.shape[:3]
    if count == 0:
        raise DataError(
            f"{_shown(path)} does not contain any pictures: its header declares the shape {header.shape}."
        )
    if not (1 <= height <= MAX_SIDE and 1 <= width <= MAX_SIDE and header.shape[3:] in {(), (1,), (3,)}):
        raise DataError(
            f"{_shown(path)} declares {_words(header)}, but the height and width must be in 1..{MAX_SIDE}, with 1 or 3 "
            "channels. Check that the file is not damaged."
        )


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[UnpackedStream]:
    """Yield the file's content, unpacked on the way; translate errors."""
    try:
        check_regular(path, "an IDX file")
        with path.open("rb") as file:
            yield UnpackedStream(file, _shown(path))
    except zlib.error as error:
        raise DataError(
            f"{_shown(path)} is a truncated or damaged gzip file ({error}). Download it again."
        ) from error
    except OSError as error:
        raise DataError(f"Cannot read {_shown(path)}: {error.strerror or error}.") from error


def _header(file: UnpackedStream, path: Path) -> IdxHeader:
    start = file.read(4)
    if not start:
        raise DataError(f"{_shown(path)} is empty. Download it again.")
    if len(start) < 4 or start[:2] != b"\0\0" or start[2] not in VALUE_BYTES or not 1 <= start[3] <= 4:
        raise DataError(
            f"{_shown(path)} is not an IDX file: it starts with the bytes {start.hex(' ')}. "
            "Expected 00 00, a type from 08 to 0e, and 01 to 04 dimensions."
        )
    sizes = file.read(4 * start[3])
    if len(sizes) < 4 * start[3]:
        raise DataError(f"{_shown(path)} is truncated within its header. Download it again.")
    return IdxHeader(start[2], tuple(int(size) for size in np.frombuffer(sizes, ">u4")))


def _check_promise(header: IdxHeader, path: Path, *, zipped: bool) -> None:
    """Refuse a header that declares more than there can be, before any memory is allocated for it."""
    size = path.stat().st_size
    if not zipped:
        _check_length(size - header.offset, header, path)
    elif header.nbytes > MAX_UNPACKED:
        raise DataError(
            f"{_shown(path)} declares {header.nbytes:,} bytes, but a gzipped file may decompress to at most "
            f"{MAX_UNPACKED:,}. Unpack it first with gunzip."
        )
    elif size * _GZIP_RATIO < header.nbytes:
        _check_length(size * _GZIP_RATIO, header, path, found="at most ")


def _fill(content: NDArray[np.uint8], file: UnpackedStream, header: IdxHeader, path: Path) -> None:
    """Read the bytes after the header, as many as declared and no more.

    They are read and not mapped: if another program truncates a mapped file, the process is killed.
    """
    filled = 0
    while filled < header.nbytes and (part := file.take(min(CHUNK, header.nbytes - filled))):
        content[filled : filled + len(part)] = np.frombuffer(part, np.uint8)
        filled += len(part)
    if filled == header.nbytes and file.take(1):  # reading to the end also checks the checksum
        _check_length(filled + 1, header, path, found="at least ")
    _check_length(filled, header, path)


def _check_length(found_bytes: int, header: IdxHeader, path: Path, *, found: str = "") -> None:
    if found_bytes == header.nbytes:
        return
    trouble = "is truncated" if found_bytes < header.nbytes else "has extra bytes"
    raise DataError(
        f"{_shown(path)} {trouble}: found {found}{max(found_bytes, 0):,} bytes after the header, but it declares "
        f"{header.nbytes:,} ({_words(header)}). Download it again."
    )


def _words(header: IdxHeader) -> str:
    shape = "x".join(f"{size}" for size in header.shape)
    role = {"labels": "one-dimensional values", "pictures": "pictures"}.get(header.role, "values")
    return f"{role} of IDX type {header.kind:02x} and shape {shape}"


def _shown(path: Path) -> str:
    return printable(path)
