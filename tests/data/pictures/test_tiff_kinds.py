"""TIFFs as science and medicine write them: what cannot be read is called what it is."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image

from picturewise.data.pictures.decode import read_picture
from picturewise.errors import PictureError

GREY = np.arange(48, dtype=np.uint8).reshape(6, 8) * 5
UNSIGNED, SIGNED, FLOATS = 1, 2, 3


def tiff(
    array: np.ndarray, numbers: int, photometric: int = 1, more: tuple[tuple[int, int, int], ...] = ()
) -> bytes:
    """Return an array (H, W) or (H, W, C) as a TIFF that packs nothing."""
    height, width = array.shape[:2]
    channels = array.shape[2] if array.ndim == 3 else 1
    content = array.tobytes()
    several = (
        struct.pack(f"<{channels}H", *[8 * array.itemsize] * channels),
        struct.pack(f"<{channels}H", *[numbers] * channels),
    )
    places = [8 + len(content), 8 + len(content) + len(several[0])]
    values = [
        int.from_bytes(part, "little") if len(part) <= 4 else place
        for part, place in zip(several, places, strict=True)
    ]
    entries = [
        (256, 3, 1, width), (257, 3, 1, height), (258, 3, channels, values[0]), (259, 3, 1, 1),
        (262, 3, 1, photometric), (273, 4, 1, 8), (277, 3, 1, channels), (278, 3, 1, height), (279, 4, 1, len(content)),
        (284, 3, 1, 1), (339, 3, channels, values[1]), *((tag, kind, 1, value) for tag, kind, value in more),
    ]  # fmt: skip
    entries.sort()
    body = content + b"".join(several)
    return (
        b"II*\0"
        + struct.pack("<I", 8 + len(body))
        + body
        + struct.pack("<H", len(entries))
        + b"".join(struct.pack("<HHII", *entry) for entry in entries)
        + bytes(4)
    )


@pytest.mark.parametrize(
    ("array", "numbers", "said"),
    [
        (
            np.repeat(GREY[..., None], 5, 2),
            UNSIGNED,
            "a TIFF with 5 channels of 8-bit unsigned integers",
        ),
        (
            np.repeat(GREY[..., None], 2, 2).astype(np.uint16),
            UNSIGNED,
            "a TIFF with 2 channels of 16-bit unsigned integers",
        ),
        (GREY.astype(np.float64), FLOATS, "a TIFF with 1 channel of 64-bit floats"),
        (
            np.repeat(GREY[..., None], 3, 2).astype(np.float32),
            FLOATS,
            "a TIFF with 3 channels of 32-bit floats",
        ),
        (GREY.astype(np.complex64), 6, "a TIFF with 1 channel of 64-bit complex numbers"),
    ],
)
def test_what_pillow_cannot_decode_is_called_what_it_is(array: np.ndarray, numbers: int, said: str) -> None:
    with pytest.raises(PictureError, match=f"{said}.*not supported; save it as 8-bit grey or RGB"):
        read_picture(tiff(array, numbers), None, 1)


def test_16_bit_colours_become_eight() -> None:
    colour = np.random.default_rng(0).integers(0, 256, (6, 8, 3)).astype(np.uint16)
    np.testing.assert_array_equal(read_picture(tiff(colour * 257, UNSIGNED, 2), None, 3), colour)


def test_numbers_with_a_sign_are_read_if_none_is_below_0() -> None:
    np.testing.assert_array_equal(
        read_picture(tiff((GREY // 2).view(np.int8), SIGNED), None, 1)[..., 0], GREY // 2
    )
    below = (GREY.astype(int) - 60).astype(np.int8)
    with pytest.raises(PictureError, match=r"it contains signed 8-bit values below 0; save it as 8-bit grey"):
        read_picture(tiff(below, SIGNED), None, 1)


def test_a_cameras_raw_file_is_not_taken_for_its_preview() -> None:
    preview, further = (254, 4, 1), (330, 4, 8)
    np.testing.assert_array_equal(read_picture(tiff(GREY, UNSIGNED, more=(preview,)), None, 1)[..., 0], GREY)
    with pytest.raises(PictureError, match="a camera raw file, of which only the small preview can be read"):
        read_picture(tiff(GREY, UNSIGNED, more=(preview, further)), None, 1)


def test_a_damaged_tiff_is_called_damaged() -> None:
    buffer = io.BytesIO()
    Image.fromarray(GREY).save(buffer, "TIFF")
    with pytest.raises(PictureError, match=r"damaged or truncated .it starts like a TIFF"):
        read_picture(buffer.getvalue()[:20], None, 1)
