"""The names and shapes in a pickle: its small parts are read, and its large byte strings are skipped."""

from __future__ import annotations

import contextlib
import mmap
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Self, overload

from picturewise.untrusted.regular_file import check_regular

LARGE = 1 << 16  # bytes, from which on strings are skipped
_WINDOW = 1 << 18  # bytes read at a time


class NotEnoughError(Exception):
    """The content of a pickle can only be found by reading it whole; few programs write such pickles."""


class Outline:
    """A file's bytes, sliced and searched like bytes; long slices are zeros, which take no memory."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._size = size
        self._start = 0
        self._window = b""

    @classmethod
    @contextlib.contextmanager
    def opened(cls, path: Path) -> Iterator[Self]:
        """Yield the outline of a regular file.

        Raises:
            DataError: it is something else.
            OSError: it cannot be read.
        """
        size = check_regular(path, "a pickle")
        with path.open("rb", buffering=0) as file:
            yield cls(file, size)

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, key: int) -> int: ...

    @overload
    def __getitem__(self, key: slice) -> memoryview: ...

    def __getitem__(self, key: int | slice) -> int | memoryview:
        if isinstance(key, int):
            return self._bytes(key, key + 1)[0]
        start, end, _ = key.indices(self._size)
        length = max(0, end - start)
        return memoryview(self._bytes(start, start + length) if length <= LARGE else mmap.mmap(-1, length))

    def find(self, what: bytes, start: int, end: int) -> int:
        """Return where `what` begins between two places, or -1.

        Raises:
            NotEnoughError: large parts would have to be searched.
        """
        end = min(end, self._size)
        found = self._bytes(start, min(end, start + LARGE)).find(what)
        if found < 0 and end - start > LARGE:
            raise self.not_enough()
        return found if found < 0 else start + found

    def not_enough(self) -> NotEnoughError:
        """Return the error for a pickle that must be read as a whole."""
        return NotEnoughError()

    def _bytes(self, start: int, end: int) -> bytes:
        if not self._start <= start <= end <= self._start + len(self._window):
            self._file.seek(start, os.SEEK_SET)
            self._start, self._window = start, self._file.read(max(_WINDOW, end - start))
        # A file that another program truncated ends early, and the machine reports that.
        return self._window[start - self._start : end - self._start]
