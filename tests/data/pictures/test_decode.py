from __future__ import annotations

import io
import os
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from picturewise.data.pictures.decode import Form, PictureHeader, read_bytes, read_content, read_picture
from picturewise.data.pictures.pixels import Deep
from picturewise.data.pictures.resize import resize
from picturewise.errors import PictureError


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def read_header(picture: Path | bytes) -> PictureHeader:
    return read_bytes(picture, None, lambda _: None)[0]


def gradient(height: int = 6, width: int = 10) -> Image.Image:
    rows, columns = np.indices((height, width))
    return Image.fromarray(np.stack([rows * 20, columns * 20, rows + columns], axis=2).astype(np.uint8))


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM"])
def test_formats_without_loss_give_the_very_pixels(kind: str) -> None:
    found = read_picture(encoded(gradient(), kind), None, 3)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, np.asarray(gradient()))


def test_a_lossless_webp_gives_the_very_pixels() -> None:
    content = encoded(gradient(), "WEBP", lossless=True)
    np.testing.assert_array_equal(read_picture(content, None, 3), np.asarray(gradient()))


@pytest.mark.parametrize("kind", ["JPEG", "GIF", "AVIF"])
def test_formats_with_loss_come_close(kind: str) -> None:
    smooth = gradient(64, 64).resize((64, 64)).convert("L").convert("RGB")
    found = read_picture(encoded(smooth, kind), None, 3).astype(int)
    assert np.abs(found - np.asarray(smooth)).mean() < 3


@pytest.mark.parametrize(
    ("mode", "kind", "colour"),
    [
        ("1", "PNG", False),
        ("L", "JPEG", False),
        ("LA", "PNG", False),
        ("I;16", "PNG", False),
        ("I;16", "TIFF", False),
        ("I", "TIFF", False),
        ("F", "TIFF", False),
        ("P", "PNG", True),
        ("P", "GIF", True),
        ("RGBA", "PNG", True),
        ("RGBA", "WEBP", True),
        ("RGBA", "AVIF", True),
        ("CMYK", "JPEG", True),
        ("CMYK", "TIFF", True),
        ("YCbCr", "TIFF", True),
        ("LAB", "TIFF", True),
    ],
)
def test_every_mode_is_read_with_either_number_of_channels(mode: str, kind: str, colour: bool) -> None:
    if mode == "LAB":
        image = Image.new("LAB", (10, 6), (128, 100, 100))
    elif mode == "P":
        image = gradient().quantize(8)
    else:
        image = gradient().convert("L" if mode in {"I;16", "I", "F"} else "RGB").convert(mode)
    content = encoded(image, kind)
    header = read_header(content)
    assert header[:3] == (6, 10, colour)
    deep = mode in {"I;16", "I", "F"}
    assert (header.deep is not None) == deep
    values = (0.0, 65535.0) if deep else None
    assert read_picture(content, None, 1, values=values).shape == (6, 10, 1)
    assert read_picture(content, None, 3, values=values).shape == (6, 10, 3)
    assert read_picture(content, (8, 9), 1, "pad", values=values).shape == (8, 9, 1)


@pytest.mark.parametrize(
    ("numbers", "kind", "expected"),
    [
        (np.array([[0, 7, 4000]], np.uint16), "PNG", Deep("u2", 0, 4000, whole=True)),
        (np.array([[-5, 7, 70000]], np.int32), "TIFF", Deep("i4", -5, 70000, whole=True)),
        (np.array([[0, 0.5, 1]], np.float32), "TIFF", Deep("f4", 0, 1, whole=False)),
        (np.array([[0, 3, 9]], np.float32), "TIFF", Deep("f4", 0, 9, whole=True)),
    ],
)
def test_a_header_tells_what_the_numbers_of_a_deep_picture_are_like(
    numbers: np.ndarray, kind: str, expected: Deep
) -> None:
    content = encoded(Image.fromarray(numbers), kind)
    assert read_header(content).deep == expected
    with pytest.raises(PictureError, match="the values of black and white are not known"):
        read_picture(content, None, 1)


def test_the_numbers_of_a_deep_picture_become_bytes_in_the_given_range() -> None:
    content = encoded(Image.fromarray(np.array([[0, 1606, 4095]], np.uint16)), "PNG")
    assert read_picture(content, None, 1, values=(0, 4095)).ravel().tolist() == [0, 100, 255]
    with pytest.raises(
        PictureError, match=r"values are in 0\.\.4095, but must be in 0\.\.4000; .*--value-range"
    ):
        read_picture(content, None, 1, values=(0, 4000))


def test_a_ppm_file_says_its_white_itself() -> None:
    content = b"P5 3 1 4095\n" + np.array([0, 1606, 4095], ">u2").tobytes()
    assert read_header(content).deep is None
    assert read_picture(content, None, 1).ravel().tolist() == [0, 100, 255]


def test_of_sixteen_bits_a_colour_the_upper_eight_are_read() -> None:
    rows = b"\0" + np.array([[0, 0, 0], [65535, 4095, 256]], ">u2").tobytes()

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", 2, 1, 16, 2, 0, 0, 0)
    content = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )
    assert read_header(content).deep is None
    assert read_picture(content, None, 3).reshape(2, 3).tolist() == [[0, 0, 0], [255, 15, 1]]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_read_upright_whatever_its_orientation_tag(kind: str, orientation: int) -> None:
    upright = Image.new("L", (48, 32), 0)
    ImageDraw.Draw(upright).rectangle((0, 0, 23, 15), fill=255)  # white where up and left is
    stored = {
        1: [],
        2: [Image.Transpose.FLIP_LEFT_RIGHT],
        3: [Image.Transpose.ROTATE_180],
        4: [Image.Transpose.FLIP_TOP_BOTTOM],
        5: [Image.Transpose.TRANSPOSE],
        6: [Image.Transpose.ROTATE_90],
        7: [Image.Transpose.TRANSVERSE],
        8: [Image.Transpose.ROTATE_270],
    }[orientation]
    image = upright
    for step in stored:
        image = image.transpose(step)
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(image.convert("RGB"), kind, exif=exif)
    header = read_header(content)
    assert (header.height, header.width) == (32, 48)
    found = read_picture(content, None, 1)[:, :, 0].astype(int)
    assert np.abs(found - np.asarray(upright)).mean() < 3


