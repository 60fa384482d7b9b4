"""A damaged PNG is refused, or gives the same pixels, for each flipped bit."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Sequence

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from picturewise.data.pictures import png_checksums
from picturewise.data.pictures.decode import read_picture
from picturewise.errors import PictureError

ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
WIDE = (0.0, 65535.0)  # black and white, where there are 16 bits
PIXELS = np.random.default_rng(0).integers(0, 256, (5, 6, 3), np.uint8)

Chunks = Sequence[tuple[bytes, bytes]]


def encoded(image: Image.Image, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", **options)
    return buffer.getvalue()


def chunks_of(content: bytes) -> list[tuple[bytes, bytes]]:
    found, at = [], 8
    while at < len(content):
        (length,) = struct.unpack(">I", content[at : at + 4])
        found.append((content[at + 4 : at + 8], content[at + 8 : at + 8 + length]))
        at += 12 + length
    return found


def chunk(kind: bytes, content: bytes, *, broken: bool = False) -> bytes:
    checksum = zlib.crc32(kind + content) ^ broken
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


def png(chunks: Chunks, broken: bytes = b"") -> bytes:
    """Return a PNG of chunks, those of the kind `broken` with a wrong checksum."""
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        chunk(kind, content, broken=kind == broken) for kind, content in chunks
    )


def before_pixels(content: bytes, *more: tuple[bytes, bytes]) -> list[tuple[bytes, bytes]]:
    chunks = chunks_of(content)
    at = [kind for kind, _ in chunks].index(b"IDAT")
    return [*chunks[:at], *more, *chunks[at:]]


def header(width: int, height: int, bits: int, colour: int, interlaced: int = 0) -> tuple[bytes, bytes]:
    return b"IHDR", struct.pack(">II5B", width, height, bits, colour, 0, 0, interlaced)


def rows(pixels: np.ndarray) -> bytes:
    return b"".join(b"\0" + row.tobytes() for row in pixels)


def interlaced() -> bytes:
    """Return the pixels in seven passes, which Pillow does not write."""
    passes = [PIXELS[y::down, x::across] for x, y, across, down in ADAM7]
    plain = b"".join(rows(part) for part in passes if part.size)
    return png([header(6, 5, 8, 2, 1), (b"IDAT", zlib.compress(plain)), (b"IEND", b"")])


def in_pieces() -> bytes:
    chunks = chunks_of(encoded(Image.fromarray(PIXELS)))
    packed = next(content for kind, content in chunks if kind == b"IDAT")
    pieces = [(b"IDAT", packed[start : start + 30]) for start in range(0, len(packed), 30)]
    return png([chunks[0], *pieces[:2], (b"IDAT", b""), *pieces[2:], (b"IEND", b"")])


def one_frame() -> bytes:
    """Return an animation of a single frame, which is the picture itself."""
    frame = (b"fcTL", struct.pack(">IIIIIHHBB", 0, 6, 5, 0, 0, 1, 1, 0, 0))
    plain = encoded(Image.fromarray(PIXELS))
    return png(before_pixels(plain, (b"acTL", struct.pack(">II", 1, 0)), frame))


def with_texts() -> bytes:
    info = PngImagePlugin.PngInfo()
    info.add_text("Software", "a test")
    info.add_itxt("XML:com.adobe.xmp", '<x tiff:Orientation="6"/>')
    return encoded(Image.fromarray(PIXELS), pnginfo=info, dpi=(72, 72))


def turned() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(Image.fromarray(PIXELS), exif=exif)


PICTURES = {
    "colour": lambda: encoded(Image.fromarray(PIXELS)),
    "grey": lambda: encoded(Image.fromarray(PIXELS[..., 0])),
    "one bit": lambda: encoded(Image.fromarray(PIXELS[..., 0]).convert("1")),
    "16 bits": lambda: encoded(Image.fromarray(PIXELS[..., 0].astype(np.uint16) * 257)),
    "transparent": lambda: encoded(
        Image.merge("RGBA", (*Image.fromarray(PIXELS).split(), Image.fromarray(PIXELS[..., 1])))
    ),
    "palette": lambda: encoded(Image.fromarray(PIXELS).quantize(8), transparency=b"\0\xff\x80"),
    "a transparent colour": lambda: encoded(
        Image.fromarray(PIXELS), transparency=tuple(PIXELS[2, 2].tolist())
    ),
    "interlaced": interlaced,
    "in pieces": in_pieces,
    "one frame": one_frame,
    "texts": with_texts,
    "turned": turned,
}


@pytest.fixture(autouse=True, params=["as small ones", "as large ones"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return how the pixels are checked, of which the pictures' size decides."""
    if request.param == "as large ones":
        monkeypatch.setattr(png_checksums, "_LARGE", range(1, 1 << 25))
    return str(request.param)


