"""Hostile pictures in a folder per class: bombs, formats that run or fetch things, names for the terminal."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

from PIL import Image

from hostile.file import Hostile


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def png(width: int, height: int, *chunks: tuple[bytes, bytes], bits: int = 8) -> bytes:
    """Return a grey PNG with the chunks (kind, content) after its header."""
    header = struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0)
    parts = [(b"IHDR", header), *chunks, (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in parts
    )


def text_bomb() -> bytes:
    """Return a PNG whose comment unpacks to 200 MB."""
    bomb = b"Comment\0\0" + zlib.compress(bytes(200_000_000), 9)
    return png(1, 1, (b"zTXt", bomb), (b"IDAT", zlib.compress(b"\0\0")))


def profile_bomb() -> bytes:
    """Return a PNG whose colour profile unpacks to 200 MB."""
    bomb = b"Profile\0\0" + zlib.compress(bytes(200_000_000), 9)
    return png(1, 1, (b"iCCP", bomb), (b"IDAT", zlib.compress(b"\0\0")))


def gif_outside_its_canvas() -> bytes:
    content = bytearray(encoded(Image.new("P", (4, 4)), "GIF"))
    at = content.index(b",")  # the image descriptor: left, top, width, height
    content[at + 1 : at + 9] = struct.pack("<HHHH", 0, 0, 65535, 65535)
    return bytes(content)


def gif_of_many_frames() -> bytes:
    frames = [Image.new("L", (2, 2), number % 250) for number in range(2000)]
    return encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])


def declaring(width: int, height: int) -> Callable[[], bytes]:
    return lambda: png(width, height, (b"IDAT", zlib.compress(bytes(10_000))))


_FILES: Mapping[str, tuple[str, Callable[[], bytes], str]] = {
    "PNG of 100,000 x 100,000": ("a.png", declaring(100_000, 100_000), "too large"),
    "PNG of 2**31 x 2**31": ("a.png", declaring(2**31 - 1, 2**31 - 1), "too large"),
    "PNG of 20,000 x 20,000": ("a.png", declaring(20_000, 20_000), "too large"),
    "PNG of 9,000 x 12,000": ("a.png", declaring(9_000, 12_000), "too large"),
    "PNG bomb of 400 million pixels": (
        "a.png",
        lambda: png(20_000, 20_000, (b"IDAT", zlib.compress(bytes(20_001 * 20_000), 1))),
        "too large",
    ),
    "PNG text bomb": ("a.png", text_bomb, "damaged"),
    "GIF outside its canvas": ("a.gif", gif_outside_its_canvas, "too large|damaged"),
    "GIF of many frames": ("a.gif", gif_of_many_frames, "it contains .* frames or pages"),
    "EPS": (
        "a.png",
        lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) (r) file\n",
        "it is a PostScript file",
    ),
    "SVG": (
        "a.png",
        lambda: b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
        "it is an SVG drawing",
    ),
    "XBM": (
        "a.png",
        lambda: b"#define x_width 8\n#define x_height 8\nstatic char x_bits[] = {\n0x00};\n",
        "it is text",
    ),
    "XPM": ("a.png", lambda: b"/* XPM */\nstatic char *x[] = {", "it is text"),
    "a pickle": ("a.png", lambda: b"\x80\2cos\nsystem\nX\5\0\0\0touch\x85R.", "not a supported picture"),
    "a name for the terminal": ("\x1b]0;owned\x07\n.png", lambda: b"bad", r"cat/\\x1b\]0;owned\\x07\\n\.png"),
}


def _classes(folder: Path) -> Path:
    """Fill two folders of good pictures."""
    for name in ("cat", "dog"):
        (folder / name).mkdir()
        for index in range(4):
            Image.new("L", (4, 4), index).save(folder / name / f"good{index}.png")
    return folder


def _hostile(name: str, file_name: str, content: Callable[[], bytes], said: str) -> Hostile:
    def write(folder: Path) -> Path:
        (_classes(folder) / "cat" / file_name).write_bytes(content())
        return folder

    return Hostile(name, write, said)


def _on_a_device(folder: Path) -> Path:
    (_classes(folder) / "cat" / "zero.png").symlink_to("/dev/zero")
    return folder


FILES = [
    *(_hostile(name, *file) for name, file in _FILES.items()),
    Hostile("a device", _on_a_device, "not a regular file"),
]
