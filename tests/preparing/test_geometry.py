"""Zooms and random crops, against one pixel at a time in NumPy; turns are in test_augment.py."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage, stats

from picturewise.preparing.augment import augment
from picturewise.preparing.augmentation import parse

Pictures = NDArray[np.uint8]


def pixels(batch: int, height: int, width: int, channels: int) -> Pictures:
    return np.random.default_rng(7).integers(1, 256, (batch, height, width, channels), dtype=np.uint8)


def augmented(pictures: NDArray[np.generic], line: str, random: object = None) -> NDArray[np.float32]:
    random = np.random.default_rng(0) if random is None else random
    found, _ = augment(torch.from_numpy(pictures), torch.eye(len(pictures)), parse(line), random)  # type: ignore[arg-type]
    assert (found.dtype, tuple(found.shape)) == (torch.float32, pictures.shape)
    return found.numpy()


class Drawn:
    """In place of a stream of random numbers: returns these, and notes what was asked for."""

    def __init__(self, *numbers: float) -> None:
        self.numbers = list(numbers)
        self.asked: list[tuple[float, float]] = []

    def uniform(self, low: float, high: float, size: int) -> NDArray[np.float64]:
        self.asked.append((low, high))
        return np.full(size, self.numbers.pop(0))


def seen(
    picture: Pictures, top: float, left: float, height: float, width: float, mode: str
) -> NDArray[np.float64]:
    """Return a rectangle of the picture, in pixels, resized to the whole with bilinear interpolation."""
    rows = top + (np.arange(picture.shape[0]) + 0.5) * height / picture.shape[0] - 0.5
    columns = left + (np.arange(picture.shape[1]) + 0.5) * width / picture.shape[1] - 0.5
    places = np.meshgrid(rows, columns, indexing="ij")
    if mode == "nearest":  # the nearest pixel, not zero, where SciPy would interpolate with it
        places = np.clip(places[0], 0, picture.shape[0] - 1), np.clip(places[1], 0, picture.shape[1] - 1)
    return np.stack(
        [
            ndimage.map_coordinates(
                np.pad(picture[..., channel].astype(float), 9), np.add(places, 9), order=1
            )
            for channel in range(picture.shape[2])
        ],
        axis=2,
    )


@given(st.integers(2, 8), st.integers(2, 8), st.floats(0.3, 4))
def test_zoom_enlarges_about_the_centre_and_black_is_outside(height: int, width: int, factor: float) -> None:
    (picture,) = pixels(1, height, width, 3)
    random = Drawn(factor)
    (found,) = augmented(picture[None], "zoom 0.3..4", random)
    assert random.asked == [(0.3, 4)]
    rows, columns = height / factor, width / factor
    expected = seen(picture, (height - rows) / 2, (width - columns) / 2, rows, columns, "zero")
    np.testing.assert_allclose(found, expected, atol=0.02)


@given(
    st.integers(2, 8),
    st.integers(2, 8),
    st.floats(0.08, 1),
    st.floats(0.75, 4 / 3),
    st.floats(-1, 1),
    st.floats(-1, 1),
)
def test_a_random_crop_is_a_rectangle_inside_the_picture_resized_to_the_whole(
    height: int, width: int, share: float, aspect: float, across: float, down: float
) -> None:
    (picture,) = pixels(1, height, width, 3)
    random = Drawn(share, math.log(aspect), across, down)
    (found,) = augmented(picture[None], "crop random 0.08", random)
    assert random.asked == [(0.08, 1), pytest.approx((math.log(3 / 4), math.log(4 / 3))), (-1, 1), (-1, 1)]
    rows, columns = height * min(math.sqrt(share / aspect), 1), width * min(math.sqrt(share * aspect), 1)
    top, left = (height - rows) * (1 + down) / 2, (width - columns) * (1 + across) / 2
    np.testing.assert_allclose(found, seen(picture, top, left, rows, columns, "nearest"), atol=0.02)


def test_the_shares_of_random_crops_are_uniform_and_each_picture_has_its_own() -> None:
    # A ramp in both directions shows how long the sides of the rectangle are.
    ramp = np.stack(np.meshgrid(np.arange(64), np.arange(64)), axis=2).astype(np.uint8)
    found = augmented(np.tile(ramp, (1500, 1, 1, 1)), "crop random 0.2..0.7")
    step = (found[:, 40, 40] - found[:, 20, 20]) / 20  # (N, 2): both sides, relative to the picture's
    assert stats.kstest(step.prod(axis=1), stats.uniform(0.2, 0.5).cdf).pvalue > 0.001
    assert 0.74 < (step[:, 0] / step[:, 1]).min() < (step[:, 0] / step[:, 1]).max() < 1.34


def test_random_crops_reach_all_edges_and_never_beyond() -> None:
    white = np.full((300, 6, 9, 1), 255, np.uint8)
    np.testing.assert_allclose(augmented(white, "crop random 0.1"), 255, atol=0.01)
    corners = np.zeros((3000, 4, 4, 1), np.uint8)
    corners[:, 0, 0] = corners[:, 0, 3] = corners[:, 3, 0] = corners[:, 3, 3] = 255
    found = augmented(corners, "crop random 0.1..0.3")
    for row, column in ((0, 0), (0, 3), (3, 0), (3, 3)):
        assert found[:, row, column].max() > 200