@pytest.mark.parametrize("name", PICTURES)
def test_each_flipped_bit_is_refused_or_changes_nothing(name: str) -> None:
    whole = PICTURES[name]()
    expected = read_picture(whole, None, 3, values=WIDE)
    refused = read = 0
    for place in range(8 * len(whole)):
        content = bytearray(whole)
        content[place // 8] ^= 1 << place % 8
        try:
            found = read_picture(bytes(content), None, 3, values=WIDE)
        except PictureError:
            refused += 1
            continue
        read += 1
        np.testing.assert_array_equal(found, expected, f"bit {place}")
    assert refused > 8 * (33 + 12)  # all of the header, the end, and the frame of the pixels
    assert read <= 8 * 200


@pytest.mark.parametrize("name", PICTURES)
def test_a_sound_picture_is_read_as_pillow_reads_it(name: str) -> None:
    if name == "interlaced":
        np.testing.assert_array_equal(read_picture(interlaced(), None, 3, values=WIDE), PIXELS)
        return
    image = Image.open(io.BytesIO(PICTURES[name]()))
    if name in {"transparent", "palette", "a transparent colour"}:
        white = Image.new("RGBA", image.size, "white")
        expected = np.asarray(Image.alpha_composite(white, image.convert("RGBA")).convert("RGB"))
    elif name == "16 bits":
        expected = np.repeat(PIXELS[..., :1], 3, axis=2)
    else:
        expected = np.asarray(image.convert("RGB"))
    expected = np.rot90(expected, -1) if name in {"texts", "turned"} else expected
    np.testing.assert_array_equal(read_picture(PICTURES[name](), None, 3, values=WIDE), expected)


@pytest.mark.parametrize("kind", [b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"])
def test_a_needed_chunk_with_a_wrong_checksum_is_named(kind: bytes) -> None:
    content = png(chunks_of(PICTURES["palette"]()), broken=kind)
    with pytest.raises(PictureError, match=f"damaged .its chunk {kind.decode()} does not match its checksum"):
        read_picture(content, None, 3, values=WIDE)


def test_a_broken_chunk_that_may_turn_the_picture_is_refused() -> None:
    for name, kind in (("turned", b"eXIf"), ("texts", b"iTXt")):
        with pytest.raises(PictureError, match=f"its chunk {kind.decode()} does not"):
            read_picture(png(chunks_of(PICTURES[name]()), broken=kind), None, 3, values=WIDE)


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        (b"tIME", struct.pack(">H5B", 2020, 1, 2, 3, 4, 5)),
        (b"gAMA", struct.pack(">I", 45455)),
        (b"tEXt", b"Comment\0nothing of note"),
        (b"zTXt", b"Comment\0\0" + zlib.compress(b"nothing of note")),
        (b"iCCP", b"Profile\0\0" + zlib.compress(bytes(100))),
    ],
)
@pytest.mark.parametrize("behind", [False, True])
def test_a_broken_chunk_that_is_not_needed_is_left_out(kind: bytes, content: bytes, behind: bool) -> None:
    chunks = before_pixels(PICTURES["colour"](), (kind, content))
    if behind:
        chunks = [
            *(one for one in chunks if one[0] != kind and one[0] != b"IEND"),
            (kind, content),
            chunks[-1],
        ]
    np.testing.assert_array_equal(read_picture(png(chunks, broken=kind), None, 3, values=WIDE), PIXELS)


def test_a_broken_length_does_not_swallow_the_chunks_behind_it() -> None:
    clear = (b"tRNS", struct.pack(">HHH", *PIXELS[0, 0].tolist()))
    content = bytearray(png(before_pixels(PICTURES["colour"](), (b"gAMA", bytes(4)), clear)))
    at = content.index(b"gAMA") - 4
    content[at : at + 4] = struct.pack(">I", 4 + 12 + 6)  # up to the end of tRNS
    with pytest.raises(PictureError, match="its chunk gAMA does not match its checksum"):
        read_picture(bytes(content), None, 3, values=WIDE)


def test_a_needed_chunk_whose_kind_is_damaged_is_not_taken_for_another() -> None:
    content = PICTURES["a transparent colour"]().replace(b"tRNS", b"tIME")
    with pytest.raises(PictureError, match="its chunk tIME does not match its checksum"):
        read_picture(content, None, 3, values=WIDE)


def with_stream(stream: bytes) -> bytes:
    return png([header(6, 5, 8, 2), (b"IDAT", stream), (b"IEND", b"")])


def test_pixels_that_do_not_have_their_adler_checksum_are_refused() -> None:
    stream = bytearray(zlib.compress(rows(PIXELS), 0))
    stream[20] ^= 1  # a pixel, in a stream that packs nothing
    with pytest.raises(PictureError, match=r"damaged .*(incorrect data check|broken data stream)"):
        read_picture(with_stream(bytes(stream)), None, 3, values=WIDE)


@pytest.mark.parametrize("missing", [1, 19, 19 * 4])
def test_pixels_that_end_early_are_refused(missing: int) -> None:
    for stream in (zlib.compress(rows(PIXELS)[:-missing]), zlib.compress(rows(PIXELS), 0)[:-missing]):
        with pytest.raises(
            PictureError,
            match=r"damaged or truncated .*(less pixel data than its size requires|image file is truncated)",
        ):
            read_picture(with_stream(stream), None, 3, values=WIDE)


def test_missing_rows_are_noticed_in_a_picture_that_shows_the_mark(way: str) -> None:
    del way
    mark = np.full((3, 4, 3), png_checksums._MARKS["RGB"], np.uint8)
    for missing, plain in ((0, rows(mark)), (1, rows(mark[:-1]))):
        content = png([header(4, 3, 8, 2), (b"IDAT", zlib.compress(plain)), (b"IEND", b"")])
        if missing:
            with pytest.raises(PictureError, match="less pixel data than its size requires"):
                read_picture(content, None, 3, values=WIDE)
        else:
            np.testing.assert_array_equal(read_picture(content, None, 3, values=WIDE), mark)


def test_a_large_picture_is_read_as_it_is() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (600, 700, 3), np.uint8)
    content = encoded(Image.fromarray(pixels), compress_level=1)
    np.testing.assert_array_equal(read_picture(content, None, 3, values=WIDE), pixels)


