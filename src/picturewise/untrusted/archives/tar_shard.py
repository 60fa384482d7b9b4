"""A tar of any number of members, read once from start to end; only small regular files come out, in memory.

Nothing is unpacked to disk, so names are only names. Links, devices and members that are not wanted are skipped and
counted. Unlike `archive.members`, there is no limit on the number of members: one at a time is in memory.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO, NamedTuple

from picturewise.errors import DataError
from picturewise.printable import printable
from picturewise.untrusted.archives import tar_headers
from picturewise.untrusted.archives.gzip_stream import UnpackedStream


class Member(NamedTuple):
    """A file in a tar.

    Attributes:
        name: in the tar.
        content: None: it is larger than it may be, so it was skipped.
        size: in bytes.
    """

    name: str
    content: bytes | None
    size: int


class TarShard:
    """The members of a tar, or of a gzipped tar.

    Args:
        file: at its beginning; it need not be seekable beyond that.
        where: what to call it in errors.
        most: returns how many bytes a member with a name may have; 0: it is not wanted.

    Attributes:
        ignored: how many members were skipped so far because they are links or devices, or are not wanted.
    """

    def __init__(self, file: BinaryIO, where: str, most: Callable[[str], int]) -> None:
        self._file, self._where, self._most = file, where, most
        self.ignored = 0

    def __iter__(self) -> Iterator[Member]:
        """Yield each wanted file.

        Raises:
            DataError: the tar is damaged, truncated, or not a tar.
        """
        try:
            stream = UnpackedStream(self._file, self._where)
            for entry in tar_headers.entries(stream, self._where, most_extra=None):
                most = self._most(entry.name) if entry.kind == "file" else 0
                if not most:
                    self.ignored += entry.kind != "folder"
                    continue
                if entry.size > most:
                    yield Member(entry.name, None, entry.size)
                    continue
                content = bytes(stream.read(entry.size))
                if len(content) < entry.size:
                    raise DataError(
                        f"{self._where} is truncated inside {printable(entry.name[:100])!r}. Download it again."
                    )
                yield Member(entry.name, content, entry.size)
        except zlib.error as error:
            raise DataError(
                f"{self._where} is a damaged gzip file ({printable(error)}). Download it again."
            ) from error
