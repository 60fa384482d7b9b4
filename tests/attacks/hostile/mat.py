"""Hostile MATLAB files: zlib bombs, sizes that overflow, endless elements."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

from hostile.file import Hostile, holding

HEADER = b"MATLAB 5.0 MAT-file".ljust(124) + b"\0\1IM"


def element(kind: int, content: bytes, length: int | None = None) -> bytes:
    length = len(content) if length is None else length
    return struct.pack("<II", kind, length) + content + bytes(-len(content) % 8)


def matrix(
    name: bytes, shape: tuple[int, ...], content: bytes, *, promised: int | None = None, kind: int = 9
) -> bytes:
    parts = (
        element(6, struct.pack("<II", kind, 0))
        + element(5, struct.pack(f"<{len(shape)}i", *shape))
        + element(1, name)
        + element(2, content, promised)
    )
    return element(14, parts)


def packed(content: bytes) -> bytes:
    compressed = zlib.compress(content, 9)
    return struct.pack("<II", 15, len(compressed)) + compressed


LABELS = matrix(b"y", (1000, 1), bytes(1000))
_FILES: dict[str, tuple[Callable[[], bytes], str]] = {
    "zlib bomb": (
        lambda: packed(matrix(b"X", (32, 32, 3, 20_000), bytes(32 * 32 * 3 * 20_000))) + LABELS,
        "declares 61,440,000 bytes in X .* at most 100 times",
    ),
    "zlib bomb behind few pictures": (
        lambda: packed(matrix(b"X", (32, 32, 3, 1000), bytes(50_000_000), promised=3_072_000)) + LABELS,
        "does not have the declared length|declares",
    ),
    "dimensions that overflow": (
        lambda: matrix(b"X", (2**31 - 1,) * 4, b"1234", promised=4) + LABELS,
        "has 4 bytes of data, but its dimensions require 21,267,647,8",
    ),
    "huge element": (lambda: element(14, b"x", 2**32 - 1), "array is 4,294,967,2.. bytes too short"),
    "negative dimensions": (lambda: matrix(b"X", (-1, 32, 3, 1000), b"12345"), "found no arrays"),
    "many dimensions": (
        lambda: matrix(b"X", (1,) * 1000, b"12345"),
        "part of an array has 4,000 bytes, but at most 32",
    ),
    "long name": (
        lambda: matrix(b"X" * 10_000, (5, 1), b"12345"),
        "part of an array has 10,000 bytes, but at most 64",
    ),
    "name for the terminal": (
        lambda: matrix(b"\x1b]0;x\x07\n", (5, 1), b"12345"),
        r"found \\x1b\]0;x\\x07\\n",
    ),
    "an object": (lambda: matrix(b"X", (5, 1), b"12345", kind=3), "found no arrays"),
    "a function": (lambda: matrix(b"X", (5, 1), b"12345", kind=16), "found no arrays"),
    "a thousand arrays": (lambda: matrix(b"X", (5, 1), b"12345") * 1000, "more than 100 arrays"),
    "packed in packed": (lambda: packed(packed(packed(LABELS))), "found no arrays"),
    "packed nothing": (lambda: packed(b"") * 50, "an array is 8 bytes too short"),
    "cut in the numbers": (
        lambda: packed(matrix(b"X", (32, 32, 3, 1000), b"", promised=3_072_000)) + LABELS,
        "declares|ends",
    ),
    "not packed at all": (lambda: struct.pack("<II", 15, 100) + b"x" * 100, "cannot be decompressed"),
    "elements of no length": (lambda: struct.pack("<II", 1, 0) * 1_000_000, "more than 100 arrays"),
}


def _hostile(name: str, content: Callable[[], bytes], said: str) -> Hostile:
    return holding(name, "train_32x32.mat", lambda: HEADER + content(), said)


FILES = [_hostile(name, *file) for name, file in _FILES.items()]
