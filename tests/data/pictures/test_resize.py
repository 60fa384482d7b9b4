from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from picturewise.data.pictures.decode import read_picture
from picturewise.data.pictures.resize import resize, resize_all


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def gradient(height: int = 6, width: int = 10) -> Image.Image:
    rows, columns = np.indices((height, width))
    return Image.fromarray(np.stack([rows * 20, columns * 20, rows + columns], axis=2).astype(np.uint8))


def test_a_file_and_an_array_are_resized_by_the_same_code() -> None:
    content = encoded(gradient(30, 50), "PNG")
    for fit in ("crop", "pad", "stretch"):
        np.testing.assert_array_equal(
            read_picture(content, (16, 16), 3, fit), resize(np.asarray(gradient(30, 50)), (16, 16), mode=fit)
        )


def test_a_picture_of_the_right_size_is_not_touched() -> None:
    image = np.asarray(gradient())
    assert resize(image, (6, 10)) is image
    images = image[np.newaxis]
    assert resize_all(images, (6, 10)) is images
    assert resize_all(images, None) is images


def test_many_grey_pictures_are_resized_one_by_one() -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 1), dtype=np.uint8)
    found = resize_all(images, (4, 6), mode="stretch")
    assert found.shape == (3, 4, 6, 1)
    np.testing.assert_array_equal(found[2], resize(images[2], (4, 6), mode="stretch"))


def triangle(own: int, count: int) -> NDArray[np.int64]:
    """Return the weights (count, own) of one pass over a whole side: triangles, in units of 2^-22."""
    scale = own / count
    width = max(scale, 1.0)
    middles = (np.arange(count)[:, np.newaxis] + 0.5) * scale
    heights = np.maximum(0, 1 - abs((np.arange(own) - middles + 0.5) / width))
    return np.floor(heights / heights.sum(axis=1, keepdims=True) * (1 << 22) + 0.5).astype(np.int64)


def rounded(sums: NDArray[np.int64]) -> NDArray[np.int64]:
    return (sums + (1 << 21)) >> 22


@pytest.mark.parametrize(
    ("own", "size"),
    [
        ((90, 7), (32, 16)),
        ((7, 90), (16, 32)),
        ((40, 40), (28, 28)),
        ((120, 30), (30, 20)),
        ((9, 9), (20, 30)),
    ],
)
def test_rows_come_before_columns_whatever_the_size_and_the_version_of_pillow(
    own: tuple[int, int], size: tuple[int, int]
) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*own, 1), np.uint8)
    narrow = rounded(image[:, :, 0].astype(np.int64) @ triangle(own[1], size[1]).T)
    expected = rounded(triangle(own[0], size[0]) @ narrow)
    np.testing.assert_array_equal(resize(image, size, mode="stretch")[:, :, 0], expected)