@pytest.mark.parametrize("level", [0, 1, 6, 9])
def test_pixels_may_be_cut_into_pieces_anywhere(level: int) -> None:
    """The last row may end with a piece, before the end of the stream; programs such as Chromium write such files."""
    random = np.random.default_rng(2).integers(0, 256, (30, 40, 3), np.uint8)
    pixels = np.concatenate([random, np.zeros((10, 40, 3), np.uint8)])
    stream = zlib.compress(rows(pixels), level)
    exif = Image.Exif()
    exif[0x0112] = 6
    turned_after = chunk(b"eXIf", exif.tobytes()[6:])
    for last in range(1, 12):
        pieces = chunk(b"IDAT", stream[:-last]) + chunk(b"IDAT", stream[-last:])
        start = b"\x89PNG\r\n\x1a\n" + chunk(*header(40, 40, 8, 2)) + pieces
        content = start + chunk(b"IEND", b"")
        np.testing.assert_array_equal(read_picture(content, None, 3, values=WIDE), pixels)
        turned_content = start + turned_after + chunk(b"IEND", b"")
        np.testing.assert_array_equal(
            read_picture(turned_content, None, 3, values=WIDE), np.rot90(pixels, -1)
        )
        short = b"\x89PNG\r\n\x1a\n" + chunk(*header(40, 40, 8, 2)) + chunk(b"IDAT", stream[:-last])
        with pytest.raises(PictureError, match="damaged or truncated"):
            read_picture(short + chunk(b"IEND", b""), None, 3, values=WIDE)


def test_a_little_too_much_behind_the_pixels_changes_nothing() -> None:
    for stream in (zlib.compress(rows(PIXELS) + bytes(100)), zlib.compress(rows(PIXELS)) + b"more"):
        np.testing.assert_array_equal(read_picture(with_stream(stream), None, 3, values=WIDE), PIXELS)


def test_far_too_many_pixels_are_refused() -> None:
    with pytest.raises(PictureError, match=r"damaged .a PNG with more pixel data than its size allows"):
        read_picture(with_stream(zlib.compress(rows(PIXELS) + bytes(1 << 20))), None, 3, values=WIDE)


def test_what_follows_the_end_is_not_read() -> None:
    np.testing.assert_array_equal(
        read_picture(PICTURES["colour"]() + b"and more", None, 3, values=WIDE), PIXELS
    )


def test_a_picture_without_its_end_is_refused() -> None:
    with pytest.raises(PictureError, match=r"damaged or truncated .a PNG without its last chunk, IEND"):
        read_picture(PICTURES["colour"]()[:-12], None, 3, values=WIDE)
    with pytest.raises(PictureError, match=r"damaged or truncated .its chunk IEND is longer than the file"):
        read_picture(PICTURES["colour"]()[:-1], None, 3, values=WIDE)
