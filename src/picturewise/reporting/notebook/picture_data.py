"""`picture`: a picture inside of a page, as the data of a PNG file."""

from __future__ import annotations

import base64
import math
import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from picturewise.data.pictures.resize import resize
from picturewise.reporting.notebook.markup import escaped

LARGEST = 96
"""Pixels of a side; more are never shown."""


def picture(image: NDArray[np.uint8], *, side: int, title: str = "") -> str:
    """Return a picture (H, W, C) uint8 as HTML, undistorted in a square of `side` pixels, with a text to hover over."""
    height, width = image.shape[:2]
    largest = max(height, width)
    scale = side / largest
    if largest > LARGEST:
        fitted = (math.ceil(height * LARGEST / largest), math.ceil(width * LARGEST / largest))
        image = resize(image, fitted, mode="stretch")
    elif (
        scale > 1
    ):  # pixels stay squares, also where a notebook that is not trusted drops the style that asks for it
        times = math.ceil(scale)
        image = image.repeat(times, axis=0).repeat(times, axis=1)
    data = base64.b64encode(to_png(image)).decode("ascii")
    return (
        f'<img src="data:image/png;base64,{data}" width="{max(round(width * scale), 1)}" '
        f'height="{max(round(height * scale), 1)}" style="display:inline-block;margin:0" '
        f'title="{escaped(title)}" alt="{escaped(title)}">'
    )


def to_png(image: NDArray[np.uint8]) -> bytes:
    """Return a picture (H, W, 1 or 3) uint8 as a PNG file: 8 bits, no filter, no date."""
    height, width, channels = image.shape
    rows = np.zeros((height, 1 + width * channels), np.uint8)  # each row begins with its filter, 0
    rows[:, 1:] = image.reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, 8, 0 if channels == 1 else 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        (_chunk(b"IHDR", header), _chunk(b"IDAT", zlib.compress(rows.tobytes())), _chunk(b"IEND", b""))
    )


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
