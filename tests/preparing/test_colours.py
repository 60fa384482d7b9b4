"""Changes of brightness, contrast, colour, hue, blur and noise, against Pillow and one picture at a time in NumPy."""

from __future__ import annotations

import colorsys
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageEnhance
from scipy import ndimage, stats

from picturewise.preparing.augment import augment
from picturewise.preparing.augmentation import parse

Pictures = NDArray[np.uint8]
FACTORS = st.floats(0.1, 3)


def pixels(batch: int, height: int, width: int, channels: int) -> Pictures:
    return np.random.default_rng(7).integers(0, 256, (batch, height, width, channels), dtype=np.uint8)


def augmented(pictures: NDArray[np.generic], lines: str, seed: int = 0) -> NDArray[np.float64]:
    before, targets = torch.from_numpy(pictures.copy()), torch.eye(len(pictures))
    found, same = augment(before, targets, parse(lines), np.random.default_rng(seed))
    assert torch.equal(same, targets)
    assert np.array_equal(before.numpy(), pictures)
    assert (found.dtype, tuple(found.shape)) == (torch.float32, pictures.shape)
    assert 0 <= found.min() <= found.max() <= 255
    return found.numpy().astype(np.float64)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("line", "enhancer"),
    [
        ("brightness", ImageEnhance.Brightness),
        ("contrast", ImageEnhance.Contrast),
        ("colour", ImageEnhance.Color),
    ],
)
@given(factor=FACTORS)
def test_each_change_is_that_of_pillow_but_for_rounding(
    line: str, enhancer: Callable[[Image.Image], ImageEnhance._Enhance], channels: int, factor: float
) -> None:
    pictures = pixels(2, 5, 6, channels)
    found = augmented(pictures, f"{line} {factor:.3f}..{factor:.3f}")
    for before, after in zip(pictures, found, strict=True):
        expected = enhancer(Image.fromarray(before.squeeze())).enhance(round(factor, 3))
        # Pillow rounds the grey and the result, and the grey counts 1 - factor times.
        np.testing.assert_allclose(
            after.squeeze(), np.asarray(expected, np.float64), atol=1.1 + abs(1 - factor)
        )


def test_brightness_darkens_about_black_and_contrast_about_the_mean_of_each_picture() -> None:
    pictures = pixels(3, 4, 5, 1)
    np.testing.assert_allclose(augmented(pictures, "brightness 0.5..0.5"), pictures * 0.5)
    mean = pictures.mean(axis=(1, 2, 3), keepdims=True)
    np.testing.assert_allclose(
        augmented(pictures, "contrast 0.5..0.5"), mean + (pictures - mean) / 2, atol=1e-4
    )


def test_contrast_of_colours_is_about_one_mean_grey() -> None:
    pictures = pixels(4, 6, 5, 3)
    for before, after in zip(pictures, augmented(pictures, "contrast 0.25..0.25"), strict=True):
        grey = float(before.mean(axis=(0, 1)) @ [0.299, 0.587, 0.114])
        np.testing.assert_allclose(after, grey + (before - grey) / 4, atol=1e-4)


@pytest.mark.parametrize("line", ["brightness 0.3..1", "contrast 0.3..1", "colour 0.3..1"])
def test_factors_are_uniform_in_the_range_and_differ_between_pictures(line: str) -> None:
    pictures = np.tile(np.array([[[200, 100, 40], [100, 100, 90]]], np.uint8), (2000, 1, 1, 1))
    found = augmented(pictures, line)
    without = augmented(pictures, f"{line.split(maxsplit=1)[0]} 0.0..0.001")[
        :, 0, 0, 0
    ].mean()  # at a factor of about 0
    factors = (found[:, 0, 0, 0] - without) / (200 - without)
    assert stats.kstest(factors, stats.uniform(0.3, 0.7).cdf).pvalue > 0.001


@given(st.floats(1, 180))
def test_hue_turns_colours_in_yiq_and_keeps_their_grey(degrees: float) -> None:
    pictures = np.random.default_rng(3).integers(110, 146, (8, 1, 2, 3), dtype=np.uint8)  # nothing is cut
    found = augmented(pictures, f"hue {degrees:.3f}")
    turns = []
    for before, after in zip(pictures[:, 0], found[:, 0], strict=True):
        for old, new in zip(before, after, strict=True):
            y, i, q = yiq(old)
            grey, in_phase, quadrature = yiq(new)
            assert grey == pytest.approx(y, abs=0.01)
            assert math.hypot(in_phase, quadrature) == pytest.approx(math.hypot(i, q), abs=0.2)
            turns.append(math.degrees(math.atan2(quadrature, in_phase) - math.atan2(q, i)))
    angles = (np.array(turns).reshape(8, 2) + 180) % 360 - 180
    assert np.abs(angles).max() < degrees + 6


