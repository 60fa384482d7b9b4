"""A file's bytes from start to end, gunzipped on the way if they are gzipped, and never too many of them."""

from __future__ import annotations

import zlib
from typing import Any, BinaryIO

from picturewise.errors import DataError

MAX_UNPACKED = (4 << 30) + (16 << 20)  # bytes of a gzipped file: `archive.MAX_TOTAL`, and headers
# Pictures are hardly ever compressed to less than a 200th; small archives may be.
MAX_RATIO = 200
RATIO_FROM = 16 << 20  # bytes
MAX_GZIP_FILES = 2_000  # one after the other; pigz and bgzip write several
GZIP = b"\x1f\x8b"
CHUNK = 1 << 18

_WINDOW = 31  # for zlib: a gzip header, the largest window


def too_dense(where: str) -> DataError:
    """Return the error for a file that unpacks to more than its size allows."""
    return DataError(
        f"{where} unpacks to more than {MAX_RATIO} times its size, unlike any normal set of pictures. It is probably "
        "malicious; do not use it."
    )


class UnpackedStream:
    """The rest of a file, unpacked; `at` is the number of bytes returned so far.

    Args:
        file: at its beginning.
        where: what to call it in an error.
    """

    def __init__(self, file: BinaryIO, where: str) -> None:
        self.at = 0
        self._file = file
        self._where = where
        self._unzip: Any = zlib.decompressobj(_WINDOW) if file.read(2) == GZIP else None
        self._left = b""  # packed bytes that are read but not yet unpacked
        self._ready = memoryview(b"")  # unpacked bytes that are not yet returned
        self._gzip_files = 1
        file.seek(0)

    @property
    def zipped(self) -> bool:
        """Whether the file is gzipped."""
        return self._unzip is not None

    def take(self, most: int) -> bytes:
        """Return the next bytes, at least one and at most `most`; none at the end.

        Raises:
            DataError: the gzip file is truncated, or unpacks to more than is allowed.
            zlib.error: the gzip file is damaged.
        """
        if self._unzip is None:
            part = self._file.read(most)
        else:
            if not self._ready:
                self._ready = memoryview(self._unpacked())
            part, self._ready = bytes(self._ready[:most]), self._ready[most:]
        self.at += len(part)
        if self._unzip is not None:  # an unpacked file is only as large as it is
            if self.at > max(RATIO_FROM, MAX_RATIO * self._file.tell()):
                raise too_dense(self._where)
            if self.at > MAX_UNPACKED:
                raise DataError(
                    f"{self._where} unpacks to more than the allowed {MAX_UNPACKED:,} bytes. Unpack it "
                    "yourself and pass the result."
                )
        return part

    def read(self, count: int) -> bytearray:
        """Return the next `count` bytes, fewer at the end; memory is allocated as they arrive, not as declared."""
        content = bytearray()
        while len(content) < count and (part := self.take(min(CHUNK, count - len(content)))):
            content += part
        return content

    def skip_to(self, place: int) -> None:
        """Skip the bytes before `place`, or before the end."""
        while self.at < place and self.take(min(CHUNK, place - self.at)):
            pass

    def skip_to_end(self) -> None:
        """Skip the rest, so that its checksum is compared."""
        while self.take(CHUNK):
            pass

    def _unpacked(self) -> bytes:
        """Return the next unpacked bytes, none at the end."""
        while True:
            if not self._left:
                self._left = self._file.read(CHUNK // 4)
            if self._unzip.eof:
                self._left = self._unzip.unused_data + self._left
                self._left = self._left.lstrip(b"\0")  # padding, as on tapes
                if not self._left:
                    return b""
                self._gzip_files += 1
                if self._gzip_files > MAX_GZIP_FILES:
                    raise DataError(
                        f"{self._where} consists of more than {MAX_GZIP_FILES:,} gzip files. Pack it again "
                        "as one."
                    )
                self._unzip = zlib.decompressobj(_WINDOW)
            if not self._left:
                raise DataError(f"{self._where} is a truncated gzip file. Download it again.")
            content: bytes = self._unzip.decompress(self._left, CHUNK)
            self._left = b"" if self._unzip.eof else self._unzip.unconsumed_tail
            if content:
                return content
