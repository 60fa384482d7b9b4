from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from picturewise.reporting.png_file import png_file


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(5, 7), (1, 1), (300, 2)])
def test_pillow_reads_the_same_pixels(size: tuple[int, int], channels: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (*size, channels), np.uint8)
    found = Image.open(io.BytesIO(png_file(pixels)))
    found.load()
    assert found.info == {}
    np.testing.assert_array_equal(np.asarray(found).reshape(pixels.shape), pixels)


def test_pixels_that_do_not_lie_one_after_the_other_are_written_as_they_are_seen() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (6, 8, 4), np.uint8)[::-1, ::2, :3]
    found = np.asarray(Image.open(io.BytesIO(png_file(pixels))))
    np.testing.assert_array_equal(found, pixels)


def test_the_size_on_paper_is_in_the_file() -> None:
    found = Image.open(io.BytesIO(png_file(np.zeros((2, 3, 3), np.uint8), pixels_per_inch=150)))
    assert found.info["dpi"] == pytest.approx((150, 150), abs=0.02)
