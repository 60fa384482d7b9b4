"""Hostile IDX files: gzip bombs, sizes that overflow, endless devices."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable
from pathlib import Path

from hostile.file import Hostile

PICTURES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"


def header(*shape: int, kind: int = 8) -> bytes:
    return bytes([0, 0, kind, len(shape)]) + struct.pack(f">{len(shape)}I", *shape)


def bomb(head: bytes = b"") -> bytes:
    """Return 200 MB of zeros behind a header, gzipped."""
    return gzip.compress(head + bytes(200 << 20), 9)


def _hostile(
    name: str,
    said: str,
    pictures: Callable[[], bytes],
    labels: Callable[[], bytes] = lambda: header(2) + b"\0\1",
) -> Hostile:
    def write(folder: Path) -> Path:
        for file_name, content in ((PICTURES, pictures()), (LABELS, labels())):
            ending = ".gz" if content.startswith(b"\x1f\x8b") else ""
            (folder / (file_name + ending)).write_bytes(content)
        return folder

    return Hostile(name, write, said)


def _on_a_device(folder: Path) -> Path:
    (folder / PICTURES).symlink_to("/dev/zero")
    (folder / LABELS).write_bytes(header(1) + b"\0")
    return folder


MOST = 2**32 - 1
GOOD = header(2, 4, 4) + bytes(32)
FILES = [
    _hostile(
        "gzip bomb", "extra bytes: found at least 33 bytes .* declares 32", lambda: bomb(header(2, 4, 4))
    ),
    _hostile("gzip bomb of labels", "extra bytes|declares", lambda: GOOD, lambda: bomb(header(2))),
    _hostile(
        "gigabytes promised",
        "is truncated: found at most .* declares 2,500,000,000",
        lambda: gzip.compress(header(1_000_000, 50, 50)),
    ),
    _hostile("sizes that overflow", "declares", lambda: header(MOST, 4096, 4096, 3) + bytes(100)),
    _hostile("sizes that overflow, gzipped", "declares", lambda: gzip.compress(header(MOST, 4096, 4096, 3))),
    _hostile(
        "255 dimensions",
        "and 01 to 04 dimensions",
        lambda: bytes([0, 0, 8, 255]) + bytes([0, 0, 0, 1]) * 255 + b"\0",
    ),
    _hostile(
        "a label of two thousand million",
        r"label 1 .* is 2000000000. Expected an integer in 0\.\.9999",
        lambda: GOOD,
        lambda: header(2, kind=0x0C) + struct.pack(">ii", 0, 2_000_000_000),
    ),
    _hostile("nothing but gzip members", "is empty. Download it again", lambda: gzip.compress(b"") * 2000),
    _hostile(
        "very many gzip members",
        "consists of more than 2,000 gzip files",
        lambda: gzip.compress(b"") * 200_000,
    ),
    Hostile("a device", _on_a_device, "The pictures for .* were not found"),
]
