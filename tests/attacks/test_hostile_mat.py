"""MATLAB files made to harm whoever opens them: each must come to one clear error, quickly and in little memory."""

from __future__ import annotations

import struct
import tracemalloc
import zlib
from pathlib import Path

import pytest

from sightline.data.options import DataOptions
from sightline.data.source import read
from sightline.errors import DataError

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
HOSTILE = {
    "zlib bomb": (
        packed(matrix(b"X", (32, 32, 3, 20_000), bytes(32 * 32 * 3 * 20_000))) + LABELS,
        "promises 61,440,000 bytes of numbers in X .* expected at most 100 times",
    ),
    "zlib bomb behind few pictures": (
        packed(matrix(b"X", (32, 32, 3, 1000), bytes(50_000_000), promised=3_072_000)) + LABELS,
        "does not end where it should|promises",
    ),
    "dimensions that overflow": (
        matrix(b"X", (2**31 - 1,) * 4, b"1234", promised=4) + LABELS,
        "has 4 bytes of numbers where its dimensions ask for 21,267,647,8",
    ),
    "huge element": (element(14, b"x", 2**32 - 1), "ends 4,294,967,2.. bytes before"),
    "negative dimensions": (matrix(b"X", (-1, 32, 3, 1000), b"12345"), "holds the arrays none"),
    "many dimensions": (matrix(b"X", (1,) * 1000, b"12345"), "part of 4,000 bytes where at most 32"),
    "long name": (matrix(b"X" * 10_000, (5, 1), b"12345"), "part of 10,000 bytes where at most 64"),
    "name for the terminal": (matrix(b"\x1b]0;x\x07\n", (5, 1), b"12345"), r"the arrays \\x1b\]0;x\\x07\\n"),
    "an object": (matrix(b"X", (5, 1), b"12345", kind=3), "holds the arrays none"),
    "a function": (matrix(b"X", (5, 1), b"12345", kind=16), "holds the arrays none"),
    "a thousand arrays": (matrix(b"X", (5, 1), b"12345") * 1000, "more than 100 arrays"),
    "packed in packed": (packed(packed(packed(LABELS))), "holds the arrays none"),
    "packed nothing": (packed(b"") * 50, "an array ends 8 bytes early"),
    "cut in the numbers": (
        packed(matrix(b"X", (32, 32, 3, 1000), b"", promised=3_072_000)) + LABELS,
        "promises|ends",
    ),
    "not packed at all": (struct.pack("<II", 15, 100) + b"x" * 100, "cannot be unpacked"),
    "elements of no length": (struct.pack("<II", 1, 0) * 1_000_000, "more than 100 arrays"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_file_comes_to_a_sentence_in_little_memory(kind: str, tmp_path: Path) -> None:
    content, sentence = HOSTILE[kind]
    path = tmp_path / "train_32x32.mat"
    path.write_bytes(HEADER + content)
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=sentence) as caught:
            read(DataOptions(source=str(path)))
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()
    assert str(caught.value).isprintable()


def test_a_name_on_a_device_does_not_hang(tmp_path: Path) -> None:
    (tmp_path / "train_32x32.mat").symlink_to("/dev/zero")
    with pytest.raises(DataError, match="is of no form"):
        read(DataOptions(source=str(tmp_path)))
