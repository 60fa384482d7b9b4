"""A file's bytes without reading them: the operating system fetches each page as it is used."""

from __future__ import annotations

import mmap
import stat
from pathlib import Path

from sightline.data.names import printable
from sightline.errors import DataError

Content = bytes | bytearray | mmap.mmap


def map_file(path: Path) -> Content:
    """Return the content of a regular file, not writable.

    Raises:
        DataError: it is something else.
        OSError: it cannot be read.
    """
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):  # a pipe would block, a device never end
        raise DataError(f"{printable(str(path))} is not a regular file.")
    if status.st_size == 0:  # nothing can be mapped to nothing
        return b""
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
