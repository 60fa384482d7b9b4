"""Transparent pictures are put on white, or on black if white would hide them; one background for a whole set."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from picturewise.data.pictures import pixels
from picturewise.data.pictures.background import find_background, hidden_by
from picturewise.data.pictures.decode import Form, read_bytes, read_picture
from picturewise.data.pictures.decode_files import Look, look_at_each

STROKE = np.zeros((12, 10), np.uint8)
STROKE[3:9, 4:6] = 255
SOFT = STROKE // 2


def icon(ink: int, alpha: np.ndarray = STROKE) -> Image.Image:
    """Return strokes of one grey on transparency."""
    return Image.merge("RGBA", [Image.new("L", (10, 12), ink)] * 3 + [Image.fromarray(alpha)])


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def deep(kind: int, *channels: np.ndarray, transparent: int | None = None) -> bytes:
    """Return a PNG of 16-bit channels, which Pillow does not write."""
    rows = np.stack(channels, axis=2).astype(">u2")
    stream = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    chunks = [(b"IHDR", struct.pack(">II5B", 10, 12, 16, kind, 0, 0, 0)), (b"IDAT", stream), (b"IEND", b"")]
    if transparent is not None:
        chunks.insert(1, (b"tRNS", struct.pack(">H", transparent)))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        for name, content in chunks
    )


def in_palette(ink: int) -> Image.Image:
    """Return the strokes as the second colour of a palette whose first is transparent."""
    image = Image.fromarray((STROKE > 0).astype(np.uint8), "L").convert("L")
    found = Image.new("P", image.size)
    found.putdata(list(np.asarray(image).ravel()))
    found.putpalette([120, 130, 140, ink, ink, ink])
    return found


@pytest.mark.parametrize(
    ("ink", "found"), [(255, "white"), (230, "white"), (128, "neither"), (20, "black"), (0, "black")]
)
@pytest.mark.parametrize("alpha", [STROKE, SOFT])
def test_what_hides_strokes_is_a_background_of_their_lightness(
    ink: int, found: str, alpha: np.ndarray
) -> None:
    assert hidden_by(icon(ink, alpha)) == found
    assert hidden_by(icon(ink, alpha).convert("LA")) == found


def test_strokes_in_several_shades_are_seen_on_both() -> None:
    image = icon(255)
    image.paste((0, 0, 0, 255), (4, 3, 6, 5))
    assert hidden_by(image) == "neither"


def test_a_picture_that_covers_nearly_all_or_nothing_does_not_count() -> None:
    opaque = np.full_like(STROKE, 255)
    opaque[0, 0] = 0
    assert hidden_by(icon(255, opaque)) is None
    assert hidden_by(icon(255, np.zeros_like(STROKE))) is None
    assert hidden_by(Image.new("RGB", (4, 4), "white")) is None


def test_a_large_picture_is_judged_in_strips_as_a_small_one_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pixels, "_STRIP", 20)
    assert hidden_by(icon(255)) == "white"
    palette = in_palette(255)
    palette.info["transparency"] = 0
    assert hidden_by(palette) == "white"


FORMS = {
    "RGBA PNG": lambda ink: encoded(icon(ink)),
    "LA PNG": lambda ink: encoded(icon(ink).convert("LA")),
    "palette PNG": lambda ink: encoded(in_palette(ink), transparency=0),
    "GIF": lambda ink: encoded(in_palette(ink), "GIF", transparency=0),
    "WEBP": lambda ink: encoded(icon(ink), "WEBP", lossless=True, exact=True),
    "16-bit LA PNG": lambda ink: deep(4, np.full(STROKE.shape, ink * 257), STROKE.astype(int) * 257),
    "16-bit RGBA PNG": lambda ink: deep(6, *[np.full(STROKE.shape, ink * 257)] * 3, STROKE.astype(int) * 257),
    "RGBA TIFF": lambda ink: encoded(icon(ink), "TIFF"),
    "one transparent colour": lambda ink: encoded(
        Image.fromarray(np.where(STROKE > 0, ink, 77).astype(np.uint8)), transparency=77
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_each_format_with_transparency_is_judged_and_composed(form: str) -> None:
    for ink, hidden in ((255, "white"), (0, "black")):
        content = FORMS[form](ink)
        (look,) = look_at_each([content], lambda _: None)
        assert isinstance(look, Look)
        assert look.header.hidden_by == hidden
        for background, value in (("white", 255), ("black", 0)):
            expected = np.where(STROKE > 0, ink, value)
            found = read_picture(content, None, 1, background=background)[..., 0]
            np.testing.assert_array_equal(found, expected)
            _, plain = read_bytes(content, Form(12, 10, 1, "crop", background), lambda _: None)
            assert plain == expected.astype(np.uint8).tobytes()


def test_a_transparent_number_of_16_bits_becomes_the_background() -> None:
    content = deep(0, np.where(STROKE > 0, 51400, 7), transparent=7)
    for background, value in (("white", 255), ("black", 0)):
        found = read_picture(content, None, 1, background=background, values=(0.0, 65535.0))[..., 0]
        np.testing.assert_array_equal(found, np.where(STROKE > 0, 200, value))


def test_white_it_is_unless_white_hides_most() -> None:
    assert find_background([None, None], None) == ("white", ())
    assert find_background(["neither", "black", "black"], None) == ("white", ())
    assert find_background(["white", "neither"], None)[0] == "white"
    background, (note,) = find_background(["white", "white", "neither", None], None)
    assert background == "black"
    assert note == (
        "2 of 3 training pictures with transparency are so light that white would hide them, so all were placed on "
        "black. To change this, use --set data.background=white."
    )


def test_what_the_background_hides_is_counted_in_a_note() -> None:
    few = ["white"] * 1 + ["neither"] * 30
    assert find_background(few, None) == ("white", ())
    mixed = ["white"] * 10 + ["black"] * 30
    (note,) = find_background(mixed, None)[1]
    assert note.startswith(
        "All training pictures with transparency were placed on white, but 10 of 40 are hardly visible on it. "
    )
    _, other = find_background(["white"] * 30 + ["black"] * 10, None)[1]
    assert other.startswith(
        "All training pictures with transparency were placed on black, but 10 of 40 are hardly visible on it. "
    )


def test_what_the_options_say_counts() -> None:
    assert find_background(["white"] * 5, "white") == ("white", ())
    assert find_background(["neither"] * 5, "black") == ("black", ())
