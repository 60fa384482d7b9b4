"""How a change of files is noticed without reading them: by names, sizes and times.

Nearly all of it is time in the kernel, some microseconds a file. Threads of one process wait for each other there, so
of a large folder another process looks at one half. It runs this file as a program, which imports little for that.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

ALONE = 4_000
"""Files that are looked at before another process is asked for help, which takes 20 ms to begin."""


def signature(place: Path | str) -> str:
    """Return 64 hexadecimal digits that change when `place` does.

    Of a file count its size, the time of its content, and the time of its entry, which the system alone sets:
    a copy of the same size that keeps its time is noticed too. Of a folder, everything in it that is not hidden.

    Args:
        place: a file or a folder; or a text, which counts as it is.

    Raises:
        OSError: it cannot be looked at.
    """
    if isinstance(place, str):
        lines = [place]
    elif place.is_dir():
        lines = _lines(str(place), helped=True)
    else:
        lines = [_line(place.name, place.stat())]
    return _digest(lines)


def _digest(lines: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def _lines(folder: str, *, helped: bool = False) -> list[str]:
    """Return a line for each file and each folder in a folder, in an order that does not depend on the disk."""
    lines, names = [], []
    # By the folder's number rather than its path the kernel finds each file in two thirds of the time.
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
                except OSError:  # a link that leads nowhere
                    status = entry.stat(follow_symlinks=False)
                lines.append(_line(entry.name, status))
    finally:
        if number is not None:
            os.close(number)
    lines.sort()
    names.sort()
    told = _helped(folder, names) if helped else _each(folder, names)
    return lines + [f"{name!r} {text}" for name, text in zip(names, told, strict=True)]


def _each(folder: str, names: Sequence[str]) -> Iterator[str]:
    """Yield, for each of the folders `names` in a folder, how many lines it has and their digest."""
    for name in names:
        lines = _lines(os.path.join(folder, name))  # noqa: PTH118 (strings, for speed)
        yield f"{len(lines)} {_digest(lines)}"


def _helped(folder: str, names: Sequence[str]) -> list[str]:
    """Return what `_each` yields; where there is much to look at, another process looks at half of it."""
    told: list[str] = []
    seen = 0
    for text in _each(folder, names):
        told.append(text)
        seen += int(text.partition(" ")[0])
        if seen >= ALONE and len(names) - len(told) > 1:
            break
    rest = names[len(told) :]
    half = (len(rest) + 1) // 2
    if half == 0 or not sys.executable:
        return [*told, *_each(folder, rest)]
    import subprocess  # noqa: PLC0415 (only here, and the child needs none)

    with subprocess.Popen(  # noqa: S603 (this file)
        [sys.executable, "-I", "-S", __file__, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as child:  # fmt: skip
        assert child.stdin is not None  # noqa: S101 (asked for above)
        assert child.stdout is not None  # noqa: S101 (the same)
        with contextlib.suppress(BrokenPipeError):  # it has ended already, which its return code says
            child.stdin.write(b"\0".join(map(os.fsencode, rest[half:])))
            child.stdin.close()
        told += _each(folder, rest[:half])
        theirs = child.stdout.read().decode("ascii").splitlines()
    # What it could not look at, this process cannot either, and says why.
    return told + (theirs if child.returncode == 0 else [*_each(folder, rest[half:])])


def _line(name: str, status: os.stat_result) -> str:
    return f"{name}\0{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"


if __name__ == "__main__":
    wanted = [os.fsdecode(name) for name in sys.stdin.buffer.read().split(b"\0")]
    sys.stdout.write("\n".join(_each(sys.argv[1], wanted)))  # at the end, or a full pipe would hold it up
