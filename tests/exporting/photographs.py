"""Real photographs in all the forms of files that people have, some of which Pillow does not write."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_sample_images


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(values: NDArray[np.uint16], bits: int, kind: int, chunks: bytes = b"") -> bytes:
    """Return a PNG that Pillow does not write, of values (H, W, C)."""
    height, width = values.shape[:2]
    if bits == 16:
        rows = [row.astype(">u2").tobytes() for row in values]
    elif bits == 8:
        rows = [row.astype(np.uint8).tobytes() for row in values]
    else:
        spread = (values[..., 0, np.newaxis] >> np.arange(bits - 1, -1, -1)) & 1
        rows = [np.packbits(row.astype(np.uint8)).tobytes() for row in spread.reshape(height, -1)]
    header = struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunks + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


def photographs(count: int) -> list[Image.Image]:
    """Return parts of two photographs, of different sizes."""
    random = np.random.default_rng(0)
    whole = [Image.fromarray(array) for array in load_sample_images().images]
    found = []
    for number in range(count):
        width, height = (int(side) for side in random.integers(30, 420, 2))
        left, top = int(random.integers(0, 640 - width)), int(random.integers(0, 427 - min(height, 426)))
        found.append(whole[number % 2].crop((left, top, left + width, top + min(height, 426))))
    return found


def in_all_forms(count: int, folder: Path) -> list[Path]:
    """Save photographs in turn in all the forms of files that people have."""
    random = np.random.default_rng(1)

    def alpha(picture: Image.Image) -> Image.Image:
        picture.putalpha(Image.fromarray(random.integers(0, 256, picture.size[::-1], np.uint8)))
        return picture

    def turned(number: int) -> Image.Exif:
        exif = Image.Exif()
        exif[0x0112] = 1 + number // 24 % 8
        return exif

    def saved(ending: str, number: int, picture: Image.Image, **options: object) -> Path:
        file = folder / f"{number:03}.{ending}"
        picture.save(file, **options)
        return file

    def raw(number: int, picture: Image.Image, bits: int, kind: int, chunks: bytes = b"") -> Path:
        values = np.asarray(picture).astype(np.uint16)
        values = values.reshape(*values.shape[:2], -1)
        values = values * 256 + 77 if bits == 16 else values >> (8 - bits)
        file = folder / f"{number:03}.png"
        file.write_bytes(png(values, bits, kind, chunks))
        return file

    gamma, clear = chunk(b"gAMA", struct.pack(">I", 100_000)), chunk(b"tRNS", b"\0\1")
    wide = wide_gamut()
    forms: list[Callable[[int, Image.Image], Path]] = [
        lambda n, p: saved("png", n, p),
        lambda n, p: saved("jpg", n, p, quality=90),
        lambda n, p: saved("png", n, alpha(p)),
        lambda n, p: saved("jpg", n, p, exif=turned(n)),
        lambda n, p: saved("png", n, p.quantize(64)),
        lambda n, p: saved("jpg", n, p, progressive=True, quality=70),
        lambda n, p: saved("png", n, p.quantize(16), transparency=random.bytes(16)),
        lambda n, p: saved("jpg", n, p, icc_profile=wide, subsampling=0),
        lambda n, p: saved("png", n, p.convert("L")),
        lambda n, p: saved("jpg", n, p.convert("L")),
        lambda n, p: saved("png", n, alpha(p).convert("LA")),
        lambda n, p: saved("jpg", n, p, subsampling=1, restart_marker_blocks=3, exif=turned(n)),
        lambda n, p: saved("png", n, p, icc_profile=wide),
        lambda n, p: saved("webp", n, p, quality=80),
        lambda n, p: raw(n, p.convert("L"), 16, 0),
        lambda n, p: saved("bmp", n, p),
        lambda n, p: raw(n, p, 16, 2),
        lambda n, p: saved("gif", n, p),
        lambda n, p: raw(n, alpha(p), 16, 6),
        lambda n, p: raw(n, p.convert("L"), 4, 0, clear),
        lambda n, p: raw(n, p, 8, 2, gamma),
        lambda n, p: raw(n, p.convert("L"), 1, 0, clear),
        lambda n, p: saved("png", n, p, exif=turned(n)),
        lambda n, p: saved("jpg", n, p.resize((1203, 901)), exif=turned(n)),
    ]
    return [forms[number % len(forms)](number, picture) for number, picture in enumerate(photographs(count))]


def wide_gamut() -> bytes:
    """Return an ICC profile whose red, green and blue are far more saturated than sRGB's (those of ProPhoto)."""

    def number(value: float) -> bytes:
        return struct.pack(">i", round(value * 65536))

    def place(*values: float) -> bytes:
        return b"XYZ \0\0\0\0" + b"".join(map(number, values))

    curve = b"curv\0\0\0\0" + struct.pack(">IHxx", 1, round(1.8 * 256))
    text = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"wide\0" + bytes(78)
    tags = {
        b"desc": text + bytes(-len(text) % 4),
        b"wtpt": place(0.9642, 1.0, 0.8249),
        b"rXYZ": place(0.7977, 0.2880, 0.0),
        b"gXYZ": place(0.1352, 0.7119, 0.0),
        b"bXYZ": place(0.0313, 0.0001, 0.8249),
        b"rTRC": curve,
        b"gTRC": curve,
        b"bTRC": curve,
        b"cprt": b"text\0\0\0\0free",
    }
    at, table, content = 128 + 4 + 12 * len(tags), b"", b""
    for name, data in tags.items():
        table += name + struct.pack(">II", at + len(content), len(data))
        content += data
    body = struct.pack(">I", len(tags)) + table + content
    header = struct.pack(">I4xI", 128 + len(body), 0x02400000) + b"mntrRGB XYZ " + bytes(12) + b"acsp"
    header += bytes(68 - len(header)) + number(0.9642) + number(1.0) + number(0.8249)
    return header + bytes(128 - len(header)) + body
