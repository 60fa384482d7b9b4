"""Whether a path is a regular file. Checked before any file is opened: a pipe would block, and a device never end."""

from __future__ import annotations

import stat
from pathlib import Path

from picturewise.errors import DataError
from picturewise.printable import printable


def regular_size(path: Path) -> int | None:
    """Return the bytes of a regular file, or None for anything else.

    Raises:
        OSError: it cannot be accessed.
    """
    status = path.stat()
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def check_regular(path: Path, expected: str | None = None) -> int:
    """Return the bytes of a regular file.

    Args:
        path: the file.
        expected: what to pass instead, for the error, such as `an IDX file`.

    Raises:
        DataError: it is something else.
        OSError: it cannot be accessed.
    """
    size = regular_size(path)
    if size is None:
        instead = f" Pass {expected}." if expected else ""
        raise DataError(f"{printable(path)} is not a regular file.{instead}")
    return size
