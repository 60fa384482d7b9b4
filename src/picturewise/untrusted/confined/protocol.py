"""The bytes that pass between `confined_pool` and its children: chunks of items one way, answers the other.

A chunk is the number of its items, then for each whether it is a path, its length and its bytes. An answer is one
byte that says what follows: a result or a reason, each with its length, or nothing.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Protocol

Received = Path | bytes  # a file, or its content, as a child gets it
Item = Received | memoryview  # as it is sent: content may be in a map

# The first byte of an answer.
READY, DONE, REFUSED, NO_MEMORY = (bytes([number]) for number in range(4))
LONGEST_REASON = 600  # characters

_COUNT = struct.Struct("<I")
_ITEM = struct.Struct("<?Q")
_LENGTH = struct.Struct("<I")
_MOST_REASON = 4 * LONGEST_REASON  # bytes


class Readable(Protocol):
    """A pipe's end that returns all the requested bytes, fewer only if no more will come."""

    def read(self, size: int, /) -> bytes:
        """Return `size` bytes."""
        ...

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill the buffer and return how many bytes came."""
        ...


def write_chunk(pipe: BinaryIO, items: Sequence[Item], folder: Path) -> None:
    """Write a chunk; relative paths are made absolute with `folder`, because the child may run elsewhere."""
    pipe.write(_COUNT.pack(len(items)))
    for item in items:
        # As strings, because joining paths would cost more than everything else here.
        content = _encoded(os.path.join(folder, item)) if isinstance(item, Path) else item  # noqa: PTH118
        pipe.write(_ITEM.pack(isinstance(item, Path), len(content)))
        pipe.write(content)
    pipe.flush()


def _encoded(path: str) -> bytes:
    try:
        return os.fsencode(path)
    except UnicodeEncodeError:  # no file can have such a name
        return b"\0"


def read_chunk(pipe: BinaryIO) -> list[Received] | None:
    """Return the items of a chunk; None: no more chunks will come."""
    try:
        (count,) = _COUNT.unpack(_exactly(pipe, _COUNT.size))
        chunk: list[Received] = []
        for _ in range(count):
            is_path, length = _ITEM.unpack(_exactly(pipe, _ITEM.size))
            content = _exactly(pipe, length)
            chunk.append(Path(os.fsdecode(content)) if is_path else content)
    except EOFError:
        return None
    return chunk


def result(content: bytes) -> bytes:
    """Return the answer with a result."""
    return result_head(len(content)) + content


def result_head(length: int) -> bytes:
    """Return how the answer begins whose result has this length."""
    return DONE + _LENGTH.pack(length)


def refusal(reason: str) -> bytes:
    """Return the answer with a reason."""
    told = reason[:LONGEST_REASON].encode("utf-8", "replace")
    return REFUSED + _LENGTH.pack(len(told)) + told


def read_result(pipe: Readable, buffers: Sequence[memoryview]) -> None:
    """Fill the buffers, one after the other, with the result after DONE, which is not trusted.

    Raises:
        EOFError: it ends early.
        ValueError: it has another length.
    """
    (length,) = _LENGTH.unpack(_exactly(pipe, _LENGTH.size))
    if length != (expected := sum(map(len, buffers))):
        raise ValueError(f"{length} bytes, not {expected}")
    for buffer in buffers:
        if pipe.readinto(buffer) < len(buffer):
            raise EOFError


def read_reason(pipe: Readable) -> str:
    """Return the reason after REFUSED, which is not trusted.

    Raises:
        EOFError: it ends early.
        ValueError: it is too long.
    """
    (length,) = _LENGTH.unpack(_exactly(pipe, _LENGTH.size))
    if length > _MOST_REASON:
        raise ValueError(f"{length} bytes for a reason")
    return _exactly(pipe, length).decode("utf-8", "replace")[:LONGEST_REASON]


def _exactly(pipe: Readable | BinaryIO, length: int) -> bytes:
    content = pipe.read(length)
    if len(content) < length:
        raise EOFError
    return content
