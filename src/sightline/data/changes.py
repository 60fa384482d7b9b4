"""How a change of files is noticed without reading them: by names, sizes and times."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path


def signature(inputs: Sequence[Path | str]) -> str:
    """Return 64 hexadecimal digits that change when one of `inputs` does.

    Of a file count its size, the time of its content, and the time of its entry, which the system alone sets:
    a copy of the same size that keeps its time is noticed too. Of a folder, everything in it that is not hidden.

    Args:
        inputs: files and folders, and texts, which count as they are.

    Raises:
        OSError: one of them cannot be looked at.
    """
    whole = hashlib.sha256()
    for place in inputs:
        lines = [place] if isinstance(place, str) else _lines(place)
        whole.update(repr((os.fspath(place), lines)).encode("utf-8", "surrogateescape"))
    return whole.hexdigest()


def _lines(path: Path) -> list[str]:
    """Return a line for a file, or for each file in or below a folder, in the order of names."""
    if not path.is_dir():
        return [_line("", path.stat())]
    folders, lines = [(str(path), "")], []
    while folders:
        # Looking at a file waits for the disk, or at least for the kernel; a second thread halves that.
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda folder: _look(*folder), folders))
        folders = [folder for _, deeper in found for folder in deeper]
        lines += [line for files, _ in found for line in files]
    return sorted(lines)


def _look(folder: str, prefix: str) -> tuple[list[str], list[tuple[str, str]]]:
    """Return a line for each file in a folder, and the folders in it."""
    lines, folders = [], []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir():
                folders.append((entry.path, f"{prefix}{entry.name}/"))
            else:
                lines.append(_line(prefix + entry.name, _status(entry)))
    return lines, folders


def _status(entry: os.DirEntry[str]) -> os.stat_result:
    """Return the status of a file, or of a link that leads nowhere."""
    try:
        return entry.stat()
    except OSError:
        return entry.stat(follow_symlinks=False)


def _line(name: str, status: os.stat_result) -> str:
    return f"{name}\0{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"
