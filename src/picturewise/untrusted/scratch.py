"""Files without a name in the store's folder, for temporary data that may exceed memory.

They do not have a name that other programs could use, and disappear with the process that made them, however it ends.
Only such files are mapped. A user's own file never is: if another program truncates a mapped file, the process is
killed.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from picturewise.cache_folder import imports_folder, no_room
from picturewise.untrusted.regular_file import check_regular

Content = bytes | bytearray | mmap.mmap
_CHUNK = 1 << 20
_AT_ONCE = 1 << 30  # bytes that the system is asked to copy by itself


def scratch_file() -> IO[bytes]:
    """Return a new file, to be written and read.

    Raises:
        SaveError: the store's folder cannot be written.
    """
    folder = imports_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryFile(dir=folder)
    except OSError as error:
        raise no_room("Cannot create a temporary file in", error) from error


def private_copy(path: Path) -> Content:
    """Return the content of a regular file, mapped from a copy of it that nobody else can change.

    Raises:
        DataError: it is something else.
        SaveError: there is not enough space for the copy.
        OSError: it cannot be read.
    """
    left = check_regular(path)
    with path.open("rb", buffering=0) as source, scratch_file() as copy:
        # Only that many bytes; otherwise, a growing file would never end.
        with contextlib.suppress(OSError, AttributeError):  # fails between some disks, and on some systems
            while left and (done := os.copy_file_range(source.fileno(), copy.fileno(), min(left, _AT_ONCE))):
                left -= done
        copy.seek(0, os.SEEK_END)
        while left and (piece := source.read(min(left, _CHUNK))):
            left -= len(piece)
            _write(copy, piece)
        return _mapped(copy)


def mapped_pieces(pieces: Iterable[bytes]) -> Content:
    """Return consecutive pieces as one mapped content.

    Raises:
        SaveError: there is not enough space for them.
    """
    with scratch_file() as file:
        for piece in pieces:
            _write(file, piece)
        return _mapped(file)


def _write(file: IO[bytes], piece: bytes) -> None:
    try:
        file.write(piece)
    except OSError as error:
        raise no_room("Cannot write a temporary file in", error) from error


def _mapped(file: IO[bytes]) -> Content:
    try:
        file.flush()
    except OSError as error:
        raise no_room("Cannot map a temporary file in", error) from error
    if not os.fstat(file.fileno()).st_size:  # an empty file cannot be mapped
        return b""
    return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