def yiq(pixel: NDArray[np.generic]) -> tuple[float, float, float]:
    """In the units of 0..255: grey as in television, the two axes of colour from the standard library."""
    red, green, blue = (float(channel) / 255 for channel in pixel)
    _, i, q = colorsys.rgb_to_yiq(red, green, blue)
    return 255 * (0.299 * red + 0.587 * green + 0.114 * blue), 255 * i, 255 * q


def test_hue_turns_each_picture_by_its_own_angle_in_both_directions() -> None:
    red = np.tile(np.array([170, 100, 100], np.uint8), (500, 1, 2, 1))
    found = augmented(red, "hue 60")
    np.testing.assert_array_equal(found[:, :, 0], found[:, :, 1])
    _, i, q = yiq(red[0, 0, 0])
    turns = [math.degrees(math.atan2(c, b) - math.atan2(q, i)) for _, b, c in map(yiq, found[:, 0, 0])]
    # The standard library's axes are not quite those of the matrix, so that angles differ by up to a few degrees.
    assert -63 < min(turns) < -50
    assert 50 < max(turns) < 63
    assert abs(np.mean(turns)) < 8


def test_hue_leaves_grey_pixels_as_they_are() -> None:
    grey = np.repeat(pixels(5, 3, 3, 1), 3, axis=3)
    np.testing.assert_allclose(augmented(grey, "hue 180"), grey, atol=0.02)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("deviation", [0.3, 1.0, 1.5, 4.0])
def test_blur_is_a_gaussian_filter_of_three_deviations_that_repeats_the_edge(
    deviation: float, channels: int
) -> None:
    pictures = pixels(3, 7, 11, channels)
    found = augmented(pictures, f"blur {deviation}..{deviation}")
    for before, after in zip(pictures, found, strict=True):
        for channel in range(channels):
            expected = ndimage.gaussian_filter(
                before[..., channel].astype(np.float64),
                deviation,
                mode="nearest",
                radius=math.ceil(3 * deviation),
            )
            np.testing.assert_allclose(after[..., channel], expected, atol=1e-3)


def test_blur_draws_a_deviation_for_each_picture_and_nothing_happens_at_zero() -> None:
    points = np.zeros((2000, 9, 9, 1), np.uint8)
    points[:, 4, 4] = 255
    peaks = augmented(points, "blur 1")[:, 4, 4, 0]
    assert peaks.max() == pytest.approx(255)
    assert peaks.min() == pytest.approx(
        255 / (1 + 2 * sum(math.exp(-0.5 * d * d) for d in (1, 2, 3))) ** 2, rel=0.01
    )


def test_noise_is_normal_with_its_own_deviation_in_each_picture() -> None:
    pictures = np.full((200, 20, 20, 3), 128, np.uint8)
    found = augmented(pictures, "noise 20") - 128
    deviations = found.std(axis=(1, 2, 3))
    assert stats.kstest(deviations, stats.uniform(0, 20).cdf).pvalue > 0.001
    standard = (found / deviations[:, None, None, None])[deviations > 1]
    assert abs(standard.mean()) < 0.02
    assert stats.kstest(standard.ravel()[::7], stats.norm.cdf).pvalue > 0.001
    assert abs(np.corrcoef(found[..., 0].ravel(), found[..., 1].ravel())[0, 1]) < 0.02  # each channel its own


def test_noise_is_cut_at_black_and_white() -> None:
    found = augmented(np.array([0, 255] * 50, np.uint8).reshape(1, 10, 10, 1), "noise 100..100")
    assert (found.min(), found.max()) == (0, 255)


def test_floats_are_changed_like_whole_numbers() -> None:
    pictures = pixels(4, 6, 5, 3)
    for line in ("brightness", "contrast", "colour", "hue", "blur", "noise"):
        floats = augmented(pictures.astype(np.float32), line)
        np.testing.assert_array_equal(floats, augmented(pictures, line))