def chunk(kind: bytes, data: bytes) -> bytes:
    """Return a chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def test_a_png_that_says_behind_its_pixels_how_it_is_to_be_turned_is_turned() -> None:
    exif = Image.Exif()
    exif[0x010E] = "a description, and no orientation"
    silent = chunk(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0"))
    turned = chunk(b"iTXt", b'XML:com.adobe.xmp\0\0\0\0\0<x tiff:Orientation="6"/>')
    plain = encoded(gradient(4, 8), "PNG")
    pixels, end = plain.index(b"IDAT") - 4, plain.index(b"IEND") - 4
    for before in (b"", silent):
        content = plain[:pixels] + before + plain[pixels:end] + turned + plain[end:]
        assert read_header(content) == PictureHeader(8, 4, colour=True)
        picture = read_picture(content, None, 3)
        np.testing.assert_array_equal(picture, np.rot90(np.asarray(gradient(4, 8)), -1))
        found = read_bytes(content, Form(8, 4, 3, "crop"), lambda _: None)
        assert found == (PictureHeader(8, 4, colour=True), picture.tobytes())


def test_a_phones_jpeg_with_a_second_picture_is_read_as_its_first() -> None:
    first, second = Image.new("RGB", (8, 8), "red"), Image.new("RGB", (8, 8), "blue")
    content = encoded(first, "MPO", save_all=True, append_images=[second])
    assert read_picture(content, None, 3)[0, 0, 0] > 200


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF", "AVIF"])
def test_several_frames_are_refused_with_their_number(kind: str) -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "green", "blue")]
    content = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
    sentence = "it contains 3 frames or pages; save the ones that you need as separate files"
    with pytest.raises(PictureError, match=sentence):
        read_header(content)


def test_a_large_jpeg_is_reduced_while_decoding_and_looks_like_one_reduced_after() -> None:
    large = gradient(12, 12).resize((1600, 1200), Image.Resampling.BICUBIC)
    content = encoded(large, "JPEG", quality=95)
    quick = read_picture(content, (48, 64), 3).astype(int)
    slow = resize(read_picture(content, None, 3), (48, 64)).astype(int)
    assert np.abs(quick - slow).max() <= 3


def test_what_is_not_a_picture_is_refused_with_what_it_is_and_the_way_out() -> None:
    with pytest.raises(PictureError) as caught:
        read_header(bytes(128) + b"DICM" + bytes(50))
    assert caught.value.reason == (
        "not a supported picture (it is a DICOM file; supported are PNG, JPEG, GIF, WEBP, BMP, TIFF, PPM, "
        "AVIF); export it as PNG"
    )


@pytest.mark.parametrize(
    ("content", "words"), [(b"\x89PNG\r\n\x1a", "a PNG"), (b"\xff\xd8\xff", "a JPEG"), (b"GIF89a", "a GIF")]
)
def test_what_only_starts_as_a_picture_is_called_damaged(content: bytes, words: str) -> None:
    with pytest.raises(PictureError, match=f"damaged or truncated .it starts like {words}"):
        read_header(content)


def test_the_error_names_the_file_and_keeps_the_reason_apart(tmp_path: Path) -> None:
    (tmp_path / "notes.png").write_text("no picture")
    with pytest.raises(PictureError) as caught:
        read_picture(tmp_path / "notes.png", None, 3)
    assert str(caught.value) == f"{tmp_path}/notes.png: {caught.value.reason}."
    assert caught.value.exit_code == 3


def test_the_caller_can_say_what_the_picture_is_called() -> None:
    with pytest.raises(PictureError, match=r"^upload 7: not a supported picture"):
        read_picture(b"?", None, 3, name="upload 7")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "PPM", "WEBP", "AVIF"])
def test_a_truncated_picture_is_an_error(kind: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    content = encoded(Image.fromarray(noise), kind)
    with pytest.raises(PictureError):
        read_picture(content[: len(content) // 2], None, 3)


def test_pillows_warnings_do_not_leak() -> None:
    image = Image.new("P", (4, 4))
    image.putpalette([0, 0, 0, 255, 255, 255])
    content = encoded(image, "PNG", transparency=bytes([0, 128]))  # Pillow warns: should be RGBA
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_picture(content, None, 3).shape == (4, 4, 3)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match=r"gone\.png: cannot be read .No such file"):
        read_content(tmp_path / "gone.png")


def test_a_path_with_a_zero_byte_is_an_error() -> None:
    with pytest.raises(PictureError, match=r"a\\x00b: cannot be read"):
        read_content(Path("a\0b"))


def test_a_file_above_the_limit_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "huge.bmp").open("wb") as file:
        file.truncate(2 << 30)  # a hole: takes no room on the disk
    with pytest.raises(
        PictureError, match=r"too large .2,147,483,648 bytes; at most 1,073,741,824 are allowed"
    ):
        read_content(tmp_path / "huge.bmp")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(PictureError, match="not a regular file"):
        read_header(tmp_path / "pipe.png")
