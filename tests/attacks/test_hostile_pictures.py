"""Pictures made to harm whoever opens them: each must come to one clear error, quickly and in little memory."""

from __future__ import annotations

import contextlib
import io
import os
import struct
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sightline.data.decode import PictureError, read_header, read_picture
from sightline.data.options import DataOptions
from sightline.data.source import read
from sightline.errors import DataError


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


@pytest.fixture
def peak_memory() -> Iterator[Callable[[], int]]:
    """Return the most bytes that Python objects and arrays took since the test began."""
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()


@pytest.mark.parametrize(
    ("width", "height"), [(100_000, 100_000), (2**31 - 1, 2**31 - 1), (20_000, 20_000), (9_000, 12_000)]
)
def test_a_png_that_declares_huge_dimensions_is_refused_before_decoding(
    width: int, height: int, peak_memory: Callable[[], int]
) -> None:
    content = png(width, height, (b"IDAT", zlib.compress(bytes(10_000))))
    for size in (None, (32, 32)):
        with pytest.raises(PictureError, match=r"too large, .*100,000,000"):
            read_picture(content, size, 3)
    assert peak_memory() < 5_000_000


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF", "PPM", "JPEG", "WEBP"])
def test_every_format_has_the_limit_on_pixels(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sightline.data.decode.MAX_PIXELS", 80)
    assert read_picture(encoded(Image.new("RGB", (10, 8)), kind), None, 3).shape == (8, 10, 3)
    with pytest.raises(PictureError, match="too large, 9x10 pixels where 80 are allowed"):
        read_header(encoded(Image.new("RGB", (10, 9)), kind))


def test_a_text_bomb_in_a_png_is_refused(peak_memory: Callable[[], int]) -> None:
    bomb = b"Comment\0\0" + zlib.compress(bytes(200_000_000), 9)
    content = png(1, 1, (b"zTXt", bomb), (b"IDAT", zlib.compress(b"\0\0")))
    with pytest.raises(PictureError, match="damaged"):
        read_header(content)
    assert peak_memory() < 250_000_000  # the test's own 200 MB, and little more


def test_a_gif_frame_far_outside_its_canvas_is_refused() -> None:
    content = bytearray(encoded(Image.new("P", (4, 4)), "GIF"))
    at = content.index(b",")  # the image descriptor: left, top, width, height
    content[at + 1 : at + 9] = struct.pack("<HHHH", 0, 0, 65535, 65535)
    with pytest.raises(PictureError, match=r"too large|damaged"):
        read_picture(bytes(content), None, 3)


def test_a_tiff_whose_pages_run_in_a_circle_ends() -> None:
    content = bytearray(encoded(Image.new("L", (4, 4)), "TIFF"))
    (start,) = struct.unpack("<I", content[4:8])
    (entries,) = struct.unpack("<H", content[start : start + 2])
    following = start + 2 + 12 * entries
    content[following : following + 4] = struct.pack("<I", start)
    with contextlib.suppress(PictureError):  # older versions of Pillow refuse the circle, newer ones end it
        assert read_picture(bytes(content), None, 1).shape == (4, 4, 1)


@pytest.mark.parametrize(
    "content",
    [
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) (r) file\n",
        b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
        b"#define x_width 8\n#define x_height 8\nstatic char x_bits[] = {\n0x00};\n",
        b"/* XPM */\nstatic char *x[] = {",
    ],
    ids=["eps", "svg", "xbm", "xpm"],
)
def test_formats_that_run_or_fetch_things_are_not_opened(content: bytes) -> None:
    with pytest.raises(PictureError, match=r"not a picture that Sightline reads .found text"):
        read_header(content)


def test_a_link_to_an_endless_device_in_a_class_folder_does_not_hang(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        for index in range(4):
            Image.new("L", (4, 4), index).save(tmp_path / name / f"{index}.png")
    (tmp_path / "cat" / "zero.png").symlink_to("/dev/zero")
    with pytest.raises(DataError, match=r"1 of 9 files .* cat/zero\.png: not a regular file"):
        read(DataOptions(source=str(tmp_path)))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_a_file_name_cannot_write_to_the_terminal(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        Image.new("L", (4, 4)).save(tmp_path / name / "1.png")
    (tmp_path / "cat" / "\x1b]0;owned\x07\n.png").write_text("bad")
    with pytest.raises(DataError) as caught:
        read(DataOptions(source=str(tmp_path)))
    assert str(caught.value).isprintable()
    assert "cat/\\x1b]0;owned\\x07\\n.png" in str(caught.value)


SAMPLES = {
    "png": lambda: encoded(noise().quantize(16), "PNG", transparency=3),
    "png16": lambda: encoded(noise().convert("L").convert("I;16"), "PNG"),
    "apng": lambda: encoded(noise(), "PNG", save_all=True, append_images=[noise()]),
    "jpeg": lambda: encoded(noise(), "JPEG", exif=turned()),
    "mpo": lambda: encoded(noise(), "MPO", save_all=True, append_images=[noise()]),
    "gif": lambda: encoded(noise(), "GIF", save_all=True, append_images=[noise()]),
    "webp": lambda: encoded(noise(), "WEBP", exif=turned()),
    "bmp": lambda: encoded(noise().quantize(16), "BMP"),
    "tiff": lambda: encoded(noise(), "TIFF", compression="tiff_lzw", exif=turned()),
    "tiff-float": lambda: encoded(noise().convert("F"), "TIFF"),
    "ppm": lambda: encoded(noise(), "PPM"),
}


def noise() -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (12, 9, 3), dtype=np.uint8))


def turned() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


@pytest.mark.parametrize("kind", SAMPLES)
def test_whatever_bytes_change_only_a_picture_error_comes_out(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sightline.data.decode.MAX_PIXELS", 1_000_000)  # so that what remains decodes quickly
    random = np.random.default_rng(0)
    whole = SAMPLES[kind]()
    outcomes: list[tuple[int, ...] | None] = []
    messages: list[str] = []
    for _ in range(100):
        content = bytearray(whole)
        # Half of the changes fall into the first 64 bytes, where the headers are.
        within = len(content) if random.random() < 0.5 else min(64, len(content))
        for position in random.integers(0, within, random.integers(1, 5)):
            content[position] = random.choice([0, 1, 127, 128, 255, random.integers(0, 256)])
        if random.random() < 0.2:
            del content[random.integers(1, len(content)) :]
        try:
            read_header(bytes(content))
            outcomes.append(read_picture(bytes(content), (8, 8), 3).shape)
        except PictureError as error:
            outcomes.append(None)
            messages.append(str(error))
    assert set(outcomes) <= {None, (8, 8, 3)}
    assert messages
    assert all(message.isprintable() for message in messages)
